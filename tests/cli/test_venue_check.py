"""`feedhandler venue check`: what it says of frames, and where they stop being what is declared."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.cli.support import COMMAND, Terminal, json_of, run
from tests.kit.recordings import recorded

EXAMPLE = Path(__file__).parents[2] / "scripts" / "examples" / "venue"
VENUE, FRAMES = str(EXAMPLE / "my_cryptocom.py"), EXAMPLE / "frames.ndjson"
LIST = (EXAMPLE / "instruments.json").read_text()


def payloads() -> list[str]:
    return FRAMES.read_text().splitlines()


def captured(path: Path, listed: str = LIST) -> Path:
    """A capture of the same frames, behind the list of instruments."""
    rest = "https://api.crypto.com/exchange/v1/public/get-instruments"
    lines: list[dict[str, Any]] = [{"kind": "rest", "dir": "in", "url": rest, "data": listed}]
    lines += [{"kind": "ws", "dir": "in", "conn": "1", "data": one} for one in payloads()]
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def checked(path: Path, venue: str = VENUE, *, code: int = 0) -> dict[str, Any]:
    result = run("venue", "check", venue, "--frames", str(path), "--json")
    assert result.returncode == code, result.stderr
    told: dict[str, Any] = json_of(result)
    return told


def by_kind(told: dict[str, Any]) -> dict[str, int]:
    counts = Counter[str]()
    for one in told["shapes"]:
        counts[one["kind"]] += one["frames"]
    return counts


def test_a_capture_is_read_to_its_last_frame(tmp_path: Path) -> None:
    told = checked(captured(tmp_path / "whole.ndjson"))
    assert by_kind(told) == {
        "snapshot": 1, "book": 2, "trade": 1, "ticker": 1,
        "ASKED": 1, "ACK": 3, "UNSUBSCRIBED": 1, "REJECTED": 1, "ERROR": 0,
    }  # fmt: skip
    assert told["left"] == told["problems"] == []
    assert [one["name"] for one in told["listed"]] == ["BTC-USD", "BTC-USD-PERP", "CRO-USD"]
    assert [one["missing"] for one in told["channels"]] == ["", "", ""]
    assert told["busiest"] == "BTC_USD"
    assert told["book"]["bids"][0] == ["67000.1", "0.42"]
    assert told["counters"]["gaps"] == told["counters"]["malformed"] == 0


def test_plain_frames_come_from_files_and_pipes(tmp_path: Path) -> None:
    text = FRAMES.read_bytes()
    packed = tmp_path / "frames.gz"
    packed.write_bytes(gzip.compress(text))
    whole = by_kind(checked(captured(tmp_path / "whole.ndjson")))
    assert by_kind(checked(FRAMES)) == by_kind(checked(packed)) == whole
    command = [*COMMAND, "venue", "check", VENUE, "--frames", "-", "--json"]
    piped = subprocess.run(command, input=text, capture_output=True, check=True)
    assert by_kind(json.loads(piped.stdout)) == whole


def test_what_is_left_over_is_told_by_its_nearest_shape(tmp_path: Path) -> None:
    book = next(frame for frame in payloads() if '"book.update"' in frame)
    odd = [
        book.replace('"pu":', '"previous":'),
        book.replace('"update":', '"changes":'),
        book.replace('"update":', '"changes":').replace("BTC_USD", "ETH_USD"),
        '{"id":9,"method":"auth","code":0}',
        '{"id":9',
    ]
    path = tmp_path / "odd.txt"
    path.write_text("\n".join([*payloads(), *odd]))
    told = checked(path, code=1)
    left = [(one["what"], one["near"], one["stop"], one["frames"]) for one in told["left"]]
    assert left[:3] == [
        ("malformed", "book", ".result.data[0].pu: missing", 1),
        ("malformed", "book", ".result.data[0].update: missing", 2),
        ("left over", "UNSUBSCRIBED", '.method: "auth", not "unsubscribe"', 1),
    ]
    assert left[3][2] == "the top: no JSON"
    assert told["left"][0]["quoted"] == odd[0]
    assert told["counters"]["malformed"] >= 3


def test_what_is_left_of_several_instruments_is_one_reason() -> None:
    told = checked(recorded("htx/cryptofeed_huobi.ndjson.gz"), "htx", code=1)
    depths = [one for one in told["left"] if ".depth.step0" in one["quoted"]]
    assert len(depths) == 1
    assert sum(one["frames"] for one in depths) == 292
    assert depths[0]["stop"].startswith('.ch: "market.')


def test_numbers_that_acknowledgements_taught_tell_shapes_apart() -> None:
    told = checked(recorded("bitfinex/cryptofeed_bitfinex.ndjson.gz"), "bitfinex")
    read = [(one["kind"], one["frames"]) for one in told["shapes"] if one["frames"]]
    assert ("snapshot", 7) in read
    assert ("quote", 21) in read
    assert sum(n for kind, n in read if kind in ("snapshot", "book")) == 1600


def test_what_a_channel_lacks_is_said(tmp_path: Path) -> None:
    path = tmp_path / "late.txt"
    path.write_text("\n".join(f for f in payloads() if '"channel":"book"' not in f))
    told = checked(path)
    assert told["channels"][0]["missing"] == "no snapshot: no book can begin"
    path.write_text("\n".join(f for f in payloads() if '"trade"' not in f))
    told = checked(path)
    assert told["channels"][1]["missing"] == "nothing came"


def test_a_list_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    wrong = LIST.replace('"code":0', '"code":7,"message":"busy"')
    told = checked(captured(tmp_path / "listed.ndjson", wrong), code=1)
    assert told["problems"][0].startswith("line 1: the list of instruments: ")
    path = tmp_path / "instruments.json"
    path.write_text(wrong)
    result = run("venue", "check", VENUE, "--frames", str(FRAMES), "--instruments", str(path))
    assert result.returncode == 1
    assert f"{path}: the list of instruments: " in result.stderr
    assert "busy" in result.stderr


@pytest.mark.parametrize("columns", [80, 200])
def test_people_see_a_table_a_reason_and_a_book(
    tmp_path: Path, namespace: str, columns: int
) -> None:
    path = tmp_path / "odd.txt"
    path.write_text("\n".join([*payloads(), '{"id":9,"method":"auth","code":0}']))
    arguments = ("venue", "check", VENUE, "--frames", str(path))
    with Terminal(*arguments, namespace=namespace, columns=columns) as terminal:
        assert terminal.finish() == 1
        lines = [line.rstrip() for line in terminal.lines()]
    assert max(map(len, lines[1:])) <= columns
    text = "\n".join(lines)
    assert '  .method: "auth", not "unsubscribe"' in lines
    assert "ERROR" in text
    assert any(line.startswith("BTC_USD  LIVE") for line in lines)
    assert any("67000.1" in line and "67000.4" in line for line in lines)


def test_shapes_that_begin_alike_are_shown_from_where_they_differ() -> None:
    result = run("venue", "check", "kraken-futures", "--frames", str(FRAMES), COLUMNS="80")
    shown = [line.split("none")[0] for line in result.stdout.splitlines() if "trade  " in line]
    assert len(shown) >= 5
    assert len(set(shown)) == len(shown)


def test_a_venue_that_is_none_is_said(tmp_path: Path) -> None:
    frames = ("--frames", str(FRAMES))
    wrong = run("venue", "check", "okz", *frames)
    assert wrong.returncode == 2
    assert "did you mean 'okx'" in wrong.stderr
    missing = run("venue", "check", VENUE, "--frames", str(tmp_path / "none"))
    assert missing.returncode == 2
    assert "cannot be read" in missing.stderr
    (tmp_path / "empty").write_bytes(b"")
    empty = run("venue", "check", VENUE, "--frames", str(tmp_path / "empty"))
    assert empty.returncode == 2
    assert f"{tmp_path / 'empty'}: no frame is in it" in empty.stderr


def test_what_cannot_be_printed_is_not(tmp_path: Path) -> None:
    path = tmp_path / "odd.txt"
    deep = b'{"url":' + b"[" * 100_000 + b"\n"  # no reader goes down there
    odd = b'{"id":1,"method":"\xc2\x9b2J"}\n{"a":"\x1b]0;mine\x07"}\n\x00\x1b[2J\xff\n'
    path.write_bytes(deep + odd)
    result = run("venue", "check", VENUE, "--frames", str(path))
    assert result.returncode == 1
    assert not {"\x1b", "\x07", "\x00", "\x9b"} & {*result.stdout}


@pytest.mark.parametrize(
    ("venue", "name"),
    [
        ("okx", "okx/cryptofeed_okx.ndjson.gz"),
        ("kraken-futures", "kraken_futures/cryptofeed_kraken_futures.ndjson.gz"),
        ("coinbase", "coinbase_adv/cryptofeed_v3_coinbase_2026.ndjson.gz"),
    ],
)
def test_recordings_of_ours_leave_books_standing(venue: str, name: str) -> None:
    result = run("venue", "check", venue, "--frames", str(recorded(name)), "--json")
    told = json_of(result)
    assert told["counters"]["malformed"] == told["counters"]["gaps"] == 0
    assert told["book"]["bids"], told["left"]


@pytest.mark.parametrize("hole", ["time_us", "time_ns"])
def test_a_time_in_another_unit_is_noticed(tmp_path: Path, hole: str) -> None:
    venue = tmp_path / "other.py"
    venue.write_text(Path(VENUE).read_text().replace("$time_ms", f"${hole}"))
    told = checked(captured(tmp_path / "whole.ndjson"), str(venue), code=1)
    assert len(told["problems"]) == 4  # once for each shape
    assert all(f"${hole}: " in one and "is of before 2009" in one for one in told["problems"])
