"""What can be asked of a simulated venue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from feedhandler.sim.faults.script import check_entries

UNRESOLVABLE_HOST: Final = "sim.invalid"
"""A host name that no resolver ever knows (RFC 2606): a DNS failure is the client's side of the
wire, so this is what a client is pointed at to have one."""
UNIVERSE: Final = 10_000
"""Instruments that a venue can list at most."""


@dataclass(frozen=True)
class SimOptions:
    """Options of one simulated venue; every default is what the real venue does.

    ``rate`` is book updates per second over the whole venue, whatever the channels' names say.
    Intervals and timeouts are in seconds. A venue goes through the same books again with the same
    ``seed``, ``rate``, ``instruments``, ``depth`` and ``start_ms``.
    """

    rate: float = 1000.0
    instruments: int | None = None
    """Listed instruments in total; None: the venue's modest default."""
    seed: int = 1
    host: str = "127.0.0.1"
    depth: int = 300
    """Levels a side that a busy book hovers around; options hold fewer."""
    start_ms: int | None = None
    """Unix ms at which the market begins. None: now, and it keeps to the wall clock, so that all
    venues with the same seed value an underlying alike at any time."""
    paused: bool = False
    """Start with the market standing still."""
    history: int = 300_000
    """Updates over the whole venue that ``/sim/book?sequence=`` can go back to."""
    digests: bool = False
    """Keep a digest of every book at every sequence, for ``/sim/digests``."""
    batch_interval: float = 0.004
    """The market catches up with the clock this often."""
    client_backlog: int = 32 << 20
    """Unsent bytes after which a slow client is cut off."""

    script: tuple[Mapping[str, Any], ...] = ()
    """Faults at set times: see `faults.script`; `load_script` reads them from a file."""
    tls: bool = False
    """Listen with TLS alone, with certificates made at start; ``/sim/`` also without."""
    checksums: bool = False
    """OKX: real checksums in `books`, as before 2026-06-23; otherwise 0."""

    heartbeat_scale: float = 1.0
    """Deribit: multiplies the interval that the client asked for (tests shorten it)."""
    ping_interval: float | None = None
    """Binance: time between the server's WebSocket pings; None: the product's own."""
    pong_timeout: float | None = None
    """Binance: an unanswered ping closes the connection after this long; None: the product's."""
    message_limit: int | None = None
    """Binance: incoming frames per second, pings and pongs included; None: the product's own."""
    snapshot_lag: int = 0
    """Binance, OKX, Bybit: updates by which REST books lag behind the stream."""
    snapshot_levels: int = 0
    """Binance, OKX: snapshots have at most so many levels a side, whatever is asked for; 0: the
    venue's own bound."""
    idle_timeout: float | None = None
    """OKX, Bybit: a connection over which nothing passes is closed after this long; None: the
    venue's own."""
    book_keepalive: float = 60.0
    """OKX: an unchanged book is confirmed with an empty update this often."""
    stream_snapshot: bool = True
    """OKX: send the snapshot in the stream; without it clients must join from REST."""
    subscribe_budget: int = 480
    """OKX: subscribe, unsubscribe and login requests per connection and hour."""

    def __post_init__(self) -> None:
        if self.rate < 0:
            raise ValueError(f"rate must not be negative: {self.rate}")
        if self.instruments is not None and not 1 <= self.instruments <= UNIVERSE:
            raise ValueError(f"instruments must be 1 to {UNIVERSE}: {self.instruments}")
        if not 10 <= self.depth <= 2000:
            raise ValueError(f"depth must be 10 to 2000: {self.depth}")
        if self.snapshot_levels < 0:
            raise ValueError(f"snapshot_levels must not be negative: {self.snapshot_levels}")
        if self.batch_interval <= 0 or self.heartbeat_scale <= 0:
            raise ValueError("batch_interval and heartbeat_scale must be positive")
        check_entries(self.script)
        # JSON and TOML give lists.
        object.__setattr__(self, "script", tuple(self.script))
