"""A supervisor that hangs, or was stopped, is told from one that is not there."""

import os
import socket
from contextlib import closing

import pytest

from feedhandler.cli.errors import FINDING, CliError, translated
from feedhandler.supervisor import control_socket
from feedhandler.supervisor.control_socket import NamespaceLock, request, socket_path


def test_one_that_hangs_is_named_with_what_helps(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Soon also where an answer may take minutes; and not as one that is to be started."""
    monkeypatch.setattr(control_socket, "_HANGS_S", 0.1)
    held, path = NamespaceLock(namespace), socket_path(namespace)
    lock = path.with_suffix(".lock")
    try:
        with closing(socket.socket(socket.AF_UNIX)) as silent:
            silent.bind(str(path))
            silent.listen()  # the kernel takes who comes, and nobody answers
            with pytest.raises(CliError) as told, translated():
                request(namespace, {"do": "reload"}, 3600.0)
    finally:
        path.unlink()
        held.release()
        lock.unlink()
    assert told.value.exit_code == FINDING
    assert "does not answer within 0.1 s" in told.value.message
    assert f"kill -CONT {os.getpid()}" in told.value.cure
