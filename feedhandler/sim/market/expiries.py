"""Expiry dates as crypto venues list them: days, weeks, month ends and quarters, 08:00 UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

_FRIDAY = 4


def _last_friday(year: int, month: int) -> date:
    last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
    return last - timedelta(days=(last.weekday() - _FRIDAY) % 7)


def expiry_ms(day: date) -> int:
    """08:00 UTC of a day in unix ms."""
    return int(datetime.combine(day, time(8), UTC).timestamp()) * 1000


def quarters(today: date, count: int) -> list[date]:
    """The next ``count`` last Fridays of March, June, September, December, a week away or more."""
    found: list[date] = []
    year, month = today.year, today.month + (-today.month) % 3
    while len(found) < count:
        if month > 12:
            year, month = year + 1, month - 12
        day = _last_friday(year, month)
        if day > today + timedelta(days=7):
            found.append(day)
        month += 3
    return found


def options(today: date, count: int) -> list[date]:
    """``count`` option expiries after tomorrow's settlement, the most traded first.

    Near quarters and weeks come before far ones, so that a short list is still a surface.
    """
    friday = today + timedelta(days=(_FRIDAY - today.weekday()) % 7)
    if friday <= today + timedelta(days=1):
        friday += timedelta(days=7)
    weeks = [friday + timedelta(days=7 * n) for n in range(4)]
    days = [today + timedelta(days=n) for n in (2, 3)]
    quarter = quarters(today, 6)
    ranked = [quarter[0], weeks[0], quarter[1], days[0], *weeks[1:], days[1], *quarter[2:]]
    return list(dict.fromkeys(ranked))[:count]


def deribit_name(day: date) -> str:
    """``25DEC26``, the day without a leading zero."""
    return f"{day.day}{day:%b%y}".upper()
