"""Makes the golden files anew: `python -m tests.golden.make`. merkle.json and notes.json alone come from elsewhere.

Nothing of `firstbell` is used but its fixed words in PROTOCOL.md: JSON, base64url, HMAC, Ed25519, tree and note are
made here from the standard library and `cryptography`, so that the files are a second opinion on what the code does.
The keys are for tests; nobody is protected by them.
"""

import json
from pathlib import Path
from typing import Any

from tests.golden.conversations import conversations_file
from tests.golden.enrolments import enrolments_file
from tests.golden.frames import frames_file
from tests.golden.homes import homes_file
from tests.golden.lan import lan_file
from tests.golden.limits import limits_file
from tests.golden.log import log_file
from tests.golden.pagers import pagers_file
from tests.golden.presses import presses_file
from tests.golden.programs import programs_file
from tests.golden.receipts import LOG, checkpoint, receipts_file
from tests.golden.refused_receipts import refused_receipts_file
from tests.golden.rhythms import rhythms_file
from tests.golden.signing import signed_file
from tests.golden.times import times_file
from tests.golden.trees import path, root
from tests.golden.verdicts import verdicts_file
from tests.golden.websockets import websocket_file

__all__ = ["files", "path", "root"]

HERE = Path(__file__).parent


def files() -> dict[str, str]:
    """Name and text of each file."""
    made: dict[str, dict[str, Any]] = {
        "signed.json": signed_file(checkpoint(LOG, 8)),
        "frames.json": frames_file(),
        "receipts.json": receipts_file(),
        "refused_receipts.json": refused_receipts_file(),
        "log.json": log_file(),
        "limits.json": limits_file(),
        "verdicts.json": verdicts_file(),
        "times.json": times_file(),
        "pagers.json": pagers_file(),
        "homes.json": homes_file(),
        "enrolments.json": enrolments_file(),
        "websocket.json": websocket_file(),
        "lan.json": lan_file(),
        "presses.json": presses_file(),
        "programs.json": programs_file(),
        "rhythms.json": rhythms_file(),
        "conversations.json": conversations_file(),
    }
    return {name: json.dumps(vectors, indent=1, ensure_ascii=False) + "\n" for name, vectors in made.items()}


if __name__ == "__main__":
    for file_name, text in files().items():
        (HERE / file_name).write_text(text, "utf-8")
