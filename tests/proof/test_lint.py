"""Domain lints: live shared memory is touched through the header's words only.

What a reader may race with must be loaded and stored with the header's atomics. So: no `memcpy` or
`memmove` of live memory, no stamp outside the header, no plain access to a field that changes while
others look. Every exception is listed with the reason why it is none; a new line that trips a lint
is either wrong or belongs on a list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.proof.header import ROOT

SOURCES = (".h", ".c", ".pyx", ".pxi", ".pxd")

#: (file, statement): memory that is private to the process, or not yet named to readers.
COPIES = {
    (
        "shm/event_rows.pxi",
        "memcpy(row, slot, _EVENT_BYTES)",
    ): "a record that was copied out and checked",
    ("shm/event_rows.pxi", "memcpy(view.buf, rows.at, count * rows.row_bytes)"): "our buffer",
    ("shm/feed.pxi", "memcpy(view.buf, levels, count * 16)"): "a cell that was copied out",
    (
        "shm/object_layout.pxi",
        "memcpy(field, <const char *>text, len(text))",
    ): "before the magic is stored",
    (
        "shm/object_layout.pxi",
        "memcpy(own.boot_id, <const char *>boot_id, 16)",
    ): "our copy of what it should be",
    (
        "shm/object_layout.pxi",
        "memcpy(<char *>control + 8, <char *>&own + 8, size - 8)",
    ): "of a damaged one or a new one, while it has no magic",
    ("shm/writer.pxi", "memcpy(header.boot_id, <const char *>boot_id, 16)"): "before the magic",
    (
        "shm/registry.pxi",
        "memcpy(padded, <const char *>name, min(len(name), 63))",
    ): "a name, before it is stored",
    (
        "shm/reader.pxi",
        "memcpy(&self.plan, <const char *>header, sizeof(fh_header))",
    ): "a copy of the header that was checked",
    **{
        ("shm/recording/books.h", f"memmove(s->levels + index {what})"): "books of our own"
        for what in (
            "- 1, s->levels + index, (size_t)better * sizeof *s->levels",
            "+ 1, s->levels + index, (size_t)better * sizeof *s->levels",
        )
    },
    (
        "feedhandler/engine/fields.pxi",
        "memcpy(field, <const char *>encoded, len(encoded))",
    ): "a name that the engine keeps",
    (
        "feedhandler/export/_text.pyx",
        "memcpy(to, field.constant.text, field.constant.length)",
    ): "a text of an export",
    (
        "feedhandler/export/_text.pyx",
        "memcpy(to, name.text, name.length)",
    ): "a text of an export",
    **{
        ("shm/arrow.h", f"memcpy({what})"): "columns of a table that was copied out"
        for what in (
            "&half, at, 4",
            "&value, at, 8",
            "out + 4 * i, &code, 4",
            "out + 4 * i, &half, 4",
            "out + 8 * i, &value, 8",
        )
    },
    ("shm/_arrow.pyx", "memcpy(field, <const char *>raw, len(raw))"): "a name",
    ("shm/_arrow.pyx", "memcpy(c.text + at, <const char *>raw[i], len(raw[i]))"): "words",
    ("feedhandler/engine/engine.h", "memcpy(frame, payload, length)"): "a received frame",
    ("feedhandler/bench/native/floor_book.h", "memcpy(b->name, p, length)"): "a name of a frame",
    (
        "feedhandler/engine/text_cuts.h",
        "memcpy(k->found, k->ends, (size_t)parts * sizeof *k->ends)",
    ): "places in a frame, on the stack",
    ("feedhandler/engine/apply.h", "memcpy(m->word, word, length)"): "of a frame",
    **{
        (
            "feedhandler/engine/terms.h",
            f"memcpy(entry.{field}, m->entry.{field}, sizeof entry.{field})",
        ): "the engine's own rows"
        for field in ("price_exponents", "size_exponents", "symbol")
    },
    (
        "feedhandler/book/backlog.h",
        "memmove(b->bytes, b->bytes + b->head, b->tail - b->head)",
    ): "the engine's own buffer",
    (
        "feedhandler/book/side.h",
        "memmove(levels + index - 1, levels + index, (size_t)depth * sizeof *levels)",
    ): "the engine's full book",
    (
        "feedhandler/book/side.h",
        "memmove(levels + index + 1, levels + index, (size_t)depth * sizeof *levels)",
    ): "the engine's full book",
    (
        "feedhandler/engine/engine.pxi",
        "memcpy(field, <const char *>encoded, len(encoded))",
    ): "a row before it is stored",
    (
        "feedhandler/engine/apply_book.h",
        "memcpy(w->levels, e->levels + msg->levels, (size_t)msg->count * sizeof(level))",
    ): "the engine's own memory",
    (
        "feedhandler/engine/book_write.h",
        "memmove(s->levels, s->levels + gone, (size_t)most * sizeof *s->levels)",
    ): "the engine's full book",
    (
        "feedhandler/engine/session.h",
        "memcpy(b.word, word, length < sizeof b.word ? length : sizeof b.word - 1)",
    ): "the engine's own memory",
    (
        "feedhandler/engine/deepen.h",
        "memcpy(w->levels, levels, (size_t)count * sizeof *levels)",
    ): "the engine's own memory",
    (
        "feedhandler/engine/apply.h",
        "memcpy(e->levels + e->level_count, top, sizeof top)",
    ): "the engine's own memory",
    (
        "feedhandler/engine/decode.h",
        "memcpy(entry.symbol, symbol->at, symbol->length)",
    ): "a row before it is stored",
    (
        "feedhandler/budgets/budget_table.h",
        "memcpy(r->name, name, length < FHB_NAME - 1 ? length : FHB_NAME - 1)",
    ): "a row that was just claimed; its name is for people",
    (
        "feedhandler/engine/receiver.pxi",
        "memmove(self.data, self.data + self.start, self.end)",
    ): "received bytes",
    **{
        ("feedhandler/bench/native/floor_book.h", f"memmove(levels + at {what}, better)"): "its own"
        for what in ("+ 1, levels + at", "- 1, levels + at")
    },
    ("feedhandler/bench/native/receiver.c", "memmove(buffer, buffer + at, have)"): "received bytes",
    ("feedhandler/bench/native/receiver.c", "memmove(buffer, stop + 4, have)"): "received bytes",
    ("feedhandler/engine/symbols.h", "memcpy(padded, symbol, length)"): "a name that was asked for",
    **{
        ("feedhandler/book/checksum.h", f"memmove({what} * sizeof *p)"): "the engine's own memory"
        for what in (
            "p + 1, p, (behind < room ? behind : room - 1)",
            "p, p + gone, (behind - gone)",
        )
    },
    **{
        ("feedhandler/engine/way_sketch.h", f"memcpy({what})"): "what was declared, and a way's own"
        for what in ("&w->say[side], word + 1, *word", "s->word, k->from, length")
    },
    (
        "feedhandler/engine/usual_time.h",
        "memcpy(last->text, said.at, said.length)",
    ): "the engine's own memory",
    **{
        ("feedhandler/engine/sketch.h", f"memcpy({what})"): "what was declared, and a program's own"
        for what in (
            "&s->say[side], word + 1, *word",
            "s->say, b->word, sizeof s->say",
            "&s->word[0], s->literal, 8",
            "&s->word[1], s->literal + length - 8, 8",
            "s->literal, literal, length",
        )
    },
    **{
        ("feedhandler/engine/shape.h", f"memcpy({what})"): "what was declared"
        for what in (
            "&length, *at, sizeof length",
            "&out->required, p, sizeof out->required",
            "&value, at, sizeof value",
        )
    },
    **{
        ("feedhandler/wire/number_text.h", f"memcpy({what})"): "text"
        for what in (
            "bytes, packed.words, sizeof packed.words",
            "o, bytes + 16 - packed.length, 16",
            "o, digits + 1, (size_t)count - 1",
        )
    },
    ("feedhandler/wire/format.h", "memcpy(o, at, length)"): "text",
    ("feedhandler/wire/text.h", "memcpy(&word, at, 8)"): "text",
}
#: (file, expression): stamps of copies.
STAMPS = {
    ("shm/board.pxi", "q.stamp"): "of a copied quote",
    ("shm/event_rows.pxi", "slot.stamp"): "of a copied record",
    ("shm/state_rows.pxi", "slot.stamp"): "of a record that is made from a cell",
    ("shm/reader.pxi", "self.entries[id].stamp"): "of a copied row",
    ("feedhandler/bench/native/pingpong.c", "from->stamp"): "a clock in the floor's own memory",
    ("feedhandler/bench/native/pingpong.c", "to->stamp"): "the same",
}
#: Fields that change while others look, and what may go before them.
LIVE = (
    *("published", "wake", "heartbeat_ns", "state", "reason", "state_ns", "superseded"),
    *("instruments", "connection_rows", "last_receive_ns", "epoch", "writer_pid"),
    *("writer_start_ticks", "sleepers"),
)
#: (file, expression): plain accesses to fields of those names that are no race.
PLAIN = {
    ("shm/writer.pxi", "header.epoch"): "before the magic",
    ("shm/writer.pxi", "header.writer_pid"): "before the magic",
    ("shm/writer.pxi", "header.writer_start_ticks"): "before the magic",
    ("shm/writer.pxi", "header.heartbeat_ns"): "before the magic",
    ("shm/writer.pxi", "header.state_ns"): "before the magic",
}

_COPY = re.compile(r"\b(?:memcpy|memmove|mempcpy|bcopy|__builtin_memcpy|__builtin_memmove)\s*\(")
_STAMP = re.compile(r"[\w.\[\]>-]*(?:\.|->)stamp\b")
_LIVE = re.compile(
    r"(?<![\w&.>])&?(?:[\w.]+(?:\.|->))?(?:header|control)(?:\.|->)"
    rf"(?:{'|'.join(LIVE)})\b"
)
_COMMENTS = re.compile(
    r"/\*.*?\*/|//[^\n]*|(?<!\w)#(?! *(?:define|include|if|endif|else))[^\n]*", re.DOTALL
)


def _files(root: Path = ROOT) -> Iterator[tuple[str, str]]:
    """(path, text without comments) of every native source; what Cython made is not ours."""
    for room in ("shm", "feedhandler"):
        for path in sorted((root / room).rglob("*")):
            made = path.suffix == ".c" and path.name.startswith("_")  # also of a place it left
            if made or path.suffix not in SOURCES or path.name == "feedhandler_shm.h":
                continue
            text = path.read_text()
            yield str(path.relative_to(root)), _COMMENTS.sub(" ", text)


def _copies(text: str) -> list[str]:
    """Each call that copies memory, to its closing bracket, in one spacing."""
    found = []
    for call in _COPY.finditer(text):
        depth, end = 0, call.end() - 1
        while True:
            depth += (text[end] == "(") - (text[end] == ")")
            end += 1
            if depth == 0:
                break
        found.append(" ".join(text[call.start() : end].split()))
    return found


def _plain(text: str) -> list[str]:
    return [found for found in _LIVE.findall(text) if not found.startswith("&")]


def _report(found: set[tuple[str, str]], allowed: dict[tuple[str, str], str]) -> str:
    return "\n".join(f"{file}: {what}" for file, what in sorted(found - set(allowed)))


def check_copies(root: Path = ROOT) -> None:
    found = {(file, call) for file, text in _files(root) for call in _copies(text)}
    assert found, "no source was read"
    unknown = _report(found, COPIES)
    assert not unknown, f"memory copies that nobody vouched for:\n{unknown}"


def check_stamps(root: Path = ROOT) -> None:
    found = {(file, stamp) for file, text in _files(root) for stamp in _STAMP.findall(text)}
    unknown = _report(found, STAMPS)
    assert not unknown, f"bare accesses to a stamp:\n{unknown}"


def check_fields(root: Path = ROOT) -> None:
    found = {(file, field) for file, text in _files(root) for field in _plain(text)}
    unknown = _report(found, PLAIN)
    assert not unknown, f"plain accesses to fields that others change:\n{unknown}"


def test_nothing_is_copied_from_live_memory() -> None:
    check_copies()


def test_stamps_are_the_headers_business() -> None:
    check_stamps()


def test_live_fields_are_loaded_and_stored_atomically() -> None:
    check_fields()


@pytest.mark.parametrize(
    ("file", "line", "check"),
    [
        ("engine/publish.h", "memcpy(&out, (void *)&ring[n], sizeof out);", check_copies),
        ("engine/publish.h", "if (ring[n & mask].stamp == 2 * n) return;", check_stamps),
        ("engine/publish.h", "while (header->published < n);", check_fields),
        ("engine/engine.pxi", "cdef uint64_t p = self.segment.header.published", check_fields),
    ],
)
def test_the_lints_find_what_they_are_for(
    tmp_path: Path, file: str, line: str, check: Callable[[Path], None]
) -> None:
    """A line that should not be, at the end of one of our files."""
    place = tmp_path / "feedhandler" / file
    place.parent.mkdir(parents=True)
    (place.parents[1] / "wire").mkdir()
    vouched_for = "feedhandler/wire/text.h"
    (tmp_path / vouched_for).write_text((ROOT / vouched_for).read_text())
    source = (ROOT / "feedhandler" / file).read_text()
    place.write_text(source)
    check(tmp_path)
    place.write_text(f"{source}\n{line}\n")
    with pytest.raises(AssertionError, match=re.escape(f"feedhandler/{file}: ")):
        check(tmp_path)


def test_an_address_for_the_atomics_is_no_access() -> None:
    assert not _plain("fh_load64_acquire(&self.segment.header.published)")
    assert not _plain("FH_STORE(&w->header->published, n)")


def test_the_lists_name_what_exists() -> None:
    files = {file for file, _ in _files()}
    named = {file for table in (COPIES, STAMPS, PLAIN) for file, _ in table}
    assert named <= files, "an exception for a file that is not there"


def test_the_header_itself_copies_word_by_word() -> None:
    text = _COMMENTS.sub(" ", (ROOT / "shm/include/feedhandler_shm.h").read_text())
    assert _copies(text) == []


def test_sources_are_where_the_lint_looks() -> None:
    assert (ROOT / "shm" / "reader.pxi").is_file()
    assert Path(__file__).resolve().is_relative_to(ROOT)
