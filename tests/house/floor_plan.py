"""What is where: every room, and of each file what its first line says.

python -m tests.house.floor_plan              the whole house
python -m tests.house.floor_plan healing shm  some rooms
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import textwrap
from pathlib import Path

from tests.house.test_rooms import order

ROOT = Path(__file__).parents[2]
KINDS = (".py", ".pyx", ".pxi", ".pxd", ".h", ".c")
_FIRST = {
    ".py": r'^(?:#[^\n]*\n)*r?"""(.*?)(?:"""|\n\n|\Z)',
    ".pyx": r'^(?:#[^\n]*\n)*"""(.*?)(?:"""|\n\n)',
    ".h": r"^/\*(.*?)(?:\*/|\n \*\n|\n\n)",
}
_FIRST |= {
    ".c": _FIRST[".h"],
    ".pxd": r"^(?:# cython[^\n]*\n)?((?:#[^\n]*\n)+)",
    ".pxi": r"^((?:#[^\n]*\n)+)",
}


def first(path: Path) -> str:
    """The first sentence of a file, "" where it has none."""
    found = re.match(_FIRST[path.suffix], path.read_text(), re.DOTALL)
    if found is None:
        return ""
    text = re.sub(r"\s+", " ", re.sub(r"^\s*(?:\*|#)", "", found[1], flags=re.MULTILINE)).strip()
    return re.split(r"(?<=[.])\s", text, maxsplit=1)[0].rstrip(".:;,")


def rooms(root: Path = ROOT) -> dict[str, list[Path]]:
    """By name, the folders and the files that stand in them."""
    found: dict[str, list[Path]] = {}
    for package in ("cli", "feedhandler", "shm"):
        for path in sorted((root / package).rglob("*")):
            if path.suffix in KINDS and not re.fullmatch(r"_\w+\.c", path.name):  # Cython's
                found.setdefault(_name(path.parent.relative_to(root)), []).append(path)
    floors = {room: floor for floor, room in enumerate(order())}
    return dict(sorted(found.items(), key=lambda each: floors.get(each[0].split("/")[0], 0)))


def _name(folder: Path) -> str:
    """Rooms of the feed by their own names."""
    parts = folder.parts
    return "/".join(parts[1:] if parts[0] == "feedhandler" and len(parts) > 1 else parts)


def told(wanted: list[str], columns: int) -> str:
    """The map as text."""
    lines = []
    for name, files in rooms().items():
        if wanted and name.split("/")[0] not in wanted and name not in wanted:
            continue
        room = next((path for path in files if path.name == "__init__.py"), None)
        lines += ["", textwrap.shorten(f"{name}/  {first(room) if room else ''}", columns)]
        for path in files:
            if path != room:
                text = textwrap.shorten(first(path), columns - 30, placeholder=" ...")
                lines.append(f"  {path.name:27} {text}")
    return "\n".join(lines[1:])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.house.floor_plan", description=__doc__)
    parser.add_argument("room", nargs="*", help="rooms, by the names of their folders")
    asked = parser.parse_args()
    names = {part for name in rooms() for part in (name, name.split("/")[0])}
    for unknown in set(asked.room) - names:
        parser.error(f"there is no room {unknown}; there are {', '.join(rooms())}")
    print(told(asked.room, max(80, min(140, shutil.get_terminal_size().columns))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
