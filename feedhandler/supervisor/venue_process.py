"""The IO process of one venue, again and again: started, watched, restarted, asked."""

import asyncio
import os
import signal
import socket
from asyncio.subprocess import Process
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic, monotonic_ns, time_ns
from typing import Any

import msgspec

from feedhandler import number_text, python_child
from feedhandler.budgets.backoff import Backoff
from feedhandler.config.keys import VenueConfig
from feedhandler.config.places import Places
from feedhandler.instruments import handed_list
from feedhandler.instruments.handed_list import Answers
from feedhandler.io_process.main import Exit, Order
from feedhandler.io_process.order_socket import Channel, ChannelClosed
from feedhandler.log import BURST, log, room_after
from feedhandler.log_lines import about
from feedhandler.supervisor.control_socket import ANSWER_S
from feedhandler.supervisor.ended import ended
from feedhandler.supervisor.pulse import HANG_NS, Pulse
from feedhandler.supervisor.starts import TURN_S, Starts
from feedhandler.view.status import heartbeat, no_status, venue_status
from shm import NoSuchVenue, Reason, ShmError

STOP_S = 5.0
WATCH_S = 0.5
STARTING_S = 0.1  #: the same of one that starts, since others may wait for it


class VenueProcess:
    """One venue's process under one configuration, which may change. `listed`: what the venue has
    just said of its instruments, for the first process. `starts`: whose turns it waits for."""

    def __init__(
        self,
        namespace: str,
        venue: str,
        config: VenueConfig,
        keep: bool,
        group: int = -1,
        listed: Answers | None = None,
        starts: Starts | None = None,
    ) -> None:
        self.venue = venue
        self.config = config
        self.restarts = 0
        self._about = about(venue=venue)
        self._namespace = namespace
        self._keep = keep
        self._group = group
        self._listed = listed or Answers()
        self._starts = starts or Starts()
        self._backoff = Backoff(1.0, 30.0, health_s=60.0, floor=0.2)
        self._process: Process | None = None
        self._channel: Channel | None = None
        self._stopping = False
        self._renewed = False
        self._nudge = asyncio.Event()  # there is no time to lose
        self._last = "starting"
        self._started = 0.0
        self._ended_ns = self._next_ns = 0

    async def run(self) -> None:
        """Until `stop`."""
        while not self._stopping:
            self._renewed = False
            self._nudge.clear()
            if not await self._starts.turn(self._nudge):
                continue
            now, config = asyncio.get_running_loop().time(), self.config
            try:
                self._process = await self._spawn()
            except OSError as error:
                self._starts.done()
                self._last = f"cannot start: {error.strerror}"
            else:
                text = "%s: started, process %d"
                log.info(text, self.venue, self._process.pid, extra=self._about)
                self._backoff.healthy(now)
                if self._stopping or self.config is not config:  # asked while it was started
                    with suppress(ProcessLookupError):
                        self._process.terminate()
                self._last = await self._watch(self._process)
                self._hang_up()
            if self._stopping or self._renewed:
                continue
            delay = self._backoff.next(asyncio.get_running_loop().time())
            self._ended_ns = time_ns()
            self._next_ns = self._ended_ns + int(delay * 1e9)
            text = "%s: %s; restarting in %.1f s"
            log.error(text, self.venue, self._last, delay, extra=self._about)
            self.restarts += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._nudge.wait()

    async def _spawn(self) -> Process:
        now, before = monotonic(), self._started
        self._started = now
        lines = room_after(now - before) if before else BURST
        listed, self._listed = handed_list.write(self._listed), Answers()
        order = Order(
            self.venue,
            self._namespace,
            self.config,
            self._keep,
            os.getpid(),
            self._group,
            lines,
            listed,
        )
        ours, theirs = socket.socketpair()
        try:
            process = await asyncio.create_subprocess_exec(
                *python_child.command("feedhandler.io_process.main"),
                stdin=theirs.fileno(),
                env=python_child.environment(),
                pass_fds=() if listed < 0 else (listed,),
                process_group=0,  # a terminal's Ctrl-C is for us, who stop the children in order
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
            if listed >= 0:
                os.close(listed)
        self._channel = await Channel.open(ours, msgspec.json.encode(order))
        return process

    def _hang_up(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    async def _watch(self, process: Process) -> str:
        """Until it ends; why it did, in words. A process that hangs is killed."""
        hung, starting, pulse = False, True, Pulse(process.pid, monotonic_ns())
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(STARTING_S if starting else WATCH_S):
                    await process.wait()
            code = process.returncode
            beat = heartbeat(self._namespace, self.venue) if code is None else None
            ours = beat is not None and beat[0] == process.pid
            late = monotonic() - self._started > TURN_S
            if starting and (code is not None or ours or late):
                starting = False
                self._starts.done()
            if code is not None:
                break
            if beat is not None and ours:
                now = monotonic_ns()
                if pulse.hangs(beat[1], now) and not self._stopping:
                    text = "%s: no heartbeat for %.1f s, killing it"
                    silent = pulse.silent_ns(beat[1], now) / 1e9
                    log.error(text, self.venue, silent, extra=self._about)
                    hung = True
                    process.kill()
        if hung:
            return "it hung"
        if code < 0:
            return f"killed by {signal.Signals(-code).name}"
        known = {int(each) for each in Exit}
        return f"exit code {code} ({Exit(code).name if code in known else 'unknown'})"

    async def ask(self, question: Mapping[str, Any], within_s: float) -> dict[str, Any]:
        """A question of `instrument_orders`; rules that it changes survive a restart."""
        if self._channel is None:
            return {"error": f"{self.venue} is not running: {self._last}", "refused": False}
        try:
            answer = await self._channel.ask(question, within_s)
        except ChannelClosed as error:
            return {"error": f"{self.venue}: {error}", "refused": False}
        except TimeoutError:
            text = f"{self.venue}: its process does not answer within {within_s:g} s"
            return {"error": text, "refused": False}
        if "rules" in answer:
            rules = tuple(answer["rules"])
            self.config = msgspec.structs.replace(self.config, instruments=rules)
        return answer

    async def follow(self, rules: tuple[str, ...]) -> str:
        """Other instruments, now or when it runs again; empty, or why it stays as it is."""
        if self._channel is None:
            self.config = msgspec.structs.replace(self.config, instruments=rules)
            return ""
        answer = await self.ask({"do": "rules", "rules": rules}, ANSWER_S)
        return str(answer.get("error", ""))

    async def moved(self, places: Places) -> None:
        """Its values stand elsewhere in the file now: what is wrong with them is said with that."""
        self.config = msgspec.structs.replace(self.config, places=places)
        if self._channel is not None:
            await self.ask({"do": "moved", "places": msgspec.to_builtins(places)}, ANSWER_S)

    async def renew(self, config: VenueConfig) -> None:
        """Another configuration, which needs another process: readers see a new epoch."""
        self.config = config
        self._renewed = True
        await self._terminate()

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL for one that does not listen."""
        self._stopping = True
        await self._terminate()

    async def _terminate(self) -> None:
        self._nudge.set()
        await ended(self._process, STOP_S, self.venue, self._about)

    def status(self) -> dict[str, Any]:
        """This venue's part of the status."""
        try:
            found = venue_status(self._namespace, self.venue)
        except (NoSuchVenue, ShmError, OSError) as error:
            detail = self._now() if isinstance(error, NoSuchVenue) else str(error)
            found = no_status(self.venue, detail, denied=not isinstance(error, NoSuchVenue))
        if found["reason"] == Reason.FAILED.name and self._ended_ns >= found["since_ns"]:
            found["detail"] = f"its IO process died: {self._now()}"
        if found["reason"] == Reason.HEARTBEAT.name:
            found["detail"] += f"; after {HANG_NS / 1e9:.0f} s it is killed and started again"
        ended = {"why": self._last, "at_ns": self._ended_ns} if self.restarts else None
        return found | {"restarts": self.restarts, "ended": ended}

    def _now(self) -> str:
        """What its process does, or what is done about it."""
        left = (self._next_ns - time_ns()) / 1e9
        if left > 0:
            return f"{self._last}; restarting in {number_text.seconds(left)}"
        return f"{self._last}; started again" if self.restarts else self._last
