"""The campus's authority: what its certificates say, who accepts them, and when they are renewed."""

import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from hub.places import authority
from hub.places.authority import (
    LEAF_BACKDATED_DAYS,
    LEAF_DAYS_MAX,
    RENEW_DAYS_BEFORE,
    found,
    issue,
    load_certificate,
    permits_address,
    permits_name,
    renew_if_due,
    server_context,
)
from hub.problems import KeysError
from tests.hub.places.tls import node_greets, python_greets, serving

NAMES = ("firstbell.local", "hub.internal")
ADDRESSES = ("192.168.7.2", "fd00::7")
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    found(folder, "c-aaaaaaaaaa", NAMES, ADDRESSES, NOW)
    return folder


def test_what_the_authority_says(keys: Path) -> None:
    certificate = load_certificate(keys / "ca.pem")
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert (constraints.value.ca, constraints.value.path_length) == (True, 0)
    names = certificate.extensions.get_extension_for_class(x509.NameConstraints)
    assert not names.critical
    assert certificate.not_valid_before_utc <= datetime(2021, 1, 1, tzinfo=UTC)
    assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    certificate.verify_directly_issued_by(certificate)


def test_what_the_certificate_says(keys: Path) -> None:
    leaf = load_certificate(keys / "hub.pem")
    leaf.verify_directly_issued_by(load_certificate(keys / "ca.pem"))
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc <= timedelta(days=LEAF_DAYS_MAX)
    assert leaf.not_valid_before_utc == NOW - timedelta(days=LEAF_BACKDATED_DAYS)
    said = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert said.get_values_for_type(x509.DNSName) == [*NAMES, "localhost"]
    assert [str(one) for one in said.get_values_for_type(x509.IPAddress)] == [*ADDRESSES, "127.0.0.1"]


def test_nobody_else_may_read_the_keys(keys: Path) -> None:
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in keys.iterdir()} == dict.fromkeys(
        ("ca.key", "ca.pem", "hub.key", "hub.pem"), 0o600
    )


@pytest.mark.parametrize("name", ["firstbell.local", "localhost", "127.0.0.1", "192.168.7.2"])
def test_both_interpreters_accept_it(keys: Path, tmp_path: Path, name: str) -> None:
    with serving(server_context(keys)) as port:
        assert python_greets(port, name, keys / "ca.pem") == "firstbell"
        assert node_greets(port, name, keys / "ca.pem", tmp_path) == "got firstbell"


def test_both_refuse_another_name_and_another_authority(keys: Path, tmp_path: Path) -> None:
    found(tmp_path / "other", "c-bbbbbbbbbb", NAMES, ADDRESSES, NOW)
    with serving(server_context(keys)) as port:
        for name, ca in (("evil.local", keys / "ca.pem"), ("firstbell.local", tmp_path / "other/ca.pem")):
            with pytest.raises(ssl.SSLCertVerificationError):
                python_greets(port, name, ca)
            assert node_greets(port, name, ca, tmp_path).startswith("refused")


