"""`feedhandler start`: the supervisor in the foreground."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from feedhandler.cli.errors import COMMAND, FINE, CliError
from feedhandler.cli.options import FilePath, namespace_override_option, venue_file_option
from feedhandler.cli.output import bold, dim, echo, state
from feedhandler.number_text import duration, plural

if TYPE_CHECKING:
    from feedhandler.config.keys import Config

_LAGS_S = 1.0  # longer than a venue needs to say that all its books are LIVE


def _symbols(_: click.Context, __: click.Parameter, value: str | None) -> list[str]:
    return [part.strip() for part in (value or "").split(",") if part.strip()]


@click.command()
@click.argument("config", required=False, type=FilePath())
@click.option("--venue", "-v", "venues", multiple=True, help="Only this one; may be repeated.")
@venue_file_option
@click.option(
    "--symbols",
    callback=_symbols,
    metavar="S,..",
    help="Instruments of every venue: names or patterns, such as 'option:BTC-USD:*'.",
)
@click.option("--sim", is_flag=True, help="Simulated venues on loopback instead of the real ones.")
@click.option("--sim-rate", default=1000.0, show_default=True, help="Book updates/s, per venue.")
@click.option("--sim-seed", default=1, show_default=True, help="Of the simulated market.")
@click.option(
    "--sim-script",
    type=FilePath(),
    metavar="FILE",
    help="Faults of the simulated venues at set times, TOML.",
)
@click.option("--keep", is_flag=True, help="Leave the shared memory behind, for inspection.")
@click.option("--verbose", is_flag=True, help="The whole log also on a terminal.")
@namespace_override_option
def start(
    config: Path | None,
    venues: tuple[str, ...],
    symbols: list[str],
    sim: bool,
    sim_rate: float,
    sim_seed: int,
    sim_script: Path | None,
    keep: bool,
    verbose: bool,
    namespace: str | None,
) -> int:
    """Start the feed and watch over it until Ctrl-C or `feedhandler stop`.

    One process per venue keeps its connections, rebuilds the books and publishes them in shared
    memory; the supervisor restarts what dies. CONFIG is a TOML file (`feedhandler config` shows all
    its keys); without one, or without a venue in it, Deribit, OKX and Binance are followed, with
    some instruments of each, or else the venues of --venue-file.

    On a terminal it says when a venue's state changes; elsewhere it logs to stderr.
    FEEDHANDLER_LOG sets the level: DEBUG, INFO, WARNING, ERROR; FEEDHANDLER_LOG_FORMAT=json makes
    each line a JSON object, as the key `log` does.

    `feedhandler reload`, or SIGHUP, reads CONFIG again: other instruments are taken up and left
    without touching the rest, other settings start that venue's process again. A file with
    mistakes, or without a venue, is refused whole, and what cannot be done is refused before
    anything is.

    \b
    feedhandler start                              three venues, no account needed
    feedhandler start --sim                        no internet needed
    feedhandler start feed.toml --venue deribit
    feedhandler start -v okx --symbols 'BTC-USDT,option:BTC-USD:*'

    \b
    Exit codes: 0 stopped in order,
    2 the configuration was refused and nothing started.
    """
    from feedhandler.config.load import load, names_venues
    from feedhandler.supervisor.supervisor import run

    if sim_script is not None and not sim:
        raise click.UsageError("--sim-script goes with --sim")

    def read(running: bool = False) -> Config:
        return load(config, venues=venues, symbols=symbols, namespace=namespace, running=running)

    chosen = read()
    named = config is not None and names_venues(config)
    again = lambda: read(named)  # noqa: E731
    faults: dict[str, str] = {}
    with ExitStack() as stack:
        if sim:
            pointed, faults = _simulated(chosen, sim_rate, sim_seed, sim_script, stack)
            chosen = pointed(chosen)
            again = lambda: pointed(read(named))  # noqa: E731
        say = None
        notes: list[str] = []
        if not sys.stdout.isatty():
            notes = [f"{venue}: simulated, takes faults at {url}" for venue, url in faults.items()]
        else:
            if not verbose:
                os.environ.setdefault("FEEDHANDLER_LOG", "WARNING")
                say = _say
            threading.Thread(target=_narrate, args=(chosen, faults), daemon=True).start()
        began = time.monotonic()
        code = run(chosen, keep=keep, report=_problem, load=again, say=say, notes=notes)
    if code == FINE and sys.stdout.isatty():
        after = duration(int((time.monotonic() - began) * 1e9))
        kept = "; its memory was kept: `feedhandler clean` removes it" if keep else ""
        _say(f"stopped after {after}{kept}")
    return code


def _say(text: str) -> None:
    with suppress(OSError):  # a terminal that was closed
        echo(text)


def _problem(text: str) -> None:
    CliError(text).show()


def _simulated(
    config: Config, rate: float, seed: int, script: Path | None, stack: ExitStack
) -> tuple[Callable[[Config], Config], dict[str, str]]:
    """Start the simulators of these venues; what points a configuration at them, and where each
    takes orders to misbehave."""
    from feedhandler.cli.sim import check_simulated, with_script
    from feedhandler.cli.simulated import pointed_at
    from feedhandler.config.document import ConfigError
    from feedhandler.config.places import TABLE
    from feedhandler.sim.runner import SimError, SimOptions, SimProcess

    if rate < 0:
        raise click.UsageError(f"--sim-rate {rate:g}: 0 or more")
    check_simulated(list(config.venues))
    options = SimOptions(rate=rate, seed=seed)
    if script is not None:
        options = with_script(options, script, list(config.venues))
    try:
        sims = stack.enter_context(SimProcess(list(config.venues), options))
    except SimError as error:
        raise CliError(str(error)) from error

    def pointed(another: Config) -> Config:
        new = [name for name in another.venues if name not in sims.endpoints]
        if new:
            places = [another.venues[name].places.of(TABLE) for name in new]
            raise ConfigError([f"{one}: is not simulated yet: start again" for one in places])
        return pointed_at(another, sims.endpoints)

    return pointed, {name: f"{one.control_url}/fault" for name, one in sims.endpoints.items()}


def _narrate(config: Config, faults: Mapping[str, str]) -> None:
    """Say on the terminal when a venue's state changes, and once how to look."""
    from feedhandler.view.status import namespace_status

    began = time.monotonic()
    known: dict[str, tuple[str, str]] = {}
    lagging: dict[str, float] = {}
    waiting = set(config.venues)
    wide = max(map(len, waiting))
    echo(f"starting {', '.join(config.venues)}; Ctrl-C stops")
    while True:
        for found in namespace_status(config.namespace)["venues"]:
            name, now = found["venue"], (found["state"], found["reason"])
            if name not in config.venues or known.get(name) == now or now[0] == "NONE":
                continue
            if _about_to_be_live(found, lagging, time.monotonic()):
                continue
            known[name] = now
            why = "" if now[1] in ("NONE", "START") else f" {now[1]}"
            after = dim(f"after {duration(int((time.monotonic() - began) * 1e9))}")
            live = f"{found['live']}/{plural(found['instruments'], 'instrument')}"
            echo(f"{name:{wide}}  {state(now[0])}{why}  {live} {after}")
            if now[0] == "LIVE" and waiting:
                waiting.discard(name)
                if not waiting:
                    _show_how_to_look(config)
                    _show_how_to_break(faults)
        time.sleep(0.1 if waiting else 0.5)


