"""Every command explains itself in both languages; what is wrong is said before anything is touched."""

import re
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from firstbell.program import check_program
from firstbell_flash.doctor import examine
from firstbell_flash.image import files_in, image_of
from firstbell_flash.main import FlashRun, build, words
from firstbell_flash.uf2 import build as build_uf2
from firstbell_flash.uf2 import parse
from firstbell_linux.words import LANGUAGES

from tests.flash.test_find_boards import Port, plugged
from tests.flash.typed import type_in
from tests.hub.commands.test_help import every
from tests.terminal.real_terminal import make_home
from tests.terminal.small_hub import Campus

HAN = re.compile(r"[\u4e00-\u9fff]")
PATHS = sorted(path for path, _ in every(build(FlashRun(words("en")))))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PATHS, ids=lambda path: " ".join(path) or "firstbell-flash")
def test_help(path: tuple[str, ...], language: str) -> None:
    said = type_in(*path, "--help", language=language)
    assert (said.status, said.err) == (0, "")
    command = dict(every(build(FlashRun(words(language)))))[path]
    for parameter in command.params:
        # What can't be read is said in our words and with our exit code, not with click's.
        assert not getattr(parameter.type, "readable", False), parameter.name
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
            assert parameter.opts[0] in said.out
    assert bool(HAN.search(said.out)) is (language == "zh-CN")


@pytest.fixture
def pi_folder(tmp_path: Path) -> Path:
    (tmp_path / "campus").mkdir()
    home, _ = make_home(tmp_path / "t", Campus(tmp_path / "campus"), simulated=False)
    return home.path


def node_folder(pi_folder: Path) -> Path:
    settings = pi_folder / "settings.toml"
    settings.write_text('algorithm = "HS256"\n' + settings.read_text())
    return pi_folder


def test_what_is_wrong_is_said_first(pi_folder: Path, wifi: Path, tmp_path: Path) -> None:
    for typed, status, problem in (
        (["pico"], 2, "usage"),
        (["pico", "--from", pi_folder, "--wifi", wifi], 1, "not_for_pico"),
        (["pico", "--from", tmp_path / "none", "--wifi", wifi], 3, "home_unreadable"),
        (["pico", "--from", pi_folder, "--token", "--request", "x"], 2, "usage"),
        (["pico", "--from", tmp_path / "new", "--token"], 2, "usage"),
        (["verify", "pico", "/dev/none", "--from", pi_folder], 1, "not_for_pico"),
        (["label", "--from", tmp_path / "none", "--zone", "A"], 3, "home_unreadable"),
        (["pi", "none", "--from", pi_folder, "--bundle", tmp_path / "none"], 3, "bundle_unreadable"),
        (["pi", "none", "--from", pi_folder, "--bundle", tmp_path], 4, "bundle_unreadable"),
        (["pi", "none", "--from", pi_folder, "--bundle", "x", "--ssh-key", "none"], 3, "ssh_key_unreadable"),
        (["pi", "none", "--from", pi_folder, "--bundle", "x", "--wifi", "none"], 3, "wifi_unreadable"),
        (["pi", "none", "--from", pi_folder, "--bundle", "x", "--wifi", tmp_path], 4, "wifi_unreadable"),
    ):
        said = type_in(*typed, "--json")
        assert (said.status, said.json["problem"]) == (status, problem), said.err


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_would_be_ignored_is_refused(pi_folder: Path, wifi: Path, language: str) -> None:
    folder = node_folder(pi_folder)
    for typed, said in (
        (["--sha256", "0" * 64], "--uf2"),
        (["--sha256", "1234", "--uf2", wifi], "64"),
        (["--image", "x.uf2", "/dev/none"], "--image"),
    ):
        found = type_in("pico", "--from", folder, "--wifi", wifi, *typed, language=language)
        assert (found.status, found.out) == (2, "")
        assert said in found.err


@pytest.mark.parametrize("language", LANGUAGES)
def test_another_file_is_no_image(pi_folder: Path, wifi: Path, language: str) -> None:
    said = type_in("verify", "pico", wifi, "--from", node_folder(pi_folder), language=language)
    assert (said.status, said.out) == (1, "")
    assert "firstbell-flash pico --image" in said.err


