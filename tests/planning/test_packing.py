from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhandler.adapter.venue import Limits
from feedhandler.planning.packing import PlanError, fitting, pack
from tests.kit.facts import PaperVenue, spec

CHANNELS = ("book", "trades", "ticker")


def test_one_connection_without_limits() -> None:
    (one,) = pack(PaperVenue(), [spec("A"), spec("B")], CHANNELS)
    assert one.endpoint == "public"
    assert one.keys[:3] == ("book:A", "trades:A", "ticker:A")
    assert len(one.keys) == 6


def test_family_keys_are_merged_and_go_to_their_endpoint() -> None:
    specs = [spec("A", "F"), spec("B", "F"), spec("C", "G")]
    found = {one.endpoint: one.keys for one in pack(PaperVenue(), specs, ("book",))}
    assert found["family"] == ("family:F", "family:G")
    assert found["public"] == ("book:A", "book:B", "book:C")


@given(st.integers(0, 40), st.integers(3, 11))
def test_every_key_once_within_the_limit_and_instruments_whole(count: int, room: int) -> None:
    venue = PaperVenue(Limits(keys_per_connection=room))
    specs = [spec(f"S{n}") for n in range(count)]
    plans = pack(venue, specs, CHANNELS)
    assert plans == pack(venue, specs, CHANNELS)
    keys = list(chain.from_iterable(one.keys for one in plans))
    assert sorted(keys) == sorted(key for each in specs for key in venue.keys(each, CHANNELS))
    for one in plans:
        assert 0 < len(one.keys) <= room
        symbols = {key.partition(":")[2] for key in one.keys}
        assert len(one.keys) == 3 * len(symbols)
    assert len(plans) == -(-count // (room // 3))


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(PlanError, match="3 keys"):
        pack(PaperVenue(Limits(keys_per_connection=2)), [spec("A")], CHANNELS)
    venue = PaperVenue(Limits(keys_per_connection=3, connections=2))
    with pytest.raises(PlanError, match=r"need 3 connections .* allows 2"):
        pack(venue, [spec("A"), spec("B"), spec("C")], CHANNELS)


def test_new_keys_go_where_there_is_room() -> None:
    venue = PaperVenue(Limits(keys_per_connection=5, bytes_per_connection=30))
    four, three = ["k1", "k2", "k3", "k4"], ["k5", "k6", "k7"]
    assert fitting(["a", "b"], [four, three], venue) == 1
    assert fitting(["a", "b"], [four, four], venue) is None
    assert fitting(["a" * 25, "b"], [three, []], venue) == 1
    assert fitting(["a"], [["k"] * 400], PaperVenue()) == 0


def test_bytes_of_a_connection_are_kept() -> None:
    venue = PaperVenue(Limits(bytes_per_connection=40))
    plans = pack(venue, [spec(f"S{n}") for n in range(9)], ("book", "trades"))
    assert len(plans) == 5  # "book:S0" and "trades:S0" are 16 bytes
    assert all(sum(map(len, one.keys)) <= 40 for one in plans)
    with pytest.raises(PlanError, match=r"2 keys of 96 bytes .* of 40 bytes"):
        pack(venue, [spec("S" * 42)], ("book", "trades"))
