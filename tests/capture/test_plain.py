"""Frames as people have them, one a line; and beside them what was asked for over REST."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedhandler.capture.frames_file import Frame, read_frames
from feedhandler.capture.plain import as_capture

BOOK = '{"s":"btc","bids":[["67000.10","1e-5"]]}'


def read(folder: Path, *lines: str) -> list[Frame]:
    path = folder / "frames"
    path.write_text("\n".join(lines))
    with as_capture(path) as capture:
        return list(read_frames(capture))


@pytest.mark.parametrize(
    "data", [BOOK, '"{\\"s\\":\\"btc\\",\\"bids\\":[[\\"67000.10\\",\\"1e-5\\"]]}"']
)
def test_an_answer_is_a_line_with_its_url(tmp_path: Path, data: str) -> None:
    frame, answer = read(tmp_path, "pong", f'{{"url":"https://x/depth?sym=btc","data":{data}}}')
    assert (frame.kind, frame.data) == ("ws", b"pong")
    assert (answer.kind, answer.url) == ("rest", "https://x/depth?sym=btc")
    assert answer.data == BOOK.encode()  # to the last byte


@pytest.mark.parametrize(
    "line",
    [
        '{"url":"https://x","data":{},"topic":"news"}',  # a frame that has these, too
        '{"url":"icon.png","data":1}',
        '{"url":1,"data":1}',
        '{"url":"https://x"}',
        "[1,2]",
    ],
)
def test_a_frame_stays_a_frame(tmp_path: Path, line: str) -> None:
    (frame,) = read(tmp_path, line)
    assert (frame.kind, frame.data) == ("ws", line.encode())
