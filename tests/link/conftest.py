from __future__ import annotations

import pytest

from tests.kit.tools import need_module


@pytest.fixture(scope="session", autouse=True)
def _engine() -> None:
    need_module("zenoh", "mirror")
