"""The example readers in C, C++ and Rust: record for record what was written and Python reads."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import shm
from shm import _native, segment
from tests.kit.tools import need
from tests.proof.compiled import build, run_compiler
from tests.proof.header import ROOT

EXAMPLES = ROOT / "scripts" / "examples"
DEADLINE = 20.0
FIELDS = (
    *("sequence", "instrument", "kind", "flags", "side", "precision", "exchange_ns"),
    *("receive_ns", "venue_sequence", "price", "size", "publish_delta_ns", "aux"),
    *("price_exponent", "size_exponent"),
)
NAMES = _native.names()
KIND, FLAG, STATE = NAMES["kind"], NAMES["flag"], NAMES["state"]
VENUE = "deribit"
Record = tuple[int, ...]


COMPILERS = {
    "c": ("cc", "-std=c11", "-O2"),
    "cpp": ("c++", "-std=c++17", "-O2"),
    "rs": ("rustc", "--edition", "2021", "-O", "-D", "warnings"),
}


@pytest.fixture(scope="module", params=list(COMPILERS))
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler, *options = COMPILERS[request.param]
    need(compiler)
    source = EXAMPLES / f"reader.{request.param}"
    target = tmp_path_factory.mktemp("readers") / "reader"
    if compiler == "rustc":  # it knows of no header: docs/memory.md is all that it has
        return run_compiler([compiler, *options, "-o", str(target), str(source)], target)
    return build(compiler, source, target, *options)


class Reader:
    """A running example; its lines are collected while the test waits for something."""

    def __init__(self, program: Path, namespace: str, *options: str) -> None:
        self.process = subprocess.Popen(
            [str(program), VENUE, "--namespace", namespace, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.out, self.err = b"", b""

    def pump(self, wanted: bytes = b"", lines: int = 0) -> None:
        """Read until stderr has `wanted` and stdout `lines` lines; both 0: until it ends."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        streams = {self.process.stdout.fileno(), self.process.stderr.fileno()}
        deadline = time.monotonic() + DEADLINE
        while streams:
            if (wanted or lines) and wanted in self.err and self.out.count(b"\n") >= lines:
                return
            left = deadline - time.monotonic()
            assert left > 0, f"waited for {wanted!r}, {lines} lines: {self.err!r} {self.out!r}"
            ready, _, _ = select.select(list(streams), [], [], left)
            for fd in ready:
                some = os.read(fd, 1 << 16)
                if not some:
                    streams.discard(fd)
                elif fd == self.process.stdout.fileno():
                    self.out += some
                else:
                    self.err += some
        ended_early = bool(wanted or lines)
        assert not ended_early, f"ended before {wanted!r}, {lines} lines: {self.err!r}"

    def end(self) -> int:
        self.pump()
        return self.process.wait(DEADLINE)

    def records(self) -> list[Record]:
        return [tuple(map(int, line.split())) for line in self.out.decode().splitlines()]

    def close(self) -> None:
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@pytest.fixture
def writing(namespace: str) -> Iterator[segment.WriterSegment]:
    with segment.create(
        VENUE, namespace=namespace, instruments=4, depth=5, ring_slots=1 << 12, connections=1
    ) as made:
        for symbol in ("BTC-PERPETUAL", "ETH-PERPETUAL"):
            made.writer.directory_add(
                {
                    "symbol": symbol,
                    "name": symbol,
                    "price_exponents": [-1, -2, -3, 0, 0, 0, 0, 0],
                    "size_exponents": [0, -4, 2, 0, 0, 0, 0, 0],
                    "precision": 2,
                }
            )
        yield made


def _write(writer: _native.Writer, messages: int, seed: int) -> int:
    """Messages of every kind and length, extremes included; the number of records."""
    chance = random.Random(seed)
    before = writer.next_sequence
    extremes = (_native.NONE, (1 << 63) - 1, -1, 0, 1)
    for n in range(messages):
        rows = []
        for _ in range(chance.choice((1, 1, 2, 7, 40))):
            price = chance.choice((*extremes, chance.getrandbits(62)))
            size = chance.choice((*extremes, chance.getrandbits(40)))
            kind = chance.choice(list(KIND.values()))
            rows.append((kind, chance.randrange(2), price, size, chance.getrandbits(32)))
        writer.message(
            chance.choice((0, 1, None)),
            rows,
            flags=chance.choice((0, FLAG["SNAPSHOT"], FLAG["REPLAY"])),
            precision=chance.randrange(3),
            exchange_ns=chance.getrandbits(60),
            receive_ns=chance.getrandbits(60),
            venue_sequence=chance.getrandbits(64),
        )
        if n % 3 == 0:
            writer.publish()
            writer.wake()
    writer.publish()
    writer.wake()
    return writer.next_sequence - before


def _python(events: shm.Events) -> list[Record]:
    """All that Python's reader gets until the writer ends."""
    batches = []
    try:
        while True:
            batch = events.poll()
            if batch is not None:
                batches.append(batch)
    except shm.WriterLost:
        pass
    rows = np.concatenate(batches)
    return [tuple(int(row[name]) for name in FIELDS) for row in rows]


