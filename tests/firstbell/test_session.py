"""A terminal's half of the conversation: the connection, on CPython and MicroPython."""

from firstbell import messages, session
from firstbell.actions import NotProven, Refused, Remember, Snapshot
from firstbell.jws import unverified_payload
from firstbell.session import CLOSING, DOWN, GREETED, LINKED, OPENED, SessionError

from tests.firstbell.hub_double import (
    HASH,
    NONCE,
    NOTE,
    answer_heartbeat,
    closed_for,
    frames,
    greet,
    hello_of,
    kinds,
    linked,
    new_session,
    receipt,
    run,
    snapshot,
)

CHALLENGE = messages.challenge_frame(NONCE, 5)
SNAPSHOT = messages.snapshot_frame(5, "none", "none", False)
HEARTBEAT = messages.heartbeat_answer(1000, 5, 5)
REFUSED = messages.refused_frame("revoked")
RECEIPT = messages.receipt_frame("0" * 64, 1, "x", [HASH], "x")


def test_hello_and_first_heartbeat_answer_the_challenge() -> None:
    terminal = new_session()
    assert terminal.state == DOWN
    assert terminal.next_ms() is None
    terminal.connected(1000)
    assert terminal.state == OPENED
    assert terminal.next_ms() == 1000 + messages.SILENCE_MS_MAX
    out = terminal.frame(CHALLENGE, 1005)
    assert terminal.state == GREETED
    assert kinds(out) == ["hello", "heartbeat"]
    hello = hello_of(out)
    assert hello["nonce"] == NONCE
    assert (hello["boot"], hello["seq"], hello["mono_ms"]) == (7, 0, 1005)
    assert (hello["software"], hello["checkpoint"]) == ("0.1.0", "")
    assert frames(out)[1]["t1_ms"] == 1005


def test_the_hello_tells_the_last_number_used() -> None:
    terminal = new_session()
    terminal.make_event("", "started", 1)
    terminal.make_event("panic", "panic", 2)
    assert hello_of(greet(terminal, 1000))["seq"] == 2


def test_linked_with_the_first_snapshot() -> None:
    terminal = new_session()
    greet(terminal, 1000)
    out = terminal.frame(messages.snapshot_frame(5, "coming", "alarm", True), 1010)
    assert terminal.state == LINKED
    assert kinds(out) == ["Snapshot", "status"]
    told = out[0]
    assert isinstance(told, Snapshot)
    assert (told.hub_light, told.ring, told.silent) == ("coming", "alarm", True)
    assert (terminal.hub_light, terminal.ring, terminal.silent) == ("coming", "alarm", True)
    assert terminal.light == "none", "it is silent"


def test_what_may_come_in_each_state() -> None:
    texts = (CHALLENGE, SNAPSHOT, HEARTBEAT, REFUSED, RECEIPT)
    may = {
        OPENED: (CHALLENGE, REFUSED),
        GREETED: (SNAPSHOT, HEARTBEAT, REFUSED, RECEIPT),
        LINKED: (SNAPSHOT, REFUSED, RECEIPT),
    }
    for state, welcome in may.items():
        for text in texts:
            terminal = linked(1000) if state == LINKED else new_session()
            if state == GREETED:
                greet(terminal, 1000)
            elif state == OPENED:
                terminal.connected(1000)
            assert terminal.state == state
            before = (terminal.hub_light, terminal.ring, terminal.silent, terminal.light)
            out = terminal.frame(text, 1001)
            if text in welcome:
                assert closed_for(out) in ("", "refused"), (state, text)
            else:
                # A second answer to one heartbeat is none that was asked for.
                assert kinds(out) == ["Close"], (state, text)
                assert closed_for(out) == "protocol"
                assert terminal.state == CLOSING
                assert before == (terminal.hub_light, terminal.ring, terminal.silent, terminal.light)


def test_what_cannot_be_read_closes() -> None:
    for text, reason in (("{", "malformed"), ('{"type":"hello"}', "malformed"), ("x" * 5000, "oversized")):
        for terminal in (linked(), new_session()):
            if terminal.state == DOWN:
                terminal.connected(1000)
            assert closed_for(terminal.frame(text, 1001)) == reason


def test_after_a_close_nothing_is_read_until_lost() -> None:
    terminal = linked()
    terminal.frame("{", 1001)
    assert terminal.frame(SNAPSHOT, 1002) == []
    assert terminal.tick(100_000) == []
    assert terminal.next_ms() is None
    assert terminal.room() == 0
    assert terminal.lost(1003) == []
    assert terminal.state == DOWN
    assert kinds(greet(terminal, 1004)) == ["hello", "heartbeat"]


