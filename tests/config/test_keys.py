"""A key is told in one place: what `feedhandler config` prints of it is what the reader takes."""

from __future__ import annotations

import inspect
import re
import tomllib
from pathlib import Path

import msgspec

from feedhandler.adapter.venue import Venue
from feedhandler.capture.replay import replay
from feedhandler.config.keys import Config, VenueConfig, keys, told
from feedhandler.config.load import load
from feedhandler.config.record_keys import RecordConfig
from feedhandler.config.serve_keys import ServeConfig
from feedhandler.healing.rhythm import RhythmOptions
from tests.cli.support import json_of, run

ROOT = Path(__file__).parents[2]


def test_every_field_is_a_key() -> None:
    assert [*keys(VenueConfig), "places"] == list(VenueConfig.__struct_fields__)
    assert [*keys(RecordConfig), "places"] == list(RecordConfig.__struct_fields__)
    assert [*keys(ServeConfig), "places"] == list(ServeConfig.__struct_fields__)
    assert {*keys(Config), "address_named", "places"} == set(Config.__struct_fields__)


def test_every_key_is_told_in_one_calm_line() -> None:
    names = [(key.table, key.name) for key in told()]
    assert len(names) == len(set(names)) > 25
    for key in told():
        assert 10 < len(key.meaning) <= 90, key.name
        assert key.meaning[0].islower(), key.name
        assert not key.meaning.endswith("."), key.name
        assert key.allowed, key.name


def test_every_key_is_used() -> None:
    files = [path for room in ("feedhandler", "cli") for path in (ROOT / room).rglob("*.py")]
    code = "\n".join(path.read_text() for path in files if path.parent.name != "config")
    unused = [key.name for key in told() if not re.search(rf"\w\.{key.name}\b", code)]
    assert not unused, "a key that nobody reads"


def test_defaults_in_prose_are_so() -> None:
    defaults = {key.name: key.default for key in told()}
    found = 0
    for path in (ROOT / "docs").glob("*.md"):
        text = " ".join(path.read_text().split())
        for name, value in re.findall(r"`(\w+)`(?: seconds)?,? \(?default ([\d.]+)", text):
            assert float(defaults[name]) == float(value.rstrip(".")), f"{path.name}: {name}"
            found += 1
    assert found >= 5


def test_defaults_that_stand_elsewhere_are_the_same() -> None:
    """Of what is used without a configuration, too."""
    config = VenueConfig(instruments=(), ws_url="", rest_url="")
    replayed = inspect.signature(replay).parameters
    assert replayed["ring_slots"].default == config.ring_slots
    assert replayed["depth"].default == config.depth == Venue.depth
    rhythm = RhythmOptions()
    assert (rhythm.floor_s, rhythm.ceiling_s) == (config.rhythm_floor_s, config.rhythm_ceiling_s)


def test_a_default_is_allowed_and_so_is_an_example() -> None:
    for table in (Config, RecordConfig, ServeConfig, VenueConfig):
        for name, key in keys(table).items():
            if name in ("cpu", "ca_file", "group", "name", "zenoh"):  # as this host has it
                continue
            field = next(each for each in msgspec.structs.fields(table) if each.name == name)
            value = tomllib.loads(f"value = {key.example}")["value"] if key.example else None
            if value is None:
                value = list(field.default) if isinstance(field.default, tuple) else field.default
            assert key.allowed.valid(value), name


def test_what_is_printed_is_a_file_of_the_defaults(tmp_path: Path) -> None:
    printed = run("config").stdout
    assert max(map(len, printed.splitlines())) <= 80
    path = tmp_path / "feed.toml"
    path.write_text(printed)
    assert load(path) == load(None)
    own = {key.name for key in told() if key.default == key.value} | {"to"}
    uncommented = re.sub(
        r"^#(\[|(\w+) =)", lambda m: m[1] if m[2] in {*own, None} else m[0], printed, flags=re.M
    )
    assert uncommented.count("\n#") < printed.count("\n#") - 15
    path.write_text(uncommented)
    kept = RecordConfig(to="/data/feed")
    assert load(path) == msgspec.structs.replace(
        load(None, venues=["deribit"]), address_named=True, record=kept, serve=ServeConfig()
    )


def test_one_key_is_shown_and_a_wrong_name_is_answered() -> None:
    shown = run("config", "audit_s").stdout
    assert "#audit_s = 60.0\n" in shown
    assert "seconds from 0.5 to 86400, or 0 for never" in shown
    assert json_of(run("config", "depth", "--json"))["keys"][0]["value"] == "50"
    wrong = run("config", "audits")
    assert wrong.returncode == 2
    assert "did you mean 'audit_s'?" in wrong.stderr
