"""The log as outsiders read it: tiles and bundles over https agree with the signed head, computed anew here."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from firstbell.merkle import leaf_hash, node_hash
from firstbell.note import parse_vkey

from hub.ledger.checkpoint import open_checkpoint
from hub.ledger.tiles import decode_bundle
from tests.hub.web.running import RunningHub, running_hub

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningHub]:
    """One for all tests of this file: none of them changes what another looks at."""
    async with running_hub(tmp_path_factory.mktemp("hub")) as hub:
        yield hub


def root_of(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, as it stands there."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node_hash(root_of(leaves[:split]), root_of(leaves[split:]))


async def test_anybody_can_recompute_it(hub: RunningHub) -> None:
    console, reader = await hub.console(), await hub.browser()
    for number in range(5):
        await console.post("/api/zones", {"name": f"Zone {number}"})
    head = await reader.get("/checkpoint")
    assert head.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert head.headers["Cache-Control"] == "no-store"
    checkpoint = open_checkpoint(head.body.decode(), parse_vkey(hub.founded.vkey))
    width = checkpoint.size
    bundle = await reader.get(f"/tile/entries/000.p/{width}")
    tile = await reader.get(f"/tile/0/000.p/{width}")
    for answer in (bundle, tile):
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert "immutable" in answer.headers["Cache-Control"]
    leaves = [leaf_hash(entry) for entry in decode_bundle(bundle.body, width)]
    assert b"".join(leaves) == tile.body
    assert root_of(leaves) == checkpoint.root


async def test_no_other_tile_is_there(hub: RunningHub) -> None:
    reader = await hub.browser()
    for path in ("/tile/0/000", "/tile/0/000.p/0", "/tile/0/000.p/200", "/tile/1/000.p/1", "/tile/0/001.p/1"):
        assert (await reader.get(path)).status == 404, path
    for path in ("/tile/00/000.p/1", "/tile/0/0.p/1", "/tile/0/000.p/01", "/tile/64/000.p/1", "/tile/x/000"):
        assert (await reader.get(path)).status == 404, path


async def test_it_is_read_only(hub: RunningHub) -> None:
    reader = await hub.browser()
    for method in ("POST", "PUT", "DELETE"):
        for path in ("/checkpoint", "/tile/0/000.p/1"):
            assert (await reader.ask(method, path, {})).code == "http_405"
