"""The configuration file: defaults, overrides, and every mistake named where it stands."""

import os
from pathlib import Path

import pytest

from feedhandler import venues
from feedhandler.config.document import ConfigError
from feedhandler.config.keys import Config
from feedhandler.config.load import load
from feedhandler.io_process.addresses import Addresses


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "feeds.toml"
    path.write_text(text)
    return path


def problems(path: Path) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return caught.value.problems


def test_without_a_file_every_venue_has_a_public_default_set() -> None:
    config = load(None)
    assert list(config.venues) == venues.defaults()
    for name, venue in config.venues.items():
        assert venue.instruments == venues.load(name).default_instruments
        assert venue.channels == ("book", "trades", "ticker")
        assert venue.url("public") == venues.load(name).ws_urls["public"]
    assert config.namespace == "feedhandler"


def test_a_file_overrides_key_by_key(tmp_path: Path) -> None:
    cpu = min(os.sched_getaffinity(0))
    path = write(
        tmp_path,
        f"""
        namespace = "desk-1"
        status_address = ""
        [venues.okx]
        instruments = ["BTC-USDT", "option:BTC-USD:*"]
        channels = ["book"]
        depth = 400
        ring_slots = 4096
        directory_rows = 300
        cpu = {cpu}
        spin = true
        silence_s = 7
        ws_url = "ws://127.0.0.1:9001/ws/v5/public"
        rest_url = "http://127.0.0.1:9002/"
        """,
    )
    config = load(path)
    okx = config.venues["okx"]
    assert list(config.venues) == ["okx"]
    assert (config.namespace, config.status_address) == ("desk-1", "")
    assert okx.instruments == ("BTC-USDT", "option:BTC-USD:*")
    assert (okx.channels, okx.depth, okx.ring_slots, okx.directory_rows) == (
        ("book",),
        400,
        4096,
        300,
    )
    assert (okx.cpu, okx.spin, okx.silence_s) == (cpu, True, 7.0)
    assert okx.url("public") == "ws://127.0.0.1:9001/ws/v5/public"
    assert okx.rest_url == "http://127.0.0.1:9002"


def test_a_group_is_a_name_or_a_number(tmp_path: Path) -> None:
    for text, number in (("'root'", 0), ("54321", 54321), ("''", -1)):
        path = write(tmp_path, f"group = {text}\n[venues.okx]\n")
        assert load(path).group == number


