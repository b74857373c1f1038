"""The picture of the whole, docs/img/whole.svg: names and numbers in it are the code's own.

    .venv/bin/python scripts/site/whole.py      writes it anew; a test holds the picture to it

It has a ground of its own, light or dark as the reader's screen is. Its text is text.
"""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

import msgspec

from feedhandler import venues
from feedhandler.config.keys import VenueConfig

PICTURE = Path(__file__).parents[2] / "docs" / "img" / "whole.svg"
TITLE = (
    "Venues send to IO processes, one for each venue. These write shared memory: a directory, "
    "cells and a ring. Strategies, a recorder, mirrors on other hosts and people's screens read it."
)
WIDTH, HEIGHT = 640, 756
COLUMNS, BOX = (30, 230, 430), 180
STYLE = """
text { font-family: -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; font-size: 14px;
  fill: #3c4d55; text-anchor: middle; }
.name { font-weight: 600; font-size: 16px; fill: #14232b; }
.beside { text-anchor: start; }
.ground { fill: #ffffff; stroke: #c9d3d7; }
.box { fill: #eef4f5; stroke: #5c7a85; }
.memory { fill: #d9efec; stroke: #00796b; stroke-width: 2; }
.part { fill: #ffffff; stroke: #00796b; }
.way { stroke: #5c7a85; stroke-width: 2; fill: none; }
.tip { fill: #5c7a85; }
@media (prefers-color-scheme: dark) {
  text { fill: #bccad0; }
  .name { fill: #eef3f5; }
  .ground { fill: #14191c; stroke: #3a474d; }
  .box { fill: #232c31; stroke: #8ba3ad; }
  .memory { fill: #0f3833; stroke: #4db6ac; }
  .part { fill: #14191c; stroke: #4db6ac; }
  .way { stroke: #8ba3ad; }
  .tip { fill: #8ba3ad; }
}
"""
_WRITTEN = {"okx": "OKX"}  # names that are no words


def _text(x: float, y: float, words: str, kind: str = "") -> str:
    of = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}"{of}>{escape(words)}</text>'


def _box(x: int, y: int, width: int, height: int, kind: str, name: str, *lines: str) -> str:
    """A box with its name, and lines below that."""
    middle, first = x + width / 2, y + height / 2 + 5.5 - 10 * len(lines)
    words = [_text(middle, first, name, "name")]
    words += [_text(middle, first + 20 * n, line) for n, line in enumerate(lines, 1)]
    rect = f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="8"/>'
    return "\n".join([rect, *words])


def _down(x: int, begin: int, end: int) -> str:
    return f'<path class="way" d="M{x},{begin} V{end}" marker-end="url(#tip)"/>'


def _parts() -> list[str]:
    first = [_WRITTEN.get(name, name.capitalize()) for name in venues.defaults()]
    defaults = {one.name: one.default for one in msgspec.structs.fields(VenueConfig)}
    parts = []
    for x, name in zip(COLUMNS, first, strict=True):
        parts += [
            _box(x, 22, BOX, 42, "box", name),
            _down(x + 90, 64, 106),
            _box(
                x, 110, BOX, 88, "box", "IO process", "connections, decoder,", "books: native code"
            ),
            _down(x + 90, 198, 238),
        ]
    parts += [
        _text(132, 90, "WebSocket", "beside"),
        _text(132, 224, "writes", "beside"),
        '<rect class="memory" x="30" y="242" width="580" height="164" rx="8"/>',
        _text(320, 268, "shared memory of each venue, /dev/shm", "name"),
        _box(46, 284, 172, 106, "part", "directory", "instruments", "and their terms"),
        _box(
            234,
            284,
            172,
            106,
            "part",
            "cells",
            "the newest quote",
            f"and book, {defaults['depth']} levels",
        ),
        _box(
            422,
            284,
            172,
            106,
            "part",
            "ring",
            f"the last {defaults['ring_slots']:,}",
            "events, in order",
        ),
        _text(108, 432, "read only", "beside"),
    ]
    readers = (
        ("strategies", "Python, C,", "C++, Rust"),
        ("recorder", "keeps", "every event"),
        ("serve", "feeds", "other hosts"),
        ("people", "top, inspect,", "the page"),
    )
    for x, (name, *lines) in zip(_QUARTERS, readers, strict=True):
        parts += [_down(x + 66, 406, 446), _box(x, 450, 133, 86, "box", name, *lines)]
    parts += [
        _down(_QUARTERS[1] + 66, 536, 568),
        _box(_QUARTERS[1], 572, 133, 86, "box", "Parquet files", "export, replay,", "research"),
        _down(_QUARTERS[2] + 66, 536, 568),
        _box(_QUARTERS[2], 572, 133, 86, "box", "mirror", "same memory,", "another host"),
        _box(30, 678, 580, 56, "box", "supervisor: feedhandler start", _CARES),
    ]
    return parts


_QUARTERS = (30, 179, 328, 477)
_CARES = "starts IO processes, recorder and serve, and starts again what ends"


def picture() -> str:
    """The SVG."""
    body = "\n".join(_parts())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img">\n'
        f"<title>{TITLE}</title>\n<style>{STYLE}</style>\n"
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path class="tip" d="M0,0 L8,4 L0,8 z"/></marker></defs>\n'
        f'<rect class="ground" x="1" y="1" width="{WIDTH - 2}" height="{HEIGHT - 2}" rx="12"/>\n'
        f"{body}\n</svg>\n"
    )


if __name__ == "__main__":
    PICTURE.write_text(picture(), "utf-8")
