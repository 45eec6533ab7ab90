"""What a terminal holds to be known and to know others: its key, the campus's certificate, the log's verifier key."""

import ssl
import stat
from pathlib import Path

from cryptography import x509
from firstbell.jws import HS256, Ed25519Signer, Hs256Key, JwsError, unb64url
from firstbell.note import NoteError, Vkey, parse_vkey
from firstbell_linux.problems import Problem, reason_of

from terminal.problems import CredentialsError

# X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which `ssl` has no name for.
NO_CHECK_TIME = ssl.VerifyFlags(0x200000)
OTHERS = stat.S_IRWXG | stat.S_IRWXO

Key = Ed25519Signer | Hs256Key


def load_key(path: Path, algorithm: str) -> Key:
    """The signing key: one line, 32 bytes in base64url. Raises CredentialsError."""
    text = _read(path, "key_unreadable").strip()
    try:
        secret = unb64url(text)
        return Hs256Key(secret) if algorithm == HS256 else Ed25519Signer(secret)
    except (JwsError, ValueError) as error:
        # Not from the error, which may hold what it could not read.
        del error
    raise CredentialsError(Problem("key_malformed", str(path)))


def find_key_problem(path: Path) -> Problem | None:
    """Whether others may read the key. Raises CredentialsError when it isn't there."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise _unreadable("key_unreadable", path, error) from error
    return Problem("key_open", str(path), {"mode": f"{stat.S_IMODE(mode):04o}"}) if mode & OTHERS else None


def load_vkey(path: Path) -> Vkey:
    """The verifier key of the campus's log. Raises CredentialsError."""
    try:
        return parse_vkey(_read(path, "vkey_unreadable").strip())
    except NoteError as error:
        raise CredentialsError(Problem("vkey_malformed", str(path), {"reason": str(error)})) from error


def load_ca(path: Path) -> x509.Certificate:
    """The campus's own certificate authority. Raises CredentialsError."""
    text = _read(path, "ca_unreadable")
    try:
        return x509.load_pem_x509_certificate(text.encode())
    except ValueError as error:
        raise CredentialsError(Problem("ca_malformed", str(path), {"reason": str(error)})) from error


def tls_context(path: Path, *, check_times: bool = True) -> ssl.SSLContext:
    """Trusts the campus's CA and nothing else, and checks the name. Raises CredentialsError."""
    load_ca(path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(path)
    except (ssl.SSLError, OSError) as error:
        raise CredentialsError(Problem("ca_malformed", str(path), {"reason": str(error)})) from error
    if not check_times:
        context.verify_flags |= NO_CHECK_TIME
    return context


def _read(path: Path, name: str) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(name, path, error) from error


def _unreadable(name: str, path: Path, error: OSError | UnicodeDecodeError) -> CredentialsError:
    problem = Problem(name, str(path), {"reason": reason_of(error)})
    return CredentialsError(problem, error if isinstance(error, OSError) else None)
