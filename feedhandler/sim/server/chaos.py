"""Carries out the orders to misbehave, on demand and by script, and puts right what they did."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Coroutine, Mapping
from typing import Any

from feedhandler.sim.faults.in_force import Fault
from feedhandler.sim.faults.kinds import KINDS
from feedhandler.sim.faults.order import FaultError, Order, near_symbol, read_order
from feedhandler.sim.faults.script import Step, entry_error, steps_of
from feedhandler.sim.market.book import ASK, BID
from feedhandler.sim.server.client import Client
from feedhandler.sim.server.frames import BINARY, encode
from feedhandler.sim.server.venue import SimVenue

_BEFORE_FREEZING = 0.005
"""Seconds in which the answer to the order still gets out."""
_GARBAGE: Mapping[str, bytes] = {
    "text": encode(b'{"this is": not JSON'),
    "binary": encode(bytes(range(256)), BINARY),
    "utf8": encode(b'{"text": "\xff\xfe\xc3("}'),
}
_MISTAKES = 100


class Chaos:
    """The faults of one server. `tick` is called every batch."""

    def __init__(self, server: SimVenue) -> None:
        self._server = server
        self.faults = server.faults
        self.faults.on_end = self._put_right
        self._steps: list[Step] = []
        self._fired = 0
        self._mistakes: list[str] = []
        self._began = time.monotonic()
        self._moving: set[asyncio.Task[None]] = set()
        self._perform: dict[str, Callable[[Fault], None]] = {
            "drop": self._drop,
            "half_open": self._half_open,
            "garbage": self._garbage,
            "shutdown": self._shutdown,
            "unsilence": self._unsilence,
            "none": self._none,
            "refuse": self._listen,
            "tls": self._listen,
            "clock_skew": self._skew,
            "freeze": self._freeze,
            "renumber": self._renumber,
            "misprice": self._misprice,
            "restate": self._restate,
            "redefine": self._restate,
            "delist_at": self._restate,
            "eat": self._eat,
            "list": lambda fault: server.list_instrument(fault["symbol"]),
            "expire": lambda fault: server.expire_instrument(fault["symbol"]),
        }

    def start(self) -> None:
        """Begin the script. Raises ScriptError as `read_script` does."""
        self._began = time.monotonic()
        self._steps = self.read_script()

    def read_script(self) -> list[Step]:
        """The entries for this venue. Raises ScriptError for one that it cannot do."""
        steps = steps_of(self._server.options.script, self._server.venue)
        coming = {step.request["symbol"] for step in steps if step.request["kind"] == "list"}
        for step in steps:
            try:
                self.check(step.request, coming)
            except FaultError as error:
                raise entry_error(step.number, error) from None
        return steps

    # -- ordering ----------------------------------------------------------------------------

    def order(self, request: Mapping[str, Any], source: str = "request") -> Fault:
        """Carry out an order. Raises FaultError."""
        order = self.check(request)
        values = order.values
        if order.kind == "stale" and values["updates"] == 0:
            self._replace(order)
            return self._instant(order, source)
        if not KINDS[order.kind].once:
            self._replace(order)
        if self._lasts(order):
            seconds = values.get("seconds")
            for other in ("close_after", "end_after"):
                seconds = values.get(other) if seconds is None else seconds
            fault = self.faults.begin(order, source, seconds)
            self._do(fault)
            return fault
        return self._instant(order, source)

    def check(self, request: Mapping[str, Any], coming: Collection[str] = ()) -> Order:
        """Everything that can be said about an order before it is carried out.

        ``coming``: symbols that will be listed by then. Raises FaultError.
        """
        server = self._server
        order = read_order(request)
        symbol, channel = order.values.get("symbol"), order.values.get("channel")
        if order.kind == "list":
            server.check_listable(str(symbol))
        elif symbol is not None and symbol not in {*server.market.instruments, *coming}:
            hint = near_symbol(symbol, server.market.instruments)
            raise FaultError(f"symbol: unknown symbol {symbol!r}{hint}")
        if channel is not None and not server.knows_channel(channel):
            form = server.channel_form
            raise FaultError(f"channel: {server.venue} has no {channel!r}; they look like {form}")
        if order.kind == "expire" and len(server.market.instruments) == 1:
            raise FaultError("symbol: the only instrument; a market cannot be empty")
        server.check_order(order)
        if order.kind == "tls" and not server.options.tls:
            raise FaultError("kind: tls needs a simulator with the option tls")
        number = order.values.get("id")
        if number is not None and all(number != fault.number for fault in self.faults):
            raise FaultError(f"id: no fault {number} is in force")
        return order

    def _lasts(self, order: Order) -> bool:
        kind, values = order.kind, order.values
        if kind in ("drop", "unsilence", "none", "list", "expire", "renumber", "eat"):
            return False
        if kind == "garbage":
            return bool(values["form"] == "truncated")
        return kind != "shutdown" or values["close_after"] is not None

    def _instant(self, order: Order, source: str) -> Fault:
        fault = self.faults.begin(order, source, None)
        fault.remaining = None
        try:
            self._do(fault)
        finally:
            self.faults.end(fault)
        return fault

    def _do(self, fault: Fault) -> None:
        perform = self._perform.get(fault.kind)
        if perform is not None:
            perform(fault)

    def _replace(self, order: Order) -> None:
        """Of the lasting faults of a kind one at a time is in force on the same target."""
        target = [order.values.get(key) for key in ("symbol", "channel", "path")]
        for fault in list(self.faults.of(order.kind)):
            if [fault[key] for key in ("symbol", "channel", "path")] == target:
                self.faults.end(fault)

    # -- time --------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """End what is over, close what is too old, and go on with the script."""
        if self.faults.timed:
            for fault in self.faults.overdue(now):
                if fault.kind == "shutdown":
                    for client in fault.targets:
                        client.close(fault["close_code"], "")
                self.faults.end(fault)
        for fault in list(self.faults.of("lifetime")):
            self._age(fault, now)
        if self._steps:
            self._go_on(now - self._began)
        for task in [task for task in self._moving if task.done()]:
            self._moving.discard(task)
            task.result()

    def _age(self, fault: Fault, now: float) -> None:
        for client in list(self._server.clients):
            if not client.closing and not fault.ended_ns and now - client.opened >= fault["age"]:
                client.close(fault["close_code"], "")
                self.faults.spend(fault)

    def _go_on(self, elapsed: float) -> None:
        sent = self._server.messages_sent
        for step in [step for step in self._steps if step.due(elapsed, sent)]:
            self._fired += 1
            try:
                self.order(step.request, f"script entry {step.number}")
            except FaultError as error:
                # Right when the script was read; an instrument may have expired since.
                if len(self._mistakes) < _MISTAKES:
                    self._mistakes.append(f"entry {step.number}: {error}")
            if not step.again():
                self._steps.remove(step)

    async def settled(self) -> None:
        """Wait until the port is as ordered."""
        await asyncio.gather(*self._moving)

    def told(self) -> dict[str, Any]:
        """For ``/sim/stats``."""
        return {
            "faults": self.faults.told(),
            "faults_ordered": dict(self.faults.ordered),
            "faults_in_force": sum(1 for _ in self.faults),
            "script": {"waiting": len(self._steps), "fired": self._fired, "errors": self._mistakes},
        }

    # -- carrying out ------------------------------------------------------------------------

    def _drop(self, fault: Fault) -> None:
        oldest = sorted(self._server.clients, key=lambda client: client.opened)
        for client in oldest[: fault["count"]]:
            if fault["how"] == "close":
                client.close(fault["close_code"], "")
            else:
                client.abort(reset=fault["how"] == "rst")
            fault.hit()

    def _half_open(self, fault: Fault) -> None:
        for client in self._server.clients:
            self.lose(client, fault)

    def lose(self, client: Client, fault: Fault) -> None:
        """Make a connection half-open."""
        client.die()
        fault.targets.append(client)
        fault.hit()

    def _garbage(self, fault: Fault) -> None:
        form = fault["form"]
        if form == "truncated":
            return
        frame = _GARBAGE.get(form) or encode(b'{"text": "%b"}' % (b"x" * fault["bytes"]))
        for client in self._server.clients:
            client.out.extend([frame] * fault["count"])
            fault.hit()

    def _shutdown(self, fault: Fault) -> None:
        fault.targets = list(self._server.clients)
        self._server.announce_shutdown()
        if fault.targets:
            fault.hit(len(fault.targets))

    def _unsilence(self, fault: Fault) -> None:
        symbol = fault["symbol"]
        for other in list(self.faults.of("silence")):
            if symbol is None or other["symbol"] == symbol:
                self.faults.end(other)
        if symbol is None:
            for other in list(self.faults.of("no_heartbeat")):
                self.faults.end(other)

    def _none(self, fault: Fault) -> None:
        for other in self.faults:
            if other is not fault and fault["id"] in (None, other.number):
                self.faults.end(other)
        if fault["id"] is None:
            self._end_drips()

    def _end_drips(self) -> None:
        for transport in list(self._server.drips):
            transport.abort()

    def _skew(self, _: Fault) -> None:
        found = self.faults.of("clock_skew")
        self._server.market.clock.skew_ms = found[-1]["skew_ms"] if found else 0

    def _listen(self, _: Fault) -> None:
        listener = self._server.listener
        tls = self.faults.of("tls")
        listener.refuses = bool(self.faults.of("refuse"))
        listener.certificate = tls[-1]["certificate"] if tls else "valid"
        self._move(listener.apply())

    def _move(self, change: Coroutine[Any, Any, None]) -> None:
        self._moving.add(asyncio.create_task(change))

    def _renumber(self, fault: Fault) -> None:
        if count := self._server.renumber(fault["symbol"], lost=fault["lost"]):
            fault.hit(count)

    def _freeze(self, fault: Fault) -> None:
        def freeze() -> None:
            fault.hit()
            time.sleep(fault["ms"] / 1000)
            self.faults.end(fault)

        asyncio.get_running_loop().call_later(_BEFORE_FREEZING, freeze)

    def _misprice(self, fault: Fault) -> None:
        server, symbol = self._server, fault["symbol"]
        if symbol in server.market.instruments:  # it may have expired meanwhile
            for update in server.market.misprice(symbol, 0.0 if fault.ended_ns else fault["by"]):
                server.on_update(update)
            server.settle()
            if not fault.ended_ns:
                fault.hit()

    def _restate(self, fault: Fault) -> None:
        """Begin, or end, what the venue says of an instrument's terms."""
        server, symbol, over = self._server, fault["symbol"], bool(fault.ended_ns)
        if symbol not in server.market.instruments:  # it may have expired meanwhile
            return
        if not over:
            fault.hit()
        if fault.kind == "restate":
            server.market.stand_still(symbol, bool(fault["quiet"]) and not over)
            terms = {"word": "" if over else fault["word"]}
        elif fault.kind == "redefine":
            keys = [key for key in ("tick", "lot", "contract_size") if fault[key]]
            terms = {key: "" if over else fault[key] for key in keys}
        else:
            if over and fault.ends is not None and time.monotonic() >= fault.ends:
                server.restate(symbol, {"end_ms": 0}, "list")
                server.expire_instrument(symbol)
                return
            ends = int((time.time() + fault["end_after"]) * 1000)
            terms = {"end_ms": 0 if over else ends}
        server.restate(symbol, terms, fault["signs"])

    def _eat(self, fault: Fault) -> None:
        server = self._server
        side = BID if fault["side"] == "bid" else ASK
        server.on_update(server.market.eat(fault["symbol"], side, fault["levels"]))
        server.settle()
        fault.hit()

    def _put_right(self, fault: Fault) -> None:
        """What the end of a fault asks for."""
        if fault.kind == "half_open":
            for client in fault.targets:
                client.abort(reset=True)
        elif fault.kind in ("delay", "segments", "slow"):
            for client in self._server.clients:
                client.release()
        elif fault.kind in ("refuse", "tls"):
            self._listen(fault)
        elif fault.kind == "clock_skew":
            self._skew(fault)
        elif fault.kind == "slow_handshake":
            self._end_drips()
        elif fault.kind == "misprice":
            self._misprice(fault)
        elif fault.kind in ("restate", "redefine", "delist_at"):
            self._restate(fault)
