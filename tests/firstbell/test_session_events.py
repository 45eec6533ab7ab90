"""A terminal's half of the conversation: events, receipts and the light, on CPython and MicroPython."""

from firstbell import messages
from firstbell.actions import Action, Delivered, Event, NotProven, Release
from firstbell.flights import FLIGHT_EVENTS_MAX, RELEASE_MS, RESEND_MS
from firstbell.jws import EVENT_TYP, digest_of, header, open_jws
from firstbell.messages import WINDOW_EVENTS_MAX, parse_event
from firstbell.session import TerminalSession

from tests.firstbell.hub_double import (
    KEY,
    TERMINAL,
    closed_for,
    frames,
    greet,
    kinds,
    linked,
    new_session,
    receipt,
    run,
    snapshot,
)


def press(session: TerminalSession, now_ms: int) -> "tuple[Event, list[Action]]":
    event = session.make_event("panic", "panic", now_ms)
    return event, session.add_event(event, now_ms)


def sent(out: "list[Action]") -> "list[str]":
    """Digests of the events in `out`."""
    return [digest_of(frame["jws"]) for frame in frames(out) if frame["type"] == "event"]


def released(out: "list[Action]") -> "list[str]":
    return [action.digest for action in out if isinstance(action, Release)]


def test_an_event_says_what_happened_when() -> None:
    session = linked(1000)
    event = session.make_event("panic", "panic", 1500)
    assert session.seq == 1
    assert (event.digest, event.pressed_ms, event.receipted) == (digest_of(event.jws), 1500, False)
    said = parse_event(open_jws(event.jws, header("HS256", TERMINAL, EVENT_TYP), KEY.verify))
    assert said == {
        "type": "event",
        "terminal": TERMINAL,
        "boot": 7,
        "seq": 1,
        "input": "panic",
        "what": "panic",
        "mono_ms": 1500,
        "event_ms": 51_500,
        "error_ms": 2,
    }
    assert session.make_event("fence", "perimeter", 1500).pressed_ms is None
    assert session.make_event("", "started", 1).pressed_ms is None
    assert session.seq == 3


def test_before_the_first_exchange_it_has_no_time() -> None:
    event = new_session().make_event("panic", "panic", 1500)
    said = parse_event(open_jws(event.jws, header("HS256", TERMINAL, EVENT_TYP), KEY.verify))
    assert (said["event_ms"], said["error_ms"]) == (None, None)


def test_a_press_goes_at_once_and_is_heard() -> None:
    session = linked(1000)
    event, out = press(session, 1500)
    assert kinds(out) == ["event", "status"]
    assert frames(out)[0]["jws"] == event.jws
    assert (session.light, session.light_since_ms) == ("heard", 1500)
    assert frames(out)[1]["light"] == "heard"
    assert frames(out)[1]["since_ms"] == 51_500


def test_a_press_goes_before_the_snapshot_has_come() -> None:
    session = new_session()
    greet(session, 1000)
    event, out = press(session, 1001)
    assert sent(out) == [event.digest]


def test_the_light_of_one_press() -> None:
    session = linked(1000)
    event, _ = press(session, 1500)
    out = session.frame(receipt(event), 1510)
    assert kinds(out) == ["Remember", "Delivered"]
    told = out[1]
    assert isinstance(told, Delivered)
    assert (told.digest, told.frame) == (event.digest, receipt(event))
    assert event.receipted
    assert session.light == "heard"
    for at_ms, light in ((1511, "recorded"), (2000, "coming"), (3000, "here")):
        snapshot(session, light, at_ms)
        assert (session.light, session.light_since_ms) == (light, at_ms)
    snapshot(session, "none", 4000)
    assert (session.light, session.light_since_ms) == ("none", 4000)


def test_the_hubs_word_without_a_receipt_is_not_recorded() -> None:
    session = linked(1000)
    event, _ = press(session, 1500)
    snapshot(session, "recorded", 1501)
    assert session.light == "heard"
    session.frame(receipt(event), 1502)
    assert session.light == "recorded"


def test_not_delivered_after_three_seconds() -> None:
    for session in (linked(1000), new_session()):
        press(session, 1500)
        run(session, 4499)
        assert session.light == "heard"
        run(session, 4500)
        assert (session.light, session.light_since_ms) == ("not_delivered", 4500)


def test_not_delivered_until_the_hub_has_it() -> None:
    session = new_session()
    event, _ = press(session, 1500)
    run(session, 5000)
    assert session.light == "not_delivered"
    greet(session, 6000)
    assert session.room() == WINDOW_EVENTS_MAX
    assert sent(session.offer_event(event, 6000)) == [event.digest]
    snapshot(session, "none", 6001)
    assert session.light == "not_delivered"
    session.frame(receipt(event), 6002)
    assert session.light == "heard"
    snapshot(session, "recorded", 6003)
    assert session.light == "recorded"


