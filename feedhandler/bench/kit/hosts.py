"""Hosts on one machine: network namespaces that a bridge joins, each with an address of its own.

Whoever makes them needs no root where user namespaces are allowed. Each namespace is held by a
process that ends with ours, however that ends, and with it go its interfaces: nothing is left.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Final

_NETWORK: Final = "10.77"
_WIRE: Final = "bridge"
_DEADLINE_S: Final = 30.0
_KEEP: Final = ("cat",)  # until its stdin is closed, which the kernel does when we are gone
TOOLS: Final = ("unshare", "nsenter", "ip", "tc")


class NoHosts(RuntimeError):  # noqa: N818
    """This machine does not let us have namespaces; the text says why."""


class Host:
    """One of them. `command` makes a command line run there; shared memory and files are ours."""

    def __init__(self, address: str, keeper: int, port: str, wire: Wire) -> None:
        self.address = address
        self._enter = _entering(keeper)
        self._port, self._wire = port, wire

    def command(self, *arguments: str | Path) -> list[str | Path]:
        """The command line; the process that it starts is the command itself."""
        return [*self._enter, *arguments]

    def unplug(self) -> None:
        """As when its cable is pulled: nothing arrives and nothing is refused."""
        self._wire.run(f"link set {self._port} down")

    def plug(self) -> None:
        """After `unplug`."""
        self._wire.run(f"link set {self._port} up")

    def queue(self, *words: str) -> None:
        """What comes to it goes through a queue of `tc`, in whose words it is; none without words.
        Raises NoHosts where the kernel has no such queue."""
        verb = "replace" if words else "del"
        self._tc(verb, "dev", self._port, "root", *words)

    def dropped(self) -> int:
        """Packets that its queue had no room for."""
        (told,) = json.loads(self._tc("show", "dev", self._port, "root"))
        return int(told["drops"])

    def _tc(self, *words: str) -> str:
        return _done([*self._wire.enter, "tc", "-s", "-j", "qdisc", *words])


class Wire:
    """The namespace in the middle, with the bridge."""

    def __init__(self, keeper: int) -> None:
        self.enter = _entering(keeper)
        self.address = f"{_NETWORK}.255.254"

    def command(self, *arguments: str | Path) -> list[str | Path]:
        """As `Host.command`: a process in the middle, which all hosts reach."""
        return [*self.enter, *arguments]

    def run(self, *lines: str) -> None:
        """Lines of `ip`. Raises NoHosts."""
        _done([*self.enter, "ip", "-batch", "-"], "\n".join(lines))


@cache
def impossible() -> str:
    """Why there can be no hosts here; empty if there can."""
    if missing := next((tool for tool in TOOLS if shutil.which(tool) is None), ""):
        package = "iproute2" if missing in ("ip", "tc") else "util-linux"
        return f"{missing} is not installed (apt-get install {package})"
    try:
        with hosts(2):
            return ""
    except NoHosts as error:
        return str(error)


@contextmanager
def hosts(count: int) -> Iterator[list[Host]]:
    """So many of them, joined; for those who need the middle as well, `joined`. Raises NoHosts."""
    with joined(count) as (_, made):
        yield made


@contextmanager
def joined(count: int) -> Iterator[tuple[Wire, list[Host]]]:
    """The middle, and hosts. Raises NoHosts."""
    with ExitStack() as stack:
        user = ("--user", "--map-root-user")
        wire_pid = _kept(stack, ["unshare", *user, "--net", *_KEEP])
        wire = Wire(wire_pid)
        wire.run(
            "link set lo up",
            f"link add name {_WIRE} type bridge",
            f"address add {wire.address}/16 dev {_WIRE}",
            f"link set {_WIRE} up",
        )
        made = []
        for number in range(1, count + 1):
            inside = ["nsenter", "--target", str(wire_pid), "--user", "--preserve-credentials"]
            pid = _kept(stack, [*inside, "unshare", "--net", *_KEEP])
            address, port = f"{_NETWORK}.{number // 250}.{number % 250}", f"port{number}"
            wire.run(
                f"link add name {port} type veth peer name eth0 netns {pid}",
                f"link set {port} master {_WIRE} up",
            )
            _done(
                [*_entering(pid), "ip", "-batch", "-"],
                f"link set lo up\naddress add {address}/16 dev eth0\nlink set eth0 up",
            )
            made.append(Host(address, pid, port, wire))
        yield wire, made


def _entering(pid: int) -> list[str | Path]:
    return ["nsenter", "--target", str(pid), "--user", "--preserve-credentials", "--net"]


def _kept(stack: ExitStack, command: Sequence[str]) -> int:
    """A process that keeps a namespace, once it has it. Raises NoHosts."""
    try:
        keeper = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
    except OSError as error:
        raise NoHosts(f"{command[0]}: {error}") from None
    stack.callback(_ended, keeper)
    until = time.monotonic() + _DEADLINE_S
    while _name(keeper.pid) != _KEEP[0]:
        if keeper.poll() is not None:
            assert keeper.stderr is not None
            raise NoHosts(f"{' '.join(command)}: {keeper.stderr.read().decode().strip()}")
        if time.monotonic() > until:
            raise NoHosts(f"{' '.join(command)}: not within {_DEADLINE_S:g} s")
        time.sleep(0.001)
    return keeper.pid


def _name(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def _ended(keeper: subprocess.Popen[bytes]) -> None:
    assert keeper.stdin is not None
    assert keeper.stderr is not None
    keeper.stdin.close()
    keeper.wait()
    keeper.stderr.close()


def _done(command: Sequence[str | Path], said: str = "") -> str:
    try:
        done = subprocess.run(
            command, input=said, capture_output=True, text=True, timeout=_DEADLINE_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoHosts(str(error)) from None
    if done.returncode:
        text = " ".join(str(word) for word in command)
        raise NoHosts(f"{text}: {done.stderr.strip()}")
    return done.stdout
