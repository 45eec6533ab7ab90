"""`firstbell-flash label`: what is stuck onto a terminal: its name, its zone, and a code that opens its row at the hub.

Drawn as a picture in black and white, as a label printer prints it; the PDF holds the same picture at its size.
"""

import io
import re
import subprocess
from pathlib import Path

import click
import segno
from firstbell_flash.homes import from_option
from firstbell_flash.problems import NotFound, TypedWrongly
from firstbell_linux.enrolment import is_address
from firstbell_linux.parsing import is_name
from firstbell_linux.private_file import write_public
from firstbell_linux.problems import Problem
from firstbell_linux.shell import PATH, Run, command
from PIL import Image, ImageDraw, ImageFont

from terminal.settings import Home, Settings, check_home, load_settings

DOTS_PER_INCH = 300
WIDTH_MM, HEIGHT_MM = 62.0, 29.0
"""A common roll of label printers; an ordinary printer prints it at its size, too."""
MARGIN_MM = 1.5
NAME_MM, ZONE_MM, ID_MM = 14.0, 6.5, 3.0
"""How high each may be, in lines of at most LETTER_MM_MAX."""
LETTER_MM_MAX = 7.0
HUB_PORT = 8443
"""A hub's own, for a terminal that looks for it on the LAN."""

FONT_FORMAT = "%{file}\n%{index}\n%{charset}"
_PIECE = re.compile(r"[^\s\u2e80-\u9fff\uf900-\uffef]+\s*|.")
"""What a line is broken between: words, and each character of a script without blanks."""


def build(run: Run) -> click.Command:
    to = click.Option(["--to"], type=PATH, default=Path(), metavar="DIR")
    hub = click.Option(["--hub", "address"], default="", metavar="HOST:PORT")
    return command(run, "label", label, from_option(), click.Option(["--zone"], required=True), to, hub)


def label(run: Run, folder: Path, zone: str, to: Path, address: str) -> None:
    if not is_name(zone):
        raise click.UsageError(run.say("label.no_zone"))
    if address and not (is_address(address) or is_address(f"{address}:{HUB_PORT}")):
        raise TypedWrongly(Problem("address_malformed", address))
    home = Home(folder)
    check_home(home)
    settings = load_settings(home.settings)
    page = page_of(settings, address)
    picture = draw(settings.name, zone, settings.terminal, page)
    files = {to / f"{settings.terminal}.{kind}": _saved(picture, kind) for kind in ("pdf", "png")}
    to.mkdir(parents=True, exist_ok=True)
    for path, data in files.items():
        write_public(path, data)
    made = [run.say("label.made", file=path) for path in files]
    run.tell({"files": list(map(str, files)), "page": page}, *made, run.say("label.opens", page=page))
    if not address and not settings.hub.address:
        run.note(run.say("label.usual_port", port=HUB_PORT))


def _saved(picture: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, dpi=(DOTS_PER_INCH, DOTS_PER_INCH), resolution=DOTS_PER_INCH)
    return file.getvalue()


def page_of(settings: Settings, address: str = "") -> str:
    """The hub's administration, at this terminal's row. `address`: where the hub is, if the settings don't tell."""
    port = settings.hub.address.rpartition(":")[2] or HUB_PORT
    return f"https://{address or f'{settings.hub.server_name}:{port}'}/admin#{settings.terminal}"


def draw(name: str, zone: str, terminal: str, address: str) -> Image.Image:
    """Raises NotFound: no font of this machine has all the characters."""
    width, height, margin = map(dots, (WIDTH_MM, HEIGHT_MM, MARGIN_MM))
    picture = Image.new("1", (width, height), 1)
    code = segno.make_qr(address, error="m")
    scale = height // int(code.symbol_size()[0])
    left = int(code.symbol_size(scale)[0])
    # With its quiet zone of four modules.
    for y, row in enumerate(code.matrix_iter(scale, border=4)):
        for x, dark in enumerate(row):
            if dark:
                picture.putpixel((x, y + (height - left) // 2), 0)
    file, index = find_font(name + zone + terminal)
    pen = ImageDraw.Draw(picture)
    top = margin
    for text, high_mm in ((name, NAME_MM), (zone, ZONE_MM), (terminal, ID_MM)):
        font, lines = _fit(text, file, index, width - left - margin, dots(high_mm))
        for number, line in enumerate(lines):
            pen.text((left, top + number * _line_dots(font)), line, 0, font)
        top += dots(high_mm)
    return picture


def dots(mm: float) -> int:
    return round(mm / 25.4 * DOTS_PER_INCH)


def _fit(text: str, file: str, index: int, width: int, height: int) -> tuple[ImageFont.FreeTypeFont, list[str]]:
    """The largest letters in which it fits, and its lines."""
    size = min(height, dots(LETTER_MM_MAX))
    while True:
        font = ImageFont.truetype(file, size, index)
        lines = _broken(text, font, width)
        fits = len(lines) * _line_dots(font) <= height and max(map(font.getlength, lines)) <= width
        if fits or size == 1:
            return font, lines
        size -= 1


def _broken(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    lines = [""]
    for piece in _PIECE.findall(text):
        if lines[-1] and font.getlength(lines[-1] + piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return lines


def _line_dots(font: ImageFont.FreeTypeFont) -> int:
    return sum(font.getmetrics())


def find_font(text: str) -> tuple[str, int]:
    """A font of this machine that has every character: its file, and which one it is in it. Raises NotFound."""
    wanted = {ord(one) for one in text if not one.isspace()}
    pattern = "sans-serif:charset=" + " ".join(f"{one:x}" for one in sorted(wanted))
    try:
        ran = subprocess.run(
            ["fc-match", "--format", FONT_FORMAT, pattern],
            capture_output=True,
            text=True,
            check=True,
        )
        file, index, ranges = ran.stdout.split("\n")
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        raise NotFound(Problem("no_fontconfig", "fc-match")) from error
    has = [tuple(int(end, 16) for end in one.split("-")) for one in ranges.split()]
    lacks = [chr(one) for one in sorted(wanted) if not any(some[0] <= one <= some[-1] for some in has)]
    if lacks:
        raise NotFound(Problem("no_font", "".join(lacks)))
    # The upper half of the number names a variant that is computed.
    return file, int(index) & 0xFFFF
