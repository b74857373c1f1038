"""Python runs this at its start: the finder of `site_finder.py`, without the project."""

from pathlib import Path

_text = (Path(__file__).parents[1] / "site_finder.py").read_text()
exec(compile(_text, "site_finder.py", "exec"))
install()  # type: ignore[name-defined] # noqa: F821
