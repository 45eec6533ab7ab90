"""`init`, `serve`, `status`: a campus is made whole or not at all, runs once, and says what is wrong with it."""

import contextlib
import os
import random
import re
import resource
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from firstbell.note import parse_vkey
from firstbell_linux.words import LANGUAGES

from hub.commands.control import READ_S_MAX
from hub.dispatch import rules_trouble
from hub.home import Home
from hub.places.authority import fingerprint, load_certificate
from hub.settings import load_settings
from hub.words import words
from tests.hub.commands.typed import SCRIPT, START_S_MAX, Served, environment, make_home, run, serving, type_in
from tests.hub.web.wall import Wall

KILLS = 8
INIT_S = 1.5
"""About what `init` takes; it is killed somewhere within."""


def test_init_makes_a_whole_campus(tmp_path: Path) -> None:
    made = make_home(tmp_path / "hub")
    home = Home(tmp_path / "hub")
    assert made["home"] == str(home.path)
    assert home.vkey.read_text().strip() == made["log_vkey"] == parse_vkey(made["log_vkey"]).text()
    assert made["campus"] in made["log_vkey"]
    assert made["ca_fingerprint"] == fingerprint(load_certificate(Path(made["ca_file"])))
    settings = load_settings(home.settings)
    assert made["base_url"] == settings.base_url
    assert made["administrator_link"].startswith(f"{settings.base_url}/join/")
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (home.path, *home.path.rglob("*"))}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
    assert type_in("verify", "--home", home.path, "--vkey", made["log_vkey"]).status == 0
    code = made["administrator_link"].rpartition("/")[2]
    assert code.encode() not in home.database.read_bytes()


def test_init_says_what_to_keep_and_what_comes_next(tmp_path: Path) -> None:
    for language in ("en", "zh-CN"):
        folder = tmp_path / language
        said = type_in("init", "--home", folder, "--name", "城南中学", language=language)
        assert said.status == 0
        for shown in (Home(folder).vkey.read_text().strip(), "https://firstbell.local:8443/join/", f"--home {folder}"):
            assert shown in said.out
        assert "http://firstbell.local:8080/join" in said.out
        folder = tmp_path / f"{language}-without-join"
        said = type_in("init", "--home", folder, "--name", "城南中学", "--join-port", 0, language=language)
        assert str(Home(folder).keys / "ca.pem") in said.out


def test_init_never_makes_one_over_another(tmp_path: Path) -> None:
    folder = tmp_path / "hub"
    make_home(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    said = type_in("init", "--home", folder, "--name", "Again")
    assert said.status == 1
    assert str(folder) in said.err
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["hub"]


def test_init_without_a_name_and_nobody_to_ask(tmp_path: Path) -> None:
    said = type_in("init", "--home", tmp_path / "hub", "--json")
    assert (said.status, said.json["problem"], (tmp_path / "hub").exists()) == (2, "usage", False)
    assert "--name" in said.err


def test_init_looks_at_the_folder_before_it_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "theirs").write_text("")
    said = type_in("init", "--home", tmp_path, piped="Campus\n")
    assert (said.status, "already" in said.err, "Name of the campus" in said.err) == (1, True, False)
    monkeypatch.delenv("FIRSTBELL_HOME", raising=False)
    said = type_in("init", piped="Campus\n")
    assert (said.status, "--home" in said.err, "Name of the campus" in said.err) == (2, True, False)
    said = type_in("init", "--home", tmp_path / "hub", piped="城南中学\n")
    assert (said.status, "Name of the campus: " in said.err, "城南中学 is made" in said.out) == (0, True, True)


@pytest.mark.parametrize(
    ("typed", "status", "says"),
    [
        (["--host", "hub.example.org"], 2, "hub.example.org"),
        *((["--host", address], 2, "--address") for address in ("127.0.0.1", "192.168.1.5", "fe80::1", "8.8.8.8")),
        (["--address", "8.8.8.8"], 2, "8.8.8.8"),
        (["--host", "a..local"], 2, "a..local"),
        (["--host", "a b.local"], 2, "a b.local"),
        (["--host", "a" * 64 + ".local"], 2, "no host name"),
        (["--host", "a.local"] * 9, 2, "names"),
        (["--address", "10.0.0.1.2"], 2, "addresses"),
        (["--port", "9000", "--join-port", "9000"], 2, "9000"),
        (["--administrator", "x" * 40], 2, "long"),
    ],
)
def test_init_refuses_what_cannot_be(tmp_path: Path, typed: list[str], status: int, says: str) -> None:
    said = type_in("init", "--home", tmp_path / "hub", "--name", "Campus", *typed)
    assert (said.status, says in said.err) == (status, True), said.err
    assert list(tmp_path.iterdir()) == []


