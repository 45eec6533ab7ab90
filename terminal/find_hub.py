"""Where the hub may be: the address in the settings, and what answers on the LAN for our campus (DNS-SD, RFC 6763).

Nothing here is believed: whoever is found has to show the hub's certificate.
"""

import asyncio
from dataclasses import dataclass

import structlog
from firstbell_linux.problems import Problem
from zeroconf import Error, IPVersion, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from terminal.problems import HubUnreachable
from terminal.settings import HubSettings

SERVICE = "_firstbell._tcp.local."
LOOK_MS_MAX = 5_000
"""How long one attempt waits for somebody to answer."""
ASK_MS_MAX = 3_000
FOUND_MAX = 8
"""Hubs of one name that are kept; who floods the LAN with more can only make us try them in turn."""

log = structlog.get_logger(part="find_hub")


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """Of "host:port", as the settings have checked it."""
    host, _, port = text.rpartition(":")
    return Address(host.strip("[]"), int(port))


class FindHub:
    """A fixed address is tried first. The LAN is asked when there is none or when it has failed; then all that were
    found take turns with it.
    """

    def __init__(self, settings: HubSettings) -> None:
        self._campus = settings.campus
        self._fixed = parse_address(settings.address) if settings.address else None
        self._found: dict[str, tuple[Address, ...]] = {}
        self._change = asyncio.Event()
        self._asking: set[asyncio.Task[None]] = set()
        self._zeroconf: AsyncZeroconf | None = None
        self._browser: AsyncServiceBrowser | None = None
        self._worked: Address | None = None
        self._tried: list[Address] = []

    async def next_address(self) -> Address:
        """The address for the next attempt. Raises HubUnreachable when nobody is known after LOOK_MS_MAX."""
        if self._fixed is None or self._tried:
            await self._browse()
        if not self._candidates():
            try:
                await asyncio.wait_for(self.answered(), LOOK_MS_MAX / 1000)
            except TimeoutError:
                raise HubUnreachable(Problem("hub_not_found", SERVICE, {"campus": self._campus})) from None
        candidates = self._candidates()
        untried = [address for address in candidates if address not in self._tried]
        if not untried:
            self._tried.clear()
            untried = candidates
        self._tried.append(untried[0])
        return untried[0]

    def worked(self, address: Address) -> None:
        """The hub is there: next time, try it first."""
        self._worked = address
        self._tried.clear()

    def _candidates(self) -> list[Address]:
        found = [address for addresses in self._found.values() for address in addresses]
        ordered = [*filter(None, [self._fixed]), *found]
        # Stable: the one that worked last goes to the front.
        return sorted(dict.fromkeys(ordered), key=lambda address: address != self._worked)

    async def answered(self) -> None:
        """Until somebody on the LAN is known."""
        while not self._found:
            self._change.clear()
            await self._change.wait()

    @property
    def is_asking(self) -> bool:
        """Whether the LAN is being asked."""
        return self._browser is not None

    async def _browse(self) -> None:
        if self._browser is not None:
            return
        try:
            self._zeroconf = self._zeroconf or AsyncZeroconf(ip_version=IPVersion.V4Only)
            self._browser = AsyncServiceBrowser(self._zeroconf.zeroconf, SERVICE, handlers=[self._heard])
        except (OSError, RuntimeError) as error:
            # No network yet (RuntimeError: not even loopback), or one without multicast: the next attempt tries again.
            log.warning("cannot ask the LAN", reason=str(error))

    def _heard(self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        if state_change is ServiceStateChange.Removed:
            self._found.pop(name, None)
        elif len(self._asking) < FOUND_MAX:
            task = asyncio.get_running_loop().create_task(self._ask(zeroconf, service_type, name))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    async def _ask(self, zeroconf: Zeroconf, service_type: str, name: str) -> None:
        try:
            info = AsyncServiceInfo(service_type, name)
            answered = await info.async_request(zeroconf, ASK_MS_MAX)
        except (Error, OSError) as error:
            # A name that can't be one: anybody on the LAN may announce anything.
            log.warning("passed over", name=name, reason=str(error))
            return
        if not answered or info.port is None:
            return
        if info.properties.get(b"campus") != self._campus.encode():
            return
        if name in self._found or len(self._found) < FOUND_MAX:
            hosts = info.parsed_addresses(IPVersion.V4Only)[:FOUND_MAX]
            self._found[name] = tuple(Address(host, info.port) for host in hosts)
            log.info("found", name=name, addresses=[str(address) for address in self._found[name]])
            self._change.set()

    async def close(self) -> None:
        for task in self._asking:
            task.cancel()
        if self._browser is not None:
            await self._browser.async_cancel()
        if self._zeroconf is not None:
            await self._zeroconf.async_close()
