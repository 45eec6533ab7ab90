"""The golden vectors, which another hand made (`tests/golden/make.py`), on CPython and MicroPython."""

import binascii
import hashlib
import json

from firstbell import json_text, jws, messages
from firstbell.jws import Hs256Key, b64url, digest_of, header, open_jws, sign
from firstbell.note import parse_vkey
from firstbell.program import check_program
from firstbell.receipt import ReceiptError, check_receipt, trust_link

try:
    from typing import Any
except ImportError:  # interpreter: MicroPython
    pass

GOLDEN = __file__.rsplit("/", 2)[0] + "/golden/"


def load(name: str) -> "dict[str, Any]":
    with open(GOLDEN + name, encoding="utf-8") as file:
        vectors: dict[str, Any] = json.load(file)
    return vectors


def key_of(keys: "dict[str, Any]") -> "Any":
    """The terminal's key; None where this interpreter has no Ed25519."""
    if keys["algorithm"] == "HS256":
        return Hs256Key(bytes.fromhex(keys["secret"]))
    return jws.Ed25519Signer(bytes.fromhex(keys["seed"])) if jws.HAS_ED25519 else None


def verify_of(keys: "dict[str, Any]") -> "Any":
    if keys["algorithm"] == "HS256":
        return Hs256Key(bytes.fromhex(keys["secret"])).verify
    return jws.Ed25519Verifier(bytes.fromhex(keys["public"])).verify if jws.HAS_ED25519 else None


def test_signed_texts() -> None:
    vectors = load("signed.json")
    for case in vectors["signed"]:
        keys = vectors["keys"][case["terminal"]]
        segment = header(keys["algorithm"], case["terminal"], case["typ"])
        assert segment == b64url(case["header"].encode())
        assert digest_of(case["jws"]) == case["digest"]
        assert jws.unverified_payload(case["jws"]) == case["payload"].encode()
        key = key_of(keys)
        if key is not None:
            assert sign(case["payload"].encode(), segment, key) == case["jws"]
            assert open_jws(case["jws"], segment, verify_of(keys)) == case["payload"].encode()


def test_payloads_are_written_byte_for_byte() -> None:
    for case in load("signed.json")["signed"]:
        payload = case["payload"].encode()
        if case["typ"] == jws.HELLO_TYP:
            hello = messages.parse_hello(payload)
            hello_names = ("terminal", "nonce", "boot", "seq", "mono_ms", "software", "checkpoint")
            said = [hello[name] for name in hello_names] + [hello.get("tried")]
            assert messages.hello_payload(*said) == payload
        else:
            event = messages.parse_event(payload)
            estimate = None if event["event_ms"] is None else (event["event_ms"], event["error_ms"])
            names = ("terminal", "boot", "seq", "input", "what", "mono_ms")
            assert messages.event_payload(*[event[name] for name in names] + [estimate]) == payload


def write_hub_frame(frame: "dict[str, Any]") -> str:
    kind = frame["type"]
    if kind == "challenge":
        return messages.challenge_frame(frame["nonce"], frame["hub_ms"])
    if kind == "snapshot":
        snapshot = [frame[name] for name in ("hub_ms", "light", "ring", "silent")] + [frame.get("update")]
        return messages.snapshot_frame(*snapshot)
    if kind == "part":
        return messages.part_frame(frame["digest"], frame["offset"], binascii.a2b_base64(frame["data"]))
    if kind == "receipt":
        names = ("event", "index", "entry", "proof", "checkpoint")
        return messages.receipt_frame(*[frame[name] for name in names])
    if kind == "heartbeat":
        return messages.heartbeat_answer(frame["t1_ms"], frame["t2_ms"], frame["t3_ms"])
    return messages.refused_frame(frame["reason"], frame.get("event", ""))


def write_terminal_frame(frame: "dict[str, Any]") -> str:
    kind = frame["type"]
    if kind == "hello":
        return messages.hello_frame(frame["jws"])
    if kind == "event":
        return messages.event_frame(frame["jws"])
    if kind == "heartbeat":
        return messages.heartbeat_frame(frame["t1_ms"])
    if kind == "fetch":
        return messages.fetch_frame(frame["digest"], frame["offset"])
    if kind == "fetched":
        return messages.fetched_frame(frame["digest"], frame["result"])
    names = ("light", "since_ms", "ring", "inputs", "pending")
    return messages.status_frame(*[frame[name] for name in names])


def test_frames() -> None:
    vectors = load("frames.json")
    kinds = set()
    for text in vectors["hub"] + vectors["terminal"]:
        assert json_text.read_plainly(text) == json.loads(text)
    for text in vectors["hub"]:
        frame = messages.parse_hub_frame(text)
        kinds.add("hub " + frame["type"])
        assert write_hub_frame(frame) == text
    for text in vectors["terminal"]:
        frame = messages.parse_terminal_frame(text)
        kinds.add("terminal " + frame["type"])
        assert write_terminal_frame(frame) == text
    assert len(kinds) == len(messages.HUB_FRAMES) + len(messages.TERMINAL_FRAMES)


def test_a_program_and_its_offer() -> None:
    vectors = load("signed.json")
    carried, update = bytes.fromhex(vectors["program"]["carried"]), vectors["program"]["update"]
    assert check_program(carried) == (update["version"], messages.PROTOCOL)
    assert (len(carried), hashlib.sha256(carried).digest().hex()) == (update["size"], update["digest"])
    (keys,) = [keys for keys in vectors["keys"].values() if keys["algorithm"] == "HS256"]
    key = key_of(keys)
    assert b64url(key.sign(messages.update_text(update["version"], update["size"], update["digest"]))) == update["mac"]


def test_odd_events() -> None:
    for case in load("frames.json")["odd_events"]:
        event = messages.understand_event(case["payload"].encode(), "t-pi22222222")
        assert event == case["event"], case["payload"]


def test_usual_events_are_understood_whole() -> None:
    for case in load("signed.json")["signed"]:
        if case["typ"] == jws.EVENT_TYP:
            event = messages.parse_event(case["payload"].encode())
            del event["type"]
            assert messages.understand_event(case["payload"].encode(), case["terminal"]) == event


def test_receipts() -> None:
    vectors = load("receipts.json")
    vkey = parse_vkey(vectors["vkey"])
    verify = jws.verify_ed25519 if jws.HAS_ED25519 else trust_link
    for case in vectors["receipts"]:
        frame = messages.parse_hub_frame(case["frame"])
        checkpoint = check_receipt(frame, case["jws"], vkey, verify)
        origin = parse_vkey(vectors["successor"] if "successor" in case["case"] else vectors["vkey"]).name
        assert checkpoint.origin == origin
        assert frame["index"] < checkpoint.size


def test_no_receipt_is_good_for_another_event() -> None:
    vectors = load("receipts.json")
    vkey = parse_vkey(vectors["vkey"])
    for case in vectors["receipts"]:
        frame = messages.parse_hub_frame(case["frame"])
        for other in vectors["receipts"]:
            if other["jws"] == case["jws"]:
                continue
            for changed in (frame, frame | {"event": digest_of(other["jws"])}):
                try:
                    check_receipt(changed, other["jws"], vkey, trust_link)
                except ReceiptError:
                    continue
                raise AssertionError("taken")