def test_init_takes_a_host_name_in_capitals(tmp_path: Path) -> None:
    assert type_in("init", "--home", tmp_path / "hub", "--name", "Campus", "--host", "Upper.LOCAL").status == 0
    assert load_settings(Home(tmp_path / "hub").settings).names == ("upper.local",)


def test_init_takes_names_in_one_line(tmp_path: Path) -> None:
    said = type_in("init", "--home", tmp_path / "hub", "--name", "South\n School", "--administrator", "A\n B")
    assert said.status == 0
    assert "South School is made" in said.out
    assert "A B gets" in said.out
    subject = load_certificate(Home(tmp_path / "hub").keys / "ca.pem").subject.rfc4514_string()
    assert subject == "CN=Firstbell South School"


def test_init_on_a_disk_that_takes_no_record(tmp_path: Path) -> None:
    before, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Room for keys and settings.
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_192, hard))
    try:
        said = type_in("init", "--home", tmp_path / "hub", "--name", "Campus", "--json")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, hard))
    assert (said.status, said.json["problem"]) == (4, "record_unwritable")
    assert list(tmp_path.iterdir()) == []


def test_init_says_what_is_in_the_way_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file" / "hub", tmp_path / "file" / "deep" / "hub"):
        said = type_in("init", "--home", folder, "--name", "Campus", "--json")
        assert (said.status, said.json["problem"]) == (4, "system")
        assert "it is no folder" in said.err
        assert "already" not in said.err


