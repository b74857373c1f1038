"""The engine, which is the writer that users run, is killed or stopped at every store."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

import pytest

import shm
from shm import State, object_names, segment
from tests.kit.natives import edited
from tests.torture import observe
from tests.torture.conftest import Choose, some
from tests.torture.engine_scenario import GEOMETRY
from tests.torture.engine_truth import Follower, check_engine, model_of
from tests.torture.instrumented import build_with_points
from tests.torture.observe import at
from tests.torture.venue_frames import VENUES
from tests.torture.venue_model import Model
from tests.torture.victims import Point, Victim, Victims, chosen

ENGINE = "feedhandler.engine._engine"
SEED = 1
#: What must be among the points.
PROTOCOL = (
    "fh_slot_write: store slot = 2 * n - 1",
    "fh_slot_write: release slot = 2 * n",
    "fh_publish: release &w->header->published",
    "fh_latch_begin: store copy = 2 * n - 1",
    "fh_words_in: store shared + i",
    "quote_store_top: store copy + QUOTE_DATA_WORD",
    "cell_draw: store",
    "fh_latch_end: release copy = 2 * n",
    "fh_latch_end: release cell = n",
    "fh_wake: store w->sleepers = 0",
    "fh_wake: store wake",
    "fh_futex: futex",
    "fh_counter_add: store",
    "fh_histogram_add: store",
)


@pytest.fixture(scope="module")
def engines() -> Iterator[Victims]:
    running = Victims(build_with_points(ENGINE), ENGINE)
    try:
        yield running
    finally:
        running.close()


def begin(victims: Victims, venue: str, namespace: str, **order: object) -> tuple[Victim, Model]:
    """An engine with three books, before its first point; some reader has fallen asleep."""
    victim = victims.start(venue, namespace, seed=SEED, **order)
    said = victim.heard()
    assert said is not None
    observe.poke(object_names.readers_name(namespace, venue), "readers", "sleepers", 1)
    return victim, model_of(venue, SEED, said["base"])


def stores(victims: Victims, venue: str, namespace: str) -> tuple[list[Point], int]:
    """The points at which memory changes, and how many points are passed altogether."""
    victim, _ = begin(victims, venue, namespace, trace="words")
    victim.go()
    names = victims.trace(victim)
    return [point for point in chosen(names) if not point.is_load], len(names)


def check_end(victims: Victims, venue: str, namespace: str, **order: object) -> None:
    """One engine's end, what is left of it, its reader, and the next writer."""
    victim, model = begin(victims, venue, namespace, **order)
    reader = Follower(venue, namespace, model)
    assert reader.drain() is None
    victim.go()
    assert victim.heard() is None
    assert victim.status in ("killed", "left")
    published = check_engine(venue, namespace, model)
    observe.let_it_seem_old(object_names.data_name(namespace, venue, reader.feed.epoch))
    lost = reader.loses()
    assert lost.reason == "died"
    assert reader.rows + reader.lost == published
    with segment.create(venue, namespace=namespace, **GEOMETRY) as following:
        assert following.epoch > lost.epoch
        assert reader.drain() is None
        assert (reader.feed.epoch, len(reader.feed.board())) == (following.epoch, 0)


def check_ends(
    victims: Victims, venue: str, namespace: str, places: Iterable[int], **order: object
) -> None:
    """One kill after the other, each at the nth of all points."""
    for nth in places:
        check_end(victims, venue, namespace, point=Point("", nth), action="kill", **order)


