# ruff: noqa: N818 - the names say what happened
"""What is wrong with a recording, or with the directory that should be one."""

from __future__ import annotations

from shm.errors import ShmError


class RecordingError(ShmError):
    """Root of the errors about recordings."""


class NoRecording(RecordingError):
    """No recording is there: no directory, or one without a manifest."""


class OtherFormat(RecordingError):
    """The recording follows another version of the format. `theirs` and `ours`."""

    def __init__(self, message: str, theirs: int, ours: int) -> None:
        super().__init__(message)
        self.theirs = theirs
        self.ours = ours


class DamagedRecording(RecordingError):
    """A file of the recording is not what its manifest says, or the manifest is damaged."""


class NoPyarrow(RecordingError):
    """pyarrow is not installed, without which no file of a recording can be read or written."""
