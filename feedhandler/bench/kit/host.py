"""What the figures were measured on: everything about a host that moves them."""

from __future__ import annotations

import os
import platform
import ssl
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from feedhandler.kernel import chosen, fields, read

_PACKAGES = ("feedhandler", "numpy", "picows", "uvloop", "orjson")
_CPU = "sys/devices/system/cpu"


def describe(notes: Sequence[str] = ()) -> dict[str, Any]:
    """The host, as JSON has it. `notes`: what of the run must be known to read its figures."""
    versions = {"python": platform.python_version(), "openssl": ssl.OPENSSL_VERSION}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    cpu = fields(read("proc/cpuinfo"))
    return {
        "cpu": cpu.get("model name") or platform.machine(),
        "cpus": os.cpu_count(),
        "usable_cpus": sorted(os.sched_getaffinity(0)),
        "isolated_cpus": read(f"{_CPU}/isolated"),
        "governor": read(f"{_CPU}/cpu0/cpufreq/scaling_governor") or "none visible",
        "hypervisor": "hypervisor" in cpu.get("flags", "").split(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "huge_pages": chosen(read("sys/kernel/mm/transparent_hugepage/enabled")),
        "clock": read("sys/devices/system/clocksource/clocksource0/current_clocksource"),
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
