"""`feedhandler venues`: which venues there are, and what each of them can prove."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from feedhandler.cli.errors import FINDING, FINE, CliError
from feedhandler.cli.options import json_option, venue_file_option
from feedhandler.cli.output import Column, bold, dim, echo, echo_table, json_out, screen_width

if TYPE_CHECKING:
    from feedhandler.adapter.venue import Venue

_COLUMNS = [
    Column("VENUE"),
    Column("LEVELS", right=True),
    Column("TOP"),
    Column("LOSS SEEN BY"),
    Column("SIZED"),
    Column("COUNTED BY"),
    Column("BESIDES", drop=1),
    Column("INSTRUMENTS", drop=2),
]
_WIDE, _LABEL = 80, 19


@click.command()
@click.argument("name", required=False)
@venue_file_option
@json_option
def venues(name: str | None, as_json: bool) -> int:
    """Show the venues there are, and by what each would notice that a message was lost.

    All have books and trades. LEVELS: the most a side; 5,000+ means that a book begins with so many
    and then follows every change. TOP: the channel of the best bid and offer, besides the book.

    By a counter, a chain, a range or a checksum, every lost message is noticed. Times show what is
    older, but not what is missing: such a book is as right as the venue's stream. SIZED: it is
    known how many messages were lost. COUNTED BY: the messages of a book, or of a connection, have
    numbers. With a NAME, the venue's addresses, heartbeat and limits are shown, too.

    \b
    feedhandler venues
    feedhandler venues okx
    feedhandler venues mine --venue-file my_venue.py

    \b
    Exit codes: 0 fine, 1 a venue of an installed package cannot be used,
    2 usage, or a file has no venue that can be used.
    """
    from feedhandler import venues as registry
    from feedhandler.suggest import did_you_mean

    every = registry.names()
    if name is not None and name not in every:
        raise CliError(f"no such venue: {name!r}{did_you_mean(name, every)}")
    facts, problems = ([registry.load(name)], []) if name else registry.usable()
    if as_json:
        json_out({"venues": [_document(venue) for venue in facts]})
    elif name is None:
        echo_table(_COLUMNS, [_row(venue) for venue in facts])
    else:
        echo("\n".join(_lines(_document(facts[0]))))
    for problem in problems:
        CliError(problem).show()
    return FINDING if problems else FINE


def _row(venue: Venue) -> list[str]:
    from feedhandler.adapter.declared.carried import carried

    proof = venue.proof
    by = ", ".join(sign.name.lower() for sign in proof.signs) or "nothing"
    sized = "yes" if proof.sized else "no"
    scope = proof.scope.name.lower() if proof.signs else "-"
    its = carried(venue)
    levels, top = (its.levels, its.top or "-") if its else ("?", "?")
    besides, instruments = (its.besides, its.instruments) if its else ([], [])
    proven = [by, sized if proof.signs else "-", scope]
    row = [venue.name, levels, top, *proven]
    return [*row, ", ".join(besides) or "-", ", ".join(instruments) or "-"]


def _document(venue: Venue) -> dict[str, Any]:
    from feedhandler.adapter.declared.carried import carried

    proof, limits, its = venue.proof, venue.limits, carried(venue)
    return {
        "name": venue.name,
        "channels": list(venue.channels),
        "carried": its and its.told(),
        "proof": {
            "signs": [sign.name.lower() for sign in proof.signs],
            "means": [sign.value for sign in proof.signs],
            "proven": proof.proven,
            "sized": proof.sized,
            "scope": proof.scope.name.lower() if proof.signs else None,
            "note": proof.note,
        },
        "continuity": venue.rule.value,
        "base": venue.base.value,
        "ws_urls": dict(venue.ws_urls),
        "rest_url": venue.rest_url,
        "heartbeat": f"{venue.heartbeat.speaker.value}, every {venue.heartbeat.period_s:g} s",
        "limits": {
            "connections": limits.connections,
            "keys_per_connection": limits.keys_per_connection,
            "keys_per_message": limits.keys_per_message,
            "messages_per_second": limits.messages_per_second,
            "rest_per_second": limits.rest_per_second,
        },
        "statuses": {word: status.name for word, status in venue.statuses.items()},
        "default_instruments": list(venue.default_instruments),
    }


_LIMITS = {
    "connections": "connections",
    "keys_per_connection": "keys a connection",
    "keys_per_message": "keys a message",
    "messages_per_second": "messages a second",
    "rest_per_second": "REST requests a second",
}


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    from feedhandler.adapter.proof import Scope
    from feedhandler.adapter.venue import Continuity

    yield bold(told["name"])
    proof = told["proof"]
    yield from _said("a loss is seen by", *(proof["means"] or ["nothing"]))
    if proof["means"]:
        size = "is known" if proof["sized"] else "is not known"
        counted = f"; counted are {Scope[proof['scope'].upper()].value}"
        numbered = {"counter", "chain", "range"} & {*proof["signs"]}
        yield from _said("its size", size + (counted if numbered else ""))
    yield from _said("to be known", proof["note"])
    if told["continuity"] != Continuity.NONE.value:
        yield from _said("its rule", told["continuity"])
    yield from _said("a book begins", told["base"])
    yield from _said("channels", ", ".join(told["channels"]))
    if its := told["carried"]:
        yield from _said("instruments", ", ".join(its["instruments"]))
        yield from _said("levels a side", its["levels"])
        yield from _said("besides", ", ".join(its["besides"]))
    for endpoint, url in told["ws_urls"].items():
        yield from _said(f"ws {endpoint}", url)
    yield from _said("rest", told["rest_url"])
    yield from _said("heartbeat", told["heartbeat"])
    stated = [f"{_LIMITS[name]}: {n:,g}" for name, n in told["limits"].items() if n]
    yield from _said("limits", *stated)
    meant: dict[str, list[str]] = {}
    for word, meaning in told["statuses"].items():
        meant.setdefault(meaning, []).append(word)
    yield from _said("statuses", *(f"{its}: {', '.join(words)}" for its, words in meant.items()))
    yield from _said("by default", ", ".join(told["default_instruments"]))


def _said(what: str, *texts: str) -> Iterator[str]:
    """A label, and the texts beside it, each from a line of its own on."""
    width = max(10, (screen_width() or _WIDE) - _LABEL)
    lines = [line for text in texts for line in textwrap.wrap(text, width, break_on_hyphens=False)]
    for number, line in enumerate(lines):
        yield dim(f"{'' if number else what:<{_LABEL}}") + line
