"""`feedhandler reload`: the file is read again, and what became of it is said; so is the end."""

from __future__ import annotations

import signal
from pathlib import Path

import msgspec

from feedhandler.config.load import load
from feedhandler.config.record_keys import RecordConfig
from feedhandler.supervisor.reload import difference, in_words
from tests.cli.support import Terminal, json_of, run, until

FILE = """
status_address = ""
[venues.okx]
instruments = ["BTC-USDT"{more}]
depth = {depth}
"""


def write(path: Path, more: str = "", depth: int = 50) -> None:
    path.write_text(FILE.format(more=more, depth=depth))


def test_what_changed_is_said_where_it_is_asked_for(namespace: str, tmp_path: Path) -> None:
    path = tmp_path / "feed.toml"
    write(path)
    assert run("reload", namespace=namespace).returncode == 3
    with Terminal("start", str(path), "--sim", namespace=namespace, columns=80) as terminal:
        until(lambda: any("inspect book okx" in line for line in terminal.lines()), "it is LIVE")
        same = run("reload", namespace=namespace)
        assert (same.returncode, same.stdout) == (0, "nothing changed\n")
        write(path, more=', "ETH-USDT"')
        more = run("reload", "--json", namespace=namespace)
        assert json_of(more) == {"changed": ["okx: instruments + ETH-USDT"], "warnings": []}
        write(path, depth=0)
        refused = run("reload", namespace=namespace)
        assert refused.returncode == 2
        assert f"{path}: line 5: venues.okx.depth: 0 is not allowed" in refused.stderr
        assert "the feed goes on as it was" in refused.stderr
        near = run("subscribe", "okxx", "BTC-USDC", namespace=namespace)
        assert near.returncode == 2
        assert "no venue 'okxx' runs here; did you mean 'okx'?" in near.stderr
        write(path)
        terminal.process.send_signal(signal.SIGHUP)
        until(lambda: "okx: instruments - ETH-USDT" in " ".join(terminal.lines()), "it is said")
        stopped = run("stop", namespace=namespace)
        assert stopped.returncode == 0
        assert stopped.stdout.startswith(f"stopped {namespace} after ")
        assert stopped.stdout.endswith("(okx); nothing is left in /dev/shm\n")
        assert terminal.finish() == 0
        said = terminal.lines()
    assert "stopping okx (feedhandler stop)" in said
    assert any(line.startswith("stopped after ") for line in said)
    assert said.count("configuration read again:") == 3


def test_every_kind_of_change_has_its_words() -> None:
    replace = msgspec.structs.replace
    old = load(None, venues=["okx", "binance", "deribit"], symbols=["A", "B"])
    okx, binance, deribit = (old.venues[name] for name in ("okx", "binance", "deribit"))
    new = replace(
        old,
        status_address="",
        record=RecordConfig(to="/data"),
        venues={
            "okx": replace(okx, instruments=("B", "C")),
            "binance": replace(binance, depth=100, proxy="http://me:secret@host:1"),
            "kraken": deribit,
        },
    )
    assert in_words(difference(old, new), old, new) == [
        "kraken: added",
        "deribit: no longer configured: ended",
        "okx: instruments + C - A",
        "binance: its process started again: depth 50 -> 100; proxy none -> 'http://me:...@host:1'",
        "status_address '127.0.0.1:8787' -> none",
        "recorder: started",
    ]
    again = replace(new, record=RecordConfig(to="/data", free_mib=7))
    said = in_words(difference(new, again), new, again)
    assert said == [f"recorder: started again: free_mib {new.record.free_mib} -> 7"]  # type: ignore[union-attr]
    assert in_words(difference(new, new), new, new) == []
