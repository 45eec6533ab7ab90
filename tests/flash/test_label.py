"""A label: its code leads to the terminal's row, its text fits, and both files have its size."""

import re
from pathlib import Path

import pytest
import zxingcpp
from firstbell_flash.label import HEIGHT_MM, WIDTH_MM, dots, draw, find_font, page_of
from firstbell_flash.problems import NotFound
from PIL import Image

from terminal.settings import Home, load_settings
from tests.flash.typed import type_in
from tests.terminal.real_terminal import make_home
from tests.terminal.small_hub import Campus

NAMES = ["Gym", "二号教学楼三层女卫生间外走廊", "Old Building, third floor, behind the stairs", "W" * 64, "楼" * 64]
PAGE = "https://hub.lan:8443/admin#t-abcdefghij"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "campus").mkdir()
    home, _ = make_home(tmp_path / "t", Campus(tmp_path / "campus"), simulated=False)
    return home.path


def test_its_code_leads_to_the_terminals_row(folder: Path, tmp_path: Path) -> None:
    said = type_in("label", "--from", folder, "--zone", "东区", "--to", tmp_path / "labels", "--json")
    assert said.status == 0, said.err
    settings = load_settings(Home(folder).settings)
    pdf, png = map(Path, said.json["files"])
    with Image.open(png) as picture:
        (code,) = zxingcpp.read_barcodes(picture.convert("L"))
        assert code.text == said.json["page"] == page_of(settings)
        assert code.text.endswith(f"/admin#{settings.terminal}")
        assert picture.size == (dots(WIDTH_MM), dots(HEIGHT_MM))
        assert [round(side) for side in picture.info["dpi"]] == [300, 300]
    text = pdf.read_bytes()
    assert text.startswith(b"%PDF-")
    (box,) = re.findall(rb"/MediaBox \[ 0 0 ([0-9.]+) ([0-9.]+) \]", text)
    assert [float(side) / 72 * 25.4 for side in box] == pytest.approx([WIDTH_MM, HEIGHT_MM], abs=0.1)


def test_a_link_in_its_place_is_replaced(folder: Path, tmp_path: Path) -> None:
    other, to = tmp_path / "other", tmp_path / "labels"
    other.write_text("somebody's")
    to.mkdir()
    for kind in ("pdf", "png"):
        (to / f"{load_settings(Home(folder).settings).terminal}.{kind}").symlink_to(other)
    assert type_in("label", "--from", folder, "--zone", "East", "--to", to).status == 0
    assert other.read_text() == "somebody's"
    assert not any(path.is_symlink() for path in to.iterdir())


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize(
    "typed",
    [
        ("--zone", ""),
        ("--zone", "East\n"),
        ("--zone", "East", "--hub", 'evil"x'),
        ("--zone", "East", "--hub", "hub.lan:70000"),
        ("--zone", "East", "--hub", "hub.lan/x"),
    ],
)
def test_what_no_label_can_say(folder: Path, tmp_path: Path, typed: tuple[str, ...], language: str) -> None:
    to = tmp_path / "labels"
    said = type_in("label", "--from", folder, "--to", to, *typed, language=language)
    assert (said.status, said.out, to.exists()) == (2, "", False)
    assert typed[-2] in said.err


def test_which_port_its_code_opens_is_said_unless_it_is_known(folder: Path, tmp_path: Path) -> None:
    typed = ("label", "--from", folder, "--zone", "East", "--to", tmp_path)
    for address in ("hub.lan", "hub.lan:9443", "[fd00::1]:9443"):
        known = type_in(*typed, "--hub", address, "--json")
        assert known.json["page"].startswith(f"https://{address}/admin#"), known.err
        assert "HOST:PORT" not in known.err
    settings = Home(folder).settings
    settings.write_text(re.sub("(?m)^address = .*\n", "", settings.read_text()))
    unknown = type_in(*typed)
    assert ":8443/" in unknown.out
    assert "8443" in unknown.err
    assert "HOST:PORT" in unknown.err


@pytest.mark.parametrize("name", NAMES)
def test_every_name_fits_and_the_code_stays_readable(name: str) -> None:
    picture = draw(name, "东区 East", "t-abcdefghij", PAGE)
    (code,) = zxingcpp.read_barcodes(picture.convert("L"))
    assert code.text == PAGE
    edge = picture.crop((picture.width - 4, 0, picture.width, picture.height))
    assert edge.convert("L").getextrema() == (255, 255), "nothing runs out of it"


def test_text_is_really_drawn() -> None:
    one, other = (draw(name, "东区", "t-abcdefghij", PAGE) for name in ("体育馆", "图书馆"))
    assert one.tobytes() != other.tobytes()


def test_characters_that_no_font_has_are_said() -> None:
    assert Path(find_font("体育馆 Gym")[0]).is_file()
    with pytest.raises(NotFound) as error:
        find_font("Gym \U000e0041\U0010fffd")
    assert error.value.problem.name == "no_font"