def test_init_that_is_killed_leaves_nothing_half_made(tmp_path: Path) -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    dice = random.Random(seed)
    for number in range(KILLS):
        folder = tmp_path / f"hub{number}"
        command = [str(SCRIPT), "init", "--home", str(folder), "--name", "Campus"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        time.sleep(dice.uniform(0, INIT_S))
        process.send_signal(signal.SIGKILL)
        process.wait()
        if folder.exists():
            assert type_in("verify", "--home", folder).status == 0
            load_settings(Home(folder).settings)
        else:
            assert type_in("init", "--home", folder, "--name", "Campus").status == 0


def test_status_of_a_running_hub(hub: Served) -> None:
    now = hub.done("status")
    assert (now["campus"], now["base_url"]) == ("城南中学", hub.made["base_url"])
    assert (now["incidents_open"], now["fault"], now["reachable"]) == (0, False, False)
    for language, says in (("en", "NOBODY can be reached"), ("zh-CN", "没人能接警")):
        said = hub("status", language=language)
        assert says in said.out
        assert "城南中学" in said.out


def test_no_hub_no_home(tmp_path: Path) -> None:
    make_home(tmp_path / "hub")
    said = type_in("status", "--home", tmp_path / "hub")
    assert (said.status, said.out) == (5, "")
    assert "serve" in said.err
    said = type_in("status", "--home", tmp_path / "none", "--json")
    assert said.status == 3
    assert said.json["problem"] == "no_home"


def test_status_of_a_hub_that_stands_still(hub: Served) -> None:
    process = int(hub.home.lock.read_text())
    os.kill(process, signal.SIGSTOP)
    try:
        began = time.monotonic()
        said = hub("status", "--json")
        took_s = time.monotonic() - began
    finally:
        os.kill(process, signal.SIGCONT)
    assert (said.status, said.json["problem"], said.json["where"]) == (5, "hub_stalled", str(hub.home.control))
    assert took_s < READ_S_MAX + 2
    assert "A process has the hub's socket" in said.err
    assert hub("status").status == 0


def test_a_home_runs_once(hub: Served) -> None:
    said = type_in("serve", "--home", hub.folder)
    assert said.status == 1
    assert hub.home.lock.read_text().strip() in said.err
    assert hub("status").status == 0


def test_serve_says_why_it_cannot(tmp_path: Path) -> None:
    made = make_home(tmp_path / "hub")
    home = Home(tmp_path / "hub")
    with socket.create_server(("127.0.0.1", int(made["base_url"].rpartition(":")[2]))):
        home.settings.write_text(home.settings.read_text().replace('"0.0.0.0"', '"127.0.0.1"'))
        for language, says in (("en", "another program has that port"), ("zh-CN", "那个端口已被别的程序占用")):
            said = type_in("serve", "--home", home.path, language=language)
            assert (said.status, says in said.err) == (4, True)
            assert made["base_url"].replace("https://localhost", "127.0.0.1") in said.err
    home.settings.write_text(home.settings.read_text().replace('"127.0.0.1"', '"192.0.2.1"'))
    said = type_in("serve", "--home", home.path)
    assert (said.status, "does not have that address" in said.err, "192.0.2.1:" in said.err) == (4, True, True)
    home.settings.write_text(home.settings.read_text().replace('"192.0.2.1"', '"127.0.0.1"'))
    key = home.log_key.read_bytes()
    other = X25519PrivateKey.generate()
    for held in (b"nonsense", other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())):
        home.log_key.write_bytes(held)
        for language, says in (("en", "no Ed25519 private key"), ("zh-CN", "没有 Ed25519 私钥")):
            said = type_in("serve", "--home", home.path, language=language)
            assert (said.status, says in said.err) == (1, True), said.err
    home.log_key.write_bytes(key)
    for kept in (home.log_key, home.keys / "ca.pem", home.keys / "ca.key", home.keys / "hub.key"):
        kept.rename(home.path / "kept")
        said = type_in("serve", "--home", home.path)
        assert (said.status, "no such file" in said.err, str(kept) in said.err) == (3, True, True), said.err
        kept.mkdir()
        said = type_in("serve", "--home", home.path)
        assert (said.status, "it is a folder" in said.err, str(kept) in said.err) == (4, True, True), said.err
        kept.rmdir()
        (home.path / "kept").rename(kept)
    whole = home.vkey.read_bytes()
    for vkey in (b"\xff\xfe", b"nonsense", b"", b"example.org+" + whole.partition(b"+")[2]):
        home.vkey.write_bytes(vkey)
        for typed in ("serve", "verify"):
            said = type_in(typed, "--home", home.path, "--json")
            assert (said.status, said.json["problem"], said.json["where"]) == (1, "vkey_unusable", str(home.vkey))
    home.vkey.write_bytes(whole)
    with sqlite3.connect(home.database) as database:
        database.execute("UPDATE head SET size = size + 1")
    database.close()
    said = type_in("serve", "--home", home.path)
    assert said.status == 1
    assert "verify" in said.err
    home.settings.write_text("names = 1")
    said = type_in("serve", "--home", home.path)
    assert said.status == 1
    assert "names" in said.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_ends_cleanly_and_goes_on(tmp_path: Path, number: signal.Signals) -> None:
    made = make_home(tmp_path / "hub")
    hub = Served(tmp_path / "hub", made)
    with serving(hub.folder) as process:
        hub.done("zone", "set", "西区")
        process.send_signal(number)
        assert process.wait(30) == 0
    assert type_in("verify", "--home", hub.folder).status == 0
    with serving(hub.folder):
        assert [zone["name"] for zone in hub.done("zone", "list")["zones"]] == ["东区", "西区"]


def test_the_home_may_be_given_by_the_environment(hub: Served) -> None:
    command = [str(SCRIPT), "status", "--json"]
    variables = environment(FIRSTBELL_HOME=str(hub.folder))
    result = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 0, result.stderr
    first = type_in("--home", hub.folder, "--json", "status")
    assert first.json["campus"] == "城南中学"


