"""What the figures were measured on: everything about a host that moves them."""

from __future__ import annotations

import os
import platform
import ssl
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

_PACKAGES = ("feedhandler", "numpy", "picows", "uvloop", "orjson")
_CPU = Path("/sys/devices/system/cpu")


def describe(notes: Sequence[str] = ()) -> dict[str, Any]:
    """The host, as JSON has it. `notes`: what of the run must be known to read its figures."""
    versions = {"python": platform.python_version(), "openssl": ssl.OPENSSL_VERSION}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {
        "cpu": _cpu_model(),
        "cpus": os.cpu_count(),
        "usable_cpus": sorted(os.sched_getaffinity(0)),
        "isolated_cpus": _read(_CPU / "isolated"),
        "governor": _read(_CPU / "cpu0/cpufreq/scaling_governor") or "none visible",
        "hypervisor": _cpuinfo_has("hypervisor"),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "huge_pages": _chosen(_read(Path("/sys/kernel/mm/transparent_hugepage/enabled"))),
        "clock": _read(Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")),
        "kernel": platform.release(),
        "load_1m": round(os.getloadavg()[0], 2),
        "versions": versions,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "notes": list(notes),
    }


def in_words(host: dict[str, Any]) -> Iterable[str]:
    """The same for people, a few short lines."""
    versions = host["versions"]
    virtual = ", virtual" if host["hypervisor"] else ""
    yield f"{host['cpu']}, {host['cpus']} CPUs{virtual}, governor {host['governor']}"
    yield f"Linux {host['kernel']}, load {host['load_1m']} at the end, {host['time']}"
    yield ", ".join(f"{name} {versions[name].removeprefix('OpenSSL ')}" for name in versions)


def _cpu_model() -> str:
    for line in _read(Path("/proc/cpuinfo")).splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _cpuinfo_has(flag: str) -> bool:
    for line in _read(Path("/proc/cpuinfo")).splitlines():
        if line.startswith("flags"):
            return flag in line.split()
    return False


def _chosen(text: str) -> str:
    """Of "always [madvise] never" the one in brackets."""
    return text.partition("[")[2].partition("]")[0]


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
