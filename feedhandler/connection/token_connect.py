"""Connects that a venue gives out over REST: a new one for each try, and why there is none."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import orjson

from feedhandler.adapter.connect import HOLE, Token
from feedhandler.adapter.venue import Heartbeat
from feedhandler.budgets.venue_budgets import SHOWN_WAIT_S
from feedhandler.network.connect_failure import NoToken
from feedhandler.network.foreign_host import websocket_url
from feedhandler.network.rest import Rest, RestError, RestRateLimited, RestUnreachable
from feedhandler.one_line import one_line
from feedhandler.shape.tree import matched
from shm import Reason

#: what may be taken for a period of a heartbeat, seconds
_PERIODS_S = (1.0, 600.0)
_SHOWN = 120  #: of an answer that is no token


@dataclass(frozen=True, slots=True)
class Connect:
    """Where a session goes, and the heartbeat that it has."""

    url: str
    heartbeat: Heartbeat


async def ask(
    token: Token,
    rest: Rest,
    heartbeat: Heartbeat,
    configured: str,
    hosts: Iterable[str],
    held: Callable[[float], None],
) -> Connect:
    """Ask for a connect, within the budget of REST. Raises NoToken.

    `configured`, `hosts`: see `websocket_url`; `held`: told how long the budget lets it wait.
    """
    wait = rest.held(token.request)
    if wait >= SHOWN_WAIT_S:
        held(wait)
    try:
        body = await rest.get(token.request)
    except RestRateLimited as error:
        raise NoToken(Reason.RATE_LIMIT, str(error), wait_s=error.retry_after_s) from None
    except RestUnreachable as error:
        raise NoToken(Reason.DISCONNECTED, str(error), nobody=True) from None
    except RestError as error:
        raise NoToken(Reason.DISCONNECTED, str(error)) from None
    return connect_of(token, body, heartbeat, configured, (rest.base_url, *hosts))


def connect_of(
    token: Token, body: bytes, heartbeat: Heartbeat, configured: str, hosts: Iterable[str]
) -> Connect:
    """What the answer says. Raises NoToken."""
    try:
        found = matched(token.tree, orjson.loads(body))
    except orjson.JSONDecodeError:
        found = None
    if found is None:
        said = one_line(body[:_SHOWN].decode("utf-8", "replace"))
        raise NoToken(Reason.DISCONNECTED, f"the venue answered {said}")
    values = {name: each for name, each in found.items() if isinstance(each, str | int)}
    for name in HOLE.findall(token.url):
        if name != "id" and not values.get(name):
            raise NoToken(Reason.MALFORMED, f"the venue's answer has no {name}")
    values["id"] = uuid4().hex
    if "endpoint" in values:
        try:
            values["endpoint"] = websocket_url(str(values["endpoint"]), configured, hosts)
        except ValueError as error:
            raise NoToken(Reason.MALFORMED, f"the venue's answer names {error}") from None
    url = HOLE.sub(lambda hole: _written(hole[1], values[hole[1]]), token.url)
    return Connect(url, _heartbeat(heartbeat, values))


def _written(name: str, value: Any) -> str:
    return str(value) if name == "endpoint" else quote(str(value), safe="")


def _heartbeat(declared: Heartbeat, said: dict[str, Any]) -> Heartbeat:
    """The venue's periods, where they make sense as such."""
    period, cut = _seconds(said.get("period_ms")), _seconds(said.get("cut_ms"))
    return replace(declared, period_s=period or declared.period_s, cut_s=cut or declared.cut_s)


def _seconds(said: Any) -> float | None:
    if isinstance(said, bool) or not isinstance(said, int):
        return None
    least, most = _PERIODS_S
    return said / 1000 if least <= said / 1000 <= most else None
