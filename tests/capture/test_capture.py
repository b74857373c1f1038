"""Captures: what is written is read, and what is broken is named by file and line."""

import random
import resource
from pathlib import Path

import pytest

from feedhandler.capture.frames_file import CaptureError, Frame, parse_frame, read_frames
from feedhandler.capture.writer import CaptureWriteError, FrameWriter, check_name

FRAMES = [
    Frame(t=1, kind="rest", url="https://x/y?z=1", conn="http", data=b'{"a":[1.50,"\xc3\xa9"]}'),
    Frame(t=2, dir="open", url="wss://x", conn="1"),
    Frame(t=3, dir="out", url="wss://x", conn="1", data=b"ping"),
    Frame(t=None, url="wss://x", conn="1", data=b'{"b": "\\n \\u00e9"}'),
    Frame(t=5, url="wss://x", conn="1", data=b"\xff\x00 not UTF-8"),
    Frame(t=5, url="wss://x", conn="1", data=b"inflated", enc="gzip"),
    Frame(kind="rest", dir="out", url="https://x/info", data=b'{"a": 1}', req='{"a": 1}'),
    Frame(kind="rest", url="https://x/info", data=b"[]", req=""),
    Frame(t=6, dir="close", url="wss://x", conn="1"),
]
SUFFIXES = ["ndjson", "ndjson.gz", "ndjson.zst"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_written_is_read(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"capture.{suffix}"
    with FrameWriter(path, venue="okx") as writer:
        for frame in FRAMES:
            writer.write(frame)
    first, *rest = read_frames(path)
    assert first.venue == "okx"
    assert [first.data, *(frame.data for frame in rest)] == [frame.data for frame in FRAMES]
    assert rest == FRAMES[1:]
    assert writer.frames == len(FRAMES)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_was_flushed_survives_a_kill(suffix: str, tmp_path: Path) -> None:
    path, cut = tmp_path / f"capture.{suffix}", tmp_path / f"cut.{suffix}"
    with FrameWriter(path) as writer:
        for frame in FRAMES:
            writer.write(frame)
        writer.flush()
        writer.write(FRAMES[0])
        cut.write_bytes(path.read_bytes())
    source = read_frames(cut)
    assert [next(source) for _ in FRAMES] == FRAMES
    assert next(source, None) is None


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_disk_that_is_full_leaves_a_whole_capture(suffix: str, tmp_path: Path) -> None:
    """A file may become no longer than two of its three parts, and a bit."""
    path, free = tmp_path / f"capture.{suffix}", tmp_path / f"free.{suffix}"
    noise = [random.Random(n).randbytes(40_000).hex().encode() for n in range(39)]
    frames = [Frame(t=n, data=data) for n, data in enumerate(noise)]
    sizes = []
    with FrameWriter(free) as writer:
        for frame in frames:
            writer.write(frame)
            if (size := free.stat().st_size) not in sizes:
                sizes.append(size)
    assert len(sizes) == 3
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (sizes[2] + 1000, hard))
    writer = FrameWriter(path)
    try:
        for frame in frames:
            writer.write(frame)
        with pytest.raises(CaptureWriteError, match="File too large") as caught:
            writer.close()
        with pytest.raises(CaptureWriteError):
            writer.write(frames[0])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.stat().st_size == sizes[2]
    found = list(read_frames(path))
    assert found == frames[: len(found)]
    assert 20 < len(found) == writer.frames < len(frames)
    assert f"its first {len(found)} frames" in str(caught.value)
    assert caught.value.filename == str(path)


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "capture.ndjson"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        FrameWriter(path)
    assert path.read_text() == "mine"
    with FrameWriter(path, force=True) as writer:
        writer.write(FRAMES[0])
    assert list(read_frames(path)) == FRAMES[:1]
    FrameWriter("/dev/null").close()


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("x.ndjson", True), ("x.jsonl.gz", True), ("x.zst", True), ("okx", True),
        ("okx-2026.07.01.gz", True), ("x.parquet", False), ("x.parquet.zst", False),
        ("x.csv", False), ("x.json", False), ("x.ndjson.bz2", False),
    ],
)  # fmt: skip
def test_a_name_promises_no_other_format(name: str, allowed: bool) -> None:
    if allowed:
        check_name(Path(name))
    else:
        with pytest.raises(ValueError, match=r"its name ends with \.ndjson, .*\.ndjson\.zst"):
            check_name(Path(name))


@pytest.mark.parametrize("suffix", ["ndjson.gz", "ndjson.zst"])
def test_compressed_data_that_breaks_off_is_said(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"capture.{suffix}"
    with FrameWriter(path) as writer:
        for number in range(1000):
            writer.write(Frame(t=number, data=b"%d" % (number * 7919)))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CaptureError, match="breaks off"):
        list(read_frames(path))


def test_compression_is_told_by_the_content(tmp_path: Path) -> None:
    path = tmp_path / "capture.zst"
    with FrameWriter(path) as writer:
        writer.write(FRAMES[2])
    renamed = path.rename(tmp_path / "capture")
    assert list(read_frames(renamed)) == [FRAMES[2]]


@pytest.mark.parametrize(
    ("line", "frame"),
    [
        (b'{"data":"x"}', Frame(data=b"x")),
        (b'{"url":"https://a","data":"x"}', Frame(kind="rest", url="https://a", data=b"x")),
        (b'{"t":null,"dir":null,"conn":7,"data":"x"}', Frame(conn="7", data=b"x")),
        (b'{"t":1.5e18,"src":"there","data":"x"}', Frame(t=15 * 10**17, data=b"x")),
        (b'{"dir":"open"}', Frame(dir="open")),
        (b'{"enc":"gzip","wire_b64":"eHl6"}', Frame(data=b"xyz")),
        (b'{"enc":"gzip","data":"x"}', Frame(data=b"x", enc="gzip")),
        (b'{"enc":"base64","data":"eHl6"}', Frame(data=b"xyz")),
    ],
)  # fmt: skip
def test_keys_may_be_missing_or_unknown(line: bytes, frame: Frame) -> None:
    assert parse_frame(line) == frame


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"{", "not a JSON object"),
        (b"[]", "not a frame"),
        (b'{"url":"wss://[","data":"x"}', "url 'wss://\\['"),
        (b"\xff", "not a JSON object"),
        (b'{"data":{"a":1}}', r"not a frame: .*\$\.data"),
        (b'{"t":1}', "no data"),
        (b'{"data":null}', "no data"),
        (b'{"kind":"tcp","data":""}', "kind 'tcp': 'ws' or 'rest'"),
        (b'{"dir":"up","data":""}', "dir 'up': 'in', 'out'"),
        (b'{"t":1e30,"data":""}', "t 1e"),
        (b'{"t":"1","data":""}', r"\$\.t"),
        (b'{"enc":"base64","data":"%"}', "turned into bytes"),
        (b'{"wire_b64":"%"}', "turned into bytes"),
        (b'{"a":' * 100_000, "not a JSON object"),
    ],
)
def test_a_broken_line_is_named(line: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "capture.ndjson"
    path.write_bytes(b'{"data":"x"}\n\n' + line + b'\n{"data":"y"}\n')
    with pytest.raises(CaptureError, match=words) as caught:
        list(read_frames(path))
    assert (caught.value.path, caught.value.line) == (path, 3)
    assert str(caught.value).startswith(f"{path}:3: ")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="No such file") as caught:
        list(read_frames(tmp_path / "none"))
    assert caught.value.line == 0
    with pytest.raises(CaptureError, match="cannot be read"):
        list(read_frames(tmp_path))