def check_pause(victims: Victims, venue: str, namespace: str, **order: object) -> None:
    """An engine that stands still, and then goes on to its last frame."""
    victim, model = begin(victims, venue, namespace, **order)
    reader = Follower(venue, namespace, model)
    victim.go()
    assert victim.heard() is None
    assert victim.status == "stopped"
    published = check_engine(venue, namespace, model)
    observe.let_it_seem_old(object_names.data_name(namespace, venue, reader.feed.epoch))
    assert reader.drain() is None
    if not model.splits(published):  # else who was lapped waits for the rest
        assert reader.rows + reader.lost == published
    board = reader.feed.board()
    assert set(board["state"][:3]) <= {State.LIVE, State.STALE}
    with pytest.raises(shm.WriterRunning):
        segment.create(venue, namespace=namespace, **GEOMETRY)
    victim.resume()
    ready = victim.heard()
    assert ready is not None
    assert check_engine(venue, namespace, model) == ready["published"] == model.end
    assert reader.drain() is None
    assert reader.rows + reader.lost == model.end
    victim.go()
    victim.end()


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("action", ["kill", "stop"])
def test_an_engine_that_ends_or_stops_at_any_store(
    engines: Victims, namespace: str, choose: Choose, venue: str, action: str
) -> None:
    """At every store of the protocol, and anywhere among all that it stores."""
    points, passed = stores(engines, venue, namespace)
    for protocol in PROTOCOL:
        assert any(point.name.startswith(protocol) for point in points), protocol
    check = check_end if action == "kill" else check_pause
    pick = random.Random(f"{venue} {action}")
    anywhere = [Point("", pick.randrange(1, passed)) for _ in range(8 if choose is some else 600)]
    places = choose(points)
    for point in [*(places[::3] if choose is some else places), *anywhere]:
        with at(point):
            check(engines, venue, namespace, point=point, action=action)


MISTAKES = {
    "the records before the cells": (
        "feedhandler/engine/publish.h",
        {
            "    uint64_t ring_sequence = e->writer->next - 1;\n    for (market *m = e->held;": (
                "    uint64_t ring_sequence = e->writer->next - 1;\n    fh_publish(e->writer);\n"
                "    for (market *m = e->held;"
            )
        },
        "can be seen that the cell does not have",
    ),
    "a statistic in one of the two copies": (
        "feedhandler/engine/publish.h",
        {"{ m->quote_whole = 2; }": "{ m->quote_whole = 1; }"},
        "quote: of record .* wrong: .*(mark|index|funding|open_interest)",
    ),
    "levels in one of the two copies": (
        "feedhandler/engine/publish.h",
        {"range_union(s->dirty, *drawn)": "s->dirty"},
        "book: of record .* wrong: .*(bids|asks)|LIVE, but crossed|has a level|its (bids|asks)",
    ),
    "room for a message made when its number is the book's": (
        "feedhandler/engine/apply_book.h",
        {
            "engine_make_room(e, UNLIKELY(m->": "(void)(UNLIKELY(m->",
            "        if (msg->count == 0 && !msg->has_checksum": (
                "        engine_make_room(e, msg->count);\n"
                "        if (msg->count == 0 && !msg->has_checksum"
            ),
        },
        "book: of record .* wrong: .*venue_sequence",
    ),
    "no room made before a message that is split": (
        "feedhandler/engine/publish.h",
        {"records >= e->writer->limit / 2) && e->held": "records == SIZE_MAX) && e->held"},
        "can be seen that the cell does not have",
    ),
    "a record behind its publication": (
        "shm/include/feedhandler_shm.h",
        {"FH_STORE_RELEASE(&w->header->published, w->next - 1)": (
            "FH_STORE_RELEASE(&w->header->published, w->next)"
        )},
        "not whole|a wrong record",
    ),
}  # fmt: skip


#: each is a build of the engine; `tests/mutate` has a second one always
ALWAYS = "the records before the cells"


@pytest.mark.parametrize(
    "mistake",
    [one if one == ALWAYS else pytest.param(one, marks=pytest.mark.soak) for one in MISTAKES],
)
def test_a_mistake_in_the_engine_is_found(namespace: str, mistake: str) -> None:
    """The engine compiled with it, killed at a hundred places at most."""
    path, edits, finding = MISTAKES[mistake]
    wrong = Victims(build_with_points(ENGINE, edited(ENGINE, path, edits)), ENGINE)
    try:
        _, passed = stores(wrong, "okx", namespace)
        pick = random.Random(mistake)
        places = [pick.randrange(1, passed) for _ in range(100)]
        with pytest.raises(AssertionError, match=finding):
            check_ends(wrong, "okx", namespace, places)
    finally:
        wrong.close()


@pytest.mark.parametrize(
    ("word", "finding"),
    [
        ("fh_latch_end: release copy = 2 * n", "cannot be read"),
        ("fh_latch_end: release cell = n", "cannot be read"),
        ("fh_slot_write: store slot + 6 = (uint64_t)size", "a wrong record"),
    ],
)
def test_an_engine_without_a_word_is_found(
    engines: Victims, namespace: str, word: str, finding: str
) -> None:
    with pytest.raises(Exception, match=finding):
        check_ends(engines, "okx", namespace, range(300, 18_000, 300), broken=word)