def test_an_image_that_can_not_be_there_costs_no_token(wifi: Path, tmp_path: Path) -> None:
    for image, status in ((Path("/proc/y.uf2"), 3), (tmp_path / "none/y.uf2", 3)):
        typed = ("pico", "--from", tmp_path / "new", "--token", "--wifi", wifi, "--image", image, "--json")
        said = type_in(*typed, piped="nonsense\n")
        assert (said.status, said.json["where"]) == (status, str(image))


@pytest.mark.parametrize("held", [b"", b"\xff\xfe", b"nonsense"], ids=["empty", "no text", "nonsense"])
@pytest.mark.parametrize(("part", "named"), [("key", "key"), ("ca.pem", "ca"), ("log.vkey", "vkey")])
@pytest.mark.parametrize("board", ["pi", "pico"])
def test_a_damaged_folder_goes_nowhere(
    board: str, part: str, named: str, held: bytes, pi_folder: Path, wifi: Path, tmp_path: Path
) -> None:
    folder, image = node_folder(pi_folder) if board == "pico" else pi_folder, tmp_path / "node.uf2"
    (folder / part).write_bytes(held)
    typed = ["--image", image, "--wifi", wifi] if board == "pico" else ["card", "--bundle", "b"]
    said = type_in(board, *typed, "--from", folder, "--json")
    problem = "unreadable" if held == b"\xff\xfe" else "malformed"
    assert (said.status, said.json["problem"], said.json["where"]) == (1, f"{named}_{problem}", str(folder / part))
    assert not image.exists()


@pytest.mark.parametrize("board", ["pi", "pico"])
def test_a_terminal_for_a_trial_goes_onto_no_wall(board: str, pi_folder: Path, wifi: Path, tmp_path: Path) -> None:
    folder = node_folder(pi_folder) if board == "pico" else pi_folder
    settings = folder / "settings.toml"
    settings.write_text(settings.read_text().replace("pins = false", "pins = true"))
    image = tmp_path / "node.uf2"
    ways: dict[str, list[list[object]]] = {
        "pi": [["card", "--bundle", "b"], ["card", "--bundle", "b", "--dry-run"]],
        "pico": [["/dev/none", "--wifi", wifi], ["--image", image, "--wifi", wifi]],
    }
    for typed in ways[board]:
        said = type_in(board, *typed, "--from", folder, "--json")
        assert (said.status, said.json["problem"]) == (1, "pins_simulated"), said.err
    assert not image.exists()


def test_a_command_to_copy_holds_a_file_with_blanks_together(tmp_path: Path) -> None:
    request, program = tmp_path / "my request", tmp_path / "my program"
    assert f"terminal answer '{request}' ANSWER" in type_in("pico", "--from", tmp_path / "t", "--request", request).out
    assert f"terminal update NAME '{program}'" in type_in("program", program).out


def test_a_folder_may_be_where_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    said = type_in("pi", "card", "--from", ".", "--request", "../request", "--json")
    assert (said.status, said.json["folder"]) == (0, str(tmp_path / "here"))