def test_a_home_that_is_typed_counts_before_the_environment_wherever_it_stands(
    hub: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTBELL_HOME", str(hub.folder))
    typed = str(tmp_path / "typed")
    for command in (["status"], ["verify"], ["guard", "list"], ["incident", "list"]):
        for said in (type_in("--home", typed, "--json", *command), type_in(*command, "--json", "--home", typed)):
            assert (said.status, said.json["where"].startswith(typed)) == (3, True), said.out
    other = type_in("--home", tmp_path / "first", "status", "--home", typed, "--json")
    assert (other.status, other.json["where"]) == (3, typed)


def test_a_pipe_that_closes_is_no_error(hub: Served) -> None:
    command = f"{SCRIPT} zone list --home {hub.folder} | head -c 1"
    result = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert result.stderr == ""


def test_a_home_deep_in_the_tree(tmp_path: Path) -> None:
    """A Unix socket's address holds 107 bytes; the commands reach further."""
    made = make_home(tmp_path / "hub")
    with serving(tmp_path / "hub"):
        deep = tmp_path / ("a" * 60) / ("b" * 60)
        deep.mkdir(parents=True)
        (deep / "hub").symlink_to(tmp_path / "hub")
        assert type_in("status", "--home", deep / "hub", "--json").json["base_url"] == made["base_url"]


def test_status_says_which_terminal_has_which_trouble(hub: Served) -> None:
    async def stuck() -> None:
        wall = Wall(hub.made["base_url"], hub.browsing(), hub.home.control, "三层走廊", "东区")
        async with wall:
            await wall.say("stuck")
            await wall.say("tamper")
            said = {language: hub("status", language=language).out for language in ("en", "zh-CN")}
            assert "\nTrouble: button stuck (三层走廊/panic)\n" in said["en"]
            assert "\nTrouble: terminal was opened (三层走廊/panic)\n" in said["en"]
            assert "\n故障：按钮卡住（三层走廊/panic）\n" in said["zh-CN"]
            assert f"stuck:{wall.terminal}/panic" in hub.done("status")["troubles"]

    run(stuck())


def test_what_others_are_let_in_to_is_told_with_what_to_do(hub: Served, tmp_path: Path) -> None:
    assert [hub(command).err.count("chmod") for command in ("status", "verify")] == [0, 0]
    opened = (hub.folder, hub.home.log_key, hub.home.database)
    for path in opened:
        path.chmod(0o750 if path.is_dir() else 0o640)
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    for path in (hub.home.database, hub.home.vkey):
        shutil.copy(path, shared)
    try:
        for command, language, mode in (("status", "en", "(mode 0640)"), ("verify", "zh-CN", "（权限 0640）")):
            said = hub(command, language=language)
            assert (said.status, said.err.count(mode)) == (0, 2)
            for path in opened:
                assert f"chmod go= {path}\n" in said.err
            assert hub(command, "--json").json
        assert "chmod" not in type_in("verify", "--home", shared).err, "a copy is there to be read"
    finally:
        for path in opened:
            path.chmod(0o700 if path.is_dir() else 0o600)


def test_every_trouble_and_every_state_has_its_words() -> None:
    table = re.findall(r"^\| ([a-z_, ]+) \| (?:terminal|cause|campus)", str(rules_trouble.__doc__), re.MULTILINE)
    troubles = [what for row in table for what in row.split(", ")]
    assert len(troubles) >= 13
    states = ("raised", "dispatched", "on_scene", "resolved", "closed")
    keys = [*(f"trouble.{what}" for what in troubles), *(f"state.{state}" for state in states)]
    assert [(language, key) for language in LANGUAGES for key in keys if not words(language).has(key)] == []


@pytest.mark.parametrize("broken", ["<&-", "<&- >&- 2>&-", ">/dev/full 2>&1", "2> >(:)"])
def test_serve_needs_no_standard_files(tmp_path: Path, broken: str) -> None:
    """A log that can't be written is no reason not to ring: closed, full, or a pipe whose reader has gone."""
    hub = Served(tmp_path / "hub", make_home(tmp_path / "hub"))
    shell = f'"$0" serve --home "$1" {broken} & echo $!; wait $!'
    with subprocess.Popen(
        ["bash", "-c", shell, str(SCRIPT), str(hub.folder)], stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        try:
            serving_pid = int(process.stdout.readline())
            deadline = time.monotonic() + START_S_MAX
            while hub("status").status != 0:
                assert time.monotonic() < deadline
                time.sleep(0.05)  # nothing else tells us that it has begun to listen
            hub.done("zone", "set", "西区")
            os.kill(serving_pid, signal.SIGTERM)
            assert process.wait(START_S_MAX) == 0
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert type_in("verify", "--home", hub.folder).status == 0
