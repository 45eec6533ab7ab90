"""What is heard, felt and lit: the patterns, the sounder on the browser's own audio, the wall light as it is drawn."""

import itertools

import pytest
from firstbell.light import RHYTHMS_MS, is_lit
from playwright.async_api import Page

from tests.browser.conftest import run


async def test_the_alarm_is_the_burst_that_was_decided(blank: Page) -> None:
    patterns = await run(blank, "parts/patterns.js", "return m.PATTERNS")
    alarm = patterns["alarm"]
    assert [pulse["at_ms"] for pulse in alarm["pulses"]] == [0, 250, 500, 1000, 1250, 1900, 2150, 2400, 2900, 3150]
    assert [pulse["hz"] for pulse in alarm["pulses"]] == [659, 659, 659, 784, 784] * 2
    assert {pulse["length_ms"] for pulse in alarm["pulses"]} == {150}
    assert alarm["period_ms"] == 3_150 + 150 + 2_500
    assert patterns["test"]["pulses"] == alarm["pulses"][:5]
    assert [round(patterns[name]["gain"], 3) for name in ("alarm", "trouble", "done")] == [1, 0.316, 0.158]
    assert await run(blank, "parts/patterns.js", "return m.PARTIALS") == [1, 0.8, 0.6, 0.5, 0.4]


async def test_the_vibration_has_the_alarms_rhythm(blank: Page) -> None:
    shaken = await run(blank, "parts/patterns.js", "return m.vibrationOf(m.PATTERNS.alarm)")
    once = [150, 100, 150, 100, 150, 350, 150, 100, 150]
    assert shaken == [*once, 500, *once, 2500]


async def test_the_sounder_says_ringing_only_while_it_rings(blank: Page) -> None:
    said = await run(
        blank,
        "parts/sound.js",
        """
        const states = [];
        const sound = new m.Sound();
        const say = (what) => states.push([what, sound.state, sound.ringing]);
        sound.loop("alarm", "i-1 1");
        say("wanted, not armed");
        await sound.arm();
        say("armed");
        sound.loop("none");
        say("answered");
        sound.loop("alarm", "i-1 2");
        say("again");
        return states;
        """,
    )
    assert said == [
        ["wanted, not armed", "unarmed", False],
        ["armed", "running", True],
        ["answered", "running", False],
        ["again", "running", True],
    ]


async def test_sound_that_the_system_takes_away_is_told(blank: Page) -> None:
    said = await run(
        blank,
        "parts/sound.js",
        """
        const real = window.AudioContext;
        let context;
        window.AudioContext = function (options) { return (context = new real(options)); };
        let told;
        const sound = new m.Sound(() => (told = [sound.state, sound.ringing]));
        sound.loop("alarm", "i-1");
        await sound.arm();
        window.AudioContext = real;
        const after = async (turn, state) => {
            const reached = new Promise((done) => {
                context.addEventListener("statechange", () => context.state === state && done());
            });
            turn();
            await reached;
            return told;
        };
        return [await after(() => context.suspend(), "suspended"), await after(() => sound.tryAgain(), "running")];
        """,
    )
    assert said == [["suspended", False], ["running", True]]


async def test_bursts_are_always_scheduled_ahead(blank: Page) -> None:
    """The real sounder on an offline clock that runs as fast as it can: 30 s of alarm have every pulse in its place."""
    starts = await run(
        blank,
        "parts/sound.js",
        """
        const pulses = [];
        const context = new OfflineAudioContext(1, 30 * 8000, 8000);
        context.resume = async () => {};
        Object.defineProperty(context, "state", { value: "running" });
        const real = { AudioContext: window.AudioContext, OscillatorNode: window.OscillatorNode };
        window.AudioContext = function () { return context; };
        window.OscillatorNode = class extends real.OscillatorNode {
            start(at_s) { pulses.push(at_s); super.start(at_s); }
        };
        const sound = new m.Sound();
        sound.loop("alarm", "i-1");
        await sound.arm();
        const before = pulses.length;
        await context.startRendering();
        await new Promise((done) => setTimeout(done));
        Object.assign(window, real);
        return [before, pulses];
        """,
    )
    before, pulses = starts
    assert before == 20
    assert len(pulses) >= 40
    bursts = [pulses[n : n + 10] for n in range(0, len(pulses), 10)]
    gaps = [round(second[0] - first[0], 6) for first, second in itertools.pairwise(bursts)]
    assert set(gaps) == {5.8}


# ── the wall light as it is drawn ──


@pytest.mark.parametrize("state", sorted(RHYTHMS_MS))
async def test_a_drawn_light_has_the_rhythm_of_the_real_one(blank: Page, state: str) -> None:
    times_ms = list(range(0, 6_000, 50))
    drawn = await run(blank, "parts/marks.js", "return given[1].map((ms) => m.isLit(given[0], ms))", [state, times_ms])
    assert drawn == [is_lit(state, 0, ms) for ms in times_ms]
