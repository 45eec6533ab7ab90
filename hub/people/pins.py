"""PINs: which ones are fit, how they are kept (Argon2id, RFC 9106), how one is checked without holding up the hub."""

import asyncio
import itertools
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hub.dispatch.requests import Refused

PIN_DIGITS = 6
"""As many as the pager's screen has places for."""
DIFFERENT_DIGITS_MIN = 3
WELL_KNOWN = frozenset({"147258", "258369", "112233", "520131"})
"""Patterns of the keypad and numbers that everybody tries; rows and repetitions are refused by rule."""

TIME_COST = 2
MEMORY_KIB = 19_456
LANES = 1
"""One check takes some 150 ms and 19 MiB on a Raspberry Pi 4."""
WAITING_MAX = 8
"""Checks that wait in one queue."""

Result = TypeVar("Result")


def check_fit(pin: str) -> None:
    """Raises Refused: "pin_digits" (how many, and what else than digits), "pin_simple" (anybody would try it)."""
    if not (pin.isascii() and pin.isdigit() and len(pin) == PIN_DIGITS):
        raise Refused("pin_digits")
    steps = {(int(b) - int(a)) % 10 for a, b in itertools.pairwise(pin)}
    repeats = any(pin == pin[:n] * (len(pin) // n) for n in range(1, len(pin) // 2 + 1) if len(pin) % n == 0)
    if len(steps) == 1 or repeats or len(set(pin)) < DIFFERENT_DIGITS_MIN or pin in WELL_KNOWN:
        raise Refused("pin_simple")


def make_pin() -> str:
    """A random PIN that is fit."""
    while True:
        pin = "".join(secrets.choice("0123456789") for _ in range(PIN_DIGITS))
        try:
            check_fit(pin)
        except Refused:
            continue
        return pin


class Pins:
    """Hashes and checks in worker threads: one for pagers and known devices, one for everybody else.

    So strangers can keep only each other waiting.
    """

    def __init__(self, time_cost: int = TIME_COST, memory_kib: int = MEMORY_KIB) -> None:
        self._hasher = PasswordHasher(time_cost, memory_kib, LANES)
        self._nobody = self._hasher.hash(secrets.token_hex()).encode()
        self._known = _Queue("pins-known")
        self._strangers = _Queue("pins-strangers")

    async def hash(self, pin: str) -> bytes:
        """What is kept of a PIN. Raises Refused for an unfit one, or "busy"."""
        check_fit(pin)
        return (await self._known.run(self._hasher.hash, pin)).encode()

    async def matches(self, kept: bytes | None, pin: str, known: bool) -> bool:
        """Whether `pin` is the one behind `kept`; as slow when there is none (None). Raises Refused("busy")."""
        queue = self._known if known else self._strangers
        matches = await queue.run(self._matches, kept or self._nobody, pin)
        return matches and kept is not None

    def _matches(self, kept: bytes, pin: str) -> bool:
        try:
            return self._hasher.verify(kept, pin)
        except (VerificationError, InvalidHashError):
            return False

    def close(self) -> None:
        self._known.close()
        self._strangers.close()


class _Queue:
    """One thread and the few who may wait for it."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, name)
        self._waiting = 0

    async def run(self, work: Callable[..., Result], *arguments: object) -> Result:
        if self._waiting >= WAITING_MAX:
            raise Refused("busy")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)
