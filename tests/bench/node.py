"""How long a press takes until its terminal knows of the receipt: a Raspberry Pi's daemon beside a node's program.

Both are whole, with simulated pins, press filter and outbox, each by its own clock in whole milliseconds: from the
first edge at its pin until its session has taken the receipt.
"""

from firstbell.press import PANIC

from tests.bench.bench import Bench, leader_of, pager_of, running_hub
from tests.bench.ends import READY, running
from tests.bench.figures import interleave
from tests.bench.scale import Turn
from tests.links.real_terminals import start_terminal
from tests.terminal.real_terminal import RealTerminal

WHERE = "press → receipt at the terminal"
TERMINALS = {"a Raspberry Pi's daemon": "EdDSA", "a node's program in MicroPython": "HS256"}
HOLD_MS = 80
PRESS_MS_MIN = 30


async def ask(bench: Bench) -> None:
    folder = bench.own("node")
    async with running_hub(folder / "hub") as hub:
        pager, leader = await pager_of(hub), await leader_of(hub)

        def turn(what: str, wall: RealTerminal) -> Turn:
            async def take(number: int) -> None:
                for _ in range(bench.extent.presses):
                    digest, took_ms = await _press(wall)
                    bench.results.row(WHERE, what).add(number, took_ms)
                    incident = f"i-{digest[:20]}"
                    for do in ("accept", "on_scene", "resolve"):
                        await pager.answered(do, incident)
                    await leader.close(incident)

            return take

        async with running(pager):
            await pager.answers.of(READY)
            turns: dict[str, Turn] = {}
            for number, (what, algorithm) in enumerate(TERMINALS.items()):
                enrolled = await hub.enrol(algorithm=algorithm)
                turns[what] = turn(what, await start_terminal(hub, folder / f"wall-{number}", enrolled))
            await interleave(turns, bench.extent.rounds, bench.dice)
    bench.results.notes.append(f"{WHERE}: {PRESS_MS_MIN} ms of it are the press filter's, which waits so long.")


async def _press(wall: RealTerminal) -> tuple[str, int]:
    """Its event, and how many milliseconds it took."""
    (made,) = (await wall.ask(do="press", input=PANIC, hold_ms=HOLD_MS))["events"]
    state = await wall.until(lambda state: made["event"] in [receipt["event"] for receipt in state["receipts"]])
    (receipt,) = [receipt for receipt in state["receipts"] if receipt["event"] == made["event"]]
    took_ms: int = receipt["mono_ms"] - made["mono_ms"]
    # What has been seen is of no more interest, and would fill the memory.
    del wall.states[:-1]
    return made["event"], took_ms
