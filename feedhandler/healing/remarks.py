"""What is said of several connections about one thing, and taken back where it holds no more."""

from collections.abc import Mapping

from feedhandler.connection.connection import Connection
from shm import Reason


class Remarks:
    """`about`: see :meth:`Connection.note`."""

    def __init__(self, about: str) -> None:
        self._about = about
        self._made: set[Connection] = set()

    def say(self, remarks: Mapping[Connection, tuple[Reason, str]]) -> None:
        """These, and no others that were made before."""
        for connection, (reason, detail) in remarks.items():
            connection.note(reason, detail, self._about)
        for connection in self._made - remarks.keys():
            connection.note(Reason.NONE, "", self._about)
        self._made = set(remarks)
