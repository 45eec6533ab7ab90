"""The home that is carried to the wall: the terminal's own program reads it; it is there whole or not at all."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from firstbell import jws
from firstbell_linux.enrolment import EnrolRequest
from firstbell_linux.private_file import whole_folder
from hypothesis import given
from hypothesis import strategies as st

from hub.dispatch.entries import Algorithm, TerminalRole
from hub.dispatch.requests import Refused
from hub.ledger.note import Signer
from hub.places.authority import found
from hub.places.enrolment import HubToFind, TerminalKey, agree, new_key, read_key, usual_wiring, write_home
from terminal.credentials import load_ca, load_key, load_vkey
from terminal.settings import load_settings

TERMINAL = "t-aaaaaaaaaa"
P = 2**255 - 19
OF_ORDER_EIGHT = (
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
)
SMALL = [0, 1, P - 1, P, P + 1, *(int.from_bytes(bytes.fromhex(y), "little") for y in OF_ORDER_EIGHT)]
"""Every y, in every form, of a point of small order on edwards25519."""
NOBODYS = b"\1" + bytes(63)
"""A signature that takes no secret: R the neutral element, S zero."""


def hub_to_find(folder: Path, address: str = "") -> HubToFind:
    found(folder / "keys", "c-aaaaaaaaaa", ["firstbell.local"], [], datetime.now(UTC))
    signer = Signer("firstbell.invalid/c-aaaaaaaaaa/1", Ed25519PrivateKey.generate())
    return HubToFind(
        campus="c-aaaaaaaaaa",
        server_name="firstbell.local",
        address=address,
        ca_pem=(folder / "keys/ca.pem").read_bytes(),
        vkey=signer.vkey.text(),
    )


@pytest.mark.parametrize("algorithm", ["EdDSA", "HS256"])
def test_the_terminal_signs_what_the_hub_can_check(tmp_path: Path, algorithm: Algorithm) -> None:
    key = new_key(algorithm)
    with whole_folder(tmp_path / "t") as folder:
        hub = hub_to_find(tmp_path)
        write_home(folder, TERMINAL, "三层", "wall", key, hub, usual_wiring("wall", "pi"))
    told = jws.unb64url(key.told)
    verify = jws.Ed25519Verifier(told).verify if algorithm == "EdDSA" else jws.Hs256Key(told).verify
    header = jws.header(algorithm, TERMINAL, jws.EVENT_TYP)
    signed = jws.sign(b"{}", header, load_key(tmp_path / "t/key", algorithm))
    assert jws.open_jws(signed, header, verify) == b"{}"
    assert key.kept not in repr(key)
    assert (key.told == key.kept) is (algorithm == "HS256")


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("y", [*SMALL, 2, P + 3, 2**255 - 1])
def test_a_public_key_that_is_no_ones_is_refused(y: int, sign: int) -> None:
    key = (y | sign << 255).to_bytes(32, "little")
    with pytest.raises(Refused, match="bad_key"):
        read_key("EdDSA", jws.b64url(key))
    with pytest.raises(Refused, match="bad_key"):
        agree(EnrolRequest("pi", jws.b64url(key)))
    assert read_key("HS256", jws.b64url(key)) == key, "a secret is any bytes"


@pytest.mark.parametrize("y", OF_ORDER_EIGHT)
def test_under_a_key_of_small_order_anybody_signs(y: str) -> None:
    """Why they are refused: the check of signatures does not."""
    verify = jws.Ed25519Verifier(bytes.fromhex(y)).verify
    assert any(verify(NOBODYS, b"event %d" % number) for number in range(200))


def test_an_honest_public_key_is_read() -> None:
    for number in range(64):
        told = jws.b64url(jws.Ed25519Signer(bytes([number]) * 32).public_key())
        assert read_key("EdDSA", told) == jws.unb64url(told)


@pytest.mark.parametrize(("role", "pins"), [("wall", (17, 27, None)), ("bell", (None, None, 22))])
def test_the_terminals_own_program_reads_it(tmp_path: Path, role: TerminalRole, pins: tuple[int | None, ...]) -> None:
    hub = hub_to_find(tmp_path, "127.0.0.1:8443")
    with whole_folder(tmp_path / "t") as folder:
        write_home(folder, TERMINAL, "门卫室", role, new_key("EdDSA"), hub, usual_wiring(role, "pi", simulated=True))
    settings = load_settings(tmp_path / "t/settings.toml")
    panic = settings.inputs.get("panic")
    assert (panic and panic.pin, settings.outputs.light_pin, settings.outputs.sounder_pin) == pins
    assert (settings.terminal, settings.name, settings.role) == (TERMINAL, "门卫室", role)
    assert (settings.hub.address, settings.hub.server_name) == ("127.0.0.1:8443", "firstbell.local")
    assert settings.simulated.pins
    load_ca(tmp_path / "t/ca.pem")
    assert load_vkey(tmp_path / "t/log.vkey").text() == hub.vkey
    assert stat.S_IMODE((tmp_path / "t").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "t").iterdir()} == {0o600}


@given(name=st.text(st.characters().filter(str.isprintable), min_size=1, max_size=36).filter(str.strip))
def test_any_name_comes_through(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    folder = tmp_path_factory.mktemp("t")
    hub = HubToFind(campus="c-aaaaaaaaaa", server_name="firstbell.local", address="", ca_pem=b"", vkey="")
    key = TerminalKey("EdDSA", "", "")
    write_home(folder, TERMINAL, name, "wall", key, hub, usual_wiring("wall", "pi"), silent=True)
    settings = load_settings(folder / "settings.toml")
    assert settings.name == name
    assert settings.silent


def test_a_folder_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with whole_folder(tmp_path / "t") as folder:
            (folder / "key").write_text("secret")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "t"
    target.mkdir()
    with whole_folder(target) as folder:
        (folder / "a").write_text("new")
    assert (target / "a").read_text() == "new"
    with pytest.raises(FileExistsError), whole_folder(target):
        pass
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError), whole_folder(tmp_path / "file"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "t"]


def test_the_folder_where_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with whole_folder(Path()) as folder:
        (folder / "key").write_text("secret")
    assert (tmp_path / "here/key").read_text() == "secret"
    assert list(tmp_path.iterdir()) == [tmp_path / "here"]


def test_who_comes_first_wins(tmp_path: Path) -> None:
    def come_second() -> None:
        with whole_folder(tmp_path / "t"):
            (tmp_path / "t").mkdir()
            (tmp_path / "t/theirs").write_text("")

    with pytest.raises(FileExistsError):
        come_second()
    assert [path.name for path in tmp_path.rglob("*")] == ["t", "theirs"]