@pytest.mark.parametrize("command", ["bundle", "program"])
def test_nothing_is_written_over_a_file_unasked(command: str, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("theirs")
    said = type_in(command, tmp_path / "out", "--json")
    assert (said.status, said.json["problem"]) == (1, "file_there")
    assert said.err.startswith(said.json["what"])
    assert (tmp_path / "out").read_text() == "theirs"


def test_what_costs_nothing_is_looked_at_first(pi_folder: Path, wifi: Path, tmp_path: Path) -> None:
    """Before the token is used, before anything is compiled, before a bundle is read."""
    new, image = tmp_path / "new", tmp_path / "there.uf2"
    image.touch()
    for typed, problem in (
        (["pico", "--from", new, "--token", "--wifi", wifi, "--image", image], "file_there"),
        (["pico", "--from", new, "--token", "--wifi", wifi, "--image", tmp_path / "new.uf2"], "token_malformed"),
        (["pi", tmp_path, "--from", new, "--token", "--bundle", tmp_path / "none"], "token_malformed"),
        (["verify", "pico", "/dev/none", "--from", node_folder(pi_folder)], "no_such_board"),
    ):
        said = type_in(*typed, "--json", piped="nonsense\n")
        assert said.json["problem"] == problem
        assert said.err.startswith(said.json["what"])


def test_a_board_that_is_not_there(pi_folder: Path, wifi: Path) -> None:
    folder = node_folder(pi_folder)
    said = type_in("pico", "/dev/none", "--from", folder, "--wifi", wifi, "--json")
    assert (said.status, said.json["problem"]) == (3, "no_such_board")


def test_a_name_of_the_hub_goes_onto_no_node(pi_folder: Path, wifi: Path, tmp_path: Path) -> None:
    settings = node_folder(pi_folder) / "settings.toml"
    settings.write_text(re.sub('address = "[^"]*"', 'address = "hub.lan:8443"', settings.read_text()))
    for target in (["/dev/none"], ["--image", tmp_path / "node.uf2"]):
        said = type_in("pico", *target, "--from", pi_folder, "--wifi", wifi, "--json")
        assert (said.status, said.json["problem"]) == (1, "settings_wrong_value")
        assert "hub.address" in said.err
        assert "IPv4" in said.err
    assert not (tmp_path / "node.uf2").exists()


def test_a_wrong_micropython_is_refused_before_a_board_is_looked_for(pi_folder: Path, wifi: Path) -> None:
    folder = node_folder(pi_folder)
    said = type_in("pico", "/dev/none", "--from", folder, "--wifi", wifi, "--uf2", wifi, "--json")
    assert (said.status, said.json["problem"]) == (1, "uf2_unknown")


def test_an_image_is_never_written_over_a_file_unasked(pi_folder: Path, wifi: Path, tmp_path: Path) -> None:
    folder, image = node_folder(pi_folder), tmp_path / "node.uf2"
    typed = ("pico", "--from", folder, "--wifi", wifi, "--image", image, "--json")
    assert type_in(*typed).status == 0
    whole = image.read_bytes()
    assert image.stat().st_mode & 0o777 == 0o600
    assert files_in(parse(whole, "x"), "x")["key"] == (folder / "key").read_bytes()
    said = type_in(*typed)
    assert (said.status, said.json["problem"]) == (1, "file_there")
    assert image.read_bytes() == whole
    said = type_in("verify", "pico", image, "--from", folder, "--json")
    assert (said.status, said.json["differ"]) == (0, {})
    (folder / "key").write_text("A" * 43)
    said = type_in("verify", "pico", image, "--from", folder, "--json")
    assert (said.status, said.json["differ"]) == (1, {"key": "differs"})
    files = files_in(parse(whole, "x"), "x") | {"settings.json": b"[" * 5_000}
    image.write_bytes(build_uf2(image_of(files)))
    said = type_in("verify", "pico", image, "--from", folder, "--json")
    assert (said.status, said.json["differ"]) == (1, {"key": "differs", "settings.json": "differs"})


def test_the_doctor_looks_at_everything_and_says_what_to_do(tmp_path: Path) -> None:
    port = tmp_path / "ttyACM0"
    port.touch()
    found = list(examine(plugged(tmp_path, Port(str(port)), drive="sdq")))
    parts = {one.part for one in found}
    assert parts == {
        *("python", "package", "compiler", "group", "port", "drive", "udev", "modem_manager", "font", "mtools", "space")
    }
    wrong = {one.part: one.problem.name for one in found if one.problem is not None}
    assert wrong["drive"] == "drive_unmounted"
    assert not wrong.keys() & {"python", "package", "compiler", "font"}
    for one in found:
        assert words("en").say(f"doctor.{one.part}")
        if one.problem is not None:
            assert all(words("zh-CN").problem(one.problem))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_doctor_as_a_command(language: str) -> None:
    said = type_in("doctor", language=language)
    assert said.status in (0, 1)
    assert words(language).say("doctor.compiler") in said.out
    assert (said.status == 1) == (words(language).say("doctor.wrong") in said.out)


def test_list_on_a_machine_without_boards() -> None:
    said = type_in("list", "--json")
    assert said.status == 0
    assert set(said.json) == {"boards", "drives"}


def test_the_program_of_a_node_is_made_for_a_hub(tmp_path: Path) -> None:
    out = tmp_path / "node.fbp"
    said = type_in("program", out, "--json")
    assert (said.status, said.json["bytes"]) == (0, out.stat().st_size), said.err
    assert check_program(out.read_bytes())[0].startswith(version("firstbell"))


def test_a_name_adds_no_lines(tmp_path: Path) -> None:
    said = type_in("pi", "x", "--from", tmp_path / "t", "--request", tmp_path / "a\n  What to do: b/c")
    assert said.status == 3
    assert said.err.count("\n") == 3
    assert "a\\n  What to do: b" in said.err
