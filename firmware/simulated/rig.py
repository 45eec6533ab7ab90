"""What a PC does for a node: its console is stdin and stdout.

On stdin, a JSON line each: `{"pin":15,"levels":[[0,0],[80,1]]}` moves a pin, each time in ms after the one before, and
`{"memory":true}` asks for the heap in use. It ends with its stdin.
"""

import asyncio
import gc
import json
import sys

import machine
from node import main


def run(folder: str) -> None:
    main.main(folder, (_listen(),))


async def _listen() -> None:
    lines = asyncio.StreamReader(sys.stdin)
    while True:
        line = await lines.readline()
        if not line:
            sys.exit(0)
        said = json.loads(line)
        if "pin" in said:
            # A finger that is late stays as long as it should.
            for wait_ms, level in said["levels"]:
                await asyncio.sleep_ms(wait_ms)
                machine.drive(said["pin"], level)
        else:
            gc.collect()
            main.tell({"memory": {"used": gc.mem_alloc(), "free": gc.mem_free()}})