def test_another_press_starts_the_rhythm_anew() -> None:
    session = new_session()
    press(session, 1500)
    press(session, 1900)
    assert (session.light, session.light_since_ms) == ("heard", 1900)
    session.tick(2000)
    session.add_event(session.make_event("fence", "perimeter", 2100), 2100)
    assert session.light_since_ms == 1900


def test_what_is_no_press_has_no_light() -> None:
    session = linked(1000)
    whats = (("fence", "perimeter"), ("cover", "tamper"), ("supply", "supply"), ("panic", "stuck"), ("", "started"))
    for name, what in whats:
        out = session.add_event(session.make_event(name, what, 1000), 1000)
        assert kinds(out) == ["event"]
    run(session, 9000)
    assert session.light == "none"


def test_a_receipt_that_proves_nothing() -> None:
    session = linked(1000)
    event, _ = press(session, 1500)
    other, _ = press(session, 1600)
    out = session.frame(receipt(event, entry=other.jws), 1700)
    told = out[0]
    assert isinstance(told, NotProven)
    assert (told.digest, told.reason) == (event.digest, "another entry")
    assert len(out) == 1
    assert not event.receipted
    assert "Delivered" in kinds(session.frame(receipt(event), 1800))


def test_a_receipt_for_nothing_of_ours_is_passed_over() -> None:
    session = linked(1000)
    stranger = new_session().make_event("panic", "panic", 5)
    assert session.frame(receipt(stranger), 1001) == []
    event, _ = press(session, 1500)
    assert "Delivered" in kinds(session.frame(receipt(event), 1600))
    assert session.frame(receipt(event), 1601) == []


def test_a_receipted_event_is_kept_until_its_light_is_out() -> None:
    session = linked(1000)
    event, _ = press(session, 1500)
    session.frame(receipt(event), 1510)
    snapshot(session, "recorded", 1511)
    assert released(run(session, 60_000)) == []
    out = snapshot(session, "none", 60_001)
    assert released(out) == [event.digest]


def test_a_receipted_event_waits_for_the_hubs_word() -> None:
    """The receipt comes before the snapshot that shows the light; until it has, the light only seems out."""
    session = linked(1000)
    event, _ = press(session, 1500)
    out = session.frame(receipt(event), 1510)
    out += run(session, 1510 + RELEASE_MS - 1)
    assert released(out) == []
    assert session.light == "heard"
    assert released(run(session, 1510 + RELEASE_MS + messages.HEARTBEAT_MS)) == [event.digest]
    assert session.light == "none"


def test_nothing_is_released_while_the_hub_is_away() -> None:
    session = linked(1000)
    event, _ = press(session, 1500)
    session.frame(receipt(event), 1510)
    out = session.lost(1600)
    out += session.tick(1_000_000)
    out += greet(session, 1_000_001)
    assert released(out) == []
    # A hub that was restored from before it shows no light, and is offered it again.
    out = snapshot(session, "none", 1_000_002)
    assert released(out) == []
    assert session.room() == WINDOW_EVENTS_MAX
    assert sent(session.offer_event(event, 1_000_003)) == [event.digest]
    assert released(run(session, 1_000_003 + 2 * RELEASE_MS)) == []
    session.frame(receipt(event), 1_030_000)
    assert released(snapshot(session, "none", 1_030_000 + RELEASE_MS)) == [event.digest]


def test_kept_events_of_an_earlier_boot() -> None:
    session = new_session()
    kept = new_session().make_event("panic", "panic", 77)
    old = Event(kept.jws, 0)
    assert session.offer_event(old, 5000) == []
    assert session.light == "not_delivered"
    receipted = Event(new_session().make_event("panic", "panic", 78).jws, 0, receipted=True)
    session = new_session()
    assert session.offer_event(receipted, 5000) == []
    assert session.light == "heard"


def kept_event(number: int) -> Event:
    """Short, for a node's heap is small."""
    return Event("kept " + str(number), None)


def test_the_window_for_kept_events() -> None:
    session = linked(1000)
    count = 0
    while session.room():
        count += len(sent(session.offer_event(kept_event(count), 1001)))
    assert count == WINDOW_EVENTS_MAX
    assert session.offer_event(kept_event(0), 1002) == [], "it is on its way already"
    # A new press does not wait behind them.
    event, out = press(session, 1003)
    assert sent(out) == [event.digest]
    for number in range(8):
        session.frame(receipt(kept_event(number)), 1004)
    assert session.room() == 7
    assert session.offer_event(kept_event(0), 1005) == [], "it has its receipt"


