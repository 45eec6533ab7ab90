"""`firstbell-flash pi`, `verify pi` and `bundle` as they are typed: texts in two languages, JSON, exit codes."""

import json
import os
import re
from hashlib import sha256
from pathlib import Path

import pytest
from firstbell_flash import bundle
from firstbell_flash.boot_partition import open_fat
from firstbell_flash.main import words

from tests.card.cards import CARDS, digest, lay_out, make_image
from tests.flash.typed import type_in
from tests.terminal.real_terminal import make_home
from tests.terminal.small_hub import Campus

SCRIPTS = {"install.sh": b"#!/bin/sh\n", "start.sh": b"#!/bin/sh\n", "firstbell-install.service": b"[Unit]\n"}
WIFI = '[[network]]\nssid = "school"\npassword = "a passphrase"\n'


def typed(*arguments: str | Path, language: str = "en") -> tuple[int | None, str, str]:
    """Exit code, stdout, stderr."""
    said = type_in(*arguments, language=language)
    return said.status, said.out, said.err


class Bench:
    """What lies on a maintainer's bench."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "campus").mkdir()
        home, _ = make_home(folder / "gym", Campus(folder / "campus"), simulated=False)
        self.home = home.path
        self.bundle = folder / "firstbell.tar"
        self.bundle.write_bytes(bundle.pack({**SCRIPTS, "wheels/x.whl": b"wheel"}))
        self.card = make_image(folder / "card.img", CARDS["trixie"][1])

    def pi(self, *more: str | Path, card: Path | None = None, language: str = "en") -> tuple[int | None, str, str]:
        arguments = ("pi", card or self.card, "--from", self.home, "--bundle", self.bundle)
        return typed(*arguments, *more, language=language)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_from_a_folder_to_a_card_and_back(bench: Bench) -> None:
    wifi, key = bench.folder / "wifi.toml", bench.folder / "id.pub"
    wifi.write_text(WIFI)
    wifi.chmod(0o600)
    key.write_text("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDe/gm0= desk\n")
    code, out, err = bench.pi("--wifi", wifi, "--country", "CN", "--ssh-key", key, "--json")
    assert code == 0, err
    told = json.loads(out)
    assert told["format"] == "cloud-init"
    assert told["hostname"] == told["terminal"]
    assert re.fullmatch(r"t-[a-z2-7]{10}", told["hostname"])
    for said in ("a passphrase", (bench.home / "key").read_text().strip()):
        assert said not in out + err
    assert "user-data" in err
    assert open_fat(bench.card).read("firstbell/terminal/key") == (bench.home / "key").read_bytes()
    code, out, _ = typed("verify", "pi", bench.card, "--from", bench.home, "--json")
    assert (code, json.loads(out)["differ"]) == (0, {})
    open_fat(bench.card).write("firstbell/terminal/key", b"another\n")
    code, out, _ = typed("verify", "pi", bench.card, "--from", bench.home, "--json")
    assert (code, json.loads(out)["differ"]) == (1, {"firstbell/terminal/key": "differs"})


def test_a_card_that_was_never_written(bench: Bench) -> None:
    code, out, _ = typed("verify", "pi", bench.card, "--from", bench.home, "--json")
    assert (code, json.loads(out)["problem"]) == (1, "card_not_ours")


def test_only_said(bench: Bench) -> None:
    before = digest(bench.card)
    code, out, err = bench.pi("--dry-run", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert told["replaces"] == ["meta-data", "network-config", "user-data"]
    assert "firstbell/bundle/wheels/x.whl" in told["files"]
    assert digest(bench.card) == before
    assert bench.pi("--dry-run")[0] == 0


def test_which_bundle_it_is_can_be_compared(bench: Bench) -> None:
    mark = sha256(bench.bundle.read_bytes()).hexdigest()
    for more in ((), ("--dry-run",)):
        code, out, err = bench.pi("--json", *more)
        assert (code, json.loads(out)["bundle_sha256"], mark in err) == (0, mark, True)


def test_a_mounted_folder(bench: Bench) -> None:
    boot = lay_out(bench.folder / "bootfs", CARDS["bookworm"][1])
    code, out, err = bench.pi(card=boot)
    assert code == 0, err
    assert "firstbell-hub terminal list" in out
    assert (boot / "firstrun.sh").exists()


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--country", "cn"), 2, "cn"),
        (("--hostname", "Gym_1"), 2, "Gym_1"),
        (("--ssh-key", "no-such-file"), 3, "no-such-file"),
        (("--wait",), 2, "--token"),
        (("--yes", "0x1234"), 2, "--yes"),
        (("--country", "XX"), 2, "XX"),
    ],
)
def test_typed_wrongly(bench: Bench, arguments: tuple[str, ...], code: int, said: str, language: str) -> None:
    before = digest(bench.card)
    found, _, err = bench.pi(*arguments, language=language)
    assert found == code, err
    assert said in err
    assert digest(bench.card) == before


@pytest.mark.parametrize("said", ["kkigkm-a-terminal's-own-key", "ssh-rsa AAAA\nssh-rsa AAAA", "", "\0" * 30_000])
def test_what_is_no_ssh_key_is_not_shown(bench: Bench, said: str) -> None:
    key = bench.folder / "id"
    key.write_text(said)
    code, out, err = bench.pi("--ssh-key", key, "--json")
    assert (code, json.loads(out)["problem"], json.loads(out)["where"]) == (1, "ssh_key_not_one", str(key))
    assert not said or said[:6] not in out + err


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("option", ["--wifi", "--ssh-key", "--bundle", "--answer"])
def test_a_pipe_or_a_device_is_no_file(bench: Bench, option: str, language: str) -> None:
    """Nobody writes into it; nor would reading /dev/zero end."""
    pipe = bench.folder / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero")):
        code, out, err = bench.pi(option, path, language=language)
        assert (code, out) in ((1, ""), (4, "")), err
        assert str(path) in err
        assert words(language).say("system.no_file") in err


def test_an_empty_card_is_none_of_raspberry_pi_os(bench: Bench) -> None:
    card = make_image(bench.folder / "empty.img", {"x": b""})
    open_fat(card).remove("x")
    code, out, _ = bench.pi("--json", card=card)
    assert (code, json.loads(out)["problem"]) == (4, "not_pi_os")


def test_a_pipe_is_no_card(bench: Bench) -> None:
    pipe = bench.folder / "pipe"
    os.mkfifo(pipe)
    for code, out, _ in (
        bench.pi("--json", card=pipe),
        typed("verify", "pi", pipe, "--from", bench.home, "--json"),
    ):
        assert (code, json.loads(out)["problem"]) == (4, "no_boot_partition")


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_a_card_that_is_refused(bench: Bench, language: str) -> None:
    """Read-only, not there, this machine's own memory."""
    bench.card.chmod(0o444)
    before = digest(bench.card)
    code, out, _ = bench.pi("--json", language=language)
    assert (code, json.loads(out)["problem"]) == (4, "card_read_only")
    assert digest(bench.card) == before
    for card, *refused in ((bench.folder / "none", 3, "card_unreadable"), (Path("/dev/null"), 4, "no_boot_partition")):
        code, out, _ = bench.pi("--json", card=card, language=language)
        assert [code, json.loads(out)["problem"]] == refused


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_a_card_of_another_terminal(bench: Bench, language: str) -> None:
    """Neither another's folder nor an answer makes it theirs; its own does once more what was done."""
    assert bench.pi()[0] == 0
    before = digest(bench.card)
    (bench.folder / "other").mkdir()
    other, _ = make_home(
        bench.folder / "hall", Campus(bench.folder / "other"), terminal="t-other22222", simulated=False
    )
    code, _, err = bench.pi("--from", other.path, language=language)
    assert code == 4, err
    assert "Imager" in err
    code, out, err = bench.pi("--from", bench.folder / "new", "--answer", "none", "--json", language=language)
    assert (code, json.loads(out)["problem"]) == (4, "card_of_other"), err
    assert digest(bench.card) == before
    assert bench.pi()[0] == 0


def test_no_bundle(bench: Bench) -> None:
    code, _, err = typed("pi", bench.card, "--from", bench.home)
    assert code == 2
    assert "firstbell-flash bundle" in err
    bench.bundle.write_bytes(bench.bundle.read_bytes()[:2_000])
    code, out, _ = bench.pi("--json")
    assert (code, json.loads(out)["problem"]) == (1, "bundle_broken")


def test_a_nodes_folder(bench: Bench) -> None:
    settings = bench.home / "settings.toml"
    settings.write_text(f'algorithm = "HS256"\n{settings.read_text()}')
    before = digest(bench.card)
    code, out, _ = bench.pi("--json")
    assert (code, json.loads(out)["problem"]) == (1, "not_for_pi")
    assert digest(bench.card) == before
