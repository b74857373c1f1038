"""Which of its addresses an endpoint is connected to now."""

from feedhandler.config.keys import VenueConfig


class Addresses:
    """Of one venue. Each endpoint begins with the first; `turn` goes on to the next, in a ring."""

    def __init__(self, config: VenueConfig) -> None:
        self._config = config
        self._turns: dict[str, int] = {}

    def _all(self, endpoint: str) -> tuple[str, ...]:
        return self._config.url(endpoint), *self._config.ws_alternatives.get(endpoint, ())

    def url(self, endpoint: str) -> str:
        """Where the next connection goes."""
        there = self._all(endpoint)
        return there[self._turns.get(endpoint, 0) % len(there)]

    def turn(self, endpoint: str) -> bool:
        """Go on to the next. False: there is no other."""
        self._turns[endpoint] = self._turns.get(endpoint, 0) + 1
        return len(self._all(endpoint)) > 1
