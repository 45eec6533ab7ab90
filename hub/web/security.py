"""What holds for every answer and every request: headers, origin, problem details, sizes."""

import json
import logging
from http import HTTPStatus

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.log import server_logger

from hub.dispatch.requests import Refused
from hub.ledger.errors import Unreadable
from hub.people.attempts import TooSoon
from hub.web.context import HUB, Handler

BODY_BYTES_MAX = 16_384
PATH_BYTES_MAX = 255
OWN_HEADER = "X-Firstbell"
"""Sent by our own pages with every request that changes something; a foreign page can't add it (CORS)."""

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "media-src 'self'",
        "font-src 'self'",
        "form-action 'none'",
        "frame-ancestors 'self'",
        "base-uri 'none'",
    )
)
# No Strict-Transport-Security: it would send the browser to https for /join too, where the certificate is handed out
# that https needs, and a campus made anew under the same name could not be reached for a year.
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_NO_COOKIES = ("/ws/terminal", "/api/enrolment", "/checkpoint", "/tile/")
"""Asked for by terminals old and new and by readers of the log, under whatever address they found; a cookie gives
nothing here."""

_STATUS = {
    "not_signed_in": 401,
    "not_permitted": 403,
    "wrong_pin": 403,
    "link_spent": 404,
    "hub_fault": 500,
    "busy": 503,
    "disk_waits": 503,
}
"""HTTP's word for a refusal; 404 for what the hub doesn't know, 409 where none fits better."""

log = structlog.get_logger()


class Problem(web.HTTPException):
    """An error of the API as problem details (RFC 9457); `code` is a word of the catalogue (`refused.<code>`)."""

    def __init__(self, status: int, code: str) -> None:
        self.status_code = status
        body = {"type": f"urn:firstbell:{code}", "title": HTTPStatus(status).phrase, "status": status, "code": code}
        super().__init__(text=json.dumps(body), content_type="application/problem+json")


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")


class NotOurErrors(logging.Filter):
    """Keeps out of the log what is no HTTP, or a body that is not what it says: it is answered with 400, and a stranger
    could fill the disk with it."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], (HttpProcessingError, web.RequestPayloadError)))


_not_our_errors = NotOurErrors()


def keep_log_clean() -> None:
    """For every server of this process; again is no harm."""
    server_logger.addFilter(_not_our_errors)


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses foreign hosts and origins; every error becomes an answer that a person or a program can read."""

    async def checked(request: web.Request) -> web.StreamResponse:
        _check_path(request)
        _check_host(request)
        _check_origin(request)
        return await handler(request)

    return await _answer(request, checked)


@web.middleware
async def guard_console(request: web.Request, handler: Handler) -> web.StreamResponse:
    """No browser gets to the control socket, so it has no origins."""
    return await _answer(request, handler)


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except TooSoon as refused:
        problem = Problem(429, refused.reason)
        problem.headers["Retry-After"] = str(-(-refused.wait_ms // 1000))
        raise problem from refused
    except Refused as refused:
        otherwise = 404 if refused.reason.startswith("unknown_") else 409
        raise Problem(_STATUS.get(refused.reason, otherwise), refused.reason) from refused
    except Unreadable as error:
        raise Problem(503, "busy") from error
    except Problem:
        raise
    except web.HTTPException as error:
        if error.status < 400:
            raise
        raise Problem(error.status, f"http_{error.status}") from error
    except ConnectionError as error:
        # Whoever asked has gone: nothing is wrong here, and nobody hears the answer.
        raise Problem(400, "http_400") from error
    except Exception as error:
        log.exception("request failed", path=request.path)
        raise Problem(500, "hub_fault") from error


def _check_path(request: web.Request) -> None:
    """No path of ours is so long; a file system would not take it either."""
    if len(request.path.encode(errors="surrogateescape")) > PATH_BYTES_MAX:
        raise Problem(414, "http_414")


def _check_host(request: web.Request) -> None:
    """A name that isn't ours means that somebody else's name points here (DNS rebinding)."""
    if request.path.startswith(_NO_COOKIES) or request.host in request.app[HUB].settings.hosts:
        return
    raise Problem(421, "wrong_host")


def _check_origin(request: web.Request) -> None:
    """Whatever changes something, or opens a WebSocket from a browser, comes from a page of ours."""
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"https://{request.host}":
        raise Problem(403, "wrong_origin")
    if request.method not in ("GET", "HEAD") and request.headers.get(OWN_HEADER) != "1":
        raise Problem(403, "wrong_origin")
