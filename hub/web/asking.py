"""How the web asks the engine: it waits for the commit, but not for ever, for a person is waiting too."""

import asyncio

from hub.dispatch.asked import Answer
from hub.dispatch.batch import Submission
from hub.dispatch.requests import Refused
from hub.web.context import Hub

COMMIT_MS_MAX = 5_000
"""How long the disk may take before the person is told that it does."""
DISK_WAITS = "disk_waits"


async def ask(hub: Hub, *submissions: Submission) -> Answer:
    """Asks all of it at once, so that it is one transaction; returns the last answer when it is on the disk.

    Raises Refused: as the rules do; "disk_waits" when the disk does not take it in time. Then it is decided, and rings
    or stops ringing as decided, and takes its place on the record when the disk is back.
    """
    for submission in submissions:
        # Known from now on: the engine shows them before they are on the disk.
        hub.names.add(submission.sealed)
    asked = [asyncio.ensure_future(hub.engine.ask(submission)) for submission in submissions]
    _, waiting = await asyncio.wait(asked, timeout=COMMIT_MS_MAX / 1000)
    for one in waiting:
        one.add_done_callback(_forget)
    # In their order: what is refused first is why the others are.
    refused = [error for one in asked if one not in waiting and (error := one.exception())]
    if refused:
        raise refused[0]
    if waiting:
        raise Refused(DISK_WAITS)
    return asked[-1].result()


def _forget(late: "asyncio.Future[Answer]") -> None:
    """Whoever asked was told already that it takes long; what became of it stands in the ledger."""
    if not late.cancelled():
        late.exception()
