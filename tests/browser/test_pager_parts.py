"""The pager's small modules: single sounds, kept commands, evidence, hub time, numbers, drawing."""

from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.conftest import run
from tests.browser.frames import page, snapshot

STORE = """
    const kept = new Map(Object.entries(given ?? {}));
    const store = { getItem: (key) => kept.get(key) ?? null, setItem: (key, text) => kept.set(key, text) };
"""


# ── single sounds ──

GONE = {"screen": "hub_gone", "loop": {"name": "none"}}
CUES = [
    ({"screen": "ready"}, {"screen": "not_ready"}, ["trouble"]),
    ({"screen": "not_ready"}, {"screen": "not_ready"}, []),
    ({"screen": "name"}, {"screen": "not_ready"}, []),
    ({"screen": "ready"}, {**GONE, "gone_ms": 9_000}, ["trouble"]),
    ({**GONE, "gone_ms": 9_000}, {**GONE, "gone_ms": 29_999}, []),
    ({**GONE, "gone_ms": 29_999}, {**GONE, "gone_ms": 30_000}, ["trouble"]),
    ({**GONE, "gone_ms": 59_000}, {**GONE, "gone_ms": 60_100}, ["trouble"]),
    ({**GONE, "gone_ms": 29_999}, {**GONE, "gone_ms": 30_000, "loop": {"name": "alarm"}}, []),
    ({**GONE, "gone_ms": 29_999}, {"screen": "ready"}, ["done"]),
]
WAY = {"screen": "on_the_way", "page": {"incident": "i-1"}}
SCENE = {"screen": "on_scene", "page": {"incident": "i-1"}}
CUES += [
    ({**WAY, "left_ms": 20_100}, {**WAY, "left_ms": 20_000}, ["trouble"]),
    ({**WAY, "left_ms": 20_000}, {**WAY, "left_ms": 19_000}, []),
    ({**SCENE, "left_ms": 30_100}, {**SCENE, "left_ms": 29_900}, ["trouble"]),
    ({**SCENE, "left_ms": 25_000}, {**SCENE, "left_ms": 19_900}, []),
    ({**WAY, "left_ms": 90_000}, {**WAY, "page": {"incident": "i-2"}, "left_ms": 5_000}, []),
    ({**SCENE, "left_ms": 90_000}, {**WAY, "left_ms": 5_000}, []),
]


@pytest.mark.parametrize(("before", "after", "cues"), CUES)
async def test_a_change_of_the_screen_has_its_sound(
    blank: Page, before: dict[str, Any], after: dict[str, Any], cues: list[str]
) -> None:
    assert await run(blank, "pager/cues.js", "return m.cues(...given)", [before, after]) == cues


# ── commands that are kept ──


async def test_a_command_stays_until_its_receipt_also_over_a_reload(blank: Page) -> None:
    found = await run(
        blank,
        "pager/outbox.js",
        STORE
        + """
        const first = new m.Outbox(store);
        const sent = first.add("a-wang", { do: "accept", incident: "i-1" });
        const again = first.add("a-wang", { do: "accept", incident: "i-1" });
        const reloaded = new m.Outbox(store);
        const due = reloaded.due("a-wang");
        reloaded.receipt(sent.id);
        return { sent, again, due, left: new m.Outbox(store).commands };
        """,
    )
    assert found["again"] is None
    assert found["due"] == [found["sent"]]
    assert found["left"] == []
    assert len(found["sent"]["id"]) == 36
    assert found["sent"] == {
        "type": "command",
        "id": found["sent"]["id"],
        "do": "accept",
        "incident": "i-1",
        "covers": [],
        "outcome": None,
        "note": "",
    }


async def test_a_command_is_never_sent_in_anothers_name(blank: Page) -> None:
    found = await run(
        blank,
        "pager/outbox.js",
        STORE
        + """
        const outbox = new m.Outbox(store);
        outbox.add("a-wang", { do: "accept", incident: "i-1" });
        return [outbox.due(null).length, outbox.commands.length, outbox.due("a-li").length, outbox.commands.length];
        """,
    )
    assert found == [0, 1, 0, 0]