def test_the_command_line_picks_venues_symbols_and_namespace(tmp_path: Path) -> None:
    path = write(tmp_path, '[venues.okx]\ndepth = 5\n[venues.deribit]\ninstruments = ["X"]\n')
    config = load(path, venues=["okx", "binance"], symbols=["BTC-USDT"], namespace="n")
    assert list(config.venues) == ["okx", "binance"]
    assert config.venues["okx"].depth == 5
    assert {venue.instruments for venue in config.venues.values()} == {("BTC-USDT",)}
    assert config.namespace == "n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("namespce = 'x'", ["namespce: no such key", "did you mean 'namespace'"]),
        ("depth = 5", ["depth: belongs to a venue", "[venues.NAME]"]),
        ("[okx]", ["okx: the table of a venue is called [venues.okx]"]),
        ("[venue.okx]", ["venue: no such key; did you mean 'venues'?", "`feedhandler config`"]),
        ("[venues.okx]\ngroup = ''", ["venues.okx.group: belongs to no venue", "above"]),
        ("status = ''", ["status: is called status_address"]),
        ("[venues.okx]\ncapacity = 5", ["venues.okx.capacity: is called directory_rows"]),
        ("[venues.okx]\nsilence_ms = 5000", ["silence_ms: no such key; did you mean 'silence_s'?"]),
        ("[venues.okx]\naudit_s = 100000", ["86400, or 0 for never; did you mean 100.0?"]),
        ("[venues.okx]\naudit_s = '5m'", ["'5m'", "did you mean 300.0?"]),
        ("[venues.okx]\nrhythm_floor_s = 700", ["rhythm_floor_s: 700", "rhythm_ceiling_s = 600"]),
        ("[venues.okx]\nring_slots = 100000", ["power of two", "did you mean 131072?"]),
        ("[venues.okx]\ndepth = '50'", ["depth: '50'", "did you mean 50?"]),
        ("[venues.okx]\nspin = 'yes'", ["spin: 'yes'", "did you mean true?"]),
        ("[venues.okx]\nrotate_at = 03:00:00", ["03:00:00", "did you mean '03:00'?"]),
        ("[venues.okx]\nchannels = 'book, trades'", ["did you mean ['book', 'trades']?"]),
        ("[venues.okx]\nws_url = 'okx.com/ws'", ["did you mean 'wss://okx.com/ws'?"]),
        ("[venues.okx]\nproxy = 'socks://me:secret@h:1'", ["'socks5://me:...@h:1'"]),
        ("[venues.binance-usdm]\nws_url = 'wss://x'", ["ws_url: 'wss://x'", '{public = "wss']),
        ("[venues.okx]\nsymbols = ['A']", ["venues.okx.symbols: is called instruments"]),
        ("status_address = 8787", ["did you mean '127.0.0.1:8787'?"]),
        ("[venues.okx]\n[venues.okx]", ["line 2: [venues.okx] stands a second time"]),
        ("[venues.okx]\ndepth = 1\ndepth = 2", ["line 3: depth stands a second time"]),
        ("namespace = desk", ["line 1: not TOML", "a text has quotes around it"]),
        ("[venues.okx]\nspin = True", ["line 2: not TOML", "true and false are written small"]),
        ("namespace: 'x'", ["line 1: not TOML", "write key = value"]),
        ("namespace = 'a b'", ["namespace: 'a b'", "letters"]),
        ("namespace = 3", ["namespace: 3"]),
        ("status_address = 'localhost'", ["status_address: 'localhost'", "host:port"]),
        ("status_address = 'localhost:99999'", ["status_address: 'localhost:99999'"]),
        ("group = 'no-such-group'", ["group: 'no-such-group'", "a group of this host"]),
        ("group = -1", ["group: -1", "a group of this host"]),
        ("group = true", ["group: true"]),
        ("group = 1.5", ["group: 1.5"]),
        ("depth = " + 5000 * "[", ["nested too deeply"]),
        ("log = 'JSON'", ["log: 'JSON' is not allowed", "did you mean 'json'?"]),
        ("metrics_per_symbol = 'yes'", ["metrics_per_symbol: 'yes'", "did you mean true?"]),
        ("venues = 1", ["venues: 1", "table"]),
        ("[venues]\nokx = 1", ["venues.okx: 1", "table"]),
        ("[venues.okkx]", ["venues.okkx: no such venue", "did you mean 'okx'", "binance"]),
        ("[venues.okx]\ndeph = 1", ["venues.okx.deph: no such key", "did you mean 'depth'"]),
        ("[venues.okx]\ndepth = 0", ["venues.okx.depth: 0", "1 to 1000"]),
        ("[venues.okx]\ndepth = 1001", ["venues.okx.depth: 1001", "1 to 1000"]),
        ("[venues.okx]\ndepth = 5.0", ["venues.okx.depth: 5.0", "an integer"]),
        ("[venues.okx]\ndepth = true", ["venues.okx.depth: true", "an integer"]),
        ("[venues.okx]\nring_slots = 1000", ["venues.okx.ring_slots: 1000", "power of two"]),
        ("[venues.okx]\nring_slots = 512", ["venues.okx.ring_slots: 512", "1024"]),
        ("[venues.okx]\ndirectory_rows = 0", ["venues.okx.directory_rows: 0", "from 1"]),
        ("[venues.okx]\ncpu = 4096", ["venues.okx.cpu: 4096", "CPU of this host"]),
        ("[venues.okx]\ncpu = -1", ["venues.okx.cpu: -1"]),
        ("[venues.okx]\nspin = 1", ["venues.okx.spin: 1", "true or false"]),
        ("[venues.okx]\nrealtime = 100", ["venues.okx.realtime: 100", "0 to 99"]),
        ("[venues.okx]\nlock_memory = 1", ["venues.okx.lock_memory: 1", "true or false"]),
        ("[venues.okx]\nspin = true\nrealtime = 1", ["venues.okx.realtime: 1", "with spin"]),
        ("[venues.okx]\nsilence_s = 0.1", ["venues.okx.silence_s: 0.1", "1 to 3600"]),
        ("[venues.okx]\nsilence_s = nan", ["venues.okx.silence_s: nan"]),
        ("[venues.okx]\nredundancy = 0", ["venues.okx.redundancy: 0", "1 to 4"]),
        ("[venues.okx]\nrotate_at = '3:00'", ["venues.okx.rotate_at: '3:00'", "HH:MM"]),
        ("[venues.okx]\nrotate_at = 3", ["venues.okx.rotate_at: 3", "HH:MM"]),
        ("[venues.okx]\nlifetime_s = 1", ["venues.okx.lifetime_s: 1", "5 to"]),
        ("[venues.okx]\ninstruments = 'BTC'", ["venues.okx.instruments: 'BTC'", "list"]),
        ("[venues.okx]\ninstruments = []", ["venues.okx.instruments: []", "list"]),
        ("[venues.okx]\ninstruments = [1]", ["venues.okx.instruments: [1]", "list"]),
        (
            "[venues.okx]\ninstruments = ['opton:BTC-USD:*']",
            ["venues.okx.instruments: 'opton:BTC-USD:*'", "did you mean 'option'"],
        ),
        ("[venues.okx]\ninstruments = ['a b']", ["venues.okx.instruments: 'a b'"]),
        (
            "[venues.okx]\nchannels = ['boook']",
            ["venues.okx.channels: 'boook'", "did you mean 'book'", "ticker"],
        ),
        ("[venues.okx]\nchannels = ['quote']", ["venues.okx.channels: 'quote'"]),
        ("[venues.okx]\nws_url = 'http://x'", ["venues.okx.ws_url: 'http://x'", "wss://"]),
        ("[venues.okx]\nws_url = {public = 1}", ["venues.okx.ws_url.public: 1", "wss://"]),
        ("[venues.okx]\nws_url = {publc = 'ws://x'}", ["venues.okx.ws_url.publc: no such"]),
        ("[venues.okx]\nrest_url = 'ws://x'", ["venues.okx.rest_url: 'ws://x'", "https://"]),
        ("[venues.okx]\nrest_url = 'http://x:port'", ["venues.okx.rest_url"]),
    ],
)
def test_a_mistake_is_named_with_file_key_value_and_what_is_allowed(
    text: str, expected: list[str], tmp_path: Path
) -> None:
    path = write(tmp_path, text)
    (problem,) = problems(path)
    assert problem.startswith(f"{path}: ")
    for part in expected:
        assert part in problem
    assert "secret" not in problem


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path, "status_address = 3\n[venues.okx]\ndepth = 0\nspin = 2\n[venues.kraken9]\n"
    )
    found = problems(path)
    assert len(found) == 4
    assert all(
        any(key in line for line in found) for key in ("status_address", "depth", "spin", "kraken9")
    )


