"""Where a picture goes: into a file, or onto the terminal itself, by whatever that can show."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 110


class PictureError(Exception):
    """It cannot be made, or not be shown; the text says why and what to do."""


def show(figure: Figure, target: str) -> Path | None:
    """Write it to a PNG file, or for "-" draw it on the terminal: with its own pictures where it
    has them (kitty, iTerm2, sixel), else with coloured half characters. Returns the file."""
    if target != "-":
        path = Path(target)
        if path.suffix.lower() != ".png":
            raise PictureError(f"{target}: the name of a picture ends with .png")
        figure.savefig(path, dpi=_DPI)
        return path
    if not sys.stdout.isatty():
        raise PictureError("this is no terminal: name a file, such as --plot book.png")
    try:
        from PIL import Image as Pixels
        from textual_image.renderable import Image
    except ImportError:
        text = "pictures on a terminal need textual-image: pip install 'feedhandler[plot]'"
        raise PictureError(text) from None
    from rich.console import Console

    raw = io.BytesIO()
    figure.savefig(raw, dpi=_DPI, format="png")
    raw.seek(0)
    Console().print(Image(Pixels.open(raw), width="auto", height="auto"))
    return None
