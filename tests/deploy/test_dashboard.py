"""The dashboard against Grafana's own schema, as its SDK has it. Its queries are asked of a real
Prometheus in tests/page/test_prometheus.py."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterator
from enum import Enum
from importlib.util import find_spec
from typing import Any

import pytest

from tests.kit.prometheus import DEPLOY

pytest.importorskip("grafana_foundation_sdk", reason="pip install grafana-foundation-sdk")
PATH = DEPLOY / "grafana" / "dashboards" / "feedhandler.json"
#: what Grafana writes, and this version of its schema does not have
UNTYPED = {
    "/templating/list/definition",  # what the editor shows of a query
    "/annotations/list/titleFormat",  # of annotations by Prometheus
    "/annotations/list/textFormat",
}


def model(document: dict[str, Any]) -> Any:
    from grafana_foundation_sdk.cog import plugins
    from grafana_foundation_sdk.models.dashboard import Dashboard

    plugins.register_default_plugins()
    return Dashboard.from_json(document)


def written(dashboard: Any) -> Any:
    from grafana_foundation_sdk.cog.encoder import JSONEncoder

    return json.loads(JSONEncoder().encode(dashboard))


def lost(ours: Any, theirs: Any, path: str = "") -> Iterator[str]:
    """What does not come back from Grafana's types: it has no such key, or takes it for another."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            where = f"{path}/{key}"
            yield from lost(value, theirs[key], where) if key in theirs else [where]
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for one, other in zip(ours, theirs, strict=True):
            yield from lost(one, other, path)
    elif ours != theirs:
        yield f"{path}: {theirs!r}"


def wrong(value: Any, hint: Any, path: str) -> Iterator[str]:
    """Where a value is not of the type that Grafana's schema gives it: no word of an enumeration,
    text in the place of a number."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or isinstance(hint, typing.TypeVar | str):
        return
    if origin in (typing.Union, types.UnionType):
        ways = [list(wrong(value, each, path)) for each in inner]
        yield from min(ways, key=len)
    elif origin is typing.Literal:
        yield from [] if value in inner else [f"{path}: {value!r} is none of {inner}"]
    elif origin is list:
        for each in value if isinstance(value, list) else ():
            yield from wrong(each, inner[0], path)
        yield from [] if isinstance(value, list) else [f"{path}: {value!r} is no list"]
    elif origin is dict:
        yield from [] if isinstance(value, dict) else [f"{path}: {value!r} is no object"]
    elif isinstance(hint, type) and issubclass(hint, Enum):
        words = [each.value for each in hint]
        yield from [] if value in words else [f"{path}: {value!r} is none of {words}"]
    elif hint is float:
        yield from [] if type(value) in (int, float) else [f"{path}: {value!r} is no number"]
    elif hint in (int, str, bool, type(None)):
        yield from [] if type(value) is hint else [f"{path}: {value!r} is no {hint.__name__}"]
    elif value is not None and not isinstance(value, dict):
        yield from of_object(value, path)


def of_object(found: Any, path: str = "") -> Iterator[str]:
    """Of all attributes of one of the SDK's objects."""
    for name, hint in typing.get_type_hints(type(found)).items():
        yield from wrong(getattr(found, name), hint, f"{path}/{name}")


@pytest.fixture
def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(PATH.read_text())
    return found


def test_grafana_keeps_all_that_the_dashboard_says(dashboard: dict[str, Any]) -> None:
    assert set(lost(dashboard, written(model(dashboard)))) == UNTYPED
    assert list(of_object(model(dashboard))) == []


def test_panels_are_of_kinds_that_there_are_and_lie_side_by_side(dashboard: dict[str, Any]) -> None:
    taken: dict[tuple[int, int], int] = {}
    for panel in dashboard["panels"]:
        if panel["type"] != "row":
            kind = panel["type"].replace("-", "")
            assert find_spec(f"grafana_foundation_sdk.models.{kind}"), panel["type"]
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert taken.setdefault((x, y), panel["id"]) == panel["id"], panel["title"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("panels", 1, "options", "colorMode"), "foo"),
        (("panels", 1, "options", "colourMode"), "value"),
        (("panels", 1, "fieldConfig", "defaults", "unit"), 3),
        (("panels", 1, "gridPos", "w"), "4"),
        (("panels", 1, "targets", 0, "exprr"), "up"),
        (("panels", 10, "options", "legend", "displayMode"), "tabel"),
        (("templating", "list", 1, "refresh"), 9),
    ],
    ids=lambda each: str(each[-1]) if isinstance(each, tuple) else "",
)
def test_what_is_wrong_is_found(
    dashboard: dict[str, Any], path: tuple[Any, ...], value: object
) -> None:
    inner: Any = dashboard
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    found = model(dashboard)
    assert {*lost(dashboard, written(found)), *of_object(found)} > UNTYPED
