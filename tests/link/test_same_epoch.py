"""A mirror that was killed begins again under its source's epoch: nobody takes half for all."""

from __future__ import annotations

import subprocess
import sys

import pytest

import shm
from feedhandler import python_child
from shm.segment import create

VENUE = "okx"
EPOCH = 1_796_000_000_000_000
_KILLED = f"""
import os, sys
from shm.segment import create
held = create("{VENUE}", namespace=sys.argv[1], instruments=4, ring_slots=64, mirror={EPOCH})
os._exit(0)
"""


def test_memory_of_an_epoch_that_begins_again_is_attached_to_once_it_is_shown(
    namespace: str,
) -> None:
    command = [sys.executable, "-c", _KILLED, namespace]
    subprocess.run(command, check=True, env=python_child.environment())
    with create(
        VENUE, namespace=namespace, instruments=4, ring_slots=64, mirror=EPOCH, announce=False
    ) as held:
        with pytest.raises(shm.NotReady):
            shm.attach(VENUE, namespace=namespace, timeout=0)
        held.announce()
        with shm.attach(VENUE, namespace=namespace, timeout=0) as feed:
            assert feed.epoch == EPOCH
