"""What a running feed is asked for: other instruments. Answers say what was done, or why not."""

import asyncio
from dataclasses import asdict
from typing import Any

import msgspec

from feedhandler import number_text
from feedhandler.config.places import Places
from feedhandler.io_process.roster import Change, Roster
from feedhandler.log import log
from feedhandler.network.rest import RestError

LIST_S = 20.0  #: that the venue has to list its instruments


async def answer(roster: Roster, question: dict[str, Any]) -> dict[str, Any]:
    """{"do": "subscribe" | "unsubscribe", "patterns"}, {"do": "rules", "rules"}, or {"do": "moved",
    "places"}: the same values stand elsewhere in the file.

    The answer: {"added", "removed": symbols, "unknown": in words, "rules": followed from now on},
    or {"error", "refused"}: refused is true where asking again does not help.
    """
    try:
        async with asyncio.timeout(LIST_S):
            change = await _do(roster, question)
    except RestError as error:
        return {"error": f"the venue does not list its instruments: {error}", "refused": False}
    except TimeoutError:
        text = f"the venue does not list its instruments within {LIST_S:g} s"
        return {"error": text, "refused": False}
    except ValueError as error:
        return {"error": str(error), "refused": True}
    except Exception as error:  # who asks gets an answer, and may go on asking
        log.exception("%s could not be done", question.get("do"))
        return {"error": f"{type(error).__name__}: {error}", "refused": False}
    if change.added or change.removed:
        added = number_text.plural(len(change.added), "instrument")
        log.info("%s added, %d removed", added, len(change.removed))
    return {**asdict(change), "rules": list(roster.wanted)}


async def _do(roster: Roster, question: dict[str, Any]) -> Change:
    match question.get("do"):
        case "subscribe":
            return await roster.subscribe(question["patterns"])
        case "unsubscribe":
            return roster.unsubscribe(question["patterns"])
        case "rules":
            return await roster.change(question["rules"])
        case "moved":
            return roster.moved(msgspec.convert(question["places"], Places))
        case other:
            known = "subscribe, unsubscribe, rules or moved"
            raise ValueError(f"unknown question {other!r}: {known}")
