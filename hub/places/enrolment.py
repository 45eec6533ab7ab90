"""A new terminal: its key, and the home folder that is carried to the wall (settings.toml, key, ca.pem, log.vkey).

What the hub is told stands in its API (`hub.web.manage`); what is written here is read by `terminal.settings` on a
Raspberry Pi and by the flashing of a Pico W.
"""

import json
import secrets
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from firstbell.fields import INPUTS_MAX, is_input
from firstbell.jws import EDDSA, KEY_BYTES, Ed25519Signer, b64url
from firstbell_linux.enrolment import (
    Board,
    EnrolmentError,
    EnrolRequest,
    agree_at_hub,
    key_bytes,
    write_parts,
)

from hub.dispatch.entries import Algorithm, InputKind, TerminalRole
from hub.dispatch.requests import Refused
from hub.home import Home
from hub.places.log_keys import load_vkey
from hub.settings import Settings

PINS = Path(__file__).resolve().parents[2] / "hardware/pins.toml"
"""What a terminal is wired to unless its settings say otherwise."""


@dataclass(frozen=True, slots=True)
class TerminalKey:
    """`kept` is the terminal's own secret (base64url). `told` goes to the hub: the public key; for HS256, the same."""

    algorithm: Algorithm
    told: str = field(repr=False)
    kept: str = field(repr=False)


def new_key(algorithm: Algorithm) -> TerminalKey:
    secret = secrets.token_bytes(KEY_BYTES)
    kept = b64url(secret)
    return TerminalKey(algorithm, b64url(Ed25519Signer(secret).public_key()) if algorithm == EDDSA else kept, kept)


def read_key(algorithm: Algorithm, told: str) -> bytes:
    """The key that the hub is told. Raises Refused("bad_key")."""
    try:
        key = key_bytes(told)
    except EnrolmentError as error:
        raise Refused(error.reason) from error
    if algorithm == EDDSA and not _is_public(key):
        raise Refused("bad_key")
    return key


_P = 2**255 - 19
_D = -121_665 * pow(121_666, -1, _P)


def _is_public(key: bytes) -> bool:
    """Whether it is a point of edwards25519 (RFC 8032, 5.1.3), and none of the eight of small order: under those
    anybody's signature holds, and the library takes them.

    Of small order are y = 1, y = -1 (where `square` is 0), y = 0, and those whose double has y = 0.
    """
    y = int.from_bytes(key, "little") & (2**255 - 1)
    square = (y**2 - 1) * (_D * y**2 + 1) % _P
    return y < _P and pow(square, (_P - 1) // 2, _P) == 1 and y * (_D * y**4 + 2 * y**2 - 1) % _P != 0


def agree(request: EnrolRequest) -> tuple[TerminalKey, str | None]:
    """The key of a terminal that made its own half of it, and the hub's half for the answer. Raises Refused("bad_key").

    `kept` is empty: the terminal has it.
    """
    if request.board == "pi":
        read_key("EdDSA", request.key)
        return TerminalKey("EdDSA", request.key, ""), None
    own = X25519PrivateKey.generate()
    try:
        secret = agree_at_hub(own, key_bytes(request.key))
    except EnrolmentError as error:
        raise Refused(error.reason) from error
    return TerminalKey("HS256", b64url(secret), ""), b64url(own.public_key().public_bytes_raw())


def check_inputs(names: Collection[str]) -> None:
    """A terminal could not say others to its hub. Raises Refused: bad_input, too_many_inputs."""
    if len(names) > INPUTS_MAX:
        raise Refused("too_many_inputs")
    if not all(map(is_input, names)):
        raise Refused("bad_input")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What hangs on which pin. `inputs`: name → kind and GPIO number. `simulated`: mock pins, on any machine."""

    board: Board
    inputs: Mapping[str, tuple[InputKind, int]]
    light_pin: int | None = None
    sounder_pin: int | None = None
    simulated: bool = False


def usual_wiring(role: TerminalRole, board: Board, *, simulated: bool = False) -> Wiring:
    """As hardware/pins.toml has it: a wall terminal has a panic button and a light; a bell has a sounder; a Pico W
    reads its own supply."""
    pins = tomllib.loads(PINS.read_text("utf-8"))[board]
    own: dict[str, tuple[InputKind, int]] = {"supply": ("supply", pins["supply"]["gpio"])} if board == "pico" else {}
    if role == "bell":
        return Wiring(board=board, inputs=own, sounder_pin=pins["sounder"]["gpio"], simulated=simulated)
    inputs: dict[str, tuple[InputKind, int]] = {"panic": ("panic", pins["panic"]["gpio"]), **own}
    return Wiring(board=board, inputs=inputs, light_pin=pins["light"]["gpio"], simulated=simulated)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubToFind:
    """How a terminal finds its hub and knows it. `address` "host:port", or "" to look for it on the LAN."""

    campus: str
    server_name: str
    address: str
    ca_pem: bytes
    vkey: str


def hub_to_find(home: Home, settings: Settings, campus: str, address: str) -> HubToFind:
    """The hub of this home. Raises KeysError, OSError."""
    return HubToFind(
        campus=campus,
        server_name=settings.names[0],
        address=address,
        ca_pem=(home.keys / "ca.pem").read_bytes(),
        vkey=load_vkey(home.vkey).text(),
    )


def write_home(
    folder: Path,
    terminal: str,
    name: str,
    role: TerminalRole,
    key: TerminalKey,
    hub: HubToFind,
    wiring: Wiring,
    *,
    silent: bool = False,
) -> None:
    """Fills `folder`, which its maker moves to its place when all of it is there. Raises OSError."""
    settings = settings_text(terminal, name, role, key.algorithm, hub, wiring, silent)
    write_parts(folder, settings, f"{key.kept}\n", hub.ca_pem.decode(), f"{hub.vkey}\n")


def settings_text(
    terminal: str, name: str, role: TerminalRole, algorithm: Algorithm, hub: HubToFind, wiring: Wiring, silent: bool
) -> str:
    """settings.toml."""
    lines = [
        *_table("", terminal=terminal, name=name, role=role, algorithm=algorithm, silent=silent),
        *_table("hub", address=hub.address, server_name=hub.server_name, campus=hub.campus),
    ]
    for input_name, (kind, pin) in wiring.inputs.items():
        lines += _table(f"inputs.{input_name}", kind=kind, pin=pin)
    outputs = {"light_pin": wiring.light_pin, "sounder_pin": wiring.sounder_pin}
    lines += _table("outputs", **{key: pin for key, pin in outputs.items() if pin is not None})
    if wiring.simulated:
        lines += _table("simulated", pins=True, board=wiring.board)
    return "\n".join(lines) + "\n"


def _table(table: str, /, **values: str | int | bool) -> Iterable[str]:
    """A TOML table. JSON writes strings, whole numbers and truth values as TOML does."""
    if table:
        yield f"\n[{table}]"
    for key, value in values.items():
        yield f"{key} = {json.dumps(value, ensure_ascii=False)}"
