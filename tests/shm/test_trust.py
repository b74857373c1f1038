"""A host with other people: whom readers believe, and what a member of the readers' group can do.

The attackers are real users, so these tests need root.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import shm
from shm import _native, control_object, dev_shm, inspect, object_names, segment
from shm.segment import WriterSegment
from tests.shm.conftest import Create
from tests.shm.users import ROOT, STRANGER, as_user, needs_root

DESK = 54321  #: the group of those who may read
READER = 54322  #: a user of that group, who does what he should not


def file_of(path: str) -> Path:
    return dev_shm.DIRECTORY / path[1:]


def attempt(code: str) -> str:
    """What a member of the readers' group gets for it: "done", or the error's name."""
    return as_user(
        "import fcntl, struct\ntry:\n"
        + "".join(f"    {line}\n" for line in code.splitlines())
        + "    print('done')\nexcept OSError as error:\n    print(type(error).__name__)\n",
        uid=READER,
        gid=DESK,
    )


@pytest.fixture
def desk(namespace: str) -> Iterator[Callable[[], WriterSegment]]:
    """Writers of a venue whose group may read; closed at the end."""
    made: list[WriterSegment] = []

    def create() -> WriterSegment:
        owner = segment.create(
            "v", namespace=namespace, instruments=4, depth=5, ring_slots=64, group=DESK
        )
        owner.writer.directory_add({"symbol": "I0"})
        owner.writer.heartbeat()
        made.append(owner)
        return owner

    yield create
    for owner in made:
        owner.close()


# ---- whom readers believe ------------------------------------------------------------------------


@needs_root
def test_a_stranger_who_was_first_is_not_the_feed(namespace: str) -> None:
    """He makes all that a feed has, under its name, whole; root and others refuse it by default."""
    code = (
        "import os, sys, time\nos.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        f"s = segment.create('v', namespace={namespace!r}, instruments=4, ring_slots=64)\n"
        "s.writer.directory_add({'symbol': 'I0'}); s.writer.publish()\n"
        "print(s.epoch, flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", "from shm import segment\n" + code],
        cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as impostor:  # fmt: skip
        assert impostor.stdout is not None
        assert impostor.stdout.readline()
        for refused in (
            lambda: shm.attach("v", namespace=namespace, timeout=0),
            lambda: shm.attach("v", namespace=namespace, timeout=0, owner="root"),
            lambda: shm.attach("v", namespace=namespace, timeout=0, owner=READER),
            lambda: inspect.open_memory("v", namespace=namespace),
            lambda: inspect.readers("v", namespace=namespace),
        ):
            with pytest.raises(shm.NotTrusted, match=r"nobody \(65534\).*FEEDHANDLER_OWNER"):
                refused()
        with shm.attach("v", namespace=namespace, timeout=0, owner=STRANGER) as feed:
            assert [each.symbol for each in feed.instruments()] == ["I0"]
        with pytest.raises(shm.PermissionDenied, match="65534"):
            segment.create("v", namespace=namespace)  # and the feed's own start says who it is
        impostor.communicate()


@needs_root
def test_a_feed_that_was_followed_is_not_left_for_another_users(
    namespace: str, create: Create
) -> None:
    owner = create()
    owner.writer.directory_add({"symbol": "I0"})
    feed = shm.attach("v", namespace=namespace)
    events = feed.events()
    owner.close()
    other = create()
    for name in dev_shm.objects(namespace):
        os.chown(file_of(name.path), STRANGER, STRANGER)
    with pytest.raises(shm.WriterLost):
        feed.quote("I0")
    assert events.poll() is not None  # that its writer stopped
    with pytest.raises(shm.WriterLost):
        events.poll()
    assert events.poll() is None
    assert feed.epoch != other.epoch


@needs_root
def test_whom_to_believe_is_a_name_or_a_number(
    namespace: str, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    create()
    for owner in ("root", "0", 0):
        assert shm.attach("v", namespace=namespace, owner=owner, timeout=0).alive()
    monkeypatch.setenv("FEEDHANDLER_OWNER", "nobody")
    with pytest.raises(shm.NotTrusted, match=r"root \(0\); this reader believes nobody"):
        shm.attach("v", namespace=namespace, timeout=0)
    with pytest.raises(shm.BadName, match="no such user"):
        shm.attach("v", namespace=namespace, owner="no-such-user", timeout=0)


# ---- what a member of the readers' group can do --------------------------------------------------


@needs_root
def test_a_member_of_the_group_reads_and_is_woken(
    namespace: str, desk: Callable[[], WriterSegment]
) -> None:
    desk()
    said = as_user(
        f"feed = shm.attach('v', namespace={namespace!r}, owner=0, timeout=0)\n"
        "events = feed.events(name='strategy')\n"
        f"print(feed.segment.can_wake, feed.instruments()[0].symbol)",
        uid=READER,
        gid=DESK,
    )
    assert said == "True I0"
    assert as_user(
        f"try:\n    shm.attach('v', namespace={namespace!r}, owner=0, timeout=0)\n"
        "except shm.PermissionDenied:\n    print('denied')"
    ) == "denied"  # fmt: skip


@needs_root
@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("control", "os.truncate({control!r}, 0)"),
        ("control", "os.open({control!r}, os.O_RDWR)"),
        ("control", "os.unlink({control!r})"),
        ("data", "os.truncate({data!r}, 0)"),
        ("data", "os.open({data!r}, os.O_RDWR)"),
        ("lock", "os.open({lock!r}, os.O_RDONLY)"),
        ("readers", "os.unlink({readers!r})"),
    ],
)
def test_what_is_the_writers_users_nobody_else_changes(
    namespace: str, desk: Callable[[], WriterSegment], what: str, code: str
) -> None:
    owner = desk()
    paths = _paths(namespace, owner)
    before = {part: Path(path).read_bytes() for part, path in paths.items()}
    assert attempt(code.format(**paths)) == "PermissionError", what
    assert {part: Path(path).read_bytes() for part, path in paths.items()} == before


def _paths(namespace: str, owner: WriterSegment) -> dict[str, str]:
    return {
        "control": str(file_of(object_names.control_name(namespace, "v"))),
        "data": str(file_of(owner.path)),
        "readers": str(file_of(object_names.readers_name(namespace, "v"))),
        "lock": str(file_of(object_names.lock_name(namespace, "v"))),
    }


DAMAGE = {
    "truncated": "os.truncate({readers!r}, 0)",
    "shortened": "os.truncate({readers!r}, 100)",
    "grown": "os.truncate({readers!r}, 1 << 20)",
    "scribbled": "open({readers!r}, 'r+b').write(b'\\xff' * 8192)",
}


@needs_root
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_readers_object_hurts_nobody_and_is_made_anew(
    namespace: str, desk: Callable[[], WriterSegment], damage: str
) -> None:
    owner = desk()
    feed = shm.attach("v", namespace=namespace)
    events = feed.events(name="strategy")
    assert attempt(DAMAGE[damage].format(**_paths(namespace, owner))) == "done"
    for _ in range(3):  # the writer writes and wakes on, this reader reads and sleeps on
        owner.writer.message(0, [(shm.Kind.TRADE, 0, 1, 1)])
        owner.writer.publish()
        owner.writer.wake()
        batch = events.poll()
        assert batch is not None
        assert len(batch) == 1
        began = time.monotonic()
        events.wait(0.05)
        assert time.monotonic() - began < 10
    with shm.attach("v", namespace=namespace, timeout=0) as other:
        assert other.instruments()[0].symbol == "I0"
    assert any("readers" in each for each in owner.mend())
    assert owner.mend() == []
    with shm.attach("v", namespace=namespace, timeout=0) as other:
        assert other.segment is not None
        assert other.segment.can_wake
        entered = other.events(name="another")
        (row,) = inspect.readers("v", namespace=namespace)
        assert row["name"] == "another"
        entered.close()
    events.close()
    owner.close()
    with desk() as following:
        readers = file_of(object_names.readers_name(namespace, "v")).stat()
        assert readers.st_size == _native.READERS_BYTES
        assert shm.attach("v", namespace=namespace, timeout=0).epoch == following.epoch


HOLD = """
import fcntl, os, struct, sys
lock = struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
fd = os.open(sys.argv[1], os.O_RDONLY)
os.setgroups([]); os.setgid(54321); os.setuid(54322)
fcntl.fcntl(fd, fcntl.F_OFD_SETLK, lock)
print("held", flush=True)
sys.stdin.read()
"""


@needs_root
def test_read_locks_on_the_control_object_keep_nothing_up(namespace: str) -> None:
    """A writer that was killed is noticed, and the next one starts, whoever holds what he can."""
    writer = subprocess.Popen(
        [sys.executable, "-c", "import sys, time\nfrom shm import segment\n"
         f"s = segment.create('v', namespace={namespace!r}, instruments=4, ring_slots=64)\n"
         "s.writer.directory_add({'symbol': 'I0'})\nprint(s.epoch, flush=True)\ntime.sleep(60)"],
        cwd=ROOT, text=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    control = file_of(object_names.control_name(namespace, "v"))
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline()
        feed = shm.attach("v", namespace=namespace)
        writer.kill()
        writer.communicate()
        with subprocess.Popen(
            [sys.executable, "-c", HOLD, str(control)],
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        ) as holder:  # fmt: skip
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            assert not feed.alive()
            with pytest.raises(shm.WriterLost):
                feed.quote("I0")
            with segment.create("v", namespace=namespace, instruments=4, ring_slots=64) as owner:
                owner.writer.directory_add({"symbol": "I0"})
                assert feed.quote("I0").state == shm.State.NONE
                assert feed.epoch == owner.epoch
            holder.communicate()
    finally:
        writer.kill()
        writer.wait()


# ---- what the writer's own user may do by mistake ------------------------------------------------


@pytest.mark.parametrize("value", [7, (1 << 63) - 1])
def test_a_wild_store_into_the_control_object_is_found_and_mended(
    namespace: str, create: Create, value: int
) -> None:
    owner = create()
    owner.writer.directory_add({"symbol": "I0"})
    feed = shm.attach("v", namespace=namespace)
    fields = _native.DTYPES["control"].fields
    assert fields is not None
    with file_of(object_names.control_name(namespace, "v")).open("r+b") as file:
        file.seek(fields["epoch"][1])
        file.write(value.to_bytes(8, "little"))
    with inspect.open_memory("v", namespace=namespace) as memory:
        (found,) = inspect.verify(memory)
        assert str(found) == f"control: epoch is {value}, the living writer's {owner.epoch}"
    assert owner.mend() == ["the control object named another writer or epoch"]
    assert owner.mend() == []
    assert feed.alive()
    assert shm.attach("v", namespace=namespace, timeout=0).epoch == owner.epoch
    owner.close()
    assert create().epoch >= owner.epoch  # and the next one starts


def test_the_lock_cannot_be_opened_by_others(namespace: str, create: Create) -> None:
    create()
    assert control_object.LOCK_MODE == 0o600
    mode = file_of(object_names.lock_name(namespace, "v")).stat().st_mode
    assert mode & 0o077 == 0
