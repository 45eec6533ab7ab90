"""What every handler of the web may use: the running hub's parts, handed over once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from hub.dispatch.engine import Engine
from hub.home import Home
from hub.ledger.lookups import Lookups
from hub.links.boards import BoardLinks
from hub.links.door import Waiting
from hub.links.pagers import PagerLinks
from hub.links.terminals import TerminalLinks
from hub.links.watch import Watch
from hub.names import Names
from hub.people.keyring import Keyring
from hub.people.links import Links
from hub.people.pins import Pins
from hub.people.sign_on import SignOnDesk
from hub.people.tokens import Sessions
from hub.places.tokens import Tokens
from hub.settings import Settings
from hub.web.naming import Naming


@dataclass(frozen=True, slots=True)
class Hub:
    """The running hub, as its web and its control socket see it. `now_ms` gives hub time; `programs`: what nodes are to
    run, by digest."""

    home: Home
    settings: Settings
    engine: Engine
    lookups: Lookups
    names: Names
    now_ms: Callable[[], int]
    keyring: Keyring
    links: Links
    tokens: Tokens
    sessions: Sessions
    pins: Pins
    desk: SignOnDesk
    terminals: TerminalLinks
    pagers: PagerLinks
    boards: BoardLinks
    watch: Watch
    waiting: Waiting
    programs: dict[str, bytes]
    naming: Naming = field(default_factory=Naming)


HUB = web.AppKey("hub", Hub)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
