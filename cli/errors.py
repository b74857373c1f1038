"""What goes wrong, in one line, with its cure in another; and the exit codes."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import IO, Any

import click

from feedhandler.cli import terminal
from feedhandler.cli.output import echo

FINE = 0
FINDING = 1
USAGE = 2
NOTHING = 3
BUG = 70  #: EX_SOFTWARE of sysexits.h
DISK = 74  #: EX_IOERR of sysexits.h
INTERRUPTED = 130  #: 128 + SIGINT, as shells have it

#: what each says
EXIT_CODES = {
    FINE: "fine",
    FINDING: "a finding: a venue that is not LIVE, a damaged ring, a broken line",
    USAGE: "usage or configuration",
    NOTHING: "nothing to attach to",
    BUG: "a bug of feedhandler",
    DISK: "the disk is full or broken; of a capture, what came before is in the file, whole",
    INTERRUPTED: "Ctrl-C; 129 and 143: SIGHUP and SIGTERM, which end it as orderly",
}


class CliError(click.ClickException):
    """`what` went wrong, the `cure`, and the exit code."""

    def __init__(self, what: str, cure: str = "", code: int = USAGE) -> None:
        super().__init__(what)
        self.cure = cure
        self.code = code

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        return self.code

    def show(self, file: IO[Any] | None = None) -> None:  # noqa: ARG002 - it is click's
        said = folded(f"feedhandler: {self.message}").removeprefix("feedhandler:")
        echo(click.style("feedhandler:", fg="red") + said, err=True)
        if self.cure:
            echo(folded(f"  {self.cure}"), err=True)


def show(error: click.ClickException) -> None:
    """On stderr; also what click itself has to say of a usage."""
    if isinstance(error, CliError):
        error.show()
        return
    text = StringIO()
    error.show(text)
    echo(folded(text.getvalue().rstrip("\n")), err=True)


def say_aside(text: str) -> None:
    """What is said on stderr because stdout may be what others read."""
    echo(folded(text), err=True)


def warn(text: str) -> None:
    """What does not stop a command, on stderr."""
    said = folded(f"warning: {text}").removeprefix("warning:")
    echo(click.style("warning:", fg="yellow") + said, err=True)


def folded(text: str) -> str:
    """A message as wide as the terminal that has stderr, broken between words only."""
    if not sys.stderr.isatty():
        return text
    import textwrap

    columns = max(10, terminal.columns(sys.stderr))
    return "\n".join(
        textwrap.fill(
            line, columns, subsequent_indent="  ", drop_whitespace=True,
            break_long_words=False, break_on_hyphens=False,
        )
        for line in text.splitlines()
    )  # fmt: skip


def _named(module: str, *names: str) -> tuple[type[BaseException], ...]:
    """Exception classes of a module, if it is imported: what is not imported was not raised."""
    loaded = sys.modules.get(module)
    found = (getattr(loaded, name, None) for name in names)
    return tuple(cls for cls in found if isinstance(cls, type))


@contextmanager
def translated() -> Iterator[None]:
    """The errors that a user can cause, of every room below, as `CliError`s."""
    try:
        yield
    except click.ClickException:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _DISK:
            where = f"{error.filename}: " if error.filename else "output: "
            what = f"{where}{error.strerror or error}"
            raise CliError(what, "make room, or choose another place", DISK) from error
        for module, names, cure, code in _TRANSLATIONS:
            if isinstance(error, _named(module, *names)):
                if getattr(error, "available", ()):  # no such venue, but others run: it says which
                    cure = ""
                cure = getattr(error, "cure", cure)
                raise CliError(str(error).rstrip("."), cure, code) from error
        if isinstance(error, PermissionError) and error.filename is not None:
            from shm.permissions import whose

            what = f"{error.filename}: permission denied: {whose(error.filename)}"
            cure = "be that user, take another place, or have it given to you (chown, chmod)"
            raise CliError(what, cure) from error
        if isinstance(error, OSError) and error.filename is not None:
            what = f"{error.filename}: {(error.strerror or str(error)).lower()}"
            raise CliError(what) from error
        raise


_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
COMMAND = os.environ.get("FEEDHANDLER_COMMAND", "feedhandler")  #: as scripts/run was called
START = f"start it: {COMMAND} start (without internet: {COMMAND} start --sim)"
_TRANSLATIONS: tuple[tuple[str, tuple[str, ...], str, int], ...] = (
    ("feedhandler.config.document", ("ConfigError",), "", USAGE),
    ("feedhandler.venues.outside", ("VenueError",), "", USAGE),
    ("feedhandler.adapter.selection", ("UnknownSymbol",), "", USAGE),
    ("feedhandler.capture.frames_file", ("CaptureError",), "", USAGE),
    ("feedhandler.export.source", ("SourceError",), "", USAGE),
    ("feedhandler.export.files", ("NoPyarrow",), "", USAGE),
    ("feedhandler.bench.kit.compare", ("ReportError",), "", USAGE),
    ("feedhandler.bench.kit.plot", ("PlotError",), "", USAGE),
    ("feedhandler.picture.show", ("PictureError",), "", USAGE),
    ("feedhandler.link.session", ("LinkError",), "", USAGE),
    ("feedhandler.supervisor.control_socket", ("NotAnswering",), "", FINDING),
    ("feedhandler.supervisor.control_socket", ("NotRunning",), START, NOTHING),
    ("shm.errors", ("NoSuchVenue", "NotReady", "WriterLost"), START, NOTHING),
    ("shm.errors", ("DamagedSegment", "VersionMismatch"), "", FINDING),
    ("shm.errors", ("ShmError",), "", USAGE),
)
