"""A new terminal's home from its hub: by a one-time token over TLS, or by a request and an answer on a stick.

Whatever is interrupted is run again with the same token and folder: the terminal's own half of its key is on the disk
before the hub is asked, beside the folder to be, and the hub gives the same answer to the same request.
"""

import http.client
import ssl
import time
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from secrets import token_bytes
from typing import Annotated, Any, TypeVar, get_args

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate
from firstbell.jws import EDDSA, HS256, KEY_BYTES, Ed25519Signer, b64url
from firstbell.note import NoteError, parse_vkey
from firstbell_flash.problems import FileError, FlashError, HubUnreachable, NotEnrolled, NotFound, TokenMalformed
from firstbell_linux.enrolment import (
    ANSWER_BYTES_MAX,
    REQUEST_BYTES_MAX,
    Board,
    EnrolAnswer,
    EnrolmentError,
    EnrolRequest,
    EnrolState,
    Part,
    Token,
    agree_at_node,
    decode,
    encode,
    fingerprint_of,
    key_bytes,
    parse_token,
    shown,
    write_parts,
)
from firstbell_linux.named_file import read_named
from firstbell_linux.parsing import parse_json
from firstbell_linux.private_file import check_free, whole_folder, write_private
from firstbell_linux.problems import Problem, ProblemError, reason_of
from msgspec import Meta

from terminal.settings import Home, load_settings

Answered = TypeVar("Answered", EnrolAnswer, EnrolState)

