"""The code that the compiler makes of the header is the recipe.

`machine.py` proves the source under C11; here is what becomes of it. On x86-64 publishing costs
plain stores, in order. On AArch64 the barriers are where the recipe has orderings.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.tools import need
from tests.proof.compiled import build, disassemble
from tests.proof.header import HEADER

PROBE = Path(__file__).with_name("probe.c")
Code = dict[str, list[str]]

PER_RECORD = ("slot_write", "message_add", "message_end", "publish", "quote_store", "book_store")
READING = ("slot_read", "latch_read", "join_try")
_FENCE = re.compile(r"^(lock\b|mfence|sfence|lfence|xchg .*\()|^x?chg .*\)$")


def _x86(place: Path, source: Path, level: str) -> Code:
    if platform.machine() != "x86_64":
        pytest.skip(f"this machine is {platform.machine()}, not x86_64")
    need("cc", "objdump")
    options = ("-std=gnu11", level, "-fcf-protection=none", "-c")
    return disassemble("objdump", build("cc", source, place / "probe.o", *options))


def _arm(place: Path, source: Path, level: str) -> Code:
    need("aarch64-linux-gnu-gcc", "aarch64-linux-gnu-objdump")
    options = ("-std=gnu11", level, "-march=armv8-a", "-c")
    target = build("aarch64-linux-gnu-gcc", source, place / "probe.o", *options)
    return disassemble("aarch64-linux-gnu-objdump", target)


@pytest.fixture(scope="module", params=["-O2", "-O3"])
def x86(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Code:
    return _x86(tmp_path_factory.mktemp("x86"), PROBE, request.param)


@pytest.fixture(scope="module", params=["-O2", "-O3"])
def arm(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Code:
    return _arm(tmp_path_factory.mktemp("arm"), PROBE, request.param)


def _fences(code: list[str]) -> list[str]:
    return [line for line in code if _FENCE.search(line)]


@pytest.mark.parametrize("function", [*PER_RECORD, *READING])
def test_x86_has_no_locked_instruction_on_the_hot_path(x86: Code, function: str) -> None:
    assert x86[function]
    assert _fences(x86[function]) == []
    assert not [line for line in x86[function] if line.startswith("call")]


@pytest.mark.parametrize(("function", "fences"), [("wake", 2), ("wait_for", 1), ("supersede", 1)])
def test_x86_fences_where_somebody_may_sleep(x86: Code, function: str, fences: int) -> None:
    assert len(_fences(x86[function])) == fences, x86[function]


def test_x86_stores_a_record_in_the_order_of_the_recipe(x86: Code) -> None:
    stores = [
        re.fullmatch(r"mov %\w+,(0x[0-9a-f]+)?\((%\w+)\)", line) for line in x86["slot_write"]
    ]
    found = [(int(store[1] or "0", 16), store[2]) for store in stores if store]
    last = found[-1][1]  # the register that holds the slot
    assert [offset for offset, register in found if register == last] == [0, *range(8, 64, 8), 0]


def _x86_order(code: list[str]) -> str:
    """Stores and loads in order: s l of a word or less, S L of two words."""
    letters = ""
    for line in code:
        if move := re.match(r"(mov\w*) (.*)", line):
            two, source = "%xmm" in move[2], move[2].split(",")[0]
            if "(" in move[2]:
                store = source.startswith(("%", "$"))
                letters += ("S" if two else "s") if store else ("L" if two else "l")
    return letters


def test_x86_stores_two_words_at_once_between_the_stamps(x86: Code) -> None:
    """First stamp; words; last stamp and the flip."""
    stores = re.sub("[lL]", "", _x86_order(x86["quote_store"]))
    assert re.fullmatch(r"sS+ss", stores), x86["quote_store"]


def test_x86_reads_two_words_at_once_between_the_looks_at_the_stamp(x86: Code) -> None:
    """Head, stamp; words; the stamp again."""
    loads = re.sub("[sS]", "", _x86_order(x86["latch_read"]))
    assert re.fullmatch(r"llL+l", loads), x86["latch_read"]


def _order(code: list[str]) -> str:
    """Stores, loads and barriers in order: s S(release) l L(acquire) F(ull) A(cquire fence)."""
    letters = ""
    for line in code:
        name, _, rest = line.partition(" ")
        if name in ("stlr", "stlrb", "stlrh"):
            letters += "S"
        elif name in ("ldar", "ldapr"):
            letters += "L"
        elif name in ("str", "stp", "stur"):
            letters += "s" if name != "stp" else "ss"
        elif name in ("ldr", "ldp", "ldur"):
            letters += "l"
        elif name == "dmb":
            letters += {"ish": "F", "ishld": "A", "ishst": "W"}[rest]
    return letters


@pytest.mark.parametrize(
    ("function", "barriers"),
    [
        ("slot_write", "FS"),
        ("publish", "S"),
        ("quote_store", "FSS"),
        ("two_stores", "FSSFSS"),
        ("book_store", "FSS"),
        ("slot_read", "LA"),
        ("latch_read", "LLA"),
        ("join_try", "LLA"),
        ("wake", "FF"),
        ("wait_for", "LFL"),
        ("supersede", "SF"),
    ],
)
def test_arm_has_the_barriers_of_the_recipe(arm: Code, function: str, barriers: str) -> None:
    assert "".join(re.findall("[A-Z]", _order(arm[function]))) == barriers, arm[function]


def test_arm_stores_a_record_between_its_stamps(arm: Code) -> None:
    stores = _order(arm["slot_write"]).replace("l", "")
    assert re.fullmatch(r"s+Fs{7}S", stores), arm["slot_write"]


def test_arm_flips_a_cell_before_the_next_store_begins(arm: Code) -> None:
    """The premise of `remains(as_written=True)`: nothing is moved above the release stores."""
    stores = _order(arm["two_stores"]).replace("l", "")
    assert re.fullmatch(r"sFs+SSsFs+SS", stores), arm["two_stores"]


def test_arm_reads_the_words_between_the_looks_at_the_stamp(arm: Code) -> None:
    assert re.fullmatch(r"L[ls]*l[ls]*Al[s]*", _order(arm["slot_read"])), arm["slot_read"]


Compiler = Callable[[Path, Path, str], Code]
_STAMPED = "FH_STORE(slot, 2 * n - 1);\n    FH_FENCE_RELEASE();\n"

#: (what is wrong, the compiler, the text of the header, the wrong one, the test that must fail)
MISTAKES: list[tuple[str, Compiler, str, str, Callable[[Code], None]]] = [
    (
        "a locked instruction for every message",
        _x86,
        "FH_STORE_RELEASE(&w->header->published, w->next - 1)",
        "__atomic_store_n(&w->header->published, w->next - 1, __ATOMIC_SEQ_CST)",
        lambda code: test_x86_has_no_locked_instruction_on_the_hot_path(code, "publish"),
    ),
    (
        "no fence before a look at who sleeps",
        _x86,
        "FH_FENCE_FULL();\n    if (FH_UNLIKELY(FH_LOAD(w->sleepers) != 0 ||",
        "if (FH_UNLIKELY(FH_LOAD(w->sleepers) != 0 ||",
        lambda code: test_x86_fences_where_somebody_may_sleep(code, "wake", 2),
    ),
    (
        "words before the stamp that warns of them",
        _x86,
        _STAMPED,
        "FH_STORE(slot + 6, (uint64_t)size);\n    " + _STAMPED,
        test_x86_stores_a_record_in_the_order_of_the_recipe,
    ),
    (
        "no fence behind a record's first stamp",
        _arm,
        _STAMPED,
        "FH_STORE(slot, 2 * n - 1);\n",
        lambda code: test_arm_has_the_barriers_of_the_recipe(code, "slot_write", "FS"),
    ),
    (
        "a relaxed last stamp",
        _arm,
        "FH_STORE_RELEASE(slot, 2 * n);",
        "FH_STORE(slot, 2 * n);",
        test_arm_stores_a_record_between_its_stamps,
    ),
    (
        "two words behind the last stamp",
        _x86,
        "    fh_words_in(copy + 1, (const fh_word *)quote + 1, FH_QUOTE_WORDS - 1);\n"
        "    fh_latch_end(cell, sizeof *quote);\n",
        "    fh_latch_end(cell, sizeof *quote);\n"
        "    fh_words_in(copy + 1, (const fh_word *)quote + 1, FH_QUOTE_WORDS - 1);\n",
        test_x86_stores_two_words_at_once_between_the_stamps,
    ),
    (
        "a second look at the stamp before the words",
        _x86,
        "        fh_words_out(copy + 1, out + 1, words - 1);\n        FH_FENCE_ACQUIRE();\n"
        "        if (FH_LOAD(copy) == stamp) {\n",
        "        FH_FENCE_ACQUIRE();\n"
        "        if (FH_LOAD(copy) == stamp) {\n"
        "            fh_words_out(copy + 1, out + 1, words - 1);\n",
        test_x86_reads_two_words_at_once_between_the_looks_at_the_stamp,
    ),
    (
        "a relaxed flip",
        _arm,
        "FH_STORE_RELEASE(cell, n);",
        "FH_STORE(cell, n);",
        test_arm_flips_a_cell_before_the_next_store_begins,
    ),
    (
        "no fence before a record's second look",
        _arm,
        "7);\n    FH_FENCE_ACQUIRE();",
        "7);",
        test_arm_reads_the_words_between_the_looks_at_the_stamp,
    ),
]


@pytest.mark.parametrize(
    ("compiler", "right", "wrong", "test"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES]
)
def test_a_mistake_is_found(
    tmp_path: Path, compiler: Compiler, right: str, wrong: str, test: Callable[[Code], None]
) -> None:
    """These tests, on a header with a mistake made on purpose."""
    text = HEADER.read_text()
    assert text.count(right) == 1
    (tmp_path / HEADER.name).write_text(text.replace(right, wrong))
    source = tmp_path / PROBE.name  # which includes the header beside it
    source.write_text(PROBE.read_text())
    code = compiler(tmp_path, source, "-O2")
    with pytest.raises(AssertionError):
        test(code)