@pytest.mark.parametrize(
    "text",
    [
        "channels = 'all'",
        "channels = []",
        "instruments = [['A']]",
        "depth = {x = 1}",
        "cpu = [0, 1]",
    ],
)
def test_what_cannot_be_guessed_is_not(text: str, tmp_path: Path) -> None:
    (problem,) = problems(write(tmp_path, f"[venues.okx]\n{text}\n"))
    assert "did you mean" not in problem


def test_a_mark_of_the_byte_order_is_no_mistake(tmp_path: Path) -> None:
    assert load(write(tmp_path, "\ufeffnamespace = 'x'\n")).namespace == "x"


def test_a_venue_in_the_place_of_a_file_is_noticed() -> None:
    assert "--venue okx" in problems(Path("okx"))[0]


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    assert "No such file" in problems(tmp_path / "none.toml")[0]
    assert "line 2" in problems(write(tmp_path, "namespace = 'x'\nstatus = \n"))[0]
    bad = tmp_path / "bad.toml"
    bad.write_bytes(b"namespace = '\xff'")
    assert "UTF-8" in problems(bad)[0]


def test_unknown_venues_and_bad_symbols_of_the_command_line_are_refused() -> None:
    with pytest.raises(ConfigError, match="no such venue: 'okxx'; did you mean 'okx'"):
        load(None, venues=["okxx"])
    with pytest.raises(ConfigError, match="--symbols: 'opt:x' is not allowed"):
        load(None, venues=["okx"], symbols=["opt:x"])
    with pytest.raises(ConfigError, match="namespace: 'a/b' is not allowed"):
        load(None, namespace="a/b")


def test_a_configuration_cannot_be_changed() -> None:
    config: Config = load(None)
    with pytest.raises(AttributeError):
        config.namespace = "x"  # type: ignore[misc]


def test_the_page_shows_what_is_answered(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
    shown = page.partition("## Mistakes")[2].split("```")[1].strip().splitlines()
    twice = write(tmp_path, "[venues.okx]\ndepth = 5\n[venues.okx]\n")
    answered = list(problems(twice))
    keys = "depht = 5\nstatus_address = ''\naudit_s = '5m'\n"
    answered += problems(write(tmp_path, f"[venues.okx]\n{keys}"))
    assert shown == [line.replace(f"{tmp_path}/feeds.toml", "feed.toml") for line in answered]


def test_other_addresses_are_the_venues_until_an_endpoint_is_named(tmp_path: Path) -> None:
    theirs = venues.load("binance").ws_alternatives["public"]
    first = load(None, venues=["binance"]).venues["binance"]
    addresses = Addresses(first)
    seen = [addresses.url("public")]
    for _ in theirs:
        assert addresses.turn("public")
        seen.append(addresses.url("public"))
    assert seen == [first.url("public"), *theirs]
    assert addresses.turn("public")
    assert addresses.url("public") == seen[0]
    ours = "[venues.okx]\nws_url = 'ws://h:1/a'\n"
    assert not Addresses(load(write(tmp_path, ours)).venues["okx"]).turn("public")
    okx = load(write(tmp_path, ours + "ws_alternatives = ['ws://h:2/b']")).venues["okx"]
    assert okx.ws_alternatives == {"public": ("ws://h:2/b",)}
    for text, words in (
        ("[venues.okx]\nws_alternatives = ['http://x']", "a list; each"),
        ("[venues.binance-usdm]\nws_alternatives = ['ws://x']", "by endpoint: public, market"),
        ("[venues.okx]\nws_alternatives = {publc = []}", "ws_alternatives.publc: no such"),
    ):
        (problem,) = problems(write(tmp_path, text))
        assert words in problem
