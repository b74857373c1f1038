"""Frames of venues that are declared by their frames alone, made from the declarations."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache

from feedhandler.shape import Frame
from feedhandler.shape.tree import Node, holes, parsed, rendered

SYMBOLS = ("AAA_USD", "BB_USD", "CCCCCCCCCC_USD")
NOW_NS = 1_700_000_000_000_000_000


@cache
def _parsed(sample: str) -> Node:
    return parsed(sample, "")


class Made:
    """Frames in which books go on, and now and then something is odd."""

    def __init__(self, frames: Sequence[Frame], rng: random.Random) -> None:
        self.rng = rng
        self.frames = [frame for frame in frames if frame.kind not in ("number", "answer")]
        self.numbered = any(frame.kind == "number" for frame in frames)
        self.last = dict.fromkeys(SYMBOLS, 10)
        self.conn = 100
        self.now = NOW_NS

    def frame(self, kind: str = "") -> bytes:
        """One more; of this kind."""
        rng = self.rng
        known = [frame for frame in self.frames if frame.kind == kind] or self.frames
        frame = rng.choice(known)
        self.now += rng.randrange(1, 10**9)
        self.conn += 1 if rng.random() < 0.98 else 2
        channel = rng.randrange(len(SYMBOLS))
        values = self._values(frame, SYMBOLS[channel])
        if frame.channel:
            values["channel"] = str(10 * (channel + 1) + (frame.channel != "book"))
        tree = _parsed(frame.sample)
        rows = [self._values(frame, SYMBOLS[channel]) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
        if frame.kind in ("book", "snapshot", "full"):
            rows = rows[:1]
            del rows[0]["symbol"]
        text = rendered(tree, values, rows)
        if not self.numbered:
            return text.encode()
        said = str(self.conn)
        if text.startswith("["):
            return f"{text[:-1]},{said}]".encode()
        return f'{text[:-1]},"sequence_num":{said}}}'.encode()

    def stream(self, count: int) -> list[bytes]:
        """Books begin, and go on."""
        begins = [self.frame("snapshot") for _ in range(12)]
        return begins + [self.frame() for _ in range(count)]

    def _values(self, frame: Frame, symbol: str) -> dict[str, str]:
        rng = self.rng
        n = self.last[symbol] = self.last[symbol] + (rng.random() < 0.97)
        s, ns = divmod(self.now, 10**9)
        iso = f"2023-11-14T22:{s % 3600 // 60:02}:{s % 60:02}"
        values = {
            "symbol": symbol, "first": str(n), "final": str(n), "previous": str(n - 1),
            "previous_signed": str(n - 1), "place": str(n), "window": "400", "digits": "25",
            "word": rng.choice(("one", "two")), "channel": "10", "checksum": str(rng.randrange(9)),
            "id": str(rng.choice((n, 1 << 60))), "id_tail": f"x-{n}", "id_or_place": str(n),
            "taker": rng.choice(frame.taker), "side": rng.choice(frame.sides), "count": "0",
            "id_name": f"{n:x}-b", "_": rng.choice(("0", "17", "1.5")), "forced": "x",
        }  # fmt: skip
        for prefix in ("time", "sent"):
            values[f"{prefix}_s"] = values[f"{prefix}_frac"] = f"{s}.{ns // 1000:06}"
            values[f"{prefix}_ms"] = str(self.now // 10**6)
            if rng.random() < 0.1:
                values[f"{prefix}_ms"] += ".25"
            values[f"{prefix}_us"] = str(self.now // 1000)
            values[f"{prefix}_ns"] = str(self.now)
            values[f"{prefix}_iso"] = iso + rng.choice(("Z", ".5Z", f".{ns:09}Z", "+01:00"))
        for name in ("price", "bid", "ask"):
            values[name] = self._price(name == "ask")
        for name in ("size", "bid_size", "ask_size"):
            values[name] = self._size(False)
        values["amount"] = rng.choice(("", "-")) + self._size(False)
        for hole in holes(_parsed(frame.sample)):
            if hole.name not in values:
                values[hole.name] = self._size(True)
        for name in ("bids", "asks", "levels"):
            levels = (
                self._level(frame, name == "asks") for _ in range(rng.choice((0, 1, 1, 2, 5)))
            )
            values[name] = f"[{','.join(levels)}]" if frame.level else "[]"
        return values

    def _price(self, ask: bool) -> str:
        whole = self.rng.randrange(1, 40)
        price = 1000 + whole if ask else 1000 - whole
        return self.rng.choice(
            (f"{price}", f"{price}.5", f"{price}.25", f"{price}.0", f"{price}e0")
        )

    def _size(self, none: bool) -> str:
        rng = self.rng
        if none and rng.random() < 0.3:
            return rng.choice(("0", "0.0", "0E-8"))
        return rng.choice(
            (f"{rng.randrange(1, 99)}", f"{rng.randrange(1, 99)}.125", "5.0E-1", "0.5")
        )

    def _level(self, frame: Frame, ask: bool) -> str:
        rng = self.rng
        side = rng.randrange(2) if "$side" in frame.level else int(ask)
        removed = rng.random() < 0.3
        values = {
            "symbol": SYMBOLS[0], "price": self._price(bool(side)), "side": frame.sides[side],
            "size": "0" if removed else self._size(False), "count": "0" if removed else "3",
            "amount": rng.choice(("", "-")) + self._size(False), "id": str(rng.randrange(1, 30)),
            "verb": rng.choice((*frame.deletes, *frame.changes)), "_": rng.choice(("1", "77")),
            "time_iso": rng.choice(("2023-11-14T22:13:20Z", "2023-11-14T22:13:20.5Z")),
            "time_ms": str(self.now // 10**6), "word": "x", "digits": "5",
        }  # fmt: skip
        if rng.random() < 0.02:
            values["price"] = rng.choice(("0", "-1", "x", "1e99", "0.00000001"))
        return rendered(_parsed(frame.level), values)
