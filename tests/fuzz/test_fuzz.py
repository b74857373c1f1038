"""Every fuzz target for a moment; for as long as one likes: `python -m tests.fuzz`."""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from feedhandler import venues
from tests.fuzz import corpus
from tests.fuzz.targets import QUICK, Target, build, clang, fuzz, targets
from tests.kit import natives

RUNS = 200
TARGETS = {target.name: target for target in targets()}


@cache
def has_sanitizers() -> bool:
    with TemporaryDirectory() as folder:
        source = Path(folder) / "probe.c"
        source.write_text("int main(void) { return 0; }\n")
        try:
            natives.run(natives.compiler(), "-fsanitize=address,undefined", str(source), "-o",
                        str(source.with_suffix("")))  # fmt: skip
        except AssertionError:
            return False
        return True


def need_sanitizers() -> None:
    """Skip where the compiler comes without its sanitizers."""
    if not has_sanitizers():
        pytest.skip("the compiler has no sanitizers (apt-get install libasan8 libubsan1)")


def test_every_venue_is_a_target() -> None:
    assert set(venues.names()) <= set(TARGETS)


def test_own_inputs_are_of_targets() -> None:
    assert {path.stem for path in corpus.SEEDS.glob("*.txt")} <= set(TARGETS)
    assert all(corpus.seeds(path.stem) for path in corpus.SEEDS.glob("*.txt"))


@pytest.mark.parametrize("name", TARGETS)
def test_a_moment(name: str, tmp_path: Path) -> None:
    need_sanitizers()
    start = corpus.write(name, None, tmp_path)
    outcome = fuzz(build("driver", *QUICK), TARGETS[name], start, 60, runs=RUNS)
    assert not outcome.finding, outcome.finding
    assert outcome.runs == RUNS
    assert outcome.covered > 20


#: (file, what is right, what is wrong, the target that must find it)
MUTATIONS = [
    (
        "feedhandler/wire/strings.h",
        "while (LIKELY(c->end - at >= 8)) {",
        "while (LIKELY(c->end - at >= 1)) {",
        "cursor",
    ),
    (
        "feedhandler/wire/decimal.h",
        "if (LIKELY(limit - at >= 9 && exponent",
        "if (LIKELY(limit - at >= 5 && exponent",
        "decimal",
    ),
    (
        "feedhandler/wire/decimal.h",
        "exponent += zeros;",
        ";",
        "decimal",
    ),
    (
        "feedhandler/engine/book_write.h",
        "if (UNLIKELY(book_crossed(&m->book))) {",
        "if (0) {",
        "deribit",
    ),
    (
        "feedhandler/book/side.h",
        "    s->levels = levels;\n    s->room = room;",
        "    s->levels = levels;\n    s->room = 2 * room;",
        "okx",
    ),
    (
        "feedhandler/engine/publish.h",
        "        market_show_quote(e, m, ring_sequence);\n",
        "",
        "binance",
    ),
    (
        "feedhandler/engine/read_steps.h",
        "    MUST(at == c->end);\n",
        "",
        "binance",
    ),
    (
        "feedhandler/engine/usual.h",
        "return LIKELY(time_usual(e, value));",
        "return true;",
        "bybit-linear",
    ),
    (
        "feedhandler/wire/websocket.h",
        "kind >= WS_CLOSE && (length > WS_CONTROL_BYTES ||",
        "kind > WS_CLOSE && (length > WS_CONTROL_BYTES ||",
        "websocket",
    ),
    (
        "shm/include/feedhandler_shm.h",
        "    if (stamp != 2 * n)\n        return stamp > 2 * n",
        "    if (stamp < 2 * n)\n        return stamp > 2 * n",
        "memory",
    ),
]


def test_mistakes_can_be_made() -> None:
    """What they change is still there, also where nobody tries whether they are found."""
    for file, right, *_ in MUTATIONS:
        assert right in (natives.ROOT / file).read_text(), (file, right)


@pytest.mark.soak
@pytest.mark.parametrize(("file", "right", "wrong", "name"), MUTATIONS)
def test_mistakes_are_found(tmp_path: Path, file: str, right: str, wrong: str, name: str) -> None:
    need_sanitizers()
    for path in [*natives.headers(), natives.ROOT / "tests/fuzz/targets.c",
                 natives.ROOT / "tests/fuzz/driver.c"]:  # fmt: skip
        copy = tmp_path / "tree" / path.relative_to(natives.ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    broken = tmp_path / "tree" / file
    assert right in broken.read_text()
    broken.write_text(broken.read_text().replace(right, wrong))
    program = build("driver", *QUICK, root=tmp_path / "tree")
    start = corpus.write(name, TARGETS[name].venue, tmp_path)
    assert fuzz(program, TARGETS[name], start, 60).finding


@pytest.mark.soak
@pytest.mark.parametrize("name", TARGETS)
def test_for_long(name: str, tmp_path: Path) -> None:
    """FEEDHANDLER_SOAK_SECONDS for each target, or 75: ten minutes in all."""
    program = build("libfuzzer" if clang() else "driver")
    start = corpus.write(name, TARGETS[name].venue, tmp_path)
    seconds = float(os.environ.get("FEEDHANDLER_SOAK_SECONDS", "75"))
    outcome = fuzz(program, TARGETS[name], start, seconds)
    print(outcome)
    assert not outcome.finding, outcome.finding


def test_an_unknown_target_is_refused(tmp_path: Path) -> None:
    need_sanitizers()
    nothing = fuzz(build("driver", *QUICK), Target("x", "nosuch 1 0 0 0"), tmp_path, 1, runs=1)
    assert "no such target" in nothing.finding
