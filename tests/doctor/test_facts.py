"""What the kernel's files say, from a tree of files such as hosts have."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from feedhandler.doctor.facts import gather
from feedhandler.kernel import chosen, cpu_list, fields, number, usable_cpus

CPUS = "sys/devices/system/cpu"
CLOCK = "sys/devices/system/clocksource/clocksource0"


def tree(root: Path, **files: str) -> Path:
    for path, text in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return root


def test_lists_numbers_and_fields() -> None:
    assert cpu_list("0-2,8") == (0, 1, 2, 8)
    assert cpu_list("") == ()
    assert chosen("always [madvise] never") == "madvise"
    assert fields("model name\t: AMD EPYC\nMemFree:  12 kB\nnr_throttled 3\n") == {
        "model name": "AMD EPYC", "MemFree": "12 kB", "nr_throttled": "3",
    }  # fmt: skip


def test_a_number_or_none(tmp_path: Path) -> None:
    tree(tmp_path, most="12 100000", without="max 100000", empty="")
    assert [number(name, tmp_path) for name in ("most", "without", "empty", "missing")] == [
        12, None, None, None,
    ]  # fmt: skip


def test_a_host_with_everything(tmp_path: Path) -> None:
    ours = min(usable_cpus())
    root = tree(tmp_path, **{
        "proc/meminfo": "MemTotal: 99 kB\nMemAvailable:   2048 kB\nSwapTotal:  1024 kB\n",
        "proc/self/mounts": "x /dev/shm ext4 rw 0 0\ntmpfs /dev/shm tmpfs rw,size=1k 0 0\n",
        "proc/self/status": "Name: x\nCapEff:\t0000000000004000\n",
        "proc/self/cgroup": "0::/feeds/one\n",
        "sys/fs/cgroup/feeds/one/memory.max": "1000000",
        "sys/fs/cgroup/feeds/one/memory.current": "400000",
        "sys/fs/cgroup/feeds/one/cpu.max": "250000 100000",
        "sys/fs/cgroup/feeds/one/cpu.stat": "usage_usec 1\nnr_throttled 17\n",
        f"{CPUS}/isolated": "2-3\n",
        f"{CPUS}/cpu{ours}/topology/thread_siblings_list": f"{ours},64",
        f"{CPUS}/cpu{ours}/cpufreq/scaling_governor": "powersave",
        "proc/sys/kernel/sched_rt_runtime_us": "-1",
        "proc/sys/kernel/sched_rt_period_us": "1000000",
        f"{CLOCK}/current_clocksource": "hpet",
        f"{CLOCK}/available_clocksource": "tsc hpet acpi_pm ",
    })  # fmt: skip
    facts = gather(root)
    assert (facts.shm_kind, facts.memory_free, facts.swap_bytes) == ("tmpfs", 2 << 20, 1 << 20)
    assert (facts.memory_limit_free, facts.quota, facts.throttled) == (600_000, 2.5, 17)
    assert (facts.isolated, facts.siblings[ours]) == ((2, 3), (ours, 64))
    assert facts.governors == {ours: "powersave"}
    assert (facts.locked, facts.realtime_share) == (None, 1.0)  # CAP_IPC_LOCK
    assert (facts.clock_source, facts.clock_sources) == ("hpet", ("tsc", "hpet", "acpi_pm"))


def test_control_groups_of_version_1(tmp_path: Path) -> None:
    """A container sees its own group where the tree begins, under a path that is not there."""
    root = tree(tmp_path, **{
        "proc/self/cgroup": "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n1:name=systemd:/\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "5000",
        "sys/fs/cgroup/memory/memory.usage_in_bytes": "1000",
        "sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us": "50000",
        "sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us": "100000",
        "sys/fs/cgroup/cpu/docker/abc/cpu.stat": "nr_periods 5\nnr_throttled 2",
    })  # fmt: skip
    facts = gather(root)
    assert (facts.memory_limit_free, facts.quota, facts.throttled) == (4000, 0.5, 2)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {
            "sys/fs/cgroup/cpu.max": "max 100000",
            "sys/fs/cgroup/memory.max": "max",
            "sys/fs/cgroup/memory.current": "1",
        },
    ],
)
def test_a_host_that_tells_little_or_sets_no_limit(files: dict[str, str], tmp_path: Path) -> None:
    facts = gather(tree(tmp_path, **files))
    assert (facts.memory_limit_free, facts.quota, facts.throttled) == (None, None, 0)
    assert (facts.isolated, facts.governors, facts.clock_source) == ((), {}, "")
    assert facts.realtime_share == 0.95


def test_this_host() -> None:
    facts = gather()
    assert facts.shm_kind == "tmpfs"
    assert facts.shm_bytes >= facts.shm_free > 0
    assert facts.memory_free > 0
    assert set(os.sched_getaffinity(0)) <= set(facts.cpus)
    if facts.clock_synchronised is not None:
        assert facts.clock_error_s >= 0


def test_cpus_that_we_are_kept_off_but_may_ask_for() -> None:
    """As isolated CPUs are, of which no affinity tells."""
    before = os.sched_getaffinity(0)
    every = usable_cpus()
    assert before <= every
    os.sched_setaffinity(0, {min(before)})
    try:
        assert usable_cpus() == every
        assert os.sched_getaffinity(0) == {min(before)}
    finally:
        os.sched_setaffinity(0, before)
