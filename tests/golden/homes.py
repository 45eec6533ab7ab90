"""The folders that two new terminals are given, and the campus's certificate authority, from a fixed key."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.golden import signing as s
from tests.golden.pagers import CAMPUS, PORT, SERVER_NAME
from tests.golden.receipts import LOG, vkey

CA_KEY = int.from_bytes(bytes(range(128, 160)), "big")
_NAMES = ("local", "internal", "lan", "localhost")
_NETWORKS = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "127.0.0.0/8",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
)
_BEGIN = datetime(2021, 1, 1, tzinfo=UTC) - timedelta(days=1)
_END = datetime(2046, 1, 1, tzinfo=UTC)


def ca_pem() -> str:
    key = ec.derive_private_key(CA_KEY, ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Firstbell {CAMPUS}")])
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    permitted: list[x509.GeneralName] = [x509.DNSName(one) for one in _NAMES]
    permitted += [x509.IPAddress(ip_network(one)) for one in _NETWORKS]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .not_valid_before(_BEGIN)
        .not_valid_after(_END)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=False)
        .sign(key, hashes.SHA256(), ecdsa_deterministic=True)
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


_WALL = f"""terminal = "{s.PI}"
name = "三层走廊"
role = "wall"
algorithm = "EdDSA"
silent = false

[hub]
address = ""
server_name = "{SERVER_NAME}"
campus = "{CAMPUS}"

[inputs.panic]
kind = "panic"
pin = 17

[inputs.fence_north]
kind = "perimeter"
pin = 23

[inputs.cover]
kind = "tamper"
pin = 24

[outputs]
light_pin = 27
"""

_BELL = f"""terminal = "{s.NODE}"
name = "Guard room"
role = "bell"
algorithm = "HS256"
silent = true

[hub]
address = "192.168.7.7:{PORT}"
server_name = "{SERVER_NAME}"
campus = "{CAMPUS}"

[outputs]
sounder_pin = 22
"""


def homes_file() -> dict[str, Any]:
    def home(settings: str, secret: bytes) -> dict[str, str]:
        key = s.b64url(secret) + "\n"
        return {"settings.toml": settings, "key": key, "ca.pem": ca_pem(), "log.vkey": vkey(LOG) + "\n"}

    return {
        "about": "The files of two terminals' folders, as enrolment writes them. Their keys are those of signed.json, "
        "the log's is that of receipts.json.",
        "homes": {s.PI: home(_WALL, s.PI_SEED), s.NODE: home(_BELL, s.NODE_SECRET)},
    }
