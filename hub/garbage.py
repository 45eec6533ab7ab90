"""Cyclic garbage is collected by the clock, not by load.

Left to itself, Python looks through all that lives whenever a quarter more has come to live. That is when a thousand
terminals press, and nothing rings while it looks.
"""

import asyncio
import gc

COLLECT_S = 60
"""Between two looks through all that lives. One takes some 80 ms with a thousand terminals: a press seldom meets it."""
YOUNG_OBJECTS = 700
YOUNG_PASSES = 10
"""When the young are looked through, as Python has it: the more at a time, the longer nothing rings."""
NEVER = 2**31 - 1


async def collect_by_clock(every_s: float = COLLECT_S) -> None:
    """Until cancelled. Changes the thresholds of the whole process."""
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_PASSES, NEVER)
    while True:
        await asyncio.sleep(every_s)
        gc.collect()