def test_a_new_event_goes_however_many_wait_and_again_in_its_turn() -> None:
    """The hub's disk stands still: no receipt comes for anything, and the press must be heard."""
    session = linked(1000)
    for number in range(FLIGHT_EVENTS_MAX):
        assert len(sent(session.add_event(kept_event(number), 1000))) == 1
    event, out = press(session, 1001)
    assert sent(out) == [event.digest]
    assert session.room() == 0
    assert session.offer_event(event, 1001) == []
    for number in range(FLIGHT_EVENTS_MAX - WINDOW_EVENTS_MAX + 1):
        session.frame(receipt(kept_event(number)), 1002)
    assert session.room() == 1
    assert sent(session.offer_event(event, 1003)) == [event.digest]


def test_without_a_receipt_it_goes_again() -> None:
    session = linked(1000)
    event, _ = press(session, 1500)
    out = run(session, 1500 + RESEND_MS - 1)
    assert sent(out) == []
    assert sent(run(session, 1500 + RESEND_MS)) == [event.digest]
    assert sent(run(session, 1500 + 2 * RESEND_MS - 1)) == []
    assert sent(run(session, 1500 + 2 * RESEND_MS)) == [event.digest]


def test_a_refused_event_makes_room_and_goes_again() -> None:
    session = linked(1000)
    event = Event(new_session().make_event("fence", "perimeter", 1).jws, None)
    session.offer_event(event, 1001)
    assert session.room() == WINDOW_EVENTS_MAX - 1
    out = session.frame(messages.refused_frame("busy", event.digest), 1002)
    assert kinds(out) == ["Refused"]
    assert closed_for(out) == ""
    assert session.room() == WINDOW_EVENTS_MAX
    assert sent(run(session, 1001 + RESEND_MS)) == [event.digest]
    assert session.room() == WINDOW_EVENTS_MAX - 1
    assert "Delivered" in kinds(session.frame(receipt(event), 50_000))


def test_after_a_break_everything_is_offered_anew() -> None:
    session = linked(1000)
    first, _ = press(session, 1500)
    second, _ = press(session, 1600)
    session.frame(receipt(first), 1700)
    session.lost(1800)
    assert session.room() == 0
    assert press(session, 1900)[1] == []
    out = greet(session, 2000)
    assert sent(out) == []
    out = session.offer_event(first, 2001) + session.offer_event(second, 2001)
    assert sent(out) == [first.digest, second.digest]


def test_more_receipted_events_than_there_is_room_for() -> None:
    for light, shown in (("recorded", "recorded"), ("none", "heard")):
        session = new_session(retained_max=20)
        greet(session, 1000)
        snapshot(session, light, 1000)
        made = [Event("press " + str(number), 1000) for number in range(23)]
        out: list[Action] = []
        for number in range(23):
            session.add_event(made[number], 1000 + number)
            out += session.frame(receipt(made[number]), 1000 + number)
        assert released(out) == [event.digest for event in made[:3]], light
        assert session.light == shown


def test_more_presses_than_the_light_looks_at() -> None:
    session = new_session()
    for number in range(FLIGHT_EVENTS_MAX + 1):
        session.offer_event(Event("press " + str(number), 0), 5000)
    assert session.light == "not_delivered"


def test_a_link_that_flaps_after_the_light_is_out_shows_nothing() -> None:
    """A receipted event is offered again; that is no news for whoever stands before the lamp."""
    session = linked(1000)
    event, _ = press(session, 1500)
    session.frame(receipt(event), 1510)
    snapshot(session, "recorded", 1511)
    session.lost(1600)
    assert session.light == "recorded"
    greet(session, 2000)
    snapshot(session, "none", 2001)
    lights = [session.light]
    session.offer_event(event, 2002)
    lights.append(session.light)
    session.frame(receipt(event), 2003)
    lights.append(session.light)
    run(session, 2100)
    assert lights + [session.light] == ["none"] * 4
    # A hub that had forgotten it: its word is enough, for the receipt was verified again.
    snapshot(session, "recorded", 2200)
    assert session.light == "recorded"


def test_silent_shows_nothing_but_tells_the_hub_all_the_same() -> None:
    session = linked(1000)
    snapshot(session, "none", 1001, silent=True)
    event, out = press(session, 1500)
    assert sent(out) == [event.digest]
    run(session, 9000)
    assert session.light == "none"
    assert new_session(silent=True).silent
