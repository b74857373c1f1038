"""To wait until there is something to do."""

import asyncio
from contextlib import suppress
from time import monotonic
from typing import Final

_LATE_S: Final = 1.0  #: so much later than was asked for: our process stood still
_READ_S: Final = 0.01


async def wait_for_work(kick: asyncio.Event, seconds: float) -> None:
    """Wait, or less: until it is kicked. If our process stood still meanwhile, what came on its
    sockets is read before anybody looks at what did not come."""
    due = monotonic() + max(0.0, seconds)
    with suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, seconds)):
            await kick.wait()
    while monotonic() - due > _LATE_S:
        due = monotonic()
        await asyncio.sleep(_READ_S)
