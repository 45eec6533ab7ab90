"""Power cuts: hub and terminal in a machine of their own, which loses its power while people press.

Who presses at a terminal of their own and who answers are outside, and remember what they were promised.
"""

import asyncio
import json
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random

from firstbell.jws import verify_ed25519
from firstbell.messages import parse_hub_frame
from firstbell.receipt import ReceiptError, check_receipt

from hub.dispatch import entries as e
from hub.ledger.origin import open_any_checkpoint
from terminal.settings import Home
from tests.faults.disk import Disk
from tests.faults.inner import InnerHub, InnerTerminal
from tests.faults.machine import now_ms
from tests.faults.players import Finger, Guard, Hand, Power
from tests.faults.record import read_bodies, receipts, roots, rows
from tests.faults.soak import Verdict
from tests.faults.vm import HOST, Machine, NeverUp, copy_out, make_disk
from tests.faults.world import Press
from tests.links.raw_terminal import RawTerminal
from tests.links.real_terminals import is_quiet

PRESS_S = (0.0, 8.0)
"""From the first press of a round until the power goes."""
IN_A_WRITE_PART = 0.5
"""So many of the cuts come when something was written and nobody could flush it yet."""
SETTLE_S_MAX = 120
"""So long may it take, once the power is back, until everything is delivered and answered: the machine is slow."""
WALL = "wall-1"


class Broken(Exception):
    """A promise; the text says which."""


class Neighbour(Hand):
    """A terminal outside, with a power of its own. `made_ms`: event → when it was made."""

    def __init__(self, terminal: RawTerminal, power: Power) -> None:
        super().__init__(terminal, power)
        self.made_ms: dict[str, int] = {}

    def _make(self) -> str:
        text = super()._make()
        # The newest is the last.
        self.made_ms[next(reversed(self.events))] = now_ms()
        return text


class House:
    """What is in the machine, and who is outside. `cuts_before`: press → how many cuts were before it."""

    def __init__(self, hub: InnerHub, machine: Machine, disk: Disk, dice: Random) -> None:
        self.hub = hub
        self.machine = machine
        self.disk = disk
        self.dice = dice
        self.power = Power()
        self.power.cut()
        self.pulse = asyncio.Condition()
        self.wall = InnerTerminal(Home(hub.home.path.with_name(WALL)), machine)
        self.finger = Finger(self.wall, self.power, dice, self.pulse)
        self.phone: Guard
        self.neighbour: Neighbour
        self.cuts_before: dict[str, int] = {}
        self._shown: list[str] = []

    async def furnish(self) -> None:
        """While the hub still runs here."""
        self.hub.write_terminal(self.wall.home.path, await self.hub.enrol("wall"))
        self.neighbour = Neighbour(self.hub.raw_terminal(await self.hub.enrol("neighbour")), self.power)
        pager = await self.hub.pager(await self.hub.guard("王建国"))
        self.phone = Guard(partial(self.hub.pager_line, pager.cookie), self.power)

    async def up(self) -> None:
        await self.machine.boot()
        await self.hub.start()
        await self.wall.start()
        self.power.on.set()

    async def down(self) -> None:
        """Without a goodbye."""
        self.power.cut()
        self.disk.cut()
        await self.machine.cut()
        await self.hub.gone()
        await self.wall.gone()

    async def press_until_the_cut(self) -> None:
        self.neighbour.ending = False
        self._shown.append(await self.hub.checkpoint())
        async with asyncio.TaskGroup() as group:
            players = [group.create_task(self.neighbour.play()), group.create_task(self.finger.play())]
            async with asyncio.timeout(SETTLE_S_MAX), self.pulse:
                await self.pulse.wait()
            await asyncio.sleep(self.dice.uniform(*PRESS_S))
            # Any moment is as good as another, but some hurt more.
            if self.dice.random() < IN_A_WRITE_PART:
                await self.disk.until_written()
            await self.down()
            for player in players:
                player.cancel()
        for digest in (*self.finger.pressed, *self.neighbour.events):
            self.cuts_before.setdefault(digest, self.power.cuts - 1)

    async def settle(self) -> None:
        """Everything is sent once more, delivered and answered."""
        self.neighbour.ending = True
        async with asyncio.timeout(SETTLE_S_MAX):
            await self.neighbour.play()
            await self.wall.until(is_quiet)
            while (await self.hub.get("/control/status"))["incidents_open"]:
                self.hub.happened.clear()
                await self.hub.until(lambda told: told["what"] == "committed")

    @property
    def checkpoints(self) -> list[str]:
        """Every one that somebody outside has seen; the last is of the newest receipt."""
        return [*self._shown, *(frame["checkpoint"] for frame in self.neighbour.receipts.values())]

    def presses(self) -> list[Press]:
        """`kept`: promised. The terminal inside had it on its disk, or its receipt; the one outside has it anyway."""
        promised = self.finger.kept | receipts([self.wall])
        wall = [(digest, WALL, self.wall.asked_ms[digest], digest in promised) for digest in self.finger.pressed]
        outside = [(digest, "outside", made_ms, True) for digest, made_ms in self.neighbour.made_ms.items()]
        return [
            Press(digest, terminal, at_ms, f"cut {self.cuts_before[digest]}", kept)
            for digest, terminal, at_ms, kept in sorted(wall + outside, key=lambda press: self.cuts_before[press[0]])
        ]


