"""What starting a venue would do and spend, found by playing it through without connecting.

The same packing, messages and budgets as in earnest, on a clock of its own, with full budgets and a
venue that answers at once: the seconds are what the limits alone ask for.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

from feedhandler.adapter.venue import Base, Limits, ListedInstrument, Venue
from feedhandler.budgets import venue_budgets
from feedhandler.budgets.token_bucket import Budget, SlidingWindow, TokenBucket, per_second
from feedhandler.config.keys import VenueConfig
from feedhandler.connection.subscriptions import Subscriptions
from feedhandler.planning.packing import CONNECTION_ROWS, ConnectionPlan, pack
from shm import _native

_STEP_S = 1e-3


@dataclass(frozen=True, slots=True)
class ConnectionForecast:
    """One connection. Seconds are since the start: `open_s`, `subscribed_s` (its last message)."""

    endpoint: str
    url: str
    keys: tuple[str, ...]
    messages: int
    bytes: int
    open_s: float
    subscribed_s: float


@dataclass(frozen=True, slots=True)
class VenueForecast:
    """One venue. `live_s`: until every book may be live; `rest_weight`: of `rest_requests`, lists,
    tokens and snapshots; `shared_bytes`: of /dev/shm; `paced_by`: what costs the time, in words."""

    venue: str
    instruments: tuple[str, ...]
    connections: tuple[ConnectionForecast, ...]
    messages: int
    keys: int
    rest_requests: int
    rest_weight: int
    live_s: float
    shared_bytes: int
    paced_by: tuple[str, ...] = field(default=())


def forecast(
    venue: Venue, config: VenueConfig, specs: Sequence[ListedInstrument], lists: Sequence[int]
) -> VenueForecast:
    """`lists`: the weights of the requests that listed the instruments. Raises PlanError."""
    plans = pack(venue, specs, config.channels, config.redundancy)
    connections, when = _play(venue, config, plans)
    tokens = [venue.token.request.weight] * len(connections) if venue.token is not None else []
    weights, live_s = _snapshots(venue, [*lists, *tokens], when)
    subscribed = max((one.subscribed_s for one in connections), default=0.0)
    paced = []
    if subscribed > 1.0:
        paced.append("subscribing")
    if live_s > subscribed + 1.0:
        paced.append("snapshots" if venue.socket_books else "snapshots over REST")
    return VenueForecast(
        venue=venue.name,
        instruments=tuple(spec.symbol for spec in specs),
        connections=tuple(connections),
        messages=sum(one.messages for one in connections),
        keys=sum(len(one.keys) for one in connections),
        rest_requests=len(lists) + len(tokens) + len(weights),
        rest_weight=sum(lists) + sum(tokens) + sum(weights),
        live_s=max(subscribed, live_s),
        shared_bytes=shared_bytes(config),
        paced_by=tuple(paced),
    )


def shared_bytes(config: VenueConfig) -> int:
    """What one epoch of a venue takes of /dev/shm."""
    rows = config.directory_rows, config.depth, config.ring_slots, CONNECTION_ROWS
    return _native.geometry(*rows)[1]


@dataclass(slots=True)
class _Playing:
    plan: ConnectionPlan
    url: str
    subscriptions: Subscriptions
    pace: Budget
    open_s: float
    messages: int = 0
    bytes: int = 0
    last_s: float = 0.0


def _host(limits: Limits) -> tuple[list[Budget], Budget, Budget]:
    """Full budgets of one host: for connecting, messages and keys."""
    count, seconds = limits.connects_per_window
    connects: list[Budget] = [TokenBucket(*venue_budgets.strict(count, seconds))] if count else []
    if limits.connects_per_second:
        connects.append(TokenBucket(*venue_budgets.strict(limits.connects_per_second, 1.0)))
    rate, burst = limits.host_messages_per_second, limits.host_messages_burst
    messages = TokenBucket(rate, burst) if burst else TokenBucket(*venue_budgets.strict(rate, 1.0))
    keys = TokenBucket(*venue_budgets.strict(limits.host_subscribes_per_hour, 3600.0))
    return connects, messages, keys


def _play(
    venue: Venue, config: VenueConfig, plans: Sequence[ConnectionPlan]
) -> tuple[list[ConnectionForecast], dict[str, float]]:
    """The connections, and when each key is asked for."""
    hosts: dict[str, tuple[list[Budget], Budget, Budget]] = {}
    opened: dict[str, float] = {}
    playing: list[_Playing] = []
    for one in plans:
        url = config.url(one.endpoint)
        host = venue_budgets.host(url)
        connects, messages, keys = hosts.setdefault(host, _host(venue.limits))
        now = opened.get(host, 0.0)
        for budget in connects:
            now = _pay(budget, now, 1.0)
        opened[host] = now
        subscriptions = Subscriptions(venue, one.keys, now, messages, keys)
        subscriptions.new_session(now)
        pace = per_second(venue.limits.messages_per_second)
        for _ in venue.on_connect():
            pace.spend(now)
        playing.append(_Playing(one, url, subscriptions, pace, now, last_s=now))
    when: dict[str, float] = {}
    turns = [(one.open_s, row) for row, one in enumerate(playing)]
    heapq.heapify(turns)
    while turns:
        now, row = heapq.heappop(turns)
        its = playing[row]
        wait = max(its.pace.wait(now), its.subscriptions.held(now))
        if wait > 0:
            heapq.heappush(turns, (now + max(wait, _STEP_S), row))
            continue
        message = its.subscriptions.next_message(now)
        if message is None:
            continue  # all is asked for
        its.pace.spend(now)
        its.messages += 1
        its.bytes += len(message.text.encode())
        its.last_s = now
        when.update(dict.fromkeys(message.keys, now))
        its.subscriptions.acknowledged(message.keys, now)
        heapq.heappush(turns, (now, row))
    found = [
        ConnectionForecast(
            one.plan.endpoint,
            one.url,
            one.plan.keys,
            one.messages,
            one.bytes,
            one.open_s,
            one.last_s,
        )
        for one in playing
    ]
    return found, when


def _snapshots(
    venue: Venue, lists: Sequence[int], when: dict[str, float]
) -> tuple[list[int], float]:
    """The weights of the snapshots that are asked for over REST, and when the last one may be."""
    if venue.base is not Base.REQUEST:
        return [], 0.0
    budget: Budget = SlidingWindow(0, 1.0)
    if venue.limits.rest_per_second:
        budget = TokenBucket(*venue_budgets.rest_bucket(venue.limits))
    now = 0.0
    for weight in lists:
        now = _pay(budget, now, weight)
    asked = [
        (at, request.weight)
        for key, at in when.items()
        if venue.key_symbols(key)[0] == "book"
        and (request := venue.snapshot_request(venue.key_symbols(key)[1])) is not None
    ]
    for at, weight in sorted(asked):
        now = _pay(budget, max(now, at), weight)
    return [weight for _, weight in asked], now if asked else 0.0


def _pay(budget: Budget, now: float, tokens: float) -> float:
    """When it can be paid, having paid it then."""
    while not budget.take(now, tokens):
        now += max(budget.wait(now, tokens), _STEP_S)
    return now
