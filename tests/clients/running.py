"""The clients that there are, and one run of one of them against a simulated venue."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from feedhandler.bench.peers.homes import default_folder, interpreter
from feedhandler.sim.runner import SimEndpoint, SimOptions, SimProcess
from tests.clients.compare import Case, Counts, Line, compare

RATE: Final = 300.0
_PROGRAMS = Path(__file__).parent / "programs"
_START_S = 60.0


@dataclass(frozen=True)
class Client:
    """A library: what pip installs, the oldest Python 3, its program, the venues."""

    requirement: str
    python: int
    program: str
    cases: Mapping[str, Case]

    @property
    def home(self) -> Path:
        """Its environment."""
        return default_folder() / self.requirement


_PAIRS = ("BTCUSDT", "ETHUSDT")
CLIENTS: Final[Mapping[str, Client]] = {
    "ccxt": Client(
        "ccxt==4.5.90",
        11,
        "run_ccxt.py",
        {
            "deribit": Case(("BTC-PERPETUAL", "ETH-PERPETUAL")),
            "okx": Case(("BTC-USDT", "ETH-USDT-SWAP")),
            "binance": Case(_PAIRS),
            "binance-usdm": Case(_PAIRS),
            "bybit-linear": Case(_PAIRS, 50),
            "bybit-spot": Case(_PAIRS, 50),
            "kucoin": Case(("BTC-USDT", "ETH-USDT"), shallow=True, clock_ms=1),
            "bitstamp": Case(("btcusd", "ethusd"), tickers=False),
            "coinbase": Case(("BTC-USD", "ETH-USD"), makers=True),
            "gate": Case(("BTC_USDT", "ETH_USDT"), 400),
            "kraken": Case(("BTC/USD", "ETH/USD"), 10),
            "kraken-futures": Case(("PI_XBTUSD", "PF_ETHUSD"), parts=True),
            "htx": Case(("btcusdt", "ethusdt"), 150),
            "bitfinex": Case(("tBTCUSD", "tETHUSD"), 25),
            "hyperliquid": Case(("BTC", "ETH"), 20, tickers=False),
        },
    ),
    "ccxt-4.5.0": Client(  # the last ones have no streaming client for it
        "ccxt==4.5.0", 11, "run_ccxt.py", {"bitmex": Case(("XBTUSD", "XBTUSDT"), tickers=False)}
    ),
    "cryptofeed": Client(
        "cryptofeed==2.4.1",
        9,
        "run_cryptofeed.py",
        {
            "bitfinex": Case(("tBTCUSD", "tETHUSD"), 100, partly=True, tickers=False),
            "bitmex": Case(("XBTUSD", "XBTUSDT"), partly=True, tickers=False),
        },
    ),
    "pybit": Client(
        "pybit==5.17.0",
        9,
        "run_pybit.py",
        {"bybit-linear": Case(_PAIRS, 200), "bybit-spot": Case(_PAIRS, 50)},
    ),
    "python-binance": Client(
        "python-binance==1.0.37",
        8,
        "run_python_binance.py",
        {"binance": Case(_PAIRS), "binance-usdm": Case(_PAIRS, 10, beside="binance")},
    ),
}


class ClientError(RuntimeError):
    """A client's program ended with an error; the text has its last words."""


def environment(client: Client, *, install: bool) -> Path:
    """The Python of a client's environment. Raises NoPeer where there is none."""
    return interpreter(client.home, client.requirement, least=client.python, install=install)


def run(client: Client, python: Path, venue: str, seconds: float) -> Counts:
    """Run a client for so long against a venue of its own; what of all that it had is wrong."""
    case = client.cases[venue]
    venues = [venue, case.beside] if case.beside else [venue]
    with SimProcess(venues, SimOptions(rate=RATE)) as sims:
        at = sims.endpoints[venue]
        order = {
            **_address(at),
            "venue": venue,
            "symbols": case.symbols,
            "seconds": seconds,
            "levels": case.levels,
            "beside": _address(sims.endpoints[case.beside]) if case.beside else None,
        }
        ended = subprocess.run(
            [str(python), str(_PROGRAMS / client.program)],
            input=json.dumps(order), capture_output=True, text=True, check=False,
            timeout=seconds + _START_S,
        )  # fmt: skip
        if ended.returncode:
            raise ClientError(f"{client.requirement} on {venue}: {_last_words(ended.stderr)}")
        _get(at, "/pause", post=True)
        lines: list[Line] = [json.loads(line) for line in ended.stdout.splitlines()]
        return compare(lines, lambda path: _get(at, path), case)


def _address(endpoint: SimEndpoint) -> dict[str, str]:
    return {"ws": f"ws://{urlsplit(endpoint.ws_url).netloc}", "rest": endpoint.rest_url}


def _last_words(said: str) -> str:
    """The last error: what is left unclosed because of it is told after it."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [
        line for line in lines if re.match(r"[\w.]*(Error|Exception|NotFound|Unavailable)\b", line)
    ]
    return (errors or lines or ["it said nothing"])[-1]


def _get(endpoint: SimEndpoint, path: str, *, post: bool = False) -> Any:
    request = urllib.request.Request(endpoint.control_url + path, method="POST" if post else "GET")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)
