"""A defect in the hub's own code, for a while. What must hold then is that everything rings, run after run."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from hub.dispatch import engine
from hub.dispatch.campus import Campus
from hub.dispatch.entries import Entry, EventRecorded
from hub.dispatch.requests import ReceiveEvent, Request

PLACES = ("decide", "apply", "alerts")


class Defect(Exception):
    """What nobody thought of."""


@dataclass(slots=True)
class Defects:
    """`place`: the function of the engine's that raises, as soon as it is about an event; empty: none does.

    `shown`: it has, in the present run.
    """

    place: str = ""
    shown: bool = False

    @contextmanager
    def built_in(self) -> Iterator[None]:
        with ExitStack() as stack:
            for place, make in (("decide", self._decide), ("apply", self._apply), ("alerts", self._alerts)):
                stack.enter_context(mock.patch.object(engine, place, make(getattr(engine, place))))
            yield

    def _raise(self, place: str) -> None:
        if self.place == place:
            self.shown = True
            raise Defect(place)

    def _decide(self, real: Any) -> Any:
        def decide(campus: Campus, request: Request) -> Any:
            if isinstance(request, ReceiveEvent):
                self._raise("decide")
            return real(campus, request)

        return decide

    def _apply(self, real: Any) -> Any:
        def apply(campus: Campus, entry: Entry) -> None:
            if isinstance(entry, EventRecorded):
                self._raise("apply")
            real(campus, entry)

        return apply

    def _alerts(self, real: Any) -> Any:
        def alerts(campus: Campus) -> Any:
            if campus.event_incidents:
                self._raise("alerts")
            return real(campus)

        return alerts
