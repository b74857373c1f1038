"""The running supervisor's Unix socket: one JSON line in, one out.

`<namespace>.sock` in the user's `runtime_directory`. Messages:
{"do": "status"}, {"do": "config"}, {"do": "reload"}, {"do": "stop"}, {"do": "subscribe" |
"unsubscribe", "venue", "patterns"}; an answer with "error" says what went wrong, and where
"refused" is true that asking again does not help.
"""

import asyncio
import fcntl
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from feedhandler.runtime_directory import runtime_directory
from shm import ShmError
from shm.attach import open_segment, venues
from shm.owners import believed

_LINE_BYTES = 64 << 20
_REQUEST_BYTES = 1 << 16
_TIMEOUT_S = 5.0
_HANGS_S = 10.0  # who has much to do says at least how it is
ANSWER_S = 30.0  #: the longest that an answer takes
RELOAD_S = 150.0  #: of a reload: venues are asked, others end and start again


class NotRunning(Exception):  # noqa: N818
    """No supervisor runs for this namespace, or it does not answer."""


class OnlyMirrored(NotRunning):
    """A mirror writes there, and its feed runs elsewhere; `cure`: what can be done."""

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(message)
        self.cure = cure


class NotAnswering(NotRunning):
    """One runs, and says nothing; `cure`: what can be done."""

    def __init__(self, namespace: str, timeout: float) -> None:
        super().__init__(
            f"the supervisor of {namespace!r} does not answer within {timeout:g} s: it hangs, "
            "or was stopped"
        )
        pid = _holder(runtime_directory() / f"{namespace}.lock") or "PID"
        self.cure = (
            f"if it was stopped, let it go on: kill -CONT {pid}; "
            f"or end it, and its venues with it: kill -9 {pid}"
        )


class AlreadyRunning(Exception):  # noqa: N818
    """Another supervisor has this namespace. `pid`: its process, 0 if not known."""

    def __init__(self, message: str, pid: int) -> None:
        super().__init__(message)
        self.pid = pid


def socket_path(namespace: str) -> Path:
    """The supervisor's socket of a namespace. Raises PermissionError: no place for it."""
    return runtime_directory() / f"{namespace}.sock"


def request(
    namespace: str, message: Mapping[str, Any], timeout: float = _TIMEOUT_S
) -> dict[str, Any]:
    """Ask the running supervisor. `timeout` in seconds; one that hangs is found sooner.

    Raises :class:`NotRunning`.
    """
    if timeout > _HANGS_S:
        _ask(namespace, {"do": "status"}, _HANGS_S)
    return _ask(namespace, message, timeout)


def _ask(namespace: str, message: Mapping[str, Any], timeout: float) -> dict[str, Any]:
    try:
        path = socket_path(namespace)
    except PermissionError as error:  # nobody could have started one
        raise NotRunning(str(error)) from None
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(timeout)
            client.connect(str(path))
            client.sendall(orjson.dumps(message) + b"\n")
            with client.makefile("rb") as answers:
                line = answers.readline(_LINE_BYTES)
    except TimeoutError:
        raise NotAnswering(namespace, timeout) from None
    except OSError:
        raise _nobody(namespace) from None
    try:
        answer = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise NotRunning(f"the supervisor of {namespace!r} ended meanwhile") from None
    if not isinstance(answer, dict):
        raise NotRunning(f"what listens at {path} is no supervisor")
    return answer


def _nobody(namespace: str) -> NotRunning:
    """Who is not there; and who writes there instead, if that is a mirror."""
    text = f"no supervisor runs for the namespace {namespace!r}"
    mirrors: dict[tuple[int, str], list[str]] = {}
    for venue in venues(namespace):
        with suppress(ShmError, OSError):
            segment = open_segment(namespace, venue, believed())
            if segment.mirror is not None and segment.gone() is None:
                whose = f"of {segment.mirror['source']} over {segment.mirror['link']}"
                mirrors.setdefault((segment.life[1], whose), []).append(venue)
    if not mirrors:
        return NotRunning(text)
    who = "; ".join(
        f"process {pid} mirrors {', '.join(names)} {whose}"
        for (pid, whose), names in mirrors.items()
    )
    pids = " ".join(str(pid) for pid in dict.fromkeys(pid for pid, _ in mirrors))
    return OnlyMirrored(
        f"{text}: {who}",
        f"what is carried is decided at the source, ask there; to end the mirror: kill {pids}",
    )


def _holder(lock: Path) -> int:
    """Who has said in it that it holds it; 0: nobody."""
    with suppress(OSError):
        said = lock.read_bytes()[:20].strip()
        return int(said) if said.isdigit() else 0
    return 0


class NamespaceLock:
    """Held by the one supervisor of a namespace, until it ends in whatever way."""

    def __init__(self, namespace: str) -> None:
        """Raises :class:`AlreadyRunning`, PermissionError."""
        path = runtime_directory() / f"{namespace}.lock"
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._fd)
            pid = _holder(path)
            who = f"process {pid}" if pid else "another process"
            raise AlreadyRunning(
                f"{who} is already the supervisor of namespace {namespace!r}: stop it "
                f"(`feedhandler stop`), or choose another namespace",
                pid,
            ) from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, b"%d\n" % os.getpid(), 0)

    def release(self) -> None:
        """The file stays: removing it would let two hold different files of one name."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class Server:
    """The supervisor's end. `answer` gets each message; what it raises is told the client."""

    def __init__(
        self, namespace: str, answer: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
    ) -> None:
        self._path = socket_path(namespace)
        self._answer = answer
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; the caller holds the namespace's lock, so an old socket is nobody's."""
        with suppress(FileNotFoundError):
            self._path.unlink()
        self._server = await asyncio.start_unix_server(
            self._serve, self._path, limit=_REQUEST_BYTES
        )
        self._path.chmod(0o600)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            with suppress(FileNotFoundError):
                self._path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                line = await reader.readline()
            async with asyncio.timeout(RELOAD_S + _TIMEOUT_S):
                writer.write(orjson.dumps(await self._reply(line)) + b"\n")
                await writer.drain()
        except (TimeoutError, OSError, ValueError):  # a client that is gone, or says nonsense
            pass
        finally:
            writer.close()

    async def _reply(self, line: bytes) -> dict[str, Any]:
        try:
            message = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            return {"error": f"not JSON: {error}"}
        if not isinstance(message, dict):
            return {"error": "a message is a JSON object"}
        try:
            return await self._answer(message)
        except Exception as error:  # the supervisor must outlive every question
            return {"error": f"{type(error).__name__}: {error}"}
