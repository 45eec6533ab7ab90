"""A receipt leaves the hub only after the kernel has said that the press is on the disk: seen by strace, from outside.

TLS hides what is sent, so one terminal talks alone and says nothing but its presses. For each: the call that takes it
from the socket, the call that writes its digest into the write-ahead log, an `fdatasync` of that file that begins after
it and succeeds. Until then fewer bytes have gone back to that socket than a receipt has; after it, enough.
"""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from firstbell.jws import digest_of

from tests.faults.machine import COMMAND_S_MAX, attached, need
from tests.faults.trace import SENDS, TAKES, TEXT_BYTES_MAX, TRACED, Call, read_trace
from tests.links.hub_process import HubProcess
from tests.links.line import Line
from tests.links.raw_terminal import RawTerminal, event_frame, receipt_of

PRESSES = 20
SYNCS = ("fdatasync", "fsync")


@dataclass(frozen=True, slots=True)
class Sent:
    """A press and the length of the receipt that came for it."""

    digest: str
    receipt_bytes: int


class OutOfOrder(AssertionError):
    """A receipt left before its press was on the disk, or none of the calls could be found."""


@pytest.fixture
async def traced(tmp_path: Path) -> tuple[list[Sent], list[Call], str]:
    """Presses, everything that the hub did meanwhile, and the socket of their terminal as strace names it."""
    async with HubProcess(tmp_path / "hub") as hub:
        terminal = hub.raw_terminal(await hub.enrol())
        line = await terminal.link()
        connection = line.socket._response.connection
        assert connection is not None
        assert connection.transport is not None
        port = connection.transport.get_extra_info("sockname")[1]
        trace = tmp_path / "trace"
        tracer = await asyncio.create_subprocess_exec(
            *(need("strace"), "-f", "-yy", "-s", str(TEXT_BYTES_MAX), "-o", str(trace)),
            *("-e", f"trace={','.join(TRACED)}", "-p", str(hub.process.pid)),
            stderr=asyncio.subprocess.PIPE,
        )
        await attached(tracer)
        try:
            sent = [await press(terminal, line) for _ in range(PRESSES)]
        finally:
            tracer.terminate()
            async with asyncio.timeout(COMMAND_S_MAX):
                await tracer.communicate()
        await line.close()
        await hub.stop()
    return sent, read_trace(trace.read_text().splitlines()), f"TCP:[127.0.0.1:{hub.port}->127.0.0.1:{port}]"


async def press(terminal: RawTerminal, line: Line) -> Sent:
    """The next begins when this one has its receipt."""
    text = terminal.event()
    since = len(line.frames)
    await line.send(event_frame(text))
    receipt = await line.until(receipt_of(text), since)
    return Sent(digest_of(text), len(json.dumps(receipt, separators=(",", ":"))))


def first(what: str, calls: Iterable[Call]) -> Call:
    for call in calls:
        return call
    raise OutOfOrder(f"there is no {what}")


def check(sent: list[Sent], calls: list[Call], socket: str) -> None:
    """Raises OutOfOrder."""
    takes = [call for call in calls if call.name in TAKES and call.file == socket and call.result > 0]
    sends = [call for call in calls if call.name in SENDS and call.file == socket]
    writes = [call for call in calls if call.name.startswith("pwrite") and call.file.endswith("/hub.db-wal")]
    syncs = [call for call in calls if call.name in SYNCS and call.file.endswith("/hub.db-wal") and call.result == 0]
    done = -1
    for one in sent:
        heard = first("call that takes the press", (call for call in takes if call.began > done))
        written = first(
            "write of the press", (call for call in writes if call.began > heard.ended and one.digest in call.told)
        )
        synced = first("fdatasync after that", (call for call in syncs if call.began > written.ended))
        answers = [call for call in sends if call.began > heard.ended]
        early = sum(call.result for call in answers if call.began < synced.ended)
        if early >= one.receipt_bytes:
            raise OutOfOrder(f"{early} bytes had gone before the disk had the press at {synced.ended}")
        done = first("receipt", (call for call in answers if call.result >= one.receipt_bytes)).ended


async def test_each_receipt_waits_for_the_disk(traced: tuple[list[Sent], list[Call], str]) -> None:
    sent, calls, socket = traced
    check(sent, calls, socket)
    # The same trace, had the hub not waited: each way of it is noticed.
    syncs = [call for call in calls if call.name in SYNCS]
    assert len(syncs) >= PRESSES
    without = [call for call in calls if call not in syncs]
    failed = [replace(call, result=-1) if call in syncs else call for call in calls]
    late = [replace(call, ended=call.ended + len(calls)) if call in syncs else call for call in calls]
    for changed in (without, failed, late):
        with pytest.raises(OutOfOrder):
            check(sent, changed, socket)
