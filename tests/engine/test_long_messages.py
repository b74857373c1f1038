"""Messages of every length in the ring: whole, in order, in parts where they are too long."""

from __future__ import annotations

import pytest

from shm import Flag, Kind, Side
from tests.engine import support

SLOTS = 1 << 10
LIMIT = SLOTS // 4  # records of a part
LENGTHS = [
    (1, 0), (0, 1), (1, 1), (2, 1), (1, 2), (2, 2), (3, 3), (17, 0), (128, 127), (128, 128),
    (128, 129), (255, 1), (254, 2), (1, 255), (1, 254), (255, 0), (256, 0), (257, 3), (300, 300),
    (3, 700),
]  # fmt: skip


@pytest.mark.parametrize(("bids", "asks"), LENGTHS)
def test_a_message_of_levels_is_in_the_ring(bids: int, asks: int) -> None:
    """Asks, then bids, as the frame has them. A part begins with FIRST and ends with LAST, and
    with MORE but for the last part; a part takes a quarter of the ring at most."""
    with support.engine("okx", depth=5, ring_slots=SLOTS, instruments=4) as e:
        c, memory = e.connection(0), support.memory(e)
        first = [["5000", "1"]], [["6000", "1"]]
        c.feed(support.okx_book(1, -1, bids=first[0], asks=first[1], action="snapshot"))
        for n in range(2, 5):
            memory.records()
            sides = (
                [[str(4000 - i), str(n + i)] for i in range(bids)],
                [[str(7000 + i), str(n + i)] for i in range(asks)],
            )
            c.feed(support.okx_book(n, n - 1, bids=sides[0], asks=sides[1]))
            records = memory.records()
            got = [one[:4] for one in records]
            scale = [10 ** -int(x) for x in exponents(memory)]
            assert got == [
                (Kind.LEVEL, side, int(price) * scale[0], int(size) * scale[1])
                for side, levels in zip((Side.ASK, Side.BID), sides[::-1], strict=True)
                for price, size in levels
            ]
            assert {one[5:] for one in records} == {(0, n)}
            assert_parts([one[4] for one in records])


def exponents(memory: support.Memory) -> tuple[int, int]:
    head = memory.book(0)[0]
    return int(head["price_exponent"]), int(head["size_exponent"])


def assert_parts(flags: list[int]) -> None:
    begin = 0
    while begin < len(flags):
        end = next(n for n in range(begin, len(flags)) if flags[n] & Flag.LAST) + 1
        assert end - begin <= LIMIT
        part = [flag & ~(Flag.FIRST | Flag.LAST | Flag.MORE) for flag in flags[begin:end]]
        assert part == [0] * len(part)
        firsts = [bool(flag & Flag.FIRST) for flag in flags[begin:end]]
        assert firsts == [True, *[False] * (end - begin - 1)]
        mores = [bool(flag & Flag.MORE) for flag in flags[begin:end]]
        assert mores == [*[False] * (end - begin - 1), end < len(flags)]
        begin = end
