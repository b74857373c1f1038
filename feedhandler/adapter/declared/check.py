"""Whether the declarations of a venue can be meant: what contradicts itself is refused at load."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from feedhandler.adapter.declared import facts, proven, words
from feedhandler.adapter.declared.listing import BookPath, Listing
from feedhandler.adapter.declared.topics import Topics
from feedhandler.adapter.declared.words import Answer, Words
from feedhandler.adapter.venue import CHANNELS, ControlKind, Venue
from feedhandler.shape import Frame, ShapeError, tree
from feedhandler.shape.meaning import NOTHING_IN_IT, empty
from shm import Status

_ABOUT = frozenset({"id", "key", "keys", "symbol", "symbols", "channel", "by_channel", "number"})
_LOOSE = _ABOUT | {
    *(
        "family",
        "failed",
        "text",
        "code",
        "detail",
        "status",
        "row",
        "depth",
        "_",
        "never",
        "digits",
    )
}
_KEYED = (ControlKind.ACK, ControlKind.REJECTED)


def check(
    venue: type[Venue],
    topics: Topics,
    said: Words,
    listings: Sequence[Listing],
    book: BookPath | None,
    frames: Sequence[Frame],
) -> None:
    """Raises ShapeError that names the place."""
    place = venue.name
    facts.check(place, venue)
    for channel in topics.by_channel:
        if channel not in CHANNELS and channel != "status":
            known = ", ".join((*CHANNELS, "status"))
            raise ShapeError(f"{place}: topics: no channel {channel!r}; there are {known}")
    for name in ("subscribe", "unsubscribe"):
        _message(f"{place}: words: {name}", getattr(said, name))
        for topic, _ in topics.every:
            if own := getattr(topic, name):
                _message(f"{place}: topics: {topic.key!r}: {name}", own, bool(topic.holes))
    for text in said.on_connect:
        words.check(f"{place}: words: on_connect", text, {"id"})
    if said.request:
        words.check(f"{place}: words: request", said.request, {"id", "path", "params"})
    for answer in said.answers:
        _answer(f"{place}: words: {answer.kind.name} {answer.sample[:60]!r}", answer, topics)
    for its in listings:
        _listing(f"{place}: listing {its.path}", its, venue.statuses)
    if book is not None:
        _book(f"{place}: book {book.path}", book, frames)
    _facts(place, venue, topics)
    proven.check(place, venue, frames, asked=book is not None)


def _facts(place: str, venue: type[Venue], topics: Topics) -> None:
    """What is said in two places has to be the same."""
    for topic, _ in topics.every:
        if topic.endpoint not in getattr(venue, "ws_urls", {topic.endpoint: ""}):
            raise ShapeError(f"{place}: ws_urls: no address of endpoint {topic.endpoint!r}")
    for word in venue.promises:
        if word not in topics.by_word:
            known = ", ".join(topics.by_word)
            raise ShapeError(
                f"{place}: promises: no topic has the word {word!r}; there are {known}"
            )


def _message(place: str, template: str, named: bool = True) -> None:
    """`named`: it has to say of what it is; there is but one key of some topics."""
    words.check(place, template)
    if named and not words.holes(template) & {
        "keys",
        "key",
        "symbols",
        "symbol",
        "family",
        "index_name",
        "joined",
        "number",
    }:
        raise ShapeError(f"{place}: neither a key nor a symbol is in it")


def _answer(place: str, answer: Answer, topics: Topics) -> None:
    sample = tree.parsed(answer.sample, place)
    if where := empty(sample):
        raise ShapeError(f"{place}: {where}: {NOTHING_IN_IT}")
    holes = {hole.name for hole in tree.holes(sample)}
    if answer.kind is ControlKind.ASKED and not answer.reply:
        raise ShapeError(f"{place}: a question without a `reply`")
    if answer.reply and answer.kind is not ControlKind.ASKED:
        raise ShapeError(f"{place}: a `reply` to what is no question")
    if answer.reply.lstrip().startswith(("{", "[")):
        words.check(f"{place}: reply", answer.reply, holes | {"time_s"})
    elif answer.kind is not ControlKind.ASKED and (unknown := holes - _LOOSE):
        known = ", ".join(sorted(_LOOSE))
        raise ShapeError(f"{place}: no hole ${min(unknown)}; there are {known}")
    if "failed" in holes and answer.kind is not ControlKind.ACK:
        raise ShapeError(f"{place}: $failed is of an acknowledgement")
    if answer.kind in _KEYED and not holes & _ABOUT:
        raise ShapeError(f"{place}: it says nothing of which keys it is about")
    if answer.word and answer.word not in topics.by_word:
        known = ", ".join(topics.by_word)
        raise ShapeError(f"{place}: no topic has the word {answer.word!r}; there are {known}")
    if answer.kind is ControlKind.STATED and not ({"symbol", "status"} <= holes or "row" in holes):
        raise ShapeError(f"{place}: neither $symbol nor $status")


def _book(place: str, book: BookPath, frames: Sequence[Frame]) -> None:
    if not any(frame.kind == "answer" for frame in frames):
        raise ShapeError(f"{place}: no frame of kind 'answer' says how it is read")
    said = [book.path, *book.params.values(), book.body, book.socket]
    if not any("$symbol" in each for each in said):
        raise ShapeError(f"{place}: no $symbol")
    for name, allowed in (("body", {"symbol", "depth"}), ("socket", {"symbol", "depth", "id"})):
        if template := getattr(book, name):
            words.check(f"{place}: {name}", template, allowed)


def _listing(place: str, its: Listing, statuses: Mapping[str, Status]) -> None:
    if not its.path.startswith("/"):
        raise ShapeError(f"{place}: a path begins with /")
    if its.status and not statuses:
        raise ShapeError(f"{place}: status: no word of it is explained in `statuses`")
    groups: set[str] = set()
    for name, pattern in its.parts.items():
        try:
            groups |= set(re.compile(pattern).groupindex)
        except re.error as error:
            raise ShapeError(f"{place}: parts: {name}: {error}") from None
    known = {*(f"${name}" for name in groups), "$row", "$outer", *its.joins}
    for field in (its.base, its.quote, its.settle, its.symbol, its.family, its.index_name):
        head = field.partition(".")[0] if isinstance(field, str) else ""
        if head.startswith("$") and head not in known:
            raise ShapeError(f"{place}: {field} is no part of any field")
    if its.pages is not None and not its.pages.cursor and its.pages.size <= 0:
        raise ShapeError(f"{place}: pages: neither a cursor nor a size")
