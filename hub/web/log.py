"""The ledger as anyone on the LAN may read it: C2SP tlog-tiles, read-only, no cookie and no account asked for."""

from aiohttp import web

from hub.ledger.errors import TilePathError
from hub.ledger.reader import Reader
from hub.ledger.tiles import TileName, parse_path
from hub.web.context import HUB

CHECKPOINT_TYPE = "text/plain"
TILE_CACHE = "public, max-age=31536000, immutable"

routes = web.RouteTableDef()


@routes.get("/checkpoint")
async def checkpoint(request: web.Request) -> web.Response:
    """The signed head of the log."""
    note = (await request.app[HUB].lookups.ask(Reader.head)).note
    return web.Response(text=note, content_type=CHECKPOINT_TYPE, charset="utf-8", headers={"Cache-Control": "no-store"})


@routes.get(r"/tile/{name:.+}")
async def tile(request: web.Request) -> web.Response:
    """A tile of hashes, or a bundle of entries; 404 for one that no checkpoint needs (yet)."""
    try:
        name = parse_path(f"tile/{request.match_info['name']}")
    except TilePathError as error:
        raise web.HTTPNotFound from error
    data = await request.app[HUB].lookups.ask(lambda reader: _read(reader, name))
    if data is None:
        raise web.HTTPNotFound
    return web.Response(body=data, content_type="application/octet-stream", headers={"Cache-Control": TILE_CACHE})


def _read(reader: Reader, name: TileName) -> bytes | None:
    return reader.bundle(name.n, name.width) if name.level == "entries" else reader.tile(name.level, name.n, name.width)
