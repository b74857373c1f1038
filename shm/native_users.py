"""Where C and C++ programs find the header-only readers of this package."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def get_include() -> str:
    """The folder of `feedhandler_shm.h` and `feedhandler_attach.h`, for `-I`."""
    return str(_HERE / "include")


def get_cmake_dir() -> str:
    """The folder of `feedhandlerConfig.cmake`, for `-Dfeedhandler_DIR=`: it has the target
    `feedhandler::shm`."""
    return str(_HERE / "cmake")


def get_pkgconfig_dir() -> str:
    """The folder of `feedhandler.pc`, for `PKG_CONFIG_PATH`."""
    return str(_HERE / "pkgconfig")
