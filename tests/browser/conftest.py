"""A browser (Debian's Chromium) and a server for the hub's templates and static files, with the hub's own headers."""

import functools
import inspect
import json
import mimetypes
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jinja2
import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, ViewportSize, async_playwright

from hub.web.security import HEADERS

WEB = Path(__file__).resolve().parents[2] / "hub/web"
CHROMIUM = "/usr/bin/chromium"
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE = ViewportSize(width=390, height=844)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One browser for all tests of this folder, hence one event loop."""
    for item in items:
        here = item.path.is_relative_to(Path(__file__).parent)
        if here and isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.function):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


class Site(BaseHTTPRequestHandler):
    """GET of static files, catalogues, the shells, and `/blank` for code alone; the API answers what `answers` says."""

    protocol_version = "HTTP/1.1"
    answers: dict[str, tuple[int, Any]]
    shells: dict[str, tuple[str, dict[str, str]]]
    asked: list[tuple[str, str, Any]]

    def do_GET(self) -> None:
        if self.path in self.answers:
            self._answer()
        elif self.path.startswith("/static/"):
            self._file(WEB / self.path[1:])
        elif self.path.startswith("/locale/"):
            self._file(WEB / "locales" / self.path.rpartition("/")[2])
        elif self.path == "/blank":
            self._send(200, "text/html", b"<!doctype html><link rel='icon' href='data:,'><title>blank</title>")
        else:
            self._shell(*self.shells.get(self.path, (f"{self.path[1:]}.html", {})))

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        self.asked.append((self.command, self.path, json.loads(self.rfile.read(length) or b"null")))
        self._answer()

    do_DELETE = do_POST

    def _answer(self) -> None:
        status, content = self.answers.get(self.path, (404, {"code": "http_404"}))
        kind = "application/json" if status < 400 else "application/problem+json"
        self._send(status, kind, json.dumps(content).encode())

    def _file(self, path: Path) -> None:
        if path.is_file():
            self._send(200, mimetypes.guess_type(path.name)[0] or "application/octet-stream", path.read_bytes())
        else:
            self._send(404, "text/plain", b"")

    def _shell(self, name: str, context: dict[str, str]) -> None:
        language = "en" if self.headers.get("Accept-Language", "").startswith("en") else "zh-CN"
        texts = json.loads((WEB / f"locales/{language}.json").read_text("utf-8"))
        shells = jinja2.Environment(
            loader=jinja2.FileSystemLoader(WEB / "templates"), autoescape=True, undefined=jinja2.StrictUndefined
        )
        text = shells.get_template(name).render(lang=language, t=texts.__getitem__, **context)
        self._send(200, "text/html; charset=utf-8", text.encode())

    def _send(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, "Content-Type": kind, "Content-Length": str(len(content))}.items():
            if name != "Strict-Transport-Security":
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Silent: a failing test says what it saw."""


class Server(ThreadingHTTPServer):
    # A screen asks for all its modules at once.
    request_queue_size = 128


class Served:
    """Where the site is, what its API answers (path → status, JSON), what it was asked to change.

    `shells`: path → template and what it is rendered with, where the path is not the template's name.
    """

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {}
        self.shells: dict[str, tuple[str, dict[str, str]]] = {}
        self.asked: list[tuple[str, str, Any]] = []
        handler = type("ThisSite", (Site,), {"answers": self.answers, "shells": self.shells, "asked": self.asked})
        self._server = Server(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=functools.partial(self._server.serve_forever, 0.05))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def site() -> Iterator[Served]:
    served = Served()
    yield served
    served.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        yield browser
        await browser.close()


@asynccontextmanager
async def opened(browser: Browser, complaint: str = "", **options: Any) -> AsyncIterator[Page]:
    """A phone's screen in Chinese, by day. Whatever the browser complains of fails the test, but for `complaint`."""
    context = await browser.new_context(
        **{"viewport": PHONE, "locale": "zh-CN", "timezone_id": "Asia/Shanghai", "color_scheme": "light", **options}
    )
    page = await context.new_page()
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(f"{message.text} ({message.location['url']})")

    page.on("console", listen)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    await context.close()
    assert [text for text in complaints if not complaint or complaint not in text] == []


@pytest_asyncio.fixture(loop_scope="session")
async def tab(chromium: Browser) -> AsyncIterator[Page]:
    async with opened(chromium) as page:
        yield page


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def blank(chromium: Browser) -> AsyncIterator[Page]:
    """A page with nothing on it, from which modules can be imported; one for all tests of code without a screen."""
    served = Served()
    async with opened(chromium) as page:
        await page.goto(f"{served.url}/blank")
        yield page
    served.close()


async def run(tab: Page, module: str, body: str, given: Any = None) -> Any:
    """The value of `body`, which sees the module's exports as `m` and `given`."""
    return await tab.evaluate(f"async (given) => {{ const m = await import('/static/{module}'); {body} }}", given)
