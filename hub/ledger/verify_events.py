"""The signed events of a ledger, judged: the first ones here, those of a large ledger by a process for each core.

A process takes frames from its standard input, each a chunk of questions, and answers each with one finding. It ends
when its input does, so that none outlives who started it, whichever way that one ends.
"""

import os
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from typing import IO, Literal, cast

import msgspec

from hub.dispatch import entries as e
from hub.ledger.errors import NoVerdict
from hub.ledger.evidence import judge_event
from hub.ledger.verdict import Why

CHUNK_EVENTS = 64
"""Small enough that a chunk waits in the pipe while the one before it is judged."""
HERE_CHUNKS_MAX = 16
"""So many are judged in less time than a process takes to start."""
ASKED_CHUNKS_MAX = 2
"""At one process: the one being judged, and the next."""
NICENESS = 5
"""A hub that runs beside has a bell to ring."""
_LENGTH_BYTES = 4

_event_decoder = msgspec.json.Decoder(e.EventRecorded)


class Question(msgspec.Struct, frozen=True, array_like=True):
    """`body`: an EventRecorded, the entry at `index`. `enrolled`: as `judge_event` takes it."""

    index: int
    body: bytes
    enrolled: e.TerminalEnrolled | None


class Finding(msgspec.Struct, frozen=True, array_like=True):
    """Of a chunk up to its first wrong event, which is the entry at `index`; `why` is "" when all are right.

    `unsigned`: events whose signature could not be checked.
    """

    unsigned: int
    index: int = 0
    why: Why | Literal[""] = ""


def judge(chunk: Sequence[Question]) -> Finding:
    unsigned = 0
    for question in chunk:
        judgement = judge_event(_event_decoder.decode(question.body), question.enrolled)
        unsigned += not judgement.checkable
        if judgement.wrong:
            return Finding(unsigned, question.index, judgement.wrong)
    return Finding(unsigned)


class Judges:
    """Takes questions one by one. `findings` hands out what was found since it was last asked. Use `close` at the end.

    With one core everything is judged here. Raises NoVerdict when a process ends by itself: then nobody knows what it
    would have found.
    """

    def __init__(self, cores: int) -> None:
        self._cores = cores
        self._chunk: list[Question] = []
        self._chunks = 0
        self._found: list[Finding] = []
        self._processes: deque[_Process] = deque()

    def ask(self, question: Question) -> None:
        self._chunk.append(question)
        if len(self._chunk) == CHUNK_EVENTS:
            self._hand_over()

    def findings(self) -> Iterator[Finding]:
        """Waits for those that are still missing."""
        if self._chunk:
            self._hand_over()
        for process in self._processes:
            self._found += process.answers(0)
        found, self._found = self._found, []
        yield from found

    def close(self) -> None:
        while self._processes:
            self._processes.pop().close()

    def _hand_over(self) -> None:
        if self._cores == 1 or self._chunks < HERE_CHUNKS_MAX:
            self._found.append(judge(self._chunk))
        else:
            while len(self._processes) < self._cores:
                self._processes.append(_Process())
            process = self._processes[0]
            self._processes.rotate(-1)
            self._found += process.answers(ASKED_CHUNKS_MAX - 1)
            process.ask(self._chunk)
        self._chunks += 1
        self._chunk = []


class _Process:
    """One process that judges."""

    def __init__(self) -> None:
        # -P: what lies in the present folder is not imported. A group of its own: Ctrl-C is not for it.
        command = (sys.executable, "-P", "-m", __name__)
        try:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0)
        except OSError as error:
            raise NoVerdict(str(error)) from error
        self._questions = cast(IO[bytes], self._process.stdin)
        self._findings = cast(IO[bytes], self._process.stdout)
        self._asked = 0

    def ask(self, chunk: Sequence[Question]) -> None:
        try:
            _write(self._questions, _encoder.encode(chunk))
        except BrokenPipeError:
            raise self._lost() from None
        self._asked += 1

    def answers(self, left: int) -> Iterator[Finding]:
        """In the order of the questions, until only `left` chunks are still asked."""
        while self._asked > left:
            data = _read(self._findings)
            if data is None:
                raise self._lost()
            self._asked -= 1
            yield _finding_decoder.decode(data)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _lost(self) -> NoVerdict:
        return NoVerdict(f"exit code {self._process.wait()}")


_encoder = msgspec.msgpack.Encoder()
_chunk_decoder = msgspec.msgpack.Decoder(list[Question])
_finding_decoder = msgspec.msgpack.Decoder(Finding)


def _write(stream: IO[bytes], data: bytes) -> None:
    stream.write(len(data).to_bytes(_LENGTH_BYTES) + data)
    stream.flush()


def _read(stream: IO[bytes]) -> bytes | None:
    """None when the other side is gone."""
    length = int.from_bytes(stream.read(_LENGTH_BYTES))
    data = stream.read(length)
    return data if length and len(data) == length else None


def _serve() -> None:
    os.nice(NICENESS)
    while (data := _read(sys.stdin.buffer)) is not None:
        finding = judge(_chunk_decoder.decode(data))
        try:
            _write(sys.stdout.buffer, _encoder.encode(finding))
        except BrokenPipeError:
            os._exit(0)  # Whoever asked is gone; nothing is flushed to nobody.


if __name__ == "__main__":
    _serve()
