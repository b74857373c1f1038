"""What there is to say about a connection while it is LIVE, by what it is about."""

from shm import Reason


class ConnectionNotes:
    """`shown`: the first one that has a reason, else the first."""

    def __init__(self) -> None:
        self._notes: dict[str, tuple[Reason, str]] = {}

    def put(self, about: str, reason: Reason, detail: str) -> None:
        """In place of what was said about it before; without a detail there is nothing to say."""
        self._notes.pop(about, None)
        if detail:
            self._notes[about] = reason, detail

    def clear(self) -> None:
        """It is another session."""
        self._notes.clear()

    @property
    def shown(self) -> tuple[Reason, str]:
        notes = self._notes.values()
        return next((note for note in notes if note[0]), next(iter(notes), (Reason.NONE, "")))
