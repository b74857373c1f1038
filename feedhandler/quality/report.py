"""What a day's file says of a venue, in numbers that people and programs read."""

from __future__ import annotations

import time
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from feedhandler.quality.day_file import DAY_NS, LATE_NS, DayFile, begin_of, day_of, read_day
from shm import Counter


def report(
    namespace: str, venue: str, day: date | None = None, *, now_ns: int = 0, whole: bool = True
) -> dict[str, Any] | None:
    """The quality of a day (None: today); None: nothing of it was kept.

    Counts: `messages` (book changes applied), `trades`, `gaps`, `missing` (numbers that gaps
    lacked, by the venue's own count), `unsized` (gaps of which nobody knows how many), `heals`,
    `duplicates`. `checksums`, `audits`: {"agree", "differ"}. `live`: the share of the time in which
    they were carried that books were LIVE; `live_ns`, `carried_ns`. `suspects`: times that a book
    left LIVE by a fault, `suspect_ns`: for how long they may have been wrong before it was noticed.
    `proof`: by what each message is proven, "" by nothing. `ours`: what was lost here, not at the
    venue. `hour`: gaps, missing, unsized, heals of the last 60 minutes. `instruments`: likewise by
    symbol; without them where not `whole`.
    """
    now = now_ns or time.time_ns()
    wanted = day or day_of(now)
    file = read_day(namespace, venue, wanted)
    if file is None:
        return None
    until = _until(file, wanted, now)
    rows = file.rows[: file.used]
    live = rows["live_ns"] + _open(rows["live_since"], until)
    carried = rows["carried_ns"] + _open(rows["carried_since"], _end(wanted, now))
    head = file.head[0]
    counters = {one.name.lower(): int(head["counters"][one]) for one in Counter}
    sums = {name: int(rows[name].sum()) for name in ("heals", "suspects", "suspect_ns")}
    return {
        "venue": venue,
        "day": wanted.isoformat(),
        "began_ns": int(head["began_ns"]),
        "updated_ns": int(head["updated_ns"]),
        "messages": int(rows["applied"].sum()),
        "trades": counters["trades"],
        "gaps": int(rows["gaps"].sum() + head["hole_gaps"]),
        "missing": int(rows["missing"].sum() + head["hole_missing"]),
        "unsized": int(rows["unsized"].sum() + head["hole_unsized"]),
        **sums,
        "duplicates": counters["duplicates"],
        "checksums": {"agree": counters["checksum_ok"], "differ": counters["checksum_bad"]},
        "audits": {
            "agree": counters["audits"] - counters["audit_bad"],
            "differ": counters["audit_bad"],
        },
        "live": _share(int(live.sum()), int(carried.sum())),
        "live_ns": int(live.sum()),
        "carried_ns": int(carried.sum()),
        "ours": {
            "buffer_dropped": counters["buffer_dropped"],
            "malformed": counters["malformed"],
            "behind": counters["behind"],
        },
        "proof": bytes(head["proof"]).decode(errors="replace"),
        "hour": _hour(namespace, venue, file, now) if day is None else None,
        "instruments": [
            {
                "symbol": bytes(row["symbol"]).decode(errors="replace"),
                "messages": int(row["applied"]),
                "gaps": int(row["gaps"]),
                "missing": int(row["missing"]),
                "unsized": int(row["unsized"]),
                "heals": int(row["heals"]),
                "live": _share(int(its_live), int(its_carried)),
                "live_ns": int(its_live),
                "carried_ns": int(its_carried),
                "suspects": int(row["suspects"]),
                "suspect_ns": int(row["suspect_ns"]),
            }
            for row, its_live, its_carried in zip(rows, live, carried, strict=True)
            if whole
        ],
    }


def _open(since: npt.NDArray[np.int64], until: int) -> npt.NDArray[np.int64]:
    """How long what began then lasts; 0 where nothing did."""
    return np.where(since > 0, np.maximum(0, until - since), 0)


def _share(live: int, carried: int) -> float | None:
    return min(1.0, live / carried) if carried > 0 else None


def _end(day: date, now: int) -> int:
    """Now, or the end of a day that is over."""
    return min(now, begin_of(day) + DAY_NS)


def _until(file: DayFile, day: date, now: int) -> int:
    """Up to when books may be called LIVE: a writer that is silent says nothing of later."""
    updated = int(file.head["updated_ns"][0])
    end = _end(day, now)
    return end if end - updated < LATE_NS else updated


def _hour(namespace: str, venue: str, file: DayFile, now: int) -> dict[str, int]:
    """The last sixty minutes, over midnight if need be."""
    minute = now % DAY_NS // 60_000_000_000
    parts = [file.minutes[max(0, minute - 59) : minute + 1]]
    if minute < 59:
        before = read_day(namespace, venue, day_of(now - DAY_NS))
        if before is not None:
            parts.append(before.minutes[minute - 59 :])
    names = ("gaps", "missing", "unsized", "heals")
    return {name: sum(int(part[name].sum()) for part in parts) for name in names}
