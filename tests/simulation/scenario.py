"""What happens in one seed's world: presses, and everything that can go wrong, drawn from the seed.

Each seed draws first which kinds of mishap there are at all: a world in which everything fails at once hides what one
failure alone shows.
"""

import functools
from collections.abc import Callable
from random import Random

from firstbell.press import PANIC

from hub.dispatch import requests as r
from hub.dispatch.entries import InputState
from tests.simulation.defects import PLACES
from tests.simulation.disk import FAULTS
from tests.simulation.terminals import Terminal
from tests.simulation.world import World

START_MS = 5_000
ACTIVE_MS = (60_000, 240_000)
HOUR_MS = 3_600_000
LONG_BURST = 300
FLOOD = 24_000
RESTORES_MAX = 1
"""How often in one world the file is changed behind the hub's back."""


def prepare(world: World) -> int:
    """Schedules it all; returns when it is over."""
    draw = world.stream("scenario")
    end_ms = START_MS + draw.randint(*ACTIVE_MS)
    Scenario(world, draw, end_ms).schedule()
    return end_ms


class Scenario:
    def __init__(self, world: World, draw: Random, end_ms: int) -> None:
        self._world = world
        self._draw = draw
        self._end_ms = end_ms
        self._restores = 0
        self._walls = [one for one in world.terminals if one.plan.role == "wall"]

    def schedule(self) -> None:
        self._often(self._press, 3, 16)
        for mishap in MISHAPS:
            if self._draw.random() < 0.45:
                self._often(functools.partial(mishap, self), 1, 4)

    def _often(self, happen: Callable[[], object], least: int, most: int) -> None:
        for _ in range(self._draw.randint(least, most)):
            self._world.loop.at_ms(self._draw.randint(START_MS, self._end_ms), happen)

    def _later(self, least_ms: int, most_ms: int, happen: Callable[..., object], *args: object) -> None:
        self._world.loop.in_ms(self._draw.randint(least_ms, most_ms), happen, *args)

    # ── presses ──────────────────────────────────────────────────────────────────────────────────────────────

    def _press(self) -> None:
        wall = self._draw.choice(self._walls)
        chance = self._draw.random()
        if chance < 0.6:
            wall.press("panic", self._draw.randint(60, 900))
        elif chance < 0.75:
            self._burst(wall)
        elif chance < 0.9:
            for one in self._draw.sample(self._walls, min(len(self._walls), self._draw.randint(2, 8))):
                one.press("panic", 200)
        else:
            self._flap(wall)

    def _burst(self, wall: Terminal) -> None:
        """Now and then more than the hub remembers of one terminal."""
        for number in range(LONG_BURST if self._draw.random() < 0.05 else self._draw.randint(2, 25)):
            self._world.loop.in_ms(250 * number, wall.press, "panic", self._draw.randint(60, 200))

    def _flap(self, wall: Terminal) -> None:
        wire = self._draw.choice([name for name, kind in wall.plan.inputs.items() if kind != PANIC] or ["panic"])
        for number in range(self._draw.randint(1, 6)):
            self._world.loop.in_ms(700 * number, wall.press, wire, 300)

    # ── mishaps ──────────────────────────────────────────────────────────────────────────────────────────────

    def cut_line(self) -> None:
        path = self._draw.choice(self._world.paths())
        for number in range(self._draw.choice((1, 1, 5))):
            self._world.loop.in_ms(700 * number, path.cut)

    def stall_line(self) -> None:
        path = self._draw.choice(self._world.paths())
        up, down = self._draw.choice(((True, False), (False, True), (True, True)))
        path.stall(up, down)
        self._later(300, 30_000, path.heal)

    def unplug(self) -> None:
        for path in self._draw.sample(self._world.paths(), self._draw.choice((1, 1, len(self._world.paths())))):
            path.unplug()
            self._later(1_000, 30_000, path.heal)

    def slow_line(self) -> None:
        path = self._draw.choice(self._world.paths())
        path.delay_ms = self._draw.choice(((0, 200), (50, 1_500), (1_000, 4_000)))
        self._later(5_000, 40_000, path.heal)

    def lose_power(self) -> None:
        terminal = self._draw.choice(self._world.terminals)
        terminal.power_cut()
        self._later(500, 30_000, terminal.power_on)

    def press_and_lose_power(self) -> None:
        wall = self._draw.choice(self._walls)
        wall.press("panic", 100)
        self._later(30, 400, wall.power_cut)
        self._later(2_000, 20_000, wall.power_on)

    def slow_card(self) -> None:
        terminal = self._draw.choice(self._world.terminals)
        terminal.store_ms = self._draw.choice(((200, 600), (1_000, 5_000)))

    def smash(self) -> None:
        if len(self._walls) > 1 and self._draw.random() < 0.5:
            wall = self._draw.choice(self._walls)
            wall.press("panic", 100)
            self._later(100, 600, wall.smash)

    def smash_and_cut_hub_power(self) -> None:
        """The last copy of a press is the one that a pager was shown."""
        if len(self._walls) < 2:
            return
        wall = self._draw.choice(self._walls)
        self._world.disk.hold()
        wall.press("panic", 60)
        self._world.loop.in_ms(400, wall.smash)
        self._world.loop.in_ms(500, self._world.machine.cut_power)
        self._world.loop.in_ms(600, self._world.disk.mend)
        self._later(700, 20_000, self._world.machine.power_on)

    def kill_hub(self) -> None:
        self._world.machine.kill()

    def kill_hub_on_event(self) -> None:
        """Some steps of the event loop after the next event has come."""
        self._world.machine.fuse = self._draw.randint(0, 12)

    def pause_hub(self) -> None:
        self._world.machine.pause()
        self._later(4_000, 14_000, self._world.machine.resume)

    def cut_hub_power(self) -> None:
        self._world.machine.cut_power()
        self._later(500, 30_000, self._world.machine.power_on)

    def restore_backup(self) -> None:
        """Old as it may be; now and then of just before a press."""
        backup = self._world.disk.back_up()
        if self._draw.random() < 0.5:
            self._later(50, 500, self._draw.choice(self._walls).press, "panic", 200)
        self._later(1_000, self._draw.choice((5_000, 60_000)), self._restore, backup)

    def _restore(self, backup: bytes) -> None:
        machine = self._world.machine
        if self._restores >= RESTORES_MAX or self._world.loop.now_ms >= self._end_ms:
            return
        self._restores += 1
        if self._draw.random() < 0.5:
            machine.cut_power()
            self._later(500, 30_000, machine.power_on)
        machine.restore(backup)

    def move_head(self) -> None:
        """Another program writes to the file, until somebody starts the hub anew."""
        machine = self._world.machine
        if machine.run is not None and self._restores < RESTORES_MAX:
            self._restores += 1
            at_ms = machine.hub_ms(machine.run.number, self._world.loop.now_ms)
            self._world.disk.move_head(machine.base, machine.key, at_ms)
            self._later(3_000, 20_000, machine.kill)

    def spoil_hub(self) -> None:
        machine = self._world.machine
        machine.defects.place = self._draw.choice(PLACES)
        machine.say("hub", f"has a defect: {machine.defects.place}")
        self._later(50, 500, self._draw.choice(self._walls).press, "panic", 200)
        if self._draw.random() < 0.5:
            self._later(1_000, 5_000, machine.kill)
        self._later(2_000, 20_000, machine.mend_defect)

    def slow_disk(self) -> None:
        disk = self._world.disk
        disk.before_ms = disk.after_ms = self._draw.choice(((5, 30), (100, 400), (200, 5_000)))
        self._later(5_000, 40_000, disk.mend)

    def hold_disk(self) -> None:
        disk = self._world.disk
        disk.hold()
        self._later(1_000, 30_000, disk.mend)
        if self._draw.random() < 0.05:
            self._flood(self._draw.choice(self._walls).identity)

    def _flood(self, terminal: str) -> None:
        """A wire that makes and breaks contact thousands of times."""
        for number in range(FLOOD):
            inputs: dict[str, InputState] = {"panic": "open" if number % 2 else "closed"}
            self._world.ask(
                lambda now_ms, inputs=inputs: r.HearTerminal(  # type: ignore[misc]
                    now_ms=now_ms, terminal=terminal, light="none", since_ms=None, ring="none", inputs=inputs
                )
            )

    def fail_disk(self) -> None:
        """And now and then the hub is killed when it has just found that its disk is well again."""
        disk = self._world.disk
        disk.fail(self._draw.choice(FAULTS))
        if self._draw.random() < 0.3:
            disk.when_well = functools.partial(self._world.machine.burn, self._draw.randint(0, 12))
        self._later(10, 15_000, disk.mend)

    def step_wall_clock(self) -> None:
        wrong_ms = self._draw.choice((HOUR_MS, 24 * 365 * 10 * HOUR_MS, 400, 20_000))
        self._world.machine.wall_wrong_ms = self._draw.choice((-1, 1)) * wrong_ms

    def boot_at_a_wrong_time(self) -> None:
        """A clock without a battery, until the network tells the time."""
        machine = self._world.machine
        machine.cut_power()
        self.step_wall_clock()
        self._later(500, 10_000, machine.power_on)
        self._later(11_000, 20_000, setattr, machine, "wall_wrong_ms", 0)

    def jump_terminal_clock(self) -> None:
        terminal = self._draw.choice(self._world.terminals)
        if terminal.on and terminal.plan.sick_clock:
            terminal.clock.jumped_ms += self._draw.randint(1, 100_000)

    def spoil_pager(self) -> None:
        pager = self._draw.choice(self._world.pagers)
        pager.set_device(
            sound=self._draw.choice(("running", "suspended", "unarmed")),
            visible=self._draw.random() < 0.5,
            battery_percent=self._draw.choice((5, 80)),
        )
        self._later(3_000, 40_000, lambda: pager.set_device(sound="running", visible=True, battery_percent=80))

    def pager_goes_dark(self) -> None:
        pager = self._draw.choice(self._world.pagers)
        pager.switch_off()
        self._later(1_000, 30_000, pager.switch_on)

    def freeze_pager(self) -> None:
        pager = self._draw.choice(self._world.pagers)
        pager.freeze(True)
        self._later(1_000, 30_000, pager.freeze, False)

    def guard_leaves(self) -> None:
        guard = self._draw.choice(self._world.guards)
        guard.away = True
        self._later(5_000, 60_000, lambda: setattr(guard, "away", False))

    def sign_off(self) -> None:
        guard = self._draw.choice(self._world.guards)
        guard.sign_off()
        self._later(1_000, 40_000, lambda: setattr(guard, "on_duty", True))

    def drill(self) -> None:
        zone, length_ms = self._draw.choice(self._world.zones), self._draw.randint(5_000, 60_000)
        self._world.ask(
            lambda now_ms: r.StartDrill(now_ms=now_ms, zone=zone, until_ms=now_ms + length_ms, by="console")
        )
        self._later(100, 3_000, self._draw.choice(self._walls).press, "panic", 200)
        if self._draw.random() < 0.5:
            self._later(
                4_000, 20_000, self._world.ask, lambda now_ms: r.EndDrill(now_ms=now_ms, zone=zone, by="console")
            )

    def test_press(self) -> None:
        wall = self._draw.choice(self._walls)
        self._world.ask(
            lambda now_ms: r.StartTest(now_ms=now_ms, terminal=wall.identity, until_ms=now_ms + 20_000, by="console")
        )
        self._later(50, 2_000, wall.press, "panic", 200)

    def revoke(self) -> None:
        if len(self._walls) > 1:
            wall = self._draw.choice(self._walls)
            self._world.ask(lambda now_ms: r.RevokeTerminal(now_ms=now_ms, terminal=wall.identity, by="console"))

    def change_deadlines(self) -> None:
        """What has been decided stays; at times the hub replays it with the new settings in force."""
        zone, deadlines = self._draw.choice(self._world.zones), self._world.draw_deadlines()
        machine = self._world.machine
        if machine.run is None:
            return
        details = machine.run.engine.decided.zones[zone].details
        self._world.ask(
            lambda now_ms: r.SetZone(now_ms=now_ms, zone=zone, details=details, deadlines=deadlines, by="console")
        )
        if self._draw.random() < 0.5:
            self._later(0, 2_000, machine.kill)

    def end_certificate(self) -> None:
        self._world.machine.certificate_ended = True
        self._later(1_000, 30_000, setattr, self._world.machine, "certificate_ended", False)


MISHAPS = (
    Scenario.cut_line,
    Scenario.stall_line,
    Scenario.unplug,
    Scenario.slow_line,
    Scenario.lose_power,
    Scenario.press_and_lose_power,
    Scenario.slow_card,
    Scenario.smash,
    Scenario.smash_and_cut_hub_power,
    Scenario.kill_hub,
    Scenario.kill_hub_on_event,
    Scenario.cut_hub_power,
    Scenario.pause_hub,
    Scenario.restore_backup,
    Scenario.move_head,
    Scenario.spoil_hub,
    Scenario.slow_disk,
    Scenario.hold_disk,
    Scenario.fail_disk,
    Scenario.step_wall_clock,
    Scenario.boot_at_a_wrong_time,
    Scenario.jump_terminal_clock,
    Scenario.spoil_pager,
    Scenario.pager_goes_dark,
    Scenario.freeze_pager,
    Scenario.guard_leaves,
    Scenario.sign_off,
    Scenario.drill,
    Scenario.test_press,
    Scenario.revoke,
    Scenario.change_deadlines,
    Scenario.end_certificate,
)
