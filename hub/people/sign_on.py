"""Signing on with a PIN: a guard at a pager, anybody in a browser. Who has signed on passes here no more."""

from collections.abc import Callable

from hub.dispatch.batch import Submission
from hub.dispatch.campus import Account, Campus
from hub.dispatch.requests import Refused, SignOn
from hub.names import Names
from hub.people.accounts import find_account
from hub.people.attempts import STRANGER, UNKNOWN_ACCOUNT, Attempts
from hub.people.keyring import Keyring
from hub.people.pins import Pins
from hub.people.tokens import Bearer


class SignOnDesk:
    """Checks PINs, each source within its limits (`Attempts`). `campus` gives the newest campus."""

    def __init__(
        self, campus: Callable[[], Campus], names: Names, keyring: Keyring, pins: Pins, now_ms: Callable[[], int]
    ) -> None:
        self._campus = campus
        self._names = names
        self._keyring = keyring
        self._pins = pins
        self._now_ms = now_ms
        self._attempts = Attempts()

    async def at_pager(self, pager: str, account: str, pin: str) -> Submission:
        """What the engine is to be asked. Raises Refused: "wrong_pin", TooSoon, "busy"."""
        found = self._campus().accounts.get(account)
        await self._check(found, pin, pager)
        return Submission(SignOn(now_ms=self._now_ms(), guard=account, pager=pager))

    async def in_browser(self, named: str, pin: str, bearer: Bearer | None) -> str:
        """The account of this id or name. `bearer`: whom this browser's cookie knows. Raises Refused as above."""
        found = find_account(self._campus(), self._names, named)
        known = bearer is not None and found is not None and bearer.account == found.account
        await self._check(found, pin, bearer.device if bearer and known else STRANGER)
        if found is None:
            raise Refused("wrong_pin")
        return found.account

    async def _check(self, account: Account | None, pin: str, source: str) -> None:
        """Takes as long for an account that isn't there, or has no PIN yet, as for one whose PIN is wrong."""
        name = account.account if account else UNKNOWN_ACCOUNT
        self._attempts.begin(source, name, self._now_ms())
        kept = self._keyring.get(name, "pin")
        if not await self._pins.matches(kept, pin, known=source != STRANGER):
            raise Refused("wrong_pin")
        self._attempts.succeeded(source, name)
