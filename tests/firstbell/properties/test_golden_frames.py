"""The golden frames have every word of the wire, each once at least."""

import json
import re
from pathlib import Path
from typing import Any

from firstbell import fields, jws, messages

TESTS = Path(__file__).parents[2]
VECTORS = json.loads((TESTS / "golden/frames.json").read_text("utf-8"))
PROTOCOL = (TESTS.parent / "hub/PROTOCOL.md").read_text("utf-8")


def said(who: str, kind: str) -> list[dict[str, Any]]:
    return [frame for frame in map(json.loads, VECTORS[who]) if frame["type"] == kind]


def test_every_word_of_a_snapshot_and_a_status() -> None:
    snapshots, statuses = said("hub", "snapshot"), said("terminal", "status")
    assert {frame["light"] for frame in snapshots} == set(messages.HUB_LIGHTS)
    assert {frame["ring"] for frame in snapshots} == set(messages.RINGS)
    assert {frame["silent"] for frame in snapshots} == {True, False}
    assert {frame["light"] for frame in statuses} == set(messages.LIGHTS)
    assert {state for frame in statuses for state in frame["inputs"].values()} == set(fields.INPUT_STATES)


def test_every_result_of_an_update() -> None:
    assert {frame["result"] for frame in said("terminal", "fetched")} == set(messages.RESULTS)
    table = PROTOCOL.partition("| result | |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", "".join(row.split("|")[1] for row in table.split("\n")[2:]))) == set(
        messages.RESULTS
    )


def test_every_reason_of_a_refusal() -> None:
    table = PROTOCOL.partition("**Refusals**")[2].partition("\n\n")[0]
    reasons = {word for row in table.split("\n")[2:] for word in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert {frame["reason"] for frame in said("hub", "refused")} == reasons


def test_every_what_of_both_algorithms() -> None:
    signed = json.loads((TESTS / "golden/signed.json").read_text("utf-8"))
    whats: dict[str, set[str]] = {algorithm: set() for algorithm in jws.ALGORITHMS}
    checkpoints: dict[str, set[bool]] = {algorithm: set() for algorithm in jws.ALGORITHMS}
    for case in signed["signed"]:
        algorithm, payload = signed["keys"][case["terminal"]]["algorithm"], json.loads(case["payload"])
        if case["typ"] == jws.EVENT_TYP:
            whats[algorithm].add(payload["what"])
        else:
            checkpoints[algorithm].add(payload["checkpoint"] != "")
    assert whats[jws.EDDSA] | {"stuck"} == set(fields.WHATS)
    assert whats[jws.HS256] | {"perimeter"} == set(fields.WHATS)
    assert checkpoints == {algorithm: {True, False} for algorithm in jws.ALGORITHMS}
