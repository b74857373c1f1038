"""For the site: pages that lie outside of docs/, and links that lead there.

A hook of MkDocs (mkdocs.yml). Links are written so that they work in the repository; here each is
led to the page that has its file, and one to a file that has no page becomes the file's name.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
#: what of the repository is a page, besides docs/
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "deploy/README.md": "deploy.md",
}
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s#:]+)(#[^)\s]*)?\)")
_sources: dict[str, str] = {}


def on_files(files: Files, config: Any) -> Files:
    for source, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text()))
    _sources.clear()
    _sources.update({page: source for source, page in PAGES.items()})
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    here = page.file.src_uri
    source = _sources.get(here, f"docs/{here}")
    return _LINK.sub(lambda link: _led(link, source), markdown)


def _led(link: re.Match[str], source: str) -> str:
    image, text, target, anchor = link[1], link[2], link[3], link[4] or ""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    if path in PAGES:
        return f"{image}[{text}]({PAGES[path]}{anchor})"
    if path.startswith("docs/"):
        return f"{image}[{text}]({path.removeprefix('docs/')}{anchor})"
    return text if text.startswith("`") or text == path else f"{text} (`{path}`)"
