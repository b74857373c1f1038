"""The source that a word names."""

from __future__ import annotations

from pathlib import Path

from feedhandler.export.source import Source, SourceError

LIVE = "live:"


def opened(
    word: str, *, venue: str | None = None, namespace: str = "feedhandler", follow: bool = False
) -> Source:
    """`live:VENUE`, a directory with a recording, or a capture.

    Raises :class:`SourceError`, and what the source raises.
    """
    if word.startswith(LIVE):
        from feedhandler.export.of_live import LiveSource

        return LiveSource(word.removeprefix(LIVE), namespace=namespace, follow=follow)
    if follow:
        raise SourceError("--follow is for live:VENUE: what is on disk has an end")
    path = Path(word)
    if path.is_dir():
        from feedhandler.export.of_recording import RecordingSource

        return RecordingSource(path, venue=venue)
    if not path.exists():
        raise SourceError(f"{path} is not there: a recording's directory, a capture, or live:VENUE")
    from feedhandler.export.of_capture import CaptureSource

    return CaptureSource(path, venue=venue)
