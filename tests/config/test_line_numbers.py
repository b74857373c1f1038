"""A mistake in a configuration is told with the line that it stands on."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhandler.config.document import ConfigError
from feedhandler.config.line_numbers import LineNumbers
from feedhandler.config.load import load

TEXT = '''\
namespace = "x"  # depth = 1
# [venues.bybit-spot]

[venues.okx]
instruments = [  # some
  "BTC-USDT",
  "a b", "ETH-[",  # two on one line
]
proxy = """
depth = 3
[record]
"""
depth = 7
ws_url = {public = "x", "b c" = 1}
[venues."binance"]
spin = 1
channels = ["book",
  "trades"]
'''


@pytest.mark.parametrize(
    ("key", "element", "line"),
    [
        ("namespace", None, 1),
        ("venues", None, 4),
        ("venues.okx", None, 4),
        ("venues.okx.instruments", None, 5),
        ("venues.okx.instruments", "BTC-USDT", 6),
        ("venues.okx.instruments", "ETH-[", 7),
        ("venues.okx.instruments", "not there", 5),
        ("venues.okx.proxy", None, 9),
        ("venues.okx.depth", None, 13),
        ("venues.okx.ws_url.public", None, 14),
        ("venues.okx.audit_s", None, 4),  # it is missing: the table's
        ("venues.binance.spin", None, 16),
        ("venues.binance.channels", "trades", 18),
        ("record", None, 0),
        ("--symbols", None, 0),
    ],
)
def test_a_key_has_a_line(key: str, element: object, line: int) -> None:
    assert LineNumbers(TEXT).of(key, element) == line


@given(st.lists(st.sampled_from(["a = 1", "", "# x", "b = [\n 1,\n 2]", 'c = """\n[t]\n"""'])))
def test_every_key_stands_where_it_is_said(parts: list[str]) -> None:
    lines: list[str] = []
    where: dict[str, int] = {}
    for number, part in enumerate(parts):
        if "=" in part:
            where[f"k{number}"] = len(lines) + 1
        lines += part.replace(part[:1], f"k{number}", 1).split("\n") if "=" in part else [part]
    text = "\n".join(lines)
    found = LineNumbers(text)
    assert {key: found.of(key) for key in tomllib.loads(text)} == where


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\nnamespce = 'x'", "line 2: namespce: no such key"),
        ("[venues.okx]\n\ndepht = 1", "line 3: venues.okx.depht: no such key"),
        ("[venues.okx]\ndepth = 'x'", "line 2: venues.okx.depth: 'x' is not allowed"),
        ("[venues.okx]\ndepth = 0", "line 2: venues.okx.depth: 0 is not allowed"),
        ("venues.okx.depth = 0", "line 1: venues.okx.depth: 0"),
        ("\n[okx]", "line 2: okx: the table of a venue is called [venues.okx]"),
        ("\n[venues.okkx]\n", "line 2: venues.okkx: no such venue"),
        ("\n[[venues.okx]]\n", "line 2: venues.okx: [{}] is not allowed: a table"),
        ("[venues.okx]\n[record]\nrotate_s = 5", "line 2: record.to: is missing"),
        ("[record]\nto = 'x'\nonly = [\n'okx',\n'okkx']\n[venues.okx]", "line 5: record.only: no"),
        ("[venues.okx]\ninstruments = [\n'BTC-USDT',\n'a b',\n]", "line 4: venues.okx.instruments"),
        ("[venues.okx]\nchannels = [\n'book',\n'boook']", "line 4: venues.okx.channels: 'boook'"),
        ("[venues.okx]\n\nws_url = {publc = 'ws://x'}", "line 3: venues.okx.ws_url.publc: no such"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "feed.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.problems[0].startswith(f"{path}: {said}")


def test_what_the_command_line_says_is_on_no_line(tmp_path: Path) -> None:
    path = tmp_path / "feed.toml"
    path.write_text("namespace = 'fine'\n[venues.okx]\n")
    with pytest.raises(ConfigError, match=r"feed\.toml: namespace: 'a/b' is not allowed"):
        load(path, namespace="a/b")


def test_a_long_list_is_placed_in_a_moment() -> None:
    lines = [f'  "BTC-{number}",' for number in range(20_000)]
    text = "\n".join(["[venues.okx]", "instruments = [", *lines, "]"])
    assert LineNumbers(text).of("venues.okx.instruments", "BTC-19999") == 20_002
