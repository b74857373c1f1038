"""The documentation as a site: every page is in it, every link and anchor leads somewhere."""

from __future__ import annotations

import html
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]


def test_every_page_is_in_the_navigation() -> None:
    nav = re.findall(r": ([\w-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    outside = {"index.md", "changelog.md", "contributing.md", "deploy.md"}
    assert set(nav) == outside | {path.name for path in (ROOT / "docs").glob("*.md")}
    assert len(nav) == len(set(nav))


def test_the_picture_of_the_whole_is_what_the_code_says() -> None:
    """`python scripts/site/whole.py` writes it anew. It asks nobody for anything, and its text is
    text."""
    made = importlib.util.spec_from_file_location("whole", ROOT / "scripts" / "site" / "whole.py")
    assert made is not None
    assert made.loader is not None
    whole = importlib.util.module_from_spec(made)
    made.loader.exec_module(whole)
    assert whole.PICTURE.read_text("utf-8") == whole.picture()
    assert "http" not in whole.picture().replace("http://www.w3.org/2000/svg", "")
    assert whole.picture().count("<text") > 20
    assert "docs/img/whole.svg" in (ROOT / "README.md").read_text()


def dead_links(site: Path) -> list[str]:
    """Links, anchors and pictures of pages as they were built that lead nowhere."""
    pages = {path.name: path.read_text() for path in site.glob("*.html") if path.name != "404.html"}
    ids = {name: set(re.findall(r'\bid="([^"]+)"', text)) for name, text in pages.items()}
    dead = []
    for name, text in pages.items():
        for link in re.findall(r'<(?:a|img|link|script)[^>]+(?:href|src)="([^"]+)"', text):
            path, _, anchor = html.unescape(link).partition("#")
            target = unquote(path) or name
            if re.match(r"[a-z]+:", path) or target == ".":
                continue
            here = target in ids and unquote(anchor) in ids[target]
            if not (site / target).exists() or (anchor and not here):
                dead.append(f"{name}: {link}")
    return dead


def test_the_site_is_built_offline(tmp_path: Path) -> None:
    if any(importlib.util.find_spec(name) is None for name in ("mkdocs", "mkdocstrings")):
        pytest.skip("no MkDocs (pip install 'feedhandler[docs]')")
    out = tmp_path / "site"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", out],
        cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for page in out.glob("*.html"):
        text = page.read_text()
        fetched = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(https?://[^"]+)"', text)
        assert [one for one in fetched if "canonical" not in one] == [], page.name
    assert dead_links(out) == []
    reference = (out / "reference.html").read_text()
    for name in ("shm.feed.Feed.quote", "shm.feed.Feed.require_live", "shm._native.Quote.bid"):
        assert f'id="{name}"' in reference
    assert ":class:" not in reference