@pytest.mark.parametrize(
    ("reason", "provable", "stays"),
    [
        ("unknown_incident", True, True),
        ("unknown_incident", False, False),
        ("not_signed_on", False, True),
        ("busy", False, True),
        ("not_covered", True, False),
        ("malformed", True, False),
    ],
)
async def test_what_is_no_answer_leaves_the_command(blank: Page, reason: str, provable: bool, stays: bool) -> None:
    found = await run(
        blank,
        "pager/outbox.js",
        STORE
        + """
        const outbox = new m.Outbox(store);
        const { id } = outbox.add("a-wang", { do: "accept", incident: "i-1" });
        const asked = [];
        const provable = (incident) => { asked.push(incident); return PROVABLE; };
        const { command, again } = outbox.refused(id, REASON, provable);
        return [command.incident, again, outbox.commands.length, asked];
        """.replace("REASON", repr(reason)).replace("PROVABLE", str(provable).lower()),
    )
    asked = ["i-1"] if reason == "unknown_incident" else []
    assert found == ["i-1", stays, int(stays), asked]


async def test_an_incident_is_provable_until_its_last_event_is_settled(blank: Page) -> None:
    found = await run(
        blank,
        "pager/evidence.js",
        """
        const evidence = new m.Evidence({ getItem: () => null, setItem: () => {} });
        const had = [evidence.has("i-1")];
        evidence.exchange(given);
        had.push(evidence.has("i-1"));
        evidence.settle("one");
        had.push(evidence.has("i-1"));
        evidence.settle("two");
        return [...had, evidence.has("i-1"), evidence.handBack("i-1", true)];
        """,
        snapshot(page(evidence=["one", "two"])),
    )
    assert found == [False, True, True, False, []]


# ── evidence ──


async def test_what_the_hub_lacks_is_handed_back_once_on_each_connection(blank: Page) -> None:
    found = await run(
        blank,
        "pager/evidence.js",
        """
        const kept = new Map();
        const store = { getItem: (key) => kept.get(key) ?? null, setItem: (key, text) => kept.set(key, text) };
        const [full, empty] = given;
        const evidence = new m.Evidence(store);
        evidence.connected();
        const rounds = [evidence.exchange(full), evidence.exchange(empty), evidence.exchange(empty)];
        const reloaded = new m.Evidence(store);
        reloaded.connected();
        rounds.push(reloaded.exchange(empty), reloaded.handBack("i-1"), reloaded.handBack("i-1", true));
        return rounds;
        """,
        [snapshot(page()), snapshot()],
    )
    frame = {"type": "evidence", "jws": ["signed.i-1"]}
    assert found == [[], [frame], [], [frame], [], [frame]]


async def test_an_event_that_its_incident_lacks_is_handed_back(blank: Page) -> None:
    """A second press joined and was lost before it was on the disk: the hub has the incident without it."""
    found = await run(
        blank,
        "pager/evidence.js",
        """
        const evidence = new m.Evidence({ getItem: () => null, setItem: () => {} });
        return given.map((snapshot) => evidence.exchange(snapshot));
        """,
        [snapshot(page(evidence=["one", "two"])), snapshot(page(evidence=["one"])), snapshot(page(evidence=["one"]))],
    )
    assert found == [[], [{"type": "evidence", "jws": ["two"]}], []]


async def test_what_is_resolved_is_handed_back_until_its_receipt(blank: Page) -> None:
    """A resolve is shown before it is on the disk; the hub may forget it, and the press with it."""
    found = await run(
        blank,
        "pager/evidence.js",
        """
        const store = { getItem: () => null, setItem: () => {} };
        const evidence = new m.Evidence(store);
        const rounds = given.map((snapshot) => evidence.exchange(snapshot));
        evidence.settle("signed.i-1");
        evidence.connected();
        return [...rounds, evidence.exchange(given[2])];
        """,
        [snapshot(page()), snapshot(page(state="resolved", ring="none")), snapshot()],
    )
    assert found == [[], [], [{"type": "evidence", "jws": ["signed.i-1"]}], []]


async def test_evidence_fits_the_hubs_frames(blank: Page) -> None:
    texts = [f"{n:04}" + "x" * 1_020 for n in range(16)]
    frames = await run(
        blank,
        "pager/evidence.js",
        """
        const evidence = new m.Evidence({ getItem: () => null, setItem: () => {} });
        evidence.exchange(given);
        return evidence.handBack("i-1").map((frame) => [frame.jws, JSON.stringify(frame).length]);
        """,
        snapshot(page(evidence=texts)),
    )
    assert [text for texts, _ in frames for text in texts] == texts
    assert max(length for _, length in frames) <= 16_384


# ── hub time ──

CLOCK = """
    const at = { local: 1000, wall: 5000 };
    const clock = new m.HubClock(() => at.local, () => at.wall);
    const pass = (local, wall = local) => { at.local += local; at.wall += wall; };
"""


