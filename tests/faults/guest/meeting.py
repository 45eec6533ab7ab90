"""What both sides of the machine's wall know: how they meet, and how two connections are made one."""

import asyncio
from asyncio import StreamReader, StreamWriter
from contextlib import suppress

PORT = 7000
LISTENS = "guest: listens"
"""What the guest says on its console when it may be called."""
CHUNK_BYTES = 1 << 16


async def splice(
    reader: StreamReader, writer: StreamWriter, far_reader: StreamReader, far_writer: StreamWriter
) -> None:
    """Until both directions have ended."""
    await asyncio.gather(_pour(reader, far_writer), _pour(far_reader, writer))


async def _pour(reader: StreamReader, writer: StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    writer.close()
