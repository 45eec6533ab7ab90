"""The campus's certificate authority and the hub's certificate (X.509, RFC 5280).

Everything is ECDSA P-256, for MicroPython's TLS speaks nothing else. The authority can speak for private names and
addresses only: whoever steals its key can't be a bank. Those name constraints are non-critical, because MicroPython
refuses the critical form; browsers and phones hold them in either form.
"""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from firstbell_linux.enrolment import shown
from firstbell_linux.private_file import PRIVATE_FOLDER, write_private
from firstbell_linux.problems import Problem, reason_of

from hub.problems import KeysError

NAMES_PERMITTED = ("local", "internal", "lan", "localhost")
"""Names that no public authority certifies: these and everything beneath them."""
NETWORKS_PERMITTED: tuple[IPv4Network | IPv6Network, ...] = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "127.0.0.0/8",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)
CA_NOT_BEFORE = datetime(2021, 1, 1, tzinfo=UTC) - timedelta(days=1)
"""A clock that has lost its time starts at 2021 on a Pico W; in no time zone may the authority be of the future."""
CA_DAYS = 20 * 365
LEAF_DAYS_MAX = 397
"""Browsers and phones refuse a server's certificate that is valid for longer, back-dating included."""
LEAF_BACKDATED_DAYS = 180
"""A device whose clock stood still for so long still finds the certificate valid, and gets the time through it."""
RENEW_DAYS_BEFORE = 60
COMMON_NAME_CHARS_MAX = 64

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Authority:
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def permits_name(name: str) -> bool:
    """Whether the campus's authority may speak for this host name. An IP address is none."""
    return name.rpartition(".")[2].lower() in NAMES_PERMITTED


def permits_address(address: str) -> bool:
    """Whether it may speak for this IP address. Raises ValueError for what is none."""
    return any(ip_address(address) in network for network in NETWORKS_PERMITTED)


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 in pairs of hex digits, as phones and browsers show it."""
    return shown(certificate.fingerprint(hashes.SHA256()))


def make_authority(campus: str, now: datetime) -> Authority:
    """A new authority for the campus of this id."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Firstbell {campus}"[:COMMON_NAME_CHARS_MAX])])
    permitted = [x509.DNSName(one) for one in NAMES_PERMITTED]
    constraints = x509.NameConstraints([*permitted, *map(x509.IPAddress, NETWORKS_PERMITTED)], None)
    certificate = (
        _builder(name, name, key.public_key(), key.public_key())
        .not_valid_before(CA_NOT_BEFORE)
        .not_valid_after(now + timedelta(days=CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(constraints, critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(key, certificate)


def issue(
    authority: Authority, key: ec.EllipticCurvePublicKey, names: Sequence[str], addresses: Sequence[str], now: datetime
) -> x509.Certificate:
    """A certificate for the hub under these host names and IP addresses; it always covers this machine itself.

    Raises KeysError for a name or an address that the authority does not permit.
    """
    for name in names:
        if not permits_name(name):
            raise KeysError(Problem("name_not_permitted", name, {"name": name}))
    for address in addresses:
        if not permits_address(address):
            raise KeysError(Problem("address_not_permitted", address, {"address": address}))
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:COMMON_NAME_CHARS_MAX])])
    start = now - timedelta(days=LEAF_BACKDATED_DAYS)
    end = min(start + timedelta(days=LEAF_DAYS_MAX), authority.certificate.not_valid_after_utc)
    return (
        _builder(subject, authority.certificate.subject, key, authority.key.public_key())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(_alternative_names(names, addresses), critical=False)
        .sign(authority.key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, issuer_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative_names(names: Sequence[str], addresses: Sequence[str]) -> x509.SubjectAlternativeName:
    all_names = dict.fromkeys((*names, "localhost"))
    all_addresses: dict[Address, None] = dict.fromkeys(map(ip_address, (*addresses, "127.0.0.1")))
    return x509.SubjectAlternativeName([*map(x509.DNSName, all_names), *map(x509.IPAddress, all_addresses)])


# ── on the disk: ca.pem, ca.key, hub.pem, hub.key in one folder ─────────────────────────────────────────────


def found(folder: Path, campus: str, names: Sequence[str], addresses: Sequence[str], now: datetime) -> Authority:
    """Makes `folder` with a new authority and the hub's first certificate. Raises KeysError, OSError."""
    folder.mkdir(mode=PRIVATE_FOLDER)
    authority = make_authority(campus, now)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = issue(authority, key.public_key(), names, addresses, now)
    write_private(folder / "ca.key", _key_pem(authority.key))
    write_private(folder / "ca.pem", _pem(authority.certificate))
    write_private(folder / "hub.key", _key_pem(key))
    write_private(folder / "hub.pem", _pem(certificate))
    return authority


def renew_if_due(folder: Path, names: Sequence[str], addresses: Sequence[str], now: datetime, clock_sure: bool) -> bool:
    """Issues the hub's certificate anew when it ends soon, is not valid yet, or does not say what it should.

    `clock_sure`: something disciplines the clock that gave `now`. Otherwise it is not believed where it is behind the
    present certificate: a hub without power for its clock must not issue one that has expired for everybody else.
    The key stays, so that one file is replaced and nothing half-done can be left. Raises KeysError, OSError.
    """
    authority = Authority(_load_key(folder / "ca.key"), load_certificate(folder / "ca.pem"))
    key = _load_key(folder / "hub.key").public_key()
    try:
        present = load_certificate(folder / "hub.pem")
    except KeysError:
        present = None
    if present and not clock_sure:
        now = max(now, present.not_valid_before_utc + timedelta(days=LEAF_BACKDATED_DAYS))
    if present and present.public_key() == key and _serves(present, names, addresses, now):
        return False
    if now >= authority.certificate.not_valid_after_utc:
        raise KeysError(Problem("authority_expired", str(folder / "ca.pem")))
    write_private(folder / "hub.pem", _pem(issue(authority, key, names, addresses, now)))
    return True


def _serves(certificate: x509.Certificate, names: Sequence[str], addresses: Sequence[str], now: datetime) -> bool:
    """Whether it is valid, stays so for a while, and names everything it should."""
    try:
        named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    valid_until = certificate.not_valid_after_utc - timedelta(days=RENEW_DAYS_BEFORE)
    return certificate.not_valid_before_utc <= now < valid_until and named == _alternative_names(names, addresses)


def server_context(folder: Path) -> ssl.SSLContext:
    """How the hub answers over TLS. Calling `load_cert_chain` on it again takes a renewed certificate into use.

    Raises KeysError.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    take_certificate(context, folder)
    return context


def take_certificate(context: ssl.SSLContext, folder: Path) -> None:
    """Uses the present certificate from the next connection on. Raises KeysError."""
    certificate = folder / "hub.pem"
    try:
        context.load_cert_chain(certificate, folder / "hub.key")
    except (ssl.SSLError, OSError) as error:
        raise _unusable(certificate, error) from error


def load_certificate(path: Path) -> x509.Certificate:
    """Raises KeysError."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise _unusable(path, error) from error


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise _unusable(path, error) from error
    except (ValueError, TypeError):
        # Not from the error, which may hold what it could not read.
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise KeysError(Problem("key_malformed", str(path)))
    return key


def _unusable(path: Path, error: Exception) -> KeysError:
    # OpenSSL's errors are OSErrors with numbers of their own.
    of_file = error if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) else None
    reason = reason_of(of_file) if of_file else str(error)
    return KeysError(Problem("certificate_unusable", str(path), {"reason": reason}), of_file)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
