"""What strace saw of a process, as calls with their order."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

SENDS = ("write", "writev", "sendto", "sendmsg", "sendmmsg")
TAKES = ("read", "readv", "recvfrom", "recvmsg")
TRACED = (*SENDS, *TAKES, "pwrite64", "pwritev", "fdatasync", "fsync")
TEXT_BYTES_MAX = 8_192
"""So much of what is written is in the trace: more than a page of SQLite's."""

_BEGUN = re.compile(r"(?P<thread>\d+) +(?P<name>\w+)\((?P<told>.*)")
_RESUMED = re.compile(r"(?P<thread>\d+) +<\.\.\. (?P<name>\w+) resumed>(?P<told>.*)")
_FILE = re.compile(r"\d+<(?P<file>.*?)>(?:,| ?\))")
_RESULT = re.compile(r"\) += (?P<result>-?\d+)(?: .*)?$")


@dataclass(frozen=True, slots=True)
class Call:
    """`told`: the arguments, as strace tells them. `began` and `ended` are places in the trace, which is in the order
    in which the kernel stopped the threads: at the beginning, before a call has done anything, and at its end.
    """

    name: str
    told: str
    began: int
    ended: int
    result: int

    @property
    def file(self) -> str:
        """What the first argument's descriptor is: a path, or the two ends of a connection."""
        found = _FILE.match(self.told)
        return found["file"] if found else ""


def read_trace(lines: Iterable[str]) -> list[Call]:
    """In the order of their beginnings. What had not ended when the tracer left is not among them."""
    calls: list[Call] = []
    open_calls: dict[str, Call] = {}
    for place, line in enumerate(lines):
        if resumed := _RESUMED.match(line):
            begun = open_calls.pop(resumed["thread"], None)
            told = begun and replace(begun, told=begun.told + resumed["told"])
        elif found := _BEGUN.match(line):
            told = Call(found["name"], found["told"], place, place, 0)
            if told.told.endswith("<unfinished ...>"):
                open_calls[found["thread"]] = replace(told, told=told.told.removesuffix("<unfinished ...>"))
                continue
        else:
            continue
        result = _RESULT.search(line)
        if told is not None and result is not None:
            calls.append(replace(told, ended=place, result=int(result["result"])))
    return sorted(calls, key=lambda call: call.began)
