"""A first look over a capture: whose it is, what it lists, how much there is."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from feedhandler import venues
from feedhandler.adapter.listing import Family, Listing, Ticks, with_ticks
from feedhandler.adapter.venue import ListedInstrument, Venue
from feedhandler.capture.frames_file import CaptureError, Frame, parse_frame, read_lines
from feedhandler.suggest import did_you_mean


@dataclass(slots=True)
class Survey:
    """`specs`: what the capture's own lists say of each symbol; `connections`: by name."""

    venue: Venue
    specs: dict[str, ListedInstrument]
    lines: int
    connections: int
    _foreign: dict[str, bool] = field(default_factory=dict)

    def ours(self, url: str) -> bool:
        """Whether frames of this URL belong to the venue: nobody else's, in any case."""
        foreign = self._foreign.get(url)
        if foreign is None:
            owner = None if self.venue.recognises(url) else _owner(url)
            foreign = self._foreign[url] = owner is not None
        return not foreign


def survey(path: Path | str, venue: str | None = None) -> Survey:
    """Look over a capture. Broken lines are passed over here.

    Raises :class:`CaptureError`: no such file, or nothing tells the venue; ValueError: `venue` is
    none.
    """
    path = Path(path)
    if venue is not None and venue not in venues.names():
        raise ValueError(f"no such venue: {venue!r}{did_you_mean(venue, venues.names())}")
    lines = 0
    owners = _Owners()
    votes: Counter[str] = Counter()
    connections: set[str] = set()
    lists: dict[tuple[str, str], Frame] = {}  # a later answer to the same stands for an earlier one
    try:
        for number, line in read_lines(path):
            lines += 1
            try:
                frame = parse_frame(line, path, number)
            except CaptureError:
                continue
            url = frame.url or ""
            if frame.kind == "ws":
                connections.add(frame.conn or "")
            elif frame.dir == "in" and _lists_instruments(url, asked := frame.req or ""):
                lists.pop((url, asked), None)
                lists[url, asked] = frame
            owner = frame.venue if frame.venue in venues.names() else owners[url]
            if owner is not None:
                votes[owner] += 1
    except CaptureError as error:
        if not error.line:
            raise
    known = venues.load(venue or _elected(path, votes))
    return Survey(known, _specs(known, lists.values()), lines, len(connections))


class _Owners(dict[str, str | None]):
    """URL -> the venue that it is of."""

    def __missing__(self, url: str) -> str | None:
        self[url] = _owner(url)
        return self[url]


def _lists_instruments(url: str, posted: str) -> bool:
    return any(venue.lists_instruments(url, posted) for venue in venues.usable()[0])


def _owner(url: str) -> str | None:
    """The venue that a URL is of."""
    return next((venue.name for venue in venues.usable()[0] if venue.recognises(url)), None)


def _elected(path: Path, votes: Counter[str]) -> str:
    if len(votes) == 1:
        return next(iter(votes))
    every = ", ".join(venues.names())
    if votes:
        found = " and ".join(votes)
        raise CaptureError(path, 0, f"frames of {found}: say --venue, one of {every}")
    raise CaptureError(
        path, 0, f"nothing in it tells whose frames they are: say --venue, one of {every}"
    )


def _specs(venue: Venue, lists: Iterable[Frame]) -> dict[str, ListedInstrument]:
    specs: dict[str, ListedInstrument] = {}
    ticks: dict[Family, Ticks | str] = {}
    for frame in lists:
        if frame.data is None or not venue.lists_instruments(frame.url or "", frame.req or ""):
            continue
        try:
            listed = venue.parse_instruments(frame.data)
        except ValueError:
            continue  # an error message, or half a list: instruments are added as they come
        specs.update((spec.symbol, spec) for spec in listed)
        if isinstance(listed, Listing):
            ticks.update(listed.ticks)
    return {spec.symbol: spec for spec in with_ticks(Listing(specs.values(), ticks=ticks))}


class Mentions:
    """Finds the listed instruments that frames are about, so that only those are added.

    A venue lists thousands. What stands before a payload's `"data"` names the instrument, or none
    where the payload is about several: then the whole of it is searched, each time.
    """

    _STRING = re.compile(rb'"([^"\\]{2,80})"')
    _PART = re.compile(rb"[.@:]")
    _FAMILY = re.compile(rb'"instFamily"\s*:\s*"[^"]*"')  # may look like an instrument's name

    def __init__(self, specs: Mapping[str, ListedInstrument]) -> None:
        self._symbols = {symbol.encode(): symbol for symbol in specs}
        self._symbols |= {symbol.lower().encode(): symbol for symbol in specs}
        self._heads: set[bytes] = set()
        self._added: set[str] = set()

    def new(self, payload: bytes) -> list[str]:
        """Symbols in this payload that no earlier one named."""
        if not self._symbols:
            return []
        end = payload.find(b'"data"')
        head = payload[:end] if end > 0 else b""
        if head in self._heads:
            return []
        found = self._in(self._FAMILY.sub(b"", head))
        if found:
            self._heads.add(head)
        else:
            found = self._in(payload)
        fresh = [symbol for symbol in found if symbol not in self._added]
        self._added.update(fresh)
        return fresh

    def _in(self, text: bytes) -> list[str]:
        found: dict[str, None] = {}
        for name in self._STRING.findall(text):
            for part in (name, *self._PART.split(name)):
                if (symbol := self._symbols.get(part)) is not None:
                    found[symbol] = None
        return list(found)
