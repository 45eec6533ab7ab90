"""Signed texts that are just within the rules, and those that are not, with the hub's verdict."""

import hmac
import json
from typing import Any

from tests.golden import signing as s

JWS_BYTES_MAX = 1024
TAKEN = ""


def _filled(terminal: str) -> dict[int, str]:
    """Size -> an event's JWS of that many bytes: a field that nobody knows fills it. base64url leaves out one size of
    four, so not every size exists for every algorithm."""
    usual = json.loads((s.PRESS if terminal == s.PI else s.NODE_PRESS)["payload"])
    payloads = [s.plain(usual | {"later": "a" * filling}) for filling in range(JWS_BYTES_MAX)]
    return {len(jws): jws for jws in (s.jws_of(terminal, s.header(terminal, s.EVENT), one) for one in payloads)}


def _sizes() -> list[tuple[str, str, str, str]]:
    """The largest that is taken and the smallest that is not, of each algorithm."""
    cases = []
    for terminal in (s.PI, s.NODE):
        of_size = _filled(terminal)
        within = max(size for size in of_size if size <= JWS_BYTES_MAX)
        beyond = min(size for size in of_size if size > JWS_BYTES_MAX)
        cases.append((f"{within} bytes", terminal, of_size[within], TAKEN))
        cases.append((f"{beyond} bytes", terminal, of_size[beyond], "oversized"))
    return cases


def _other_header(terminal: str, head: str) -> str:
    return s.jws_of(terminal, head, s.PRESS["payload"])


def _headers() -> list[tuple[str, str, str, str]]:
    """All signed with the terminal's key, but for the two that choose another algorithm."""
    usual = json.loads(s.header(s.PI, s.EVENT))
    spaced = json.dumps(usual)
    order = {name: usual[name] for name in ("typ", "alg", "kid")}
    none = s.b64url(s.plain(usual | {"alg": "none"}).encode()) + "." + s.b64url(s.PRESS["payload"].encode())
    confused = none.replace(none.split(".")[0], s.b64url(s.plain(usual | {"alg": "HS256"}).encode()))
    by_public_key = hmac.digest(s.public_key(s.PI_SEED), confused.encode(), "sha256")
    head, rest = s.PRESS["jws"].split(".", 1)
    return [
        ("other order in the header", s.PI, _other_header(s.PI, s.plain(order)), "wrong_header"),
        ("blanks in the header", s.PI, _other_header(s.PI, spaced), "wrong_header"),
        ("a field more in the header", s.PI, _other_header(s.PI, s.plain(usual | {"b64": True})), "wrong_header"),
        ("another terminal's kid", s.PI, _other_header(s.PI, s.header(s.NODE, s.EVENT)), "wrong_header"),
        ("a hello's typ", s.PI, _other_header(s.PI, s.header(s.PI, s.HELLO)), "wrong_header"),
        ("alg none, no signature", s.PI, none + ".", "wrong_header"),
        ("HS256 with the public key as secret", s.PI, f"{confused}.{s.b64url(by_public_key)}", "wrong_header"),
        ("a header with padding", s.PI, f"{head}=.{rest}", "wrong_header"),
    ]


def _stray_bits(segment: str) -> str:
    """Another text that lax decoders read as the same bytes: the last character has bits that say nothing."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return segment[:-1] + alphabet[alphabet.index(segment[-1]) + 1]


def _encodings() -> list[tuple[str, str, str, str]]:
    head, payload, signature = s.PRESS["jws"].split(".")
    node_head, node_payload, node_signature = s.NODE_PRESS["jws"].split(".")
    standard = signature.replace("-", "+").replace("_", "/")
    return [
        ("stray bits in the signature", s.PI, f"{head}.{payload}.{_stray_bits(signature)}", "malformed"),
        ("stray bits, HS256", s.NODE, f"{node_head}.{node_payload}.{_stray_bits(node_signature)}", "malformed"),
        ("padding after the signature", s.PI, f"{head}.{payload}.{signature}==", "malformed"),
        ("the standard alphabet", s.PI, f"{head}.{payload}.{standard}", "malformed"),
        ("a line feed at the end", s.PI, f"{head}.{payload}.{signature}\n", "malformed"),
        ("a blank in the payload", s.PI, f"{head}.{payload[:8]} {payload[8:]}.{signature}", "malformed"),
        ("two segments", s.PI, f"{head}.{payload}", "malformed"),
        ("four segments", s.PI, f"{head}.{payload}.{signature}.", "malformed"),
    ]


def _signatures() -> list[tuple[str, str, str, str]]:
    head, payload, signature = s.PRESS["jws"].split(".")
    other = s.b64url(s.PRESS["payload"].replace('"seq":2', '"seq":3').encode())
    by_other = s.b64url(s.ed25519(s.LOG_SEED, f"{head}.{payload}".encode()))
    node_head, node_payload, node_signature = s.NODE_PRESS["jws"].split(".")
    half = node_signature[:20]
    return [
        ("another payload", s.PI, f"{head}.{other}.{signature}", "bad_signature"),
        ("another key", s.PI, f"{head}.{payload}.{by_other}", "bad_signature"),
        ("no signature", s.PI, f"{head}.{payload}.", "bad_signature"),
        ("a signature that is cut off, HS256", s.NODE, f"{node_head}.{node_payload}.{half}", "bad_signature"),
        ("as it should be", s.PI, s.PRESS["jws"], TAKEN),
        ("as it should be, HS256", s.NODE, s.NODE_PRESS["jws"], TAKEN),
    ]


def verdicts_file() -> dict[str, Any]:
    cases = [*_sizes(), *_headers(), *_encodings(), *_signatures()]
    return {
        "about": "Texts that `terminal`, whose key is in signed.json, is said to have signed as an event. `refused` is "
        "the hub's word, empty where it takes the event. The header is compared first, as text.",
        "cases": [
            {"case": case, "terminal": terminal, "jws": jws, "refused": verdict}
            for case, terminal, jws, verdict in cases
        ],
    }
