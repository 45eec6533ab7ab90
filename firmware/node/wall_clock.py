"""The time of day, which a node needs only to judge a certificate's dates. It has no clock that runs without power.

It stands at 2021 when power comes, so it is set to a floor: the time of flashing, or the last that a hub said. When a
certificate is of the future, that proves the clock to be behind: it goes forward by steps, for to refuse the hub would
be to refuse to call for help. When one has expired, a hub may have told a wrong time: back to the time of flashing.
"""

try:
    from collections.abc import Callable
except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation

STEP_S = 30 * 86_400
"""Less than any certificate of a hub is valid for."""
KEEP_S = 86_400
"""The flash is told of a later time once a day."""


class WallClock:
    """Seconds since 1970. `now` and `set_now` are the machine's; `path` is where the floor is kept."""

    def __init__(self, now: "Callable[[], int]", set_now: "Callable[[int], None]", path: str, flashed_s: int) -> None:
        self._now = now
        self._set_now = set_now
        self._path = path
        self._flashed_s = flashed_s
        self._kept_s = 0

    def start(self) -> None:
        """Power has come."""
        try:
            with open(self._path) as file:
                self._kept_s = int(file.read())
        except (OSError, ValueError):
            pass  # it was never told, or power went while it was: the time of flashing holds
        floor_s = max(self._flashed_s, self._kept_s)
        if self._now() < floor_s:
            self._set_now(floor_s)

    def hub_said(self, date: str) -> None:
        """A hub's answer had this Date (RFC 9110), on a connection whose certificate held."""
        now_s = parse_date(date)
        if now_s is None:
            return
        if now_s > self._now():
            self._set_now(now_s)
        if abs(now_s - self._kept_s) >= KEEP_S:
            self._keep(now_s)

    def certificate_is_of_the_future(self) -> None:
        self._set_now(self._now() + STEP_S)

    def certificate_has_expired(self) -> None:
        if self._kept_s > self._flashed_s:
            self._keep(self._flashed_s)
        self._set_now(self._flashed_s)

    def _keep(self, now_s: int) -> None:
        self._kept_s = now_s
        try:
            with open(self._path, "w") as file:
                file.write(str(now_s))
        except OSError:
            pass  # the outbox says that the flash fails


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def parse_date(text: str) -> int | None:
    """Seconds since 1970 of "Sun, 06 Nov 1994 08:49:37 GMT"; None when it is none."""
    words = text.split(" ")
    if len(words) != 6 or words[2] not in _MONTHS or words[5] != "GMT":
        return None
    try:
        day, year = int(words[1]), int(words[3])
        hour, minute, second = [int(part) for part in words[4].split(":")]
    except ValueError:
        return None
    # Years that begin in March, so that the day that comes and goes is the last (Hinnant, days_from_civil).
    month = _MONTHS.index(words[2]) + 1
    year -= month < 3
    days = year * 365 + year // 4 - year // 100 + year // 400 + (153 * ((month + 9) % 12) + 2) // 5 + day - 1 - 719_468
    return ((days * 24 + hour) * 60 + minute) * 60 + second
