"""What is asked over HTTP: right requests to every route that there is, damaged in their path, query, headers or body;
and bytes that are no request at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote

from aiohttp import web

from hub.web import api, enrolment, log, manage, screens, tokens
from tests.fuzz.odd import Damage, cut, odd_text, odd_value, text_of
from tests.links.campus import PIN, ZONE

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW")
KEY = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"

BODIES: dict[str, dict[str, Any]] = {
    "/api/join": {"code": "x" * 22, "pin": PIN},
    "/api/session": {"name": "王建国", "pin": PIN},
    "/api/sign-on": {"account": "a-aaaaaaaaaa", "pin": PIN},
    "/api/language": {"language": "en"},
    "/api/incidents/{incident}/commands": {
        "id": "command-1",
        "do": "accept",
        "guard": "a-aaaaaaaaaa",
        "covers": ["0" * 64],
        "outcome": "genuine",
    },
    "/api/troubles/seen": {"what": "strangers", "about": "malformed"},
    "/api/zones": {"name": "西区"},
    "/api/accounts": {"name": "李敏", "roles": ["guard"], "zones": [ZONE], "pin": PIN},
    "/api/accounts/{account}/pin": {"pin": PIN},
    "/api/pagers": {"name": "对讲"},
    "/api/boards": {"account": "a-aaaaaaaaaa"},
    "/api/terminals": {
        "name": "楼顶",
        "zone": ZONE,
        "algorithm": "EdDSA",
        "key": KEY,
        "inputs": {"panic": "panic"},
        "role": "wall",
        "silent": False,
        "place": "楼顶",
    },
    "/api/tokens": {"name": "后门", "zone": ZONE, "role": "wall", "silent": False, "address": "10.0.0.2:8443"},
    "/api/answers": {"request": {"board": "pico", "key": KEY}, "plan": {"name": "侧门", "zone": ZONE}},
    "/api/enrolment": {"board": "pi", "key": KEY},
    "/api/terminals/{terminal}/test": {"minutes": 5},
    "/api/drills": {"zone": ZONE, "minutes": 5},
}
"""A right body for each route that takes one. One that is missing here is asked with an odd body."""

ROUTES = [
    (route.method, route.path)
    for part in (api, manage, tokens, enrolment, screens, log)
    for route in part.routes
    if isinstance(route, web.RouteDef)
]
ROUTES.append(("GET", "/static/{file}"))


@dataclass(frozen=True, slots=True)
class Asked:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Asker:
    """`known` are ids of things that may be lost in this; `cookies` are of an administrator and of a pager; `secret` is
    a terminal's token's.
    """

    def __init__(self, url: str, known: tuple[str, ...], cookies: tuple[str, ...], secret: str) -> None:
        self._url = url
        self._known = known
        self._cookies = cookies
        self._secret = secret

    def request(self, random: Random) -> Asked:
        method, canonical = random.choice(ROUTES)
        body = text_of(Damage(random).done_to(BODIES.get(canonical, {})))
        if random.random() < 0.1:
            body = text_of(odd_value(random))
        if random.random() < 0.1:
            method = random.choice(METHODS)
        data = cut(random, body).encode("utf-8", "surrogatepass")
        if random.random() < 0.02:
            data = random.randbytes(random.choice((1, 100, 20_000)))
        return Asked(
            method, self._path(random, canonical), self._headers(random), b"" if method in ("GET", "HEAD") else data
        )

    def _path(self, random: Random, canonical: str) -> str:
        path = "/".join(self._part(random, part) for part in canonical.split("/"))
        if random.random() < 0.1:
            path += f"?link={self._odd_part(random)}&{self._odd_part(random)}"
        return path if path.startswith("/") else f"/{path}"

    def _part(self, random: Random, right: str) -> str:
        if right.startswith("{") or random.random() < 0.02:
            return random.choice((random.choice(self._known), self._odd_part(random)))
        return right

    def _odd_part(self, random: Random) -> str:
        text = odd_text(random).encode("utf-8", "surrogatepass")
        if random.random() < 0.2:
            # A percent sign with nothing right behind it.
            return quote(text) + random.choice(("%", "%zz", "%00", "%ff", "%2f..%2f", "//", ";x=1"))
        return quote(text)

    def _headers(self, random: Random) -> dict[str, str]:
        right = {
            "Origin": self._url,
            "X-Firstbell": "1",
            "Cookie": "; ".join(self._cookies),
            "Content-Type": "application/json",
            "Accept-Language": "zh-CN,en;q=0.5",
            "Authorization": f"Bearer {self._secret}",
        }
        for name in (*right, "Host", "If-None-Match", "Range", "Content-Encoding", "Upgrade"):
            chance = random.random()
            if chance < 0.05:
                right.pop(name, None)
            elif chance < 0.1:
                odd = odd_text(random).encode("ascii", "ignore").decode()
                right[name] = cut(random, right.get(name, "") + odd).translate(_NO_CONTROLS)
        return {name: value.encode("ascii", "ignore").decode() for name, value in right.items()}

    def bytes_of(self, random: Random) -> bytes:
        """As they go over the line, damaged there."""
        asked = self.request(random)
        lines = [f"{asked.method} {asked.path} HTTP/1.1", "Host: localhost", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in asked.headers.items() if name != "Host"]
        lines.append(
            random.choice((f"Content-Length: {len(asked.body)}", "Transfer-Encoding: chunked", "Content-Length: -1"))
        )
        whole = cut(random, "\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogatepass") + asked.body
        at = random.randrange(len(whole) + 1)
        return random.choice((whole, whole[:at] + random.randbytes(5) + whole[at:], random.randbytes(200)))


_NO_CONTROLS = dict.fromkeys([*range(32), 127], "?")
