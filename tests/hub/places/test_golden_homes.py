"""The golden folders: enrolment writes them byte for byte, and the terminal's own program reads them."""

import json
from pathlib import Path

import pytest
from cryptography import x509
from firstbell.jws import HS256, Ed25519Signer, b64url, unb64url

from hub.dispatch.entries import Algorithm, InputKind, TerminalRole
from hub.places.authority import make_authority
from hub.places.enrolment import HubToFind, TerminalKey, Wiring, write_home
from terminal.credentials import load_key, load_vkey, tls_context
from terminal.settings import Settings, load_settings

HOMES: dict[str, dict[str, str]] = json.loads((Path(__file__).parents[2] / "golden/homes.json").read_text("utf-8"))[
    "homes"
]


def wiring_of(settings: Settings) -> Wiring:
    inputs: dict[str, tuple[InputKind, int]] = {name: (one.kind, one.pin) for name, one in settings.inputs.items()}
    outputs = settings.outputs
    return Wiring(board="pi", inputs=inputs, light_pin=outputs.light_pin, sounder_pin=outputs.sounder_pin)


@pytest.mark.parametrize("terminal", HOMES)
def test_a_folder_is_written_as_it_stands(tmp_path: Path, terminal: str) -> None:
    home = HOMES[terminal]
    (tmp_path / "settings.toml").write_text(home["settings.toml"], "utf-8")
    settings = load_settings(tmp_path / "settings.toml")
    kept = home["key"].strip()
    algorithm: Algorithm = settings.algorithm
    role: TerminalRole = settings.role
    told = kept if algorithm == HS256 else b64url(Ed25519Signer(unb64url(kept)).public_key())
    hub = HubToFind(
        campus=settings.hub.campus,
        server_name=settings.hub.server_name,
        address=settings.hub.address,
        ca_pem=home["ca.pem"].encode(),
        vkey=home["log.vkey"].strip(),
    )
    key = TerminalKey(algorithm, told, kept)
    folder = tmp_path / "t"
    folder.mkdir()
    write_home(folder, terminal, settings.name, role, key, hub, wiring_of(settings), silent=settings.silent)
    assert {path.name: path.read_text("utf-8") for path in folder.iterdir()} == home


@pytest.mark.parametrize("terminal", HOMES)
def test_a_terminal_can_work_with_it(tmp_path: Path, terminal: str) -> None:
    for name, text in HOMES[terminal].items():
        (tmp_path / name).write_text(text, "utf-8")
    settings = load_settings(tmp_path / "settings.toml")
    assert settings.terminal == terminal
    assert load_key(tmp_path / "key", settings.algorithm).algorithm == settings.algorithm
    assert load_vkey(tmp_path / "log.vkey").text() + "\n" == HOMES[terminal]["log.vkey"]
    assert tls_context(tmp_path / "ca.pem").get_ca_certs()


@pytest.mark.parametrize("terminal", HOMES)
def test_the_authority_is_such_as_a_hub_makes(terminal: str) -> None:
    golden = x509.load_pem_x509_certificate(HOMES[terminal]["ca.pem"].encode())
    made = make_authority("c-campus2222", golden.not_valid_before_utc).certificate
    golden.verify_directly_issued_by(golden)
    assert golden.subject == made.subject
    assert golden.not_valid_before_utc == made.not_valid_before_utc
    assert golden.signature_algorithm_oid == made.signature_algorithm_oid
    assert [(one.oid, one.critical) for one in golden.extensions] == [
        (one.oid, one.critical) for one in made.extensions
    ]
    for kind in (x509.BasicConstraints, x509.KeyUsage, x509.NameConstraints):
        assert golden.extensions.get_extension_for_class(kind) == made.extensions.get_extension_for_class(kind)