def _about_to_be_live(found: Mapping[str, Any], lagging: dict[str, float], now: float) -> bool:
    """Whether all its books are LIVE, and the venue says so in a moment: it counts a few times a
    second. `lagging`: since when that is so."""
    name = found["venue"]
    if found["state"] != "SYNCING" or not 0 < found["instruments"] == found["live"]:
        lagging.pop(name, None)
        return False
    return now - lagging.setdefault(name, now) < _LAGS_S


def _show_how_to_look(config: Config) -> None:
    flag = "" if config.namespace == "feedhandler" else f" --namespace {config.namespace}"
    venue = next(iter(config.venues))
    named = [name for name in config.venues[venue].instruments if not set(name) & set("*?[:")]
    symbol = named[0] if named else "SYMBOL"
    page = _page(config.namespace)
    echo(
        "\nlook at it from another terminal:\n"
        f"  {bold(f'{COMMAND} top{flag}')}\n"
        f"  {bold(f'{COMMAND} status{flag}')}\n"
        f"  {bold(f'{COMMAND} inspect book {venue} {symbol} --watch{flag}')}\n"
        + (f"or in a browser: {bold(page)}\n" if page else "")
    )


def _page(namespace: str) -> str:
    """Where the feed has its page: at the port that it got; "" without one."""
    from feedhandler.supervisor.control_socket import NotRunning, request

    try:
        told: dict[str, Any] = request(namespace, {"do": "status"}, 2.0)
    except NotRunning:
        return ""
    return (told.get("supervisor") or {}).get("http") or ""


def _show_how_to_break(faults: Mapping[str, str]) -> None:
    if faults:
        echo("have a simulated venue misbehave (docs/simulator.md has all kinds):")
    for venue, url in faults.items():
        order = """curl -d '{"kind": "drop"}' """ + url
        echo(f"  {bold(order)}  # {venue}")
