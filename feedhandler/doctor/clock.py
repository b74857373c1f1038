"""Whether reading the clock is cheap, and what it says right."""

from __future__ import annotations

from feedhandler.doctor.check import Check, advice, fine
from feedhandler.doctor.facts import Facts

# What the vDSO reads without a system call, on x86-64 and AArch64 (vdso(7)).
_CHEAP = ("tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter")
_OFF_S = 0.001


def source(facts: Facts) -> Check | None:
    """None where the host does not tell."""
    name = "clock source"
    if not facts.clock_source:
        return None
    if facts.clock_source in _CHEAP:
        return fine(name, f"{facts.clock_source}: read without a system call")
    better = [each for each in facts.clock_sources if each in _CHEAP]
    folder = "/sys/devices/system/clocksource/clocksource0"
    cure = (
        f"echo {better[0]} > {folder}/current_clocksource"
        if better
        else ("none better here; see what the kernel said of tsc (dmesg)")
    )
    return advice(name, f"{facts.clock_source}: a system call, or slow hardware, a reading", cure)


def synchronised(facts: Facts) -> Check | None:
    """Venues' times and ours are compared in `exchange_ns` and `receive_ns`."""
    name = "clock"
    if facts.clock_synchronised is None:
        return None
    if not facts.clock_synchronised:
        return advice(
            name,
            "nothing keeps it right: latencies from the venue's clock mean little",
            "chrony or systemd-timesyncd (in a virtual machine: the host's PTP clock, ptp_kvm)",
        )
    if facts.clock_error_s > _OFF_S:
        return advice(
            name,
            f"synchronised, but may be off by {facts.clock_error_s * 1e3:,.0f} ms",
            "chrony with servers near by, minpoll 4",
        )
    return fine(name, f"synchronised, off by at most {facts.clock_error_s * 1e6:,.0f} us")
