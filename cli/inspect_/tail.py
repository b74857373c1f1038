"""`feedhandler inspect tail`: the event ring, record by record."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from feedhandler import number_text
from feedhandler.cli import complete
from feedhandler.cli.errors import CliError
from feedhandler.cli.inspect_.memory import find, open_venue
from feedhandler.cli.inspect_.records import Describer, heading, line
from feedhandler.cli.options import json_option, namespace_option
from feedhandler.cli.output import cut, dim, echo, screen_width

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from shm.inspect import Memory

_CHUNK = 4096
_POLL_S = 0.02


@click.command()
@click.argument("venue", shell_complete=complete.venues)
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("-n", "count", type=click.IntRange(0), help="How many records.  [default: 10]")
@click.option("-i", "--instrument", "symbols", multiple=True, help="Only of this; repeatable.")
@click.option("--kind", "-k", "kinds", multiple=True, help="Only these: trade, level, state, ...")
@click.option("--from", "first", type=click.IntRange(1), help="Begin at this sequence.")
@namespace_option
@json_option
def tail(
    venue: str,
    follow: bool,
    count: int | None,
    symbols: tuple[str, ...],
    kinds: tuple[str, ...],
    first: int | None,
    namespace: str,
    as_json: bool,
) -> None:
    """Show the last records of a VENUE's event ring.

    One record a line: sequence, time of receipt (UTC), instrument, kind, marks, content. The marks:
    ( and ) the first and the last of a venue message, S part of a snapshot, R replayed, + more of
    the message follows. With --json an object a line. Records that were overwritten before they
    could be read are counted, not passed over in silence.

    \b
    feedhandler inspect tail deribit -n 20
    feedhandler inspect tail okx -f -i BTC-USDT -k trade
    feedhandler inspect tail okx --from 1000 -n 5 --json
    """
    memory = open_venue(namespace, venue)
    reader = _Reader(memory, symbols, kinds, as_json)
    published = memory.segment.published
    oldest = max(1, published - memory.segment.slots + 1)
    if first is not None:
        if first > published + 1:
            raise CliError(f"--from {first}: the newest record is {published}")
        reader.to(first, published, most=count if not follow else None)
    else:
        reader.last(oldest, published, 10 if count is None else count)
    if follow:
        _follow(reader, published + 1)


def _follow(reader: _Reader, at: int) -> None:
    """Go on from a sequence, over the epochs of the writer."""
    memory = reader.memory
    while True:
        published = memory.segment.published
        if published >= at:
            reader.to(at, published)
            at = published + 1
            continue
        if memory.writer != "alive" and memory.segment.published < at:
            memory = _next_epoch(memory, reader)
            at = 1
            continue
        time.sleep(_POLL_S)


def _next_epoch(memory: Memory, reader: _Reader) -> Memory:
    """Wait for the writer's next start."""
    from shm.errors import ShmError

    reader.remark(f"the writer of epoch {memory.epoch} is gone ({memory.writer}); waiting")
    while True:
        try:
            newer = open_venue(memory.namespace, memory.venue)
        except ShmError:
            newer = None
        if newer is not None and newer.epoch != memory.epoch:
            reader.remark(f"epoch {newer.epoch}")
            reader.turn_to(newer)
            return newer
        if newer is not None:
            newer.close()
        time.sleep(0.1)


class _Reader:
    """Reads, filters and prints."""

    def __init__(
        self, memory: Memory, symbols: Sequence[str], kinds: Sequence[str], as_json: bool
    ) -> None:
        self._symbols = symbols
        self._kinds = [_kind(each) for name in kinds for each in name.split(",")]
        self._json = as_json
        self._rows: list[int] = []
        self._headed = False
        self.turn_to(memory)
        self._rows = [find(memory, symbol).id for symbol in symbols]

    def turn_to(self, memory: Memory) -> None:
        """Read another epoch, whose directory numbers the instruments anew."""
        self.memory = memory
        self._describer = Describer(memory)
        self._rows = []
        self._width = screen_width()

    def _wanted(self, rows: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
        import numpy as np

        if self._kinds:
            rows = rows[np.isin(rows["kind"], self._kinds)]
        if self._symbols and len(rows):
            if len(self._rows) < len(self._symbols):
                listed = {i.symbol: i.id for i in self.memory.instruments()}
                listed |= {i.name: i.id for i in self.memory.instruments()}
                self._rows = [listed[symbol] for symbol in self._symbols if symbol in listed]
            rows = rows[np.isin(rows["instrument"], self._rows)]
        return rows

    def _read(self, first: int, last: int) -> tuple[npt.NDArray[np.void], int]:
        """(whole records, how many were overwritten before they could be read)"""
        from shm import _native

        rows = self.memory.slots(first, last)
        whole = rows[rows["status"] == _native.READ_OK]
        return whole, len(rows) - len(whole)

    def to(self, first: int, last: int, most: int | None = None) -> None:
        """Print the wanted ones of first..last, both included; at most `most` of them."""
        oldest = max(first, self.memory.segment.published - self.memory.segment.slots + 1)
        lost = oldest - first
        at = oldest
        while at <= last and (most is None or most > 0):
            end = min(last, at + _CHUNK - 1)
            rows, missed = self._read(at, end)
            if lost + missed:
                self.lost(lost + missed)
                lost = 0
            rows = self._wanted(rows)[: most if most is not None else None]
            self._print(rows)
            if most is not None:
                most -= len(rows)
            at = end + 1
        if lost:
            self.lost(lost)

    def last(self, oldest: int, published: int, count: int) -> None:
        """Print the last `count` wanted ones."""
        if not count or published < oldest:
            return
        import numpy as np

        found: list[npt.NDArray[np.void]] = []
        left, end = count, published
        while left > 0 and end >= oldest:
            begin = max(oldest, end - _CHUNK + 1)
            rows = self._wanted(self._read(begin, end)[0])[-left:]
            found.insert(0, rows)
            left -= len(rows)
            end = begin - 1
        self._print(np.concatenate(found))

    def _print(self, rows: npt.NDArray[np.void]) -> None:
        if not len(rows):
            return
        import orjson

        records = [self._describer.record(row) for row in rows]
        if self._json:
            text = "\n".join(orjson.dumps(record).decode() for record in records)
        else:
            wide = self._width is None or self._width >= 90
            digits = max(8, len(str(self.memory.segment.published)))
            shown = self._describer.lined_up(records)
            shown = self._describer.in_columns(shown) if wide else shown
            texts = [line(record, wide=wide, digits=digits) for record in shown]
            if not self._headed:
                self._headed = True
                texts.insert(0, dim(heading(timed=True, wide=wide, digits=digits)))
            text = "\n".join(cut(each, self._width) if self._width else each for each in texts)
        echo(text)

    def lost(self, count: int) -> None:
        """Say how many records were overwritten before they could be read."""
        if self._json:
            self._object({"lost": count, "venue": self.memory.venue})
        else:
            said = f"{number_text.plural(count, 'record')} overwritten before being read"
            echo(click.style(said, "red"))

    def remark(self, text: str) -> None:
        if self._json:
            self._object({"remark": text, "venue": self.memory.venue})
        else:
            echo(dim(text))

    def _object(self, value: dict[str, Any]) -> None:
        import orjson

        click.echo(orjson.dumps(value))


def _kind(name: str) -> int:
    from shm.names import Kind

    try:
        return int(Kind[name.strip().upper()])
    except KeyError:
        known = ", ".join(kind.name.lower() for kind in Kind)
        raise CliError(f"no kind {name!r}", f"kinds: {known}") from None