def test_records_are_those_that_python_reads(
    program: Path, namespace: str, writing: segment.WriterSegment
) -> None:
    with shm.attach(VENUE, namespace=namespace) as feed:
        events = feed.events(start="oldest", raw=True, reattach=False)
        written = 1 + _write(writing.writer, 60, seed=1)  # and the WRITER record at the start
        reader = Reader(program, namespace, "--oldest")
        try:
            reader.pump(b"attached", written)
            written += _write(writing.writer, 100, seed=2)
            reader.pump(b"attached", written)
            writing.writer.close()
            assert reader.end() == 0, reader.err
            assert b"lost" not in reader.err
            assert reader.records() == _python(events)
            assert [record[0] for record in reader.records()] == list(range(1, written + 2))
        finally:
            reader.close()


def test_fields_are_what_was_written(
    program: Path, namespace: str, writing: segment.WriterSegment
) -> None:
    """Against the writer's own arguments: no reader of ours between."""
    writing.writer.message(
        1,
        [(KIND["TRADE"], 1, -5, 7, 9), (KIND["STAT"], 0, 65, -2, 6)],
        flags=FLAG["SNAPSHOT"],
        precision=1,
        exchange_ns=11,
        receive_ns=22,
        venue_sequence=(1 << 64) - 1,
    )
    writing.writer.publish()
    reader = Reader(program, namespace, "--oldest")
    try:
        reader.pump(b"attached", 3)
        writing.writer.close()
        assert reader.end() == 0, reader.err
        start, trade, stat, stop = reader.records()
    finally:
        reader.close()
    saturated, first, last = (1 << 32) - 1, FLAG["FIRST"], FLAG["LAST"]
    snapshot = FLAG["SNAPSHOT"]
    assert start[:6] == (1, _native.NO_INSTRUMENT, KIND["WRITER"], first | last, 0, 0)
    assert trade == (
        *(2, 1, KIND["TRADE"], first | snapshot, 1, 1, 11, 22, (1 << 64) - 1),
        *(-5, 7, saturated, 9, -2, -4),
    )
    assert stat == (
        *(3, 1, KIND["STAT"], last | snapshot, 0, 1, 11, 22, (1 << 64) - 1),
        *(65, -2, saturated, 6, 0, 0),
    )
    assert (stop[2], stop[9]) == (KIND["WRITER"], 0)


def test_an_overrun_is_counted(
    program: Path, namespace: str, writing: segment.WriterSegment
) -> None:
    reader = Reader(program, namespace, "--oldest")
    try:
        reader.pump(b"attached", 1)
        os.kill(reader.process.pid, signal.SIGSTOP)
        records = 3 * (1 << 12)
        for _ in range(records):
            writing.writer.message(0, [(KIND["TRADE"], 0, 1, 1)])
        writing.writer.publish()
        os.kill(reader.process.pid, signal.SIGCONT)
        reader.pump(b"lost")
        writing.writer.wake()
        writing.writer.close()
        assert reader.end() == 0, reader.err
        lost = sum(int(line.split()[1]) for line in reader.err.splitlines() if b"lost" in line)
        assert lost + len(reader.records()) == 1 + records + 1
    finally:
        reader.close()


def test_quotes_are_the_cells(
    program: Path, namespace: str, writing: segment.WriterSegment
) -> None:
    writer = writing.writer
    reader = Reader(program, namespace, "--quotes")
    try:
        reader.pump(b"attached")
        sequence = writer.message(0, [(KIND["QUOTE"], 0, 1000005, 30), (KIND["QUOTE"], 1, 1, 2)])
        writer.quote_store(
            0,
            {
                "ring_sequence": sequence,
                "bid_price": 1000005,
                "bid_size": 30,
                "ask_price": 1000010,
                "ask_size": 12345,
                "price_exponent": -1,
                "size_exponent": -2,
                "state": STATE["LIVE"],
            },
        )
        writer.publish()
        writer.wake()
        reader.pump(lines=1)
        assert reader.out == b"BTC-PERPETUAL 0.30 100000.5 100001.0 123.45 LIVE\n"
    finally:
        reader.close()


_VICTIM = """
import os, sys, signal
from shm import segment
made = segment.create("deribit", namespace=sys.argv[1], instruments=4, depth=5, ring_slots=64)
for n in range(5):
    made.writer.message(None, [(8, 0, 1, 0)])
made.writer.publish()
print("ready", flush=True)
signal.pause()
"""


def test_a_killed_writer_ends_the_reader(program: Path, namespace: str) -> None:
    victim = subprocess.Popen(
        [sys.executable, "-c", _VICTIM, namespace], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert victim.stdout is not None
    try:
        assert victim.stdout.readline() == b"ready\n"
        reader = Reader(program, namespace, "--oldest")
        try:
            reader.pump(b"attached", 6)
            victim.kill()
            assert reader.end() == 0, reader.err
            assert len(reader.records()) == 6
        finally:
            reader.close()
    finally:
        victim.kill()
        victim.wait()
        victim.stdout.close()