HUB_S_MAX = 15.0
"""How long the hub may take to answer: it waits for its disk, and tells when that takes too long."""
_PATH = "/api/enrolment"
_REFUSALS = {
    "unknown_token": "token_unknown",
    "token_expired": "token_expired",
    "token_used": "token_used",
    "token_unused": "token_unused",
    "known_name": "name_taken",
    "address_not_ipv4": "address_not_ipv4",
    "busy": "hub_busy",
    "disk_waits": "hub_busy",
}
"""What the hub may say of a token, each a problem of the catalogue."""
_FINAL = frozenset(_REFUSALS.values()) - {"hub_busy"}
"""After these the hub has taken nothing."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """`home` is whole."""

    home: Home
    terminal: str
    name: str


def enrol(token: str, board: Board, folder: Path) -> Enrolled:
    """The terminal's home, at `folder`. Again with the same token it is only looked at.

    Raises FlashError, OSError.
    """
    hub = _Hub(token_of(token))
    if is_home(folder):
        enrolled = _enrolled(folder)
        try:
            of_token = hub.state().terminal
        except NotEnrolled as error:
            # Of this token there is nothing yet, so what lies there is another's.
            raise (_not_empty(folder) if error.problem.name == "token_unused" else error) from error
        if of_token != enrolled.terminal:
            raise _not_empty(folder)
        _own_path(folder).unlink(missing_ok=True)
        return enrolled
    # An earlier run's may be what the hub has taken.
    was_kept = _kept(folder) is not None
    own = _own(board, folder)
    try:
        answer = hub.enrol(own.request())
    except FlashError as error:
        if error.problem.name in _FINAL and not was_kept:
            _own_path(folder).unlink(missing_ok=True)
        raise
    return _finish(own, answer, folder, hub.token.address)


def ask(token: str) -> EnrolState:
    """What became of the terminal that this token has enrolled. Raises FlashError."""
    return _Hub(token_of(token)).state()


def begin_offline(board: Board, folder: Path, request: Path) -> None:
    """Writes the request that is carried to the hub; again for the same folder it is the same. Raises FlashError,
    OSError.
    """
    data = encode(_own(board, folder).request())
    if request.exists() and read_named(request, REQUEST_BYTES_MAX + 1) != data:
        raise FileError(Problem("request_there", str(request)))
    write_private(request, data)


def finish_offline(folder: Path, answer: Path) -> tuple[Enrolled, str]:
    """The terminal's home, from the answer that was carried back, and the answer's fingerprint. Only that, which a
    person compares, says that it is as the hub wrote it. Raises FlashError, OSError.
    """
    try:
        data = read_named(answer, ANSWER_BYTES_MAX + 1)
        said, fingerprint = decode(data, EnrolAnswer), shown(fingerprint_of(data))
    except EnrolmentError as error:
        raise _unusable(str(answer)) from error
    if is_home(folder):
        home = Home(folder)
        there = [path.read_bytes() for path in (home.settings, home.ca, home.vkey)]
        if there != [text.encode() for text in (said.settings, said.ca, said.vkey)]:
            raise _not_empty(folder)
        _own_path(folder).unlink(missing_ok=True)
        return _enrolled(folder), fingerprint
    own = _kept(folder)
    if own is None:
        raise NotFound(Problem("no_request", str(folder)))
    return _finish(own, said, folder, str(answer)), fingerprint


def token_of(text: str) -> Token:
    """Raises TokenMalformed."""
    try:
        return parse_token(text)
    except EnrolmentError as error:
        # Not what was given, which may be most of a secret.
        raise TokenMalformed(Problem("token_malformed", "token")) from error


# ── the terminal's own half ─────────────────────────────────────────────────────────────────────────────────


class _Own(msgspec.Struct, frozen=True):
    """What nobody is told. `secret`, 32 bytes: a Pi's Ed25519 seed, or a node's X25519 half of its key."""

    board: Board
    secret: Annotated[bytes, Meta(min_length=KEY_BYTES, max_length=KEY_BYTES)]

    def request(self) -> EnrolRequest:
        if self.board == "pi":
            return EnrolRequest(self.board, b64url(Ed25519Signer(self.secret).public_key()))
        return EnrolRequest(self.board, b64url(self._half().public_key().public_bytes_raw()))

    def key(self, hub_key: str | None) -> str:
        """As it stands in the home. Raises EnrolmentError."""
        if (hub_key is None) != (self.board == "pi"):
            raise EnrolmentError("malformed")
        return b64url(self.secret if hub_key is None else agree_at_node(self._half(), key_bytes(hub_key)))

    def _half(self) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(self.secret)


def _own_path(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.enrolling")


def _own(board: Board, folder: Path) -> _Own:
    """The one that an earlier run has left, or a new one, which the disk has when this returns.

    Raises FlashError: there is something at `folder`. Raises OSError.
    """
    try:
        check_free(folder)
    except FileExistsError as error:
        raise _not_empty(folder) from error
    kept = _kept(folder)
    if kept is not None and kept.board == board:
        return kept
    own = _Own(board, token_bytes(KEY_BYTES))
    folder.parent.mkdir(parents=True, exist_ok=True)
    write_private(_own_path(folder), msgspec.json.encode(own))
    return own


def _kept(folder: Path) -> _Own | None:
    try:
        return parse_json(_own_path(folder).read_bytes(), _Own)
    except (FileNotFoundError, ValueError):
        # Whatever damaged it, no key is in it any more.
        return None


# ── the home ────────────────────────────────────────────────────────────────────────────────────────────────


def _finish(own: _Own, answer: EnrolAnswer, folder: Path, where: str) -> Enrolled:
    """`where` the answer came from."""
    if own.request().key != answer.key:
        raise FileError(Problem("answer_of_other", where))
    try:
        with whole_folder(folder) as beside:
            write_parts(beside, answer.settings, f"{own.key(answer.hub_key)}\n", answer.ca, answer.vkey)
            _check(beside, own.board, answer)
    except FileExistsError as error:
        raise _not_empty(folder) from error
    except (EnrolmentError, ProblemError, NoteError, ValueError) as error:
        raise _unusable(where) from error
    _own_path(folder).unlink()
    return _enrolled(folder)


def _check(folder: Path, board: Board, answer: EnrolAnswer) -> None:
    """Raises EnrolmentError, ProblemError, NoteError, ValueError."""
    vkey = parse_vkey(answer.vkey.strip())
    certificate = load_pem_x509_certificate(answer.ca.encode())
    # Nothing more: a second certificate would be trusted as well.
    alone = certificate.public_bytes(Encoding.PEM).decode() == answer.ca
    settings = load_settings(Home(folder).settings)
    algorithm = EDDSA if board == "pi" else HS256
    # The log's name has its campus before its number.
    of_campus = vkey.name.split("/")[-2:-1] == [settings.hub.campus]
    if not (alone and of_campus) or settings.algorithm != algorithm or settings.simulated.pins:
        raise EnrolmentError("malformed")


def is_home(folder: Path) -> bool:
    """Whether a terminal is there, whole."""
    return all((folder / part).is_file() for part in get_args(Part))


def _enrolled(folder: Path) -> Enrolled:
    settings = load_settings(Home(folder).settings)
    return Enrolled(Home(folder), settings.terminal, settings.name)


def _not_empty(folder: Path) -> FileError:
    return FileError(Problem("folder_not_empty", str(folder)))


def _unusable(where: str) -> FileError:
    return FileError(Problem("answer_malformed", where))


# ── the hub ─────────────────────────────────────────────────────────────────────────────────────────────────


class _Line(ssl.SSLSocket):
    """Has one deadline for all that is read, in however small pieces it comes."""

    def do_handshake(self, block: bool = False) -> None:
        self._until_s = time.monotonic() + HUB_S_MAX
        super().do_handshake(block)

    def recv_into(self, *given: Any, **named: Any) -> int:
        left_s = self._until_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self.settimeout(left_s)
        return super().recv_into(*given, **named)


def _tls() -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.sslsocket_class = _Line
    # The campus's authority certifies its hub and nobody else, under whatever address one came to it.
    tls.check_hostname = False
    return tls


class _Refusal(msgspec.Struct, frozen=True):
    """The hub's. Its code is shown, so it is a word and nothing else."""

    code: Annotated[str, Meta(pattern=r"^[a-z0-9_]{1,40}\Z")]


