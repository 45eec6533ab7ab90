"""Where the time of one press goes: the hub's stages in µs, from the press until its receipt has come."""

import asyncio
import json
import sys
from collections import defaultdict

from tests.bench.bench import Bench, BenchHub, running_pair, warm_up
from tests.bench.figures import percentile
from tests.bench.scale import PACE_S
from tests.bench.staged_hub import STAGES, STAGES_FILE, Call

PAGED = "until the page has come"
RECEIPTED = "until the receipt has come"
Window = tuple[int, float, float]
"""When a press was sent, and how long its page and its receipt took, in nanoseconds."""
TO_WRITER, FROM_WRITER = "hop to the writer's thread", "hop back to the loop"


async def ask(bench: Bench) -> None:
    folder = bench.own("stages")
    file = folder / "stages.json"
    hub = BenchHub(folder / "hub", **{STAGES_FILE: str(file)})
    hub.command = (sys.executable, "-m", "tests.bench.staged_hub")
    windows: dict[str, list[Window]] = {}
    async with hub:
        async with running_pair(hub) as pair:
            await warm_up(pair)
            for where, rest_s in (("busy", 0.0), ("one per 50 ms", PACE_S)):
                for _ in range(bench.extent.presses * bench.extent.rounds // 4):
                    await asyncio.sleep(rest_s)
                    incident, sent_ns, page_ms, receipt_ms = await pair.press()
                    windows.setdefault(where, []).append((sent_ns, page_ms * 1e6, receipt_ms * 1e6))
                    await pair.accept(incident)
                    await pair.close(incident)
        # It writes down what it has seen when it is ended well.
        await hub.stop()
    calls: list[Call] = [tuple(call) for call in json.loads(file.read_text())]
    for where, presses in windows.items():
        for what, taken_us in _by_stage(presses, calls).items():
            bench.results.figure(f"one press, {where}", what, percentile(taken_us, 50), "µs")


def _by_stage(presses: list[Window], calls: list[Call]) -> dict[str, list[float]]:
    """Microseconds of each stage, without the stages within it, a reading per press."""
    taken: dict[str, list[float]] = {name: [] for name in _NAMES}
    calls = sorted(calls, key=lambda call: call[1])
    for sent_ns, page_ns, receipt_ns in presses:
        within = [call for call in calls if sent_ns <= call[1] <= sent_ns + receipt_ns]
        each: defaultdict[str, float] = defaultdict(float)
        for name, began_ns, ended_ns, within_ns in within:
            each[name] += ended_ns - began_ns - within_ns
        first = {name: (began, ended) for name, began, ended, _ in reversed(within)}
        if {_STEP, _WRITE, _FOLD} <= first.keys():
            each[TO_WRITER] = first[_WRITE][0] - first[_ENCODED][1]
            each[FROM_WRITER] = first[_FOLD][0] - first[_WRITE][1]
        each |= {PAGED: page_ns, RECEIPTED: receipt_ns}
        for name, readings in taken.items():
            readings.append(each[name] / 1_000)
    return taken


_STEP, _ENCODED, _WRITE, _FOLD = (
    next(name for name, _, attribute in STAGES if attribute == wanted)
    for wanted in ("step", "encode", "_write", "_fold")
)
_NAMES = (*(name for name, _, _ in STAGES), TO_WRITER, FROM_WRITER, PAGED, RECEIPTED)
