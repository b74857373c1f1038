"""Looking into a venue's memory, dead or alive, without its writer's cooperation. Read-only.

for info in list_objects(): ...          # what is there, whose it is, whether it lives
with open_memory("deribit") as memory:   # one epoch: header, counters, cells, raw slots
    findings = verify(memory)            # what is wrong with it; [] is good
readers("deribit")                       # who registered, and how far behind they are
clean(dry_run=True)                      # the only one that may remove: what no writer holds
"""

from shm.attach import venues
from shm.clean import clean
from shm.listing import ObjectInfo, control_state, list_objects
from shm.memory import SLOT_STATUS, LatencyHistogram, Memory, epochs, open_memory
from shm.registry import Reader, readers
from shm.verify import Finding, verify

__all__ = [
    "SLOT_STATUS",
    "Finding",
    "LatencyHistogram",
    "Memory",
    "ObjectInfo",
    "Reader",
    "clean",
    "control_state",
    "epochs",
    "list_objects",
    "open_memory",
    "readers",
    "venues",
    "verify",
]