class _Hub:
    """The hub of a token. Raises FlashError when made: nobody answers there, or another campus's hub."""

    def __init__(self, token: Token) -> None:
        self.token = token
        open_to_all = _tls()
        open_to_all.verify_mode = ssl.CERT_NONE
        # Nothing is believed of this connection, and nothing told: what came is what the token names, or it is not.
        certificate = self._said("GET", f"{_PATH}/ca", open_to_all)
        found = fingerprint_of(certificate)
        if found != token.fingerprint:
            fields = {"found": shown(found), "expected": shown(token.fingerprint)}
            raise NotEnrolled(Problem("wrong_campus", token.address, fields))
        self._pinned = _tls()
        self._pinned.load_verify_locations(cadata=certificate)

    def enrol(self, request: EnrolRequest) -> EnrolAnswer:
        return self._read(self._said("POST", _PATH, self._pinned, encode(request)), EnrolAnswer)

    def state(self) -> EnrolState:
        return self._read(self._said("GET", _PATH, self._pinned), EnrolState)

    def _read(self, said: bytes, kind: type[Answered]) -> Answered:
        try:
            return decode(said, kind)
        except EnrolmentError as error:
            raise self._not_a_hub(error.reason) from error

    def _said(self, method: str, path: str, tls: ssl.SSLContext, body: bytes | None = None) -> bytes:
        host, port = self.token.host
        headers = {"Content-Type": "application/json", "X-Firstbell": "1"}
        if tls.verify_mode is ssl.CERT_REQUIRED:
            headers["Authorization"] = f"Bearer {self.token.secret}"
        connection = http.client.HTTPSConnection(host, port, timeout=HUB_S_MAX, context=tls)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            said = answer.read(ANSWER_BYTES_MAX + 1)
        except ssl.SSLCertVerificationError as error:
            fields = {"reason": error.verify_message}
            raise NotEnrolled(Problem("hub_not_trusted", self.token.address, fields)) from error
        except (ssl.SSLError, http.client.HTTPException) as error:
            raise self._not_a_hub(str(error)) from error
        except OSError as error:
            problem = Problem("hub_unreachable", self.token.address, {"reason": reason_of(error)})
            raise HubUnreachable(problem) from error
        finally:
            connection.close()
        if answer.status != HTTPStatus.OK:
            raise self._refused(said)
        return said

    def _refused(self, said: bytes) -> FlashError:
        try:
            code = parse_json(said, _Refusal).code
        except ValueError:
            return self._not_a_hub("")
        problem = Problem(_REFUSALS.get(code, "hub_declined"), self.token.address, {"code": code})
        return NotFound(problem) if code == "unknown_token" else NotEnrolled(problem)

    def _not_a_hub(self, reason: str) -> FlashError:
        return HubUnreachable(Problem("not_a_hub", self.token.address, {"reason": reason}))
