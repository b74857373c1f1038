from __future__ import annotations

from pathlib import Path

from shm import segment
from shm.dev_shm import objects
from tests.cli.support import Terminal, json_of, run


def test_says_what_it_found_and_changes_nothing(namespace: str) -> None:
    left = segment.create("okx", namespace=namespace, instruments=4, depth=5, ring_slots=1024)
    left.close(keep=True)
    before = objects(namespace)
    budgets = f"{namespace}-budgets"
    result = run(
        "doctor", "-v", "okx", "--json", namespace=namespace, FEEDHANDLER_BUDGETS=budgets
    )  # fmt: skip
    found = {one["name"]: one for one in json_of(result)["checks"]}
    assert result.returncode == (1 if any(o["verdict"] == "problem" for o in found.values()) else 0)
    assert found["shared memory"]["found"].startswith("okx: 18 MiB")
    assert found["left over"]["verdict"] == "advice"
    assert found["left over"]["cures"] == [f"feedhandler clean --namespace {namespace}"]
    assert found["left over"]["found"].startswith("4 objects of feeds that were killed")
    assert objects(namespace) == before
    assert not Path("/dev/shm", budgets).exists()


def test_a_problem_is_an_exit_code(namespace: str, tmp_path: Path) -> None:
    path = tmp_path / "feed.toml"
    path.write_text("[venues.okx]\nspin = true\n")
    result = run("doctor", str(path), namespace=namespace)
    assert result.returncode == 1
    assert "problem  pinning        okx: spin, but no CPU of its own" in result.stdout
    assert "-> venues.NAME.cpu = N" in result.stdout


def test_eighty_columns_are_enough(namespace: str) -> None:
    with Terminal("doctor", namespace=namespace, columns=80) as terminal:
        assert terminal.finish() in (0, 1)
        shown = terminal.lines()
    assert any("shared memory" in line for line in shown)
    assert max(map(len, shown)) <= 80
