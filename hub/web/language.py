"""The language of a screen: the person's choice in a cookie, else the browser's, else Chinese."""

import json
from functools import cache
from pathlib import Path

from aiohttp import web

LANGUAGES = ("zh-CN", "en")
COOKIE = "firstbell_language"
COOKIE_AGE_S = 400 * 86_400
LOCALES = Path(__file__).parent / "locales"


def language_of(request: web.Request) -> str:
    chosen = request.cookies.get(COOKIE, "")
    return chosen if chosen in LANGUAGES else _preferred(request.headers.get("Accept-Language", ""))


def _preferred(header: str) -> str:
    """The best of ours in an Accept-Language header (RFC 9110, section 12.5.4)."""
    best, best_weight = LANGUAGES[0], 0.0
    for part in header.split(",")[:16]:
        name, _, parameter = part.strip().partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        for ours in LANGUAGES:
            if name.lower().partition("-")[0] == ours.partition("-")[0].lower() and weight > best_weight:
                best, best_weight = ours, weight
    return best


@cache
def texts(language: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((LOCALES / f"{language}.json").read_text("utf-8"))
    return found