def test_another_protocol_is_not_spoken() -> None:
    terminal = new_session()
    terminal.connected(1000)
    text = CHALLENGE.replace('"protocol":1', '"protocol":2')
    assert closed_for(terminal.frame(text, 1000)) == "protocol"


def test_out_of_turn_is_our_own_defect() -> None:
    terminal = linked()
    for call in (lambda: terminal.connected(1), lambda: new_session().frame(CHALLENGE, 1)):
        try:
            call()
        except SessionError:
            continue
        raise AssertionError("taken")


def test_heartbeats_quick_at_first() -> None:
    terminal = linked(1000)
    out = run(terminal, 10_000)
    times = [frame["t1_ms"] for frame in frames(out) if frame["type"] == "heartbeat"]
    assert times == [1250, 1500, 1750, 4750, 7750]


def test_heartbeats_tell_the_time() -> None:
    terminal = new_session()
    assert terminal.hub_time.estimate(1000) is None
    greet(terminal, 1000)
    answer_heartbeat(terminal, 1000, 1020)
    assert terminal.hub_time.estimate(1020) == (51_020, 10 + 1 + 1)


def test_a_new_link_tells_the_time_anew() -> None:
    """A hub that was restarted counts on from elsewhere, here by less than the round trip would show."""
    terminal = linked(1000)
    terminal.lost(2000)
    greet(terminal, 3000)
    assert terminal.hub_time.estimate(3000) == (53_000, 2)
    terminal.frame(messages.heartbeat_answer(3000, 53_040, 53_040), 3050)
    assert terminal.hub_time.estimate(3050) == (53_065, 25 + 1 + 1)


def test_an_answer_that_was_not_asked_for() -> None:
    terminal = linked(1000)
    assert closed_for(answer_heartbeat(terminal, 1111, 1200)) == "protocol"


def test_silence_closes() -> None:
    terminal = linked(1000)
    assert closed_for(terminal.tick(9999)) == ""
    assert closed_for(terminal.tick(10_000)) == "silence"
    terminal = new_session()
    terminal.connected(1000)
    assert closed_for(terminal.tick(10_000)) == "silence"


def test_any_frame_breaks_the_silence() -> None:
    terminal = linked(1000)
    snapshot(terminal, "none", 9000)
    assert closed_for(terminal.tick(17_999)) == ""
    assert closed_for(terminal.tick(18_000)) == "silence"


def test_a_hub_that_answers_no_heartbeat_is_given_up() -> None:
    terminal = linked(1000)
    for at_ms in range(1000, 60_000, 1000):
        out = terminal.tick(at_ms)
        if closed_for(out):
            assert at_ms < 30_000
            return
        snapshot(terminal, "none", at_ms)
    raise AssertionError("never")


def test_a_bell_that_was_revoked_rings_no_more() -> None:
    for reason, rings in (("revoked", "none"), ("unknown_terminal", "alarm")):
        bell = new_session()
        greet(bell, 1000)
        bell.frame(messages.snapshot_frame(5, "none", "alarm", False), 1010)
        bell.lost(1020)
        bell.connected(2000)
        bell.frame(messages.refused_frame(reason), 2001)
        assert bell.ring == rings, reason


def test_a_refused_hello_closes() -> None:
    terminal = new_session()
    greet(terminal, 1000)
    out = terminal.frame(messages.refused_frame("revoked"), 1001)
    assert kinds(out) == ["Refused", "Close"]
    told = out[0]
    assert isinstance(told, Refused)
    assert (told.reason, told.digest) == ("revoked", "")
    assert closed_for(out) == "refused"


def test_a_refusal_while_linked_is_told() -> None:
    terminal = linked()
    assert kinds(terminal.frame(messages.refused_frame("too_many"), 1001)) == ["Refused"]
    assert kinds(terminal.frame(messages.refused_frame("malformed", "0" * 64), 1001)) == ["Refused"]
    assert terminal.state == LINKED


def test_status_tells_changes_only() -> None:
    terminal = linked(1000)
    inputs = {"panic": "open"}
    out = terminal.status("none", inputs, 0, 1100)
    assert frames(out) == [
        {
            "type": "status",
            "light": "none",
            "since_ms": 50_000,
            "ring": "none",
            "inputs": {"panic": "open"},
            "pending": 0,
        }
    ]
    assert terminal.status("none", dict(inputs), 0, 1200) == []
    inputs["panic"] = "closed"
    assert kinds(terminal.status("none", inputs, 0, 1300)) == ["status"]
    assert kinds(terminal.status("trouble", inputs, 0, 1400)) == ["status"]
    assert terminal.status("trouble", inputs, 0, 1500) == []
    assert kinds(terminal.status("alarm", inputs, 0, 1600)) == ["status"]


