"""What clients that are not ours ask for over HTTP: prices, statistics and trades, by samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from aiohttp import web

from feedhandler.shape.frame import Frame
from feedhandler.sim.market.instrument import Instrument
from feedhandler.sim.venues.declared.beside import Asked, json_list
from feedhandler.sim.venues.declared.events import Picture, Prints
from feedhandler.sim.venues.declared.publisher import Publisher
from feedhandler.sim.venues.declared.template import Template


class Others:
    """Of one venue."""

    def __init__(self, server: Publisher, asked: Sequence[Asked]) -> None:
        self._server = server
        self._asked = {one.path: one for one in asked}
        self._rows: dict[str, Picture | Prints] = {}
        self._wholes = {one.path: Template(one.whole) for one in asked}
        self._alone = {one.path: Template(one.alone) for one in asked if one.alone}
        for one in asked:
            if one.row:
                kind: type[Picture | Prints] = Prints if one.trades else Picture
                frame = Frame("trade" if one.trades else "ticker", one.row, taker=one.taker)
                self._rows[one.path] = kind(frame, server.beside)

    def answer(self, request: web.Request, path: str) -> web.Response | None:
        """None: nothing is known of this path."""
        one = self._asked.get(path)
        if one is None:
            return None
        query = request.query
        every = self._server.market.instruments.values()
        chosen = [each for each in every if self._is(one, each, query)]
        named = [query[param] for param in one.by if param in query]
        alone = self._alone.get(one.path) if named else None
        if (several := json_list(query.get(one.several))) is not None:
            instruments = self._server.market.instruments
            chosen = [instruments[name] for name in several if name in instruments]
            if not several or len(chosen) < len(several):
                return self._server.unknown(str(several))
        if one.row and ((one.needs and not named) or (named and not chosen)):
            return self._server.unknown(",".join(named))
        limit = query.get(one.limit, str(one.trades))
        most = int(limit) if one.capped and limit.isdigit() else one.most
        if one.trades and (not limit.isdigit() or not 1 <= int(limit) <= most):
            return self._server.wrong(one.limit)
        limit = str(min(int(limit), one.most))
        rows = ",".join(self._said(one, chosen[: 1 if one.once else None], int(limit)))
        values = {**self._server.said(None, ",".join(named)), **query, "rows": rows}
        body = (alone or self._wholes[path]).filled(values).encode()
        return web.Response(body=body, content_type="application/json")

    def _is(self, one: Asked, instrument: Instrument, query: Mapping[str, str]) -> bool:
        if one.kinds and instrument.kind not in one.kinds:
            return False
        facts = self._server.told(instrument) if one.by else {}
        return all(query.get(param, facts[what]) == facts[what] for param, what in one.by.items())

    def _said(self, one: Asked, chosen: Sequence[Instrument], limit: int) -> Iterator[str]:
        server, how = self._server, self._rows.get(one.path)
        for instrument in chosen if how is not None else ():
            live = server.market.live(instrument.symbol)
            texts, said = server.texts(live), server.said(None, instrument.symbol)
            said |= server.told(instrument) | server.figured(live)
            if isinstance(how, Prints):
                latest = list(live.trades)[-limit:]
                yield from how.messages(live, texts, latest[:: 1 if one.oldest else -1], said)
            elif how is not None and (text := how.message(server.market, live, texts, said)):
                yield text
