"""The table [record]: what it may have, and what is said of mistakes in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedhandler.config.document import ConfigError
from feedhandler.config.load import load
from feedhandler.supervisor.reload import difference


def _load(tmp_path: Path, text: str) -> object:
    path = tmp_path / "feed.toml"
    path.write_text(f"{text}\n[venues.okx]\n[venues.deribit]\n")
    return load(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[record]", "record.to: is missing"),
        ('record = "x"', "record: 'x' is not allowed: a table [record]"),
        ('[record]\nto = ""', "record.to: '' is not allowed: the path of a directory"),
        ('[record]\nto = "x"\nrotate_s = "5m"', "did you mean 300.0?"),
        ('[record]\nto = "x"\nonly = ["okxx"]', "no venue 'okxx' is in this file; did you mean"),
        ('[record]\nto = "x"\nonly = ["binance"]', "no venue 'binance' is in this file"),
        ('[record]\nto = "x"\nrotat_s = 5', "rotat_s: no such key"),
        ('[record]\nto = "x"\nnamespace = "n"', "does not belong below [record]"),
        ("rotate_s = 5", "rotate_s: belongs below [record]"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text)
    assert said in str(caught.value), caught.value


def test_when_a_recorder_starts_again(tmp_path: Path) -> None:
    path = tmp_path / "feed.toml"

    def read(record: str, venues: str) -> object:
        path.write_text(f"{record}\n{venues}\n")
        return load(path)

    def again(one: object, other: object) -> bool:
        return difference(one, other).helper("record", one, other)  # type: ignore[arg-type]

    one = read('[record]\nto = "a"', "[venues.okx]")
    assert not again(one, one)
    assert again(one, read('[record]\nto = "b"', "[venues.okx]"))
    assert again(one, read('[record]\nto = "a"', "[venues.okx]\n[venues.deribit]"))
    assert again(one, read("", "[venues.okx]"))
    assert not again(one, read('[record]\nto = "a"', "[venues.okx]\ndepth = 10"))
