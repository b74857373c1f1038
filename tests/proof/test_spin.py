"""The life cycle and the handshake as Spin models: right as they are, wrong when mutated.

spin -a handshake.pml && gcc -O1 -DSAFETY -o pan pan.c && MUTATION=0 ./pan -m200000
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.kit.tools import need

HERE = Path(__file__).parent

HANDSHAKE = {
    1: "the flag is cleared after the second bump",
    2: "no second bump",
    3: "no FUTEX_WAKE",
    4: "superseded is stored after the bump",
    5: "published after the wake-up",
    6: "the reader looks before it sets its flag, and reads the word last",
    7: "who is woken wakes nobody",
    8: "who is woken wakes none who slept under its own word",
    9: "the writer does not wake again",
    10: "who is woken wakes also those who have seen all",
    11: "what came meanwhile is looked for in naps, and not again behind the flag",
}
#: The writer killed, or a reader: what shows a mutation, where the run without a kill does not.
SHOWN_BY = {4: {"KILLS": 1, "BATCHES": 1}, 9: {"KILLS": 2}}
EPOCHS = {
    1: "the lock is taken without asking whether the name still leads to its object",
    2: "close releases the lock before it removes the name",
    3: "an epoch is named before it is ready",
    4: "no lock",
    5: "clean removes without the lock",
    6: "the reader does not ask the lock",
}
_PAN = ("-DSAFETY", "-DMEMLIM=2048", "-DNOFAIR", "-DNOBOUNDCHECK")


@pytest.fixture(scope="module")
def verifiers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both models' verifiers, compiled once."""
    need("spin", "gcc")
    made = {}
    for model in ("handshake", "epochs"):
        place = tmp_path_factory.mktemp(model)
        subprocess.run(
            ["spin", "-a", str(HERE / f"{model}.pml")],
            cwd=place,
            check=True,
            timeout=60,
            capture_output=True,
        )
        subprocess.run(
            ["gcc", "-O2", "-w", *_PAN, "-o", "pan", "pan.c"],
            cwd=place,
            check=True,
            timeout=120,
        )
        made[model] = place / "pan"
    return made


def _errors(verifier: Path, mutation: int = 0, **choices: int) -> tuple[int, str]:
    """How many errors the verifier finds (it stops at the first), and what it says."""
    environment = {**os.environ, "MUTATION": str(mutation)}
    environment |= {name: str(value) for name, value in choices.items()}
    run = subprocess.run(
        [str(verifier), "-m200000", "-w22" if mutation else "-w24"],
        cwd=verifier.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    found = re.search(r"errors: (\d+)", run.stdout)
    assert found is not None, run.stdout + run.stderr
    assert "max search depth too small" not in run.stdout, run.stdout
    assert "out of memory" not in run.stdout, run.stdout
    return int(found[1]), run.stdout


@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"KILLS": 1, "BATCHES": 1},
        pytest.param({"KILLS": 2}, marks=pytest.mark.soak),
        pytest.param({"KILLS": 1}, marks=pytest.mark.soak),
        pytest.param({"READERS": 3, "BATCHES": 1}, marks=pytest.mark.soak),
    ],
    ids=str,
)
def test_no_wake_up_is_lost(verifiers: dict[str, Path], choices: dict[str, int]) -> None:
    errors, said = _errors(verifiers["handshake"], **choices)
    assert errors == 0, said


@pytest.mark.parametrize("mutation", HANDSHAKE, ids=HANDSHAKE.get)
def test_a_broken_handshake_is_found(verifiers: dict[str, Path], mutation: int) -> None:
    errors, said = _errors(verifiers["handshake"], mutation, **SHOWN_BY.get(mutation, {}))
    assert errors == 1, said
    assert "assertion violated" in said


@pytest.mark.parametrize(("writers", "readers"), [(2, 1), (3, 0)])
def test_one_writer_at_a_time_and_no_reader_stuck(
    verifiers: dict[str, Path], writers: int, readers: int
) -> None:
    errors, said = _errors(verifiers["epochs"], WRITERS=writers, READERS=readers)
    assert errors == 0, said


@pytest.mark.soak
def test_three_writers_and_a_reader(verifiers: dict[str, Path]) -> None:
    """Ten million states."""
    errors, said = _errors(verifiers["epochs"], WRITERS=3, READERS=1)
    assert errors == 0, said


@pytest.mark.parametrize("mutation", EPOCHS, ids=EPOCHS.get)
def test_a_broken_life_cycle_is_found(verifiers: dict[str, Path], mutation: int) -> None:
    errors, said = _errors(verifiers["epochs"], mutation, WRITERS=2, READERS=1)
    assert errors == 1, said
    assert ("invalid end state (" if mutation == 6 else "assertion violated") in said
