"""terminal/README.md says what is so."""

import re
from pathlib import Path

import msgspec

import terminal
from terminal import outbox
from terminal.control import Cut, Edges, Press, Request, Status, Watch
from terminal.settings import Settings, load_settings

FOLDER = Path(terminal.__file__).parent
README = (FOLDER / "README.md").read_text("utf-8")


def test_its_settings_can_be_used_and_name_every_key(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(README.partition("```toml\n")[2].partition("```")[0], "utf-8")
    settings = load_settings(path)
    assert settings.inputs["panic"].pin == 17
    named = path.read_text("utf-8")
    fields = [*Settings.__struct_fields__, *type(settings.hub).__struct_fields__]
    fields += [*type(settings.outputs).__struct_fields__, *type(settings.simulated).__struct_fields__]
    assert [field for field in fields if not re.search(rf"\b{field}\b", named)] == []


def test_it_lists_every_file() -> None:
    table = README.partition("| file | what |")[2].partition("##")[0]
    listed = set(re.findall(r"`(\w+\.py)`", table))
    assert listed == {path.name for path in FOLDER.glob("*.py")} - {"__init__.py"}


def test_its_requests_are_understood() -> None:
    decoder = msgspec.json.Decoder(Status | Watch | Press | Edges | Cut)
    requests = [decoder.decode(text) for text in re.findall(r"`(\{\"do\".*?\})` \|", README)]
    assert {type(request) for request in requests} == set(Request.__subclasses__())


def test_its_numbers_are_the_codes() -> None:
    assert f"({outbox.EVENTS_MAX:,} events)" in README
    assert outbox.BOOT_JUMP_MIN == 2**31
    assert outbox.BOOT_JUMP_MAX == 2**47
    assert "between 2^31 and 2^47" in README
