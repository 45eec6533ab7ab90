"""A node asks the LAN for its hub: real sockets of MicroPython, and a LAN of one that says what real ones have said."""

import asyncio
import json
import socket

from firstbell_flash.board import FIRMWARE

from terminal.simulated_node import INTERPRETER
from tests.firstbell.test_golden import load

FIND_S_MAX = 20
LIB = FIRMWARE / "lib"
CODE = """
import sys
sys.path[:] = [{lib!r}, {firmware!r}, ".frozen"]
import asyncio, json
from firstbell import mdns
from node.find_hub import FindHub
mdns.GROUP, mdns.PORT = "127.0.0.1", {port}
async def find():
    hub = FindHub({fixed!r}, {campus!r})
    first, second, third = await hub.next_address(), await hub.next_address(), await hub.next_address()
    print(json.dumps([first, second, third]))
asyncio.run(find())
"""


async def found(fixed: str, packet: bytes, campus: str) -> list[object]:
    """The addresses for three attempts where the LAN answers this, as often as it is asked."""
    question = bytes.fromhex(load("lan.json")["question"])
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as lan:
        lan.setblocking(False)
        lan.bind(("127.0.0.1", 0))
        port = lan.getsockname()[1]

        async def answer() -> None:
            while True:
                asked, whom = await loop.sock_recvfrom(lan, 1_500)
                assert asked == question
                await loop.sock_sendto(lan, packet, whom)

        answering = asyncio.create_task(answer())
        code = CODE.format(lib=str(LIB), firmware=str(FIRMWARE), port=port, fixed=fixed, campus=campus)
        asking = await asyncio.create_subprocess_exec(INTERPRETER, "-c", code, stdout=asyncio.subprocess.PIPE)
        async with asyncio.timeout(FIND_S_MAX):
            said, _ = await asking.communicate()
        answering.cancel()
    addresses: list[object] = json.loads(said)
    return addresses


async def test_a_hub_that_answers_is_tried() -> None:
    vectors = load("lan.json")
    case = next(case for case in vectors["answers"] if case["found"])
    there = case["found"][0]
    packet = bytes.fromhex(case["packet"])
    assert (await found("", packet, vectors["campus"]))[0] == there
    # What was told and what is found take turns.
    fixed = ["10.1.2.3", 8443]
    first, second, third = await found("10.1.2.3:8443", packet, vectors["campus"])
    assert (first, second, third) == (fixed, there, fixed)


async def test_another_campus_or_noise_is_nobody() -> None:
    vectors = load("lan.json")
    packet = bytes.fromhex(next(case["packet"] for case in vectors["answers"] if case["found"]))
    assert await found("", packet, "c-another") == [None] * 3
    assert await found("", b"\xff" * 40, vectors["campus"]) == [None] * 3
