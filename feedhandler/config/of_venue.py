"""The keys of a venue's table whose values only the venue can judge."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from feedhandler.adapter import selection
from feedhandler.adapter.venue import Venue
from feedhandler.config.keys import DEFAULT_CHANNELS, WS_URL, VenueConfig, keys
from feedhandler.config.values import Allowed, shown
from feedhandler.suggest import did_you_mean

_KEYS = keys(VenueConfig)


class Say(Protocol):
    """Is told a key and what is wrong with it, or with an element of its list."""

    def __call__(self, key: str, problem: str, element: object = None) -> None: ...


class VenueTable:
    """The table of one venue."""

    def __init__(self, venue: Venue, path: str, table: Mapping[str, Any], say: Say) -> None:
        self._venue = venue
        self._path = path
        self._table = table
        self._say = say

    def judged(self, symbols: Sequence[str]) -> dict[str, Any]:
        """By key; what is wrong is said, and reads as the venue's default."""
        return {
            "instruments": self._instruments(symbols),
            "channels": self._channels(),
            "ws_url": self._ws_url(),
            "ws_alternatives": self._ws_alternatives(),
        }

    def _wrong(self, key: str, value: object, allowed: str) -> None:
        self._say(key, f"{shown(value)} is not allowed: {allowed}", value)

    def _allows(self, key: str, value: Any, allowed: Allowed) -> bool:
        return allowed.judges(key, value, self._say)

    def _instruments(self, symbols: Sequence[str]) -> tuple[str, ...]:
        key = "--symbols" if symbols else f"{self._path}instruments"
        value = list(symbols) if symbols else self._table.get("instruments")
        if value is None:
            return self._venue.default_instruments
        allowed = _KEYS["instruments"].allowed
        if not self._allows(key, value, allowed):
            return self._venue.default_instruments
        found: tuple[str, ...] = allowed.take(value)
        for pattern in found:
            try:
                selection.check(pattern)
            except ValueError as error:
                self._wrong(key, pattern, str(error))
        if not selection.patterns(found):
            self._wrong(key, list(found), "at least one of them without a '!'")
        return found

    def _channels(self) -> tuple[str, ...]:
        value, key = self._table.get("channels"), f"{self._path}channels"
        if value is None:
            return DEFAULT_CHANNELS
        allowed = _KEYS["channels"].allowed
        if not self._allows(key, value, allowed):
            return DEFAULT_CHANNELS
        found: tuple[str, ...] = allowed.take(value)
        for channel in found:
            if channel not in self._venue.channels:
                hint = did_you_mean(channel, self._venue.channels)
                self._wrong(key, channel, f"no channel of {self._venue.name}'s{hint}")
        return found

    def _ws_url(self) -> str | dict[str, str]:
        defaults = dict(self._venue.ws_urls)
        one = next(iter(defaults.values())) if len(defaults) == 1 else None
        value, key = self._table.get("ws_url"), f"{self._path}ws_url"
        if value is None:
            return one or defaults
        if isinstance(value, dict):
            for endpoint, url in value.items():
                if self._endpoint(f"{key}.{endpoint}", endpoint):
                    self._allows(f"{key}.{endpoint}", url, WS_URL)
            return {**defaults, **value}
        if one is None:
            example = ", ".join(f'{each} = "wss://..."' for each in defaults)
            self._wrong(key, value, f"a table of URLs by endpoint: {{{example}}}")
            return defaults
        return str(value) if self._allows(key, value, WS_URL) else one

    def _ws_alternatives(self) -> dict[str, tuple[str, ...]]:
        """By endpoint; those of the venue are of use with its own endpoints only."""
        value, key = self._table.get("ws_alternatives"), f"{self._path}ws_alternatives"
        endpoints = list(self._venue.ws_urls)
        if value is None:
            return {} if "ws_url" in self._table else dict(self._venue.ws_alternatives)
        if isinstance(value, list) and len(endpoints) == 1:
            value = {endpoints[0]: value}
        if not isinstance(value, dict):
            what = "a list" if len(endpoints) == 1 else "a table of lists"
            self._wrong(key, value, f"{what} of URLs by endpoint: {', '.join(endpoints)}")
            return {}
        for endpoint, urls in value.items():
            if not self._endpoint(f"{key}.{endpoint}", endpoint):
                continue
            if not isinstance(urls, list) or not all(map(WS_URL.valid, urls)):
                self._wrong(f"{key}.{endpoint}", urls, f"a list; each {WS_URL.text}")
        return {its: tuple(urls) for its, urls in value.items() if isinstance(urls, list)}

    def _endpoint(self, key: str, name: str) -> bool:
        if name in self._venue.ws_urls:
            return True
        self._say(key, f"no such endpoint{did_you_mean(name, self._venue.ws_urls)}")
        return False
