"""TLS, certificates and access control, as docs/mirror.md shows them: its blocks, word for word."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from feedhandler.link.asking import Asking, LinkRefused
from feedhandler.link.mirroring import VenueMirror
from feedhandler.link.session import open_session
from tests.kit.tools import needs
from tests.link.ends import wanted
from tests.link.links import Process, attached, free_port, until
from tests.recording.market import VENUE, Market

pytestmark = needs("openssl")
DOCUMENT = Path(__file__).parents[2] / "docs" / "mirror.md"


class Hosts:
    """The feed's, and others that have its files. `port`: where the feed is served."""

    def __init__(self, namespace: str, folder: Path) -> None:
        self.namespace, self.port = namespace, free_port()
        text = DOCUMENT.read_text()
        text = text.replace("10.0.0.5:7447", f"127.0.0.1:{self.port}").replace(
            "10.0.0.5", "127.0.0.1"
        )
        text = text.replace("/feedhandler/okx/", f"/{namespace}/{VENUE}/")
        (shell,) = re.findall(r"```sh\n(# An authority.*?)```", text, re.DOTALL)
        for who in ("", "stranger"):  # the same again, of another authority
            place = folder / who
            place.mkdir(exist_ok=True)
            subprocess.run(["bash", "-ec", shell], cwd=place, check=True, capture_output=True)
        for block in re.findall(r"```json5\n(.*?)```", text, re.DOTALL):
            name = re.findall(r"// (\S+\.json5),", block)[0]
            (folder / name).write_text(block)
        research = (folder / "research.json5").read_text()
        files = {
            "stranger": research.replace("tls/research.", "stranger/tls/research."),
            "unnamed": research.replace("tls/research.", "tls/feed."),
            "without": re.sub(r".*(connect_|enable).*\n", "", research),
        }
        for name, content in files.items():
            (folder / f"{name}.json5").write_text(content)


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Hosts, Process]]:
    """With a feed that is served."""
    folder = tmp_path_factory.mktemp("hosts")
    namespace = f"test-{folder.parent.name}-{time.time_ns() % 10**9}"[-40:].lstrip("-")
    with pytest.MonkeyPatch.context() as patch, Market(namespace) as market:
        patch.chdir(folder)
        its = Hosts(namespace, folder)
        words = ("--namespace", namespace, "--name", "here", "--zenoh", "feed.json5")
        process = Process("serve", *words)
        try:
            until(lambda: process.said("served as here"), "it serves", process)
            market.writer.heartbeat()
            yield its, process
        finally:
            process.close()


def test_who_shows_no_certificate_of_ours_is_refused_and_both_ends_say_so(
    hosts: tuple[Hosts, Process],
) -> None:
    its, serve = hosts
    begun = time.monotonic()
    words = ("mirror", VENUE, "--namespace", f"{its.namespace}m", "--zenoh")
    mirrors = [Process(*words, f"{who}.json5") for who in ("stranger", "without")]
    plain = Process(*words[:-1], "--from", f"127.0.0.1:{its.port}")
    try:
        for process, text in zip(
            [*mirrors, plain],
            [
                "does not trust who signed",
                "wants a certificate, and was shown none",
                "TLS spoken at one end only?",
            ],
            strict=True,
        ):
            _says(process, text)
        for text in ("nobody has signed who is trusted", "no certificate was shown", "speak TLS"):
            _says(serve, text)
        print(f"all said after {time.monotonic() - begun:.1f} s")
    finally:
        for process in (*mirrors, plain):
            assert process.stop() == 0
            process.close()


def _says(process: Process, text: str) -> None:
    until(lambda: process.said(text), text, process)


def test_who_is_not_named_gets_nothing_and_who_is_cannot_publish(
    hosts: tuple[Hosts, Process],
) -> None:
    its, serve = hosts
    asked = replace(wanted(its.namespace), namespace=f"{its.namespace}n")
    with ExitStack() as stack:
        unnamed, named, another = (
            open_session([], [], f"{who}.json5") for who in ("unnamed", "research", "research")
        )
        for each in (unnamed, named, another):
            stack.callback(each.close)
        with pytest.raises(LinkRefused, match="or none whom this host may ask"):
            Asking(unnamed, VENUE, asked).hello()
        _says(serve, "no subject of access_control names")
        with pytest.raises(LinkRefused, match="or none whom this host may ask"):
            Asking(named, "another", asked).hello()
        mirror = VenueMirror(named, VENUE, asked)
        try:
            attached(asked.namespace)
            _says(serve, "certificate of research")
            copy = mirror.copy
            assert copy is not None
            before = copy.number
            another.put(f"feedhandler/here/{its.namespace}/{VENUE}/all", b"nonsense")
            until(lambda: copy.number > before + 3, "batches go on to come")
            assert mirror.tally.bad == 0
        finally:
            mirror.close()