async def test_the_shortest_exchange_tells_hub_time(blank: Page) -> None:
    found = await run(
        blank,
        "parts/clock.js",
        CLOCK
        + """
        clock.told({ hub_ms: 70_000, utc_ms: 80_000, zone_minutes: 480 });
        const told = clock.hub_ms();
        const ways = [clock.exchanged({ t1_ms: 1000, t2_ms: 70_100, t3_ms: 70_110 }, 1200)];
        pass(300);
        ways.push(clock.exchanged({ t1_ms: 1290, t2_ms: 70_305, t3_ms: 70_305 }, 1300));
        pass(500);
        ways.push(clock.exchanged({ t1_ms: 1300, t2_ms: 70_900, t3_ms: 70_900 }, 1800));
        return { told, ways, hub: clock.hub_ms(), wall: clock.wall(0).toISOString() };
        """,
    )
    assert found["told"] == 70_000
    assert found["ways"] == [190, 10, 500]
    assert found["hub"] == 1_800 + 70_305 - 1_295
    assert found["wall"] == "1970-01-01T08:00:10.000Z"


async def test_time_goes_on_while_the_device_sleeps_and_never_back(blank: Page) -> None:
    found = await run(
        blank,
        "parts/clock.js",
        CLOCK
        + """
        clock.told({ hub_ms: 0, utc_ms: 0, zone_minutes: 0 });
        const times = [clock.hub_ms()];
        for (const [local, wall] of [[100, 100], [50, 3_600_050], [10, -7_200_000], [90, 90]]) {
            pass(local, wall);
            times.push(clock.hub_ms());
        }
        return times;
        """,
    )
    assert found == [0, 100, 3_600_150, 3_600_160, 3_600_250]


# ── numbers ──


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("age(6_999)", "0:06"),
        ("age(-5)", "0:00"),
        ("age(3_599_999)", "59:59"),
        ("age(3_727_000)", "1:02:07"),
        ("age(172_799_000)", "47:59:59"),
        ("left(87_400)", "1:28"),
        ("left(1)", "0:01"),
        ("left(0)", "0:00"),
        ("placeSize('女卫生间外走廊')", "short"),
        ("placeSize('女卫生间外走廊上')", "middle"),
        ("placeSize('Corridor outside the washroom')", "middle"),
        ("placeSize('一二三四五六七八九十一二三四五六七八')", "middle"),
        ("placeSize('一二三四五六七八九十一二三四五六七八九')", "long"),
        ("timeOfDay(new Date(Date.UTC(2026, 0, 1, 4, 5, 6)))", "04:05:06"),
    ],
)
async def test_numbers_read_as_they_should(blank: Page, call: str, text: str) -> None:
    assert await run(blank, "parts/format.js", f"return m.{call}") == text


@pytest.mark.parametrize(
    ("zone", "building", "floor", "text"),
    [
        ("East", "Block 2", "floor 3", "East · Block 2, floor 3"),
        ("East", "Block 2", "", "East · Block 2"),
        ("East", "", "floor 3", "East · floor 3"),
        ("", "Block 2", "floor 3", "Block 2, floor 3"),
        ("East", "", "", "East"),
        ("", "", "", ""),
    ],
)
async def test_what_is_missing_of_a_place_leaves_nothing_behind(
    blank: Page, zone: str, building: str, floor: str, text: str
) -> None:
    place = {"zone": zone, "building": building, "floor": floor}
    words = "await (await import('/static/parts/words.js')).useLanguage('en');"
    assert await run(blank, "parts/way.js", f"{words} return m.whereText(given)", place) == text


# ── drawing ──


async def test_what_stays_on_the_screen_is_the_same_element(blank: Page) -> None:
    found = await run(
        blank,
        "parts/dom.js",
        """
        const { h, patch } = m;
        const root = document.createElement("div");
        const button = (word) => (key) => h("button", { key, class: word }, key);
        const draw = (keys, word) => patch(root, [keys.map(button(word)), h("p", {}, word)]);
        draw(["a", "b", "c"], "one");
        const [a, b, c] = root.children;
        b.textContent; b.dataset.mine = "kept";
        draw(["c", "b"], "two");
        const same = root.children[0] === c && root.children[1] === b && !a.isConnected;
        const path = h("path", { d: "M0 0" });
        patch(root, [h("svg", {}, path), "text", null, false, h("input", { disabled: false, hidden: true })]);
        return [same, b.dataset.mine, b.className, root.innerHTML, root.firstChild.firstChild.namespaceURI];
        """,
    )
    assert found[:3] == [True, "kept", "two"]
    assert found[3] == '<svg><path d="M0 0"></path></svg>text<input hidden="">'
    assert found[4] == "http://www.w3.org/2000/svg"