@asynccontextmanager
async def running_house(folder: Path, dice: Random, *, lies: bool) -> AsyncIterator[House]:
    """The power is on. `folder` is empty; its path is short, for sockets are made in it. Raises Missing."""
    content, image = folder / "disk", folder / "image"
    content.mkdir()
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(InnerHub(content / "hub"))
        disk = Disk(image, folder / "nbd", Random(dice.random()), lies=lies)
        house = House(hub, Machine(folder, disk.socket, content, hub.port, _free_port()), disk, dice)
        await house.furnish()
        await hub.stop()
        # QEMU's network has no way to a loopback.
        settings = hub.home.settings.read_text("utf-8")
        hub.home.settings.write_text(settings.replace(f'address = "{HOST}"', 'address = "0.0.0.0"'), "utf-8")
        await make_disk(image, content)
        await stack.enter_async_context(disk)
        stack.push_async_callback(house.machine.cut)
        for home in (hub.home, house.wall.home):
            await stack.enter_async_context(house.machine.socket(home.control))
        hub.move(house.machine)
        await house.up()
        yield house


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        port: int = taken.getsockname()[1]
        return port


async def cut_the_power(
    folder: Path, cuts: int, seed: int, say: Callable[[str], None], *, lies: bool = False
) -> Verdict:
    """So many times, on one disk. `lies`: the disk says that it has flushed, and has not."""
    async with running_house(folder, Random(seed), lies=lies) as house:
        # A guard who gives up ends it all.
        async with asyncio.TaskGroup() as group:
            answering = group.create_task(house.phone.play())
            try:
                for number in range(1, cuts + 1):
                    say(await _round(house, number))
            except (Broken, NeverUp, AssertionError, TimeoutError) as error:
                # What comes after it proves nothing more.
                return Verdict([], [f"after cut {number}: {str(error) or 'it never settled'}"])
            finally:
                answering.cancel()
        troubles = await _end(house)
        bodies = read_bodies(house.hub.home.database)
        troubles += _broken_promises(house, bodies)
        shown = house.phone.shown_ms
        receipted = receipts([house.wall]) | house.neighbour.receipts.keys()
        return Verdict(rows(house.presses(), bodies, receipted, shown), troubles)


async def _round(house: House, number: int) -> str:
    """What there is to say of it. Raises Broken, NeverUp, and what `House` raises when something never happens."""
    known, lost = len(house.cuts_before), house.disk.lost
    await house.press_until_the_cut()
    cut_s = time.monotonic()
    # A hub that has lost its memory would soon sign something newer, of another log.
    seen = house.checkpoints[-1]
    await house.up()
    up_s = time.monotonic()
    await house.settle()
    settled_s = time.monotonic()
    verdict = await house.machine.ask(do="verify", against=seen)
    if not verdict["ok"]:
        raise Broken(f"the ledger does not verify: {verdict}")
    return (
        f"cut {number:>2}: {len(house.cuts_before) - known:>4} presses before it, {house.disk.lost - lost:>5} sectors "
        f"lost; up after {up_s - cut_s:4.1f} s, settled after {settled_s - up_s:4.1f} s, {verdict['size']} entries "
        f"verify after {time.monotonic() - settled_s:4.1f} s"
    )


async def _end(house: House) -> list[str]:
    """Stops everything in order, and takes the record home; what does not fit."""
    codes = await house.machine.end()
    await house.hub.gone()
    await house.wall.gone()
    troubles = [f"{name} ended with {code}" for name, code in codes.items() if code]
    await copy_out(house.disk.image, "/hub/hub.db", house.hub.home.database)
    troubles += [str(line) for line in house.hub.complaints()]
    if "Traceback" in house.wall.log:
        troubles.append(f"the terminal had a defect:\n{house.wall.log[-2_000:]}")
    return troubles


def _broken_promises(house: House, bodies: list[bytes]) -> list[str]:
    """What the record at the end does not hold, of what was ever said."""
    troubles = []
    for digest, receipt in house.neighbour.receipts.items():
        frame = parse_hub_frame(json.dumps(receipt))
        try:
            check_receipt(frame, house.neighbour.events[digest], house.hub.vkey, verify_ed25519)
        except ReceiptError as error:
            troubles.append(f"the receipt of {digest} proves nothing: {error}")
    beginnings = roots(bodies)
    for note in house.checkpoints:
        epoch, checkpoint = open_any_checkpoint(note, house.hub.vkey)
        if epoch != 1 or beginnings.get(checkpoint.size) != checkpoint.root:
            troubles.append(f"the log is not what it was at {checkpoint.size} entries")
    commands = Counter(entry.command for entry in map(e.decode, bodies) if isinstance(entry, (e.Accepted, e.Resolved)))
    troubles += [f"answer {command} is in {times} times" for command, times in commands.items() if times > 1]
    troubles += [f"answer {command} is lost" for command in house.phone.receipted - commands.keys()]
    return troubles
