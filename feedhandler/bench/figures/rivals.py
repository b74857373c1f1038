"""What is used instead of shared memory, over the same hop: from a writer to another process.

64 bytes a message, paced, into a receiver in Python that blocks or, where it says so, polls.
"""

from __future__ import annotations

import ctypes
import importlib.util
import multiprocessing
import os
import shutil
import struct
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from feedhandler.bench.kit import cores, leftovers
from feedhandler.bench.kit.stage import StageError

_INTERVAL_NS = 500_000
_DEADLINE_S = 60.0
_ICEORYX_BUFFER = 4096  # messages; with less a receiver that is scheduled away loses some
_STAMP: Final = struct.Struct("=q56x")  # 64 bytes
_CONTEXT = multiprocessing.get_context("spawn")
Times = npt.NDArray[np.int64]
Send = Callable[[bytes], object]
Receive = Callable[[], bytes]


def installed() -> list[str]:
    """Those that can be measured here."""
    return [name for name, (module, _, _) in _RIVALS.items() if _there(module)]


def missing() -> Mapping[str, str]:
    """The others, and why not."""
    cure = "pip install 'feedhandler[bench]'"
    return {
        name: f"{module} is not installed: {cure}"
        for name, (module, _, _) in _RIVALS.items()
        if not _there(module)
    }


def _there(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def hop(name: str, where: cores.Cores, count: int) -> Times:
    """How long each message took, ns. Raises StageError."""
    address = leftovers.memory(f"bench{os.getpid()}-{time.time_ns()}", "*")
    leftovers.folder(_iceoryx_folder(address))
    try:
        return _hop(name, address, where, count)
    finally:
        _clean(address)


def _hop(name: str, address: str, where: cores.Cores, count: int) -> Times:
    _, sender, _ = _RIVALS[name]
    ours, theirs = _CONTEXT.Pipe()
    queue: Any = _CONTEXT.Queue() if name == "multiprocessing.Queue" else None
    arguments = (name, address, queue, theirs, count, where.reader)
    process = _CONTEXT.Process(target=_receiver, args=arguments, daemon=True)
    process.start()
    try:
        with sender(address, queue) as send:
            _hear(ours, name)

            def work() -> None:
                cores.pin(where.writer)
                _paced(send, count)

            cores.in_thread(work)
            took: Times = _hear(ours, name)
            return took
    finally:
        process.join(1)
        process.terminate()
        process.join()


def _hear(pipe: Connection[Any, Any], name: str) -> Any:
    if not pipe.poll(_DEADLINE_S):
        raise StageError(f"{name}: nothing heard of its receiver")
    return pipe.recv()


def _paced(send: Send, count: int) -> None:
    now, due = time.monotonic_ns, time.monotonic_ns()
    for _ in range(count):
        due += _INTERVAL_NS
        while now() < due:
            pass
        send(_STAMP.pack(due))


def _receiver(
    name: str, address: str, queue: Any, pipe: Connection[Any, Any], count: int, cpu: int
) -> None:
    cores.pin(cpu)
    took = []
    with _RIVALS[name][2](address, queue) as receive:
        pipe.send("ready")
        for _ in range(count):
            message = receive()
            took.append(time.monotonic_ns() - _STAMP.unpack(message)[0])
    pipe.send(np.array(took, np.int64))


# ---- each of them: a sender and a receiver


@contextmanager
def _zmq_sender(address: str, _: Any) -> Iterator[Send]:
    import zmq

    with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
        socket.linger = 0
        socket.bind(f"ipc://@{address}")
        yield socket.send


@contextmanager
def _zmq_receiver(address: str, _: Any) -> Iterator[Receive]:
    import zmq

    with zmq.Context() as context, context.socket(zmq.PULL) as socket:
        socket.connect(f"ipc://@{address}")
        yield socket.recv


@contextmanager
def _queue_sender(_: str, queue: Any) -> Iterator[Send]:
    yield queue.put


@contextmanager
def _queue_receiver(_: str, queue: Any) -> Iterator[Receive]:
    yield queue.get


@contextmanager
def _iceoryx_service(address: str) -> Iterator[tuple[Any, type[ctypes.Structure]]]:
    import iceoryx2

    class Message(ctypes.Structure):
        _fields_ = (("stamp", ctypes.c_int64), ("rest", ctypes.c_uint8 * 56))

    config = iceoryx2.config.default()  # its files under names of ours, to be removed afterwards
    config.global_cfg.prefix = iceoryx2.FileName.new(address)
    config.global_cfg.root_path = iceoryx2.Path.new(str(_iceoryx_folder(address)))
    node = iceoryx2.NodeBuilder.new().config(config).create(iceoryx2.ServiceType.Ipc)
    name = iceoryx2.ServiceName.new(address)
    builder = node.service_builder(name).publish_subscribe(Message)
    builder = builder.subscriber_max_buffer_size(_ICEORYX_BUFFER).enable_safe_overflow(False)
    yield builder.open_or_create(), Message


@contextmanager
def _iceoryx_sender(address: str, _: Any) -> Iterator[Send]:
    with _iceoryx_service(address) as (service, message):
        publisher = service.publisher_builder().create()

        def send(data: bytes) -> None:
            sample = publisher.loan_uninit()
            sample.write_payload(message.from_buffer_copy(data)).send()

        yield send


def _iceoryx_folder(address: str) -> Path:
    return Path(tempfile.gettempdir()) / address


def _clean(address: str) -> None:
    """What iceoryx2 leaves behind."""
    for left in Path("/dev/shm").glob(f"{address}*"):
        left.unlink(missing_ok=True)
    shutil.rmtree(_iceoryx_folder(address), ignore_errors=True)


@contextmanager
def _iceoryx_receiver(address: str, _: Any) -> Iterator[Receive]:
    with _iceoryx_service(address) as (service, message):
        subscriber = service.subscriber_builder().buffer_size(_ICEORYX_BUFFER).create()

        def receive() -> bytes:
            while (sample := subscriber.receive()) is None:
                pass
            return ctypes.string_at(sample.payload(), ctypes.sizeof(message))

        yield receive


#: name -> (module, sender, receiver)
_RIVALS: Final[Mapping[str, tuple[str, Callable[..., Any], Callable[..., Any]]]] = {
    "multiprocessing.Queue": ("multiprocessing", _queue_sender, _queue_receiver),
    "pyzmq": ("zmq", _zmq_sender, _zmq_receiver),
    "iceoryx2, polled": ("iceoryx2", _iceoryx_sender, _iceoryx_receiver),
}