def test_the_authority_cannot_speak_for_a_public_name(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stole the key would not ask; every client that knows name constraints refuses all the same."""
    stolen = authority.Authority(authority._load_key(keys / "ca.key"), load_certificate(keys / "ca.pem"))
    monkeypatch.setattr(authority, "permits_name", lambda _name: True)
    key = authority._load_key(keys / "hub.key")
    (keys / "hub.pem").write_bytes(authority._pem(issue(stolen, key.public_key(), ["bank.example"], [], NOW)))
    with (
        serving(server_context(keys)) as port,
        pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"),
    ):
        python_greets(port, "bank.example", keys / "ca.pem")


def test_no_authority_beneath_this_one(keys: Path) -> None:
    """A certificate that a hub's own key signed is worth nothing."""
    key = authority._load_key(keys / "hub.key")
    forged = authority.Authority(key, load_certificate(keys / "hub.pem"))
    leaf = issue(forged, key.public_key(), NAMES, ADDRESSES, NOW)
    (keys / "hub.pem").write_bytes(authority._pem(leaf) + (keys / "hub.pem").read_bytes())
    with serving(server_context(keys)) as port, pytest.raises(ssl.SSLCertVerificationError):
        python_greets(port, NAMES[0], keys / "ca.pem")


@pytest.mark.parametrize(
    ("name", "permitted"),
    [
        ("firstbell.local", True),
        ("a.b.lan", True),
        ("LOCALHOST", True),
        ("notlocal", False),
        ("local.example.org", False),
        ("hub", False),
        ("10.1.2.3", False),
        ("", False),
    ],
)
def test_which_names_are_permitted(name: str, permitted: bool) -> None:
    assert permits_name(name) is permitted


@pytest.mark.parametrize(
    ("address", "permitted"), [("10.1.2.3", True), ("fd12::1", True), ("8.8.8.8", False), ("2001:db8::1", False)]
)
def test_which_addresses_are_permitted(address: str, permitted: bool) -> None:
    assert permits_address(address) is permitted


def test_what_it_may_not_certify_is_refused(tmp_path: Path) -> None:
    for names, addresses, problem in (
        (["hub.example.org"], [], "name_not_permitted"),
        (["10.1.2.3"], [], "name_not_permitted"),
        (NAMES, ["8.8.8.8"], "address_not_permitted"),
    ):
        with pytest.raises(KeysError, match=problem):
            found(tmp_path / names[0], "c-aaaaaaaaaa", names, addresses, NOW)


def due_days(days: int) -> datetime:
    return NOW + timedelta(days=days)


LAST_DAY = LEAF_DAYS_MAX - LEAF_BACKDATED_DAYS - RENEW_DAYS_BEFORE


def test_it_is_renewed_early_and_only_then(keys: Path) -> None:
    before = (keys / "hub.pem").read_bytes()
    key = (keys / "hub.key").read_bytes()
    assert not renew_if_due(keys, NAMES, ADDRESSES, due_days(LAST_DAY - 1), clock_sure=True)
    assert (keys / "hub.pem").read_bytes() == before
    assert renew_if_due(keys, NAMES, ADDRESSES, due_days(LAST_DAY), clock_sure=True)
    renewed = load_certificate(keys / "hub.pem")
    assert renewed.not_valid_before_utc == due_days(LAST_DAY - LEAF_BACKDATED_DAYS)
    assert (keys / "hub.key").read_bytes() == key
    # A device whose clock stopped at the day of the first certificate still accepts the second.
    assert renewed.not_valid_before_utc <= NOW
    assert python_still_loads(keys)


def python_still_loads(keys: Path) -> bool:
    with serving(server_context(keys)) as port:
        return python_greets(port, NAMES[0], keys / "ca.pem") == "firstbell"


def test_other_names_need_another_certificate(keys: Path) -> None:
    assert renew_if_due(keys, ["new.local"], ADDRESSES, NOW, clock_sure=True)
    assert not renew_if_due(keys, ["new.local"], ADDRESSES, NOW, clock_sure=True)
    assert renew_if_due(keys, ["new.local"], [], NOW, clock_sure=True)


@pytest.mark.parametrize("damage", ["missing", "garbage", "other key"])
def test_a_certificate_that_is_no_use_is_replaced(keys: Path, tmp_path: Path, damage: str) -> None:
    if damage == "missing":
        (keys / "hub.pem").unlink()
    elif damage == "garbage":
        (keys / "hub.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    else:
        found(tmp_path / "other", "c-bbbbbbbbbb", NAMES, ADDRESSES, NOW)
        (tmp_path / "other/hub.pem").replace(keys / "hub.pem")
    assert renew_if_due(keys, NAMES, ADDRESSES, NOW, clock_sure=True)
    assert python_still_loads(keys)


def test_a_clock_that_fell_back_renews_nothing_into_the_past(keys: Path) -> None:
    lost = datetime(2021, 1, 1, tzinfo=UTC)
    assert not renew_if_due(keys, NAMES, ADDRESSES, lost, clock_sure=False)
    assert renew_if_due(keys, ["new.local"], ADDRESSES, lost, clock_sure=False)
    assert load_certificate(keys / "hub.pem").not_valid_after_utc > NOW


def test_a_clock_that_was_ahead_is_put_right_once_it_is_sure(keys: Path) -> None:
    ahead = due_days(3650)
    assert renew_if_due(keys, NAMES, ADDRESSES, ahead, clock_sure=False)
    assert load_certificate(keys / "hub.pem").not_valid_before_utc > NOW
    assert renew_if_due(keys, NAMES, ADDRESSES, NOW, clock_sure=True)
    assert python_still_loads(keys)


def test_an_expired_authority_says_so(keys: Path) -> None:
    with pytest.raises(KeysError, match="authority_expired"):
        renew_if_due(keys, NAMES, ADDRESSES, due_days(21 * 365), clock_sure=True)


@pytest.mark.parametrize("name", ["ca.key", "hub.key"])
def test_a_broken_key_is_named_and_not_shown(keys: Path, name: str) -> None:
    (keys / name).write_text("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n")
    with pytest.raises(KeysError) as raised:
        renew_if_due(keys, NAMES, ADDRESSES, NOW, clock_sure=True)
    assert raised.value.problem.name == "key_malformed"
    assert raised.value.problem.where == str(keys / name)


def test_the_fingerprint_is_the_one_phones_show(keys: Path) -> None:
    certificate = load_certificate(keys / "ca.pem")
    shown = authority.fingerprint(certificate)
    assert bytes.fromhex(shown.replace(":", "")) == certificate.fingerprint(hashes.SHA256())
    assert shown == shown.upper()