def test_status_waits_for_the_snapshot_and_is_told_on_every_link() -> None:
    terminal = new_session()
    assert terminal.status("alarm", {"panic": "open"}, 3, 500) == []
    greet(terminal, 1000)
    assert terminal.status("alarm", {"panic": "open"}, 4, 1001) == []
    told = frames(snapshot(terminal, "none", 1002))
    assert [(frame["pending"], frame["ring"]) for frame in told] == [(4, "alarm")]
    assert told[0]["since_ms"] is None, "no time of the hub is known yet"
    terminal.lost(2000)
    greet(terminal, 3000)
    assert kinds(snapshot(terminal, "none", 3001)) == ["Snapshot", "status"]


def test_a_count_that_drains_is_told_at_a_heartbeats_pace() -> None:
    terminal = linked(1000)
    told = []
    for step in range(100):
        now_ms = 1000 + 100 * step
        out = terminal.status("none", {}, 1000 - step, now_ms)
        told += [(now_ms, frame["pending"]) for frame in frames(out)]
        snapshot(terminal, "none", now_ms)
    assert [at_ms for at_ms, _ in told] == [4000, 7000, 10_000]
    assert told[-1] == (10_000, 910)


def test_a_time_before_the_hubs_own_is_its_zero() -> None:
    terminal = new_session()
    greet(terminal, 100_000)
    terminal.frame(messages.heartbeat_answer(100_000, 10, 10), 100_000)
    event = terminal.make_event("panic", "panic", 40_000)
    said = messages.understand_event(unverified_payload(event.jws), "t-abcdefghij")
    assert (said["what"], said["event_ms"]) == ("panic", 0)
    assert said["error_ms"] >= 60_000 - 10


def test_the_largest_checkpoint_is_remembered() -> None:
    terminal = linked(1000)
    told = []
    for size in (5, 3, 5, 9):
        event = terminal.make_event("panic", "panic", 1000)
        terminal.add_event(event, 1000)
        out = terminal.frame(receipt(event, size), 1001)
        told.append([action.checkpoint for action in out if isinstance(action, Remember)])
    assert told == [[NOTE.format(5)], [], [], [NOTE.format(9)]]
    terminal.lost(2000)
    assert hello_of(greet(terminal, 3000))["checkpoint"] == NOTE.format(9)


def test_a_checkpoint_is_remembered_from_before() -> None:
    terminal = linked(1000, checkpoint=NOTE.format(5))
    event = terminal.make_event("panic", "panic", 1000)
    terminal.add_event(event, 1000)
    assert "Remember" not in kinds(terminal.frame(receipt(event, 4), 1001))
    assert hello_of(greet(new_session(NOTE.format(5)), 1))["checkpoint"] == NOTE.format(5)


def test_a_note_that_cannot_be_used_is_none() -> None:
    for text in ("x", "\n\n", NOTE.format("x"), NOTE.format(5) + "x" * 400):
        assert hello_of(greet(new_session(text), 1))["checkpoint"] == ""


def test_a_note_too_long_for_a_hello_is_left_out() -> None:
    # Within its own limit, but every dash takes six characters on the wire.
    text = "x\n5\n" + HASH + "\n\n" + "\u2014" * 300 + "\n"
    assert hello_of(greet(new_session(text), 1))["checkpoint"] == ""


def test_another_tree_of_one_size_is_not_believed() -> None:
    terminal = linked(1000)
    first, second, third, fourth = [terminal.make_event("panic", "panic", 1000) for _ in range(4)]
    for event in (first, second, third, fourth):
        terminal.add_event(event, 1000)
    assert kinds(terminal.frame(receipt(first, 5), 1001))[:2] == ["Remember", "Delivered"]
    out = terminal.frame(receipt(second, 5, root="B" + HASH[1:]), 1002)
    assert [action.reason for action in out if isinstance(action, NotProven)] == [
        "the log has signed two trees of one size"
    ]
    assert kinds(terminal.frame(receipt(third, 5), 1003))[0] == "Delivered"
    out = terminal.frame(receipt(fourth, 6, root="B" + HASH[1:]), 1004)
    assert kinds(out)[:2] == ["Remember", "Delivered"], "a larger tree has another root"


def test_limits_are_in_order() -> None:
    """A connection dies of silence before it has too many heartbeats in the air."""
    quick_ms = messages.HEARTBEATS_QUICK * messages.HEARTBEAT_QUICK_MS
    usual = (messages.SILENCE_MS_MAX - quick_ms) // messages.HEARTBEAT_MS + 1
    assert messages.HEARTBEATS_QUICK + usual <= session.HEARTBEATS_MAX
