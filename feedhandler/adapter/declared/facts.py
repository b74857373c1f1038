"""Facts of a venue that stand alone: each is known, and what it can be."""

from __future__ import annotations

from difflib import get_close_matches
from types import FunctionType

from feedhandler.adapter.declared import words
from feedhandler.adapter.venue import Speaker, Venue
from feedhandler.shape import ShapeError
from feedhandler.suggest import near

_ALIKE = 0.85  # so much alike is one to the other where it is a slip
_SCHEMES = {"ws_urls": ("wss://", "ws://"), "rest_url": ("https://", "http://")}
#: what the engine notes the speaking of
_COLUMNS = (
    *("", "book", "trades", "ticker", "quote", "liquidations"),
    *("mark", "funding", "interest", "greeks", "volume", "index"),
)


def check(place: str, venue: type[Venue]) -> None:
    """Raises ShapeError that names the place."""
    _known(place, venue)
    for name, schemes in _SCHEMES.items():
        said = getattr(venue, name, "")
        for url in said.values() if isinstance(said, dict) else [said]:
            if url and not url.startswith(schemes):
                raise ShapeError(f"{place}: {name}: {url!r} begins with none of {schemes}")
    for word, promise in getattr(venue, "promises", {}).items():
        if promise.column not in _COLUMNS:
            known = f"{near(promise.column, _COLUMNS) or ';'} there are {', '.join(_COLUMNS[1:])}"
            text = f"nothing is called {promise.column!r}{known}"
            raise ShapeError(f"{place}: promises: {word}: {text}")
    beat = getattr(venue, "heartbeat", None)
    if beat is not None and beat.speaker in (Speaker.CLIENT_TEXT, Speaker.CLIENT_JSON):
        if not beat.ping:
            raise ShapeError(f"{place}: heartbeat: {beat.speaker.name}, and no ping that we send")
        if beat.speaker is Speaker.CLIENT_JSON:
            words.check(f"{place}: heartbeat: ping", beat.ping, {"time_s"})


def _known(place: str, venue: type[Venue]) -> None:
    """A name that is nearly that of a fact is a slip: it would be believed to be said."""
    theirs = [cls for cls in venue.__mro__ if cls.__module__.startswith("feedhandler.adapter.")]
    known = {name for cls in theirs for name in (*vars(cls), *vars(cls).get("__annotations__", ()))}
    for cls in (one for one in venue.__mro__ if one not in theirs and issubclass(one, Venue)):
        for name, value in vars(cls).items():
            if name.startswith("_") or name in known or isinstance(value, FunctionType | property):
                continue
            if meant := get_close_matches(name, known, n=1, cutoff=_ALIKE):
                raise ShapeError(f"{place}: {name}: no such fact; did you mean {meant[0]!r}?")
