"""What the tables of the fold look like."""

from collections.abc import Callable
from typing import Any

from hub.dispatch.campus import Campus
from hub.dispatch.entries import Entry

Changes = dict[type[Entry], Callable[[Campus, Any], None]]
