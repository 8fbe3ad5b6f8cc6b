"""viser behind the studio's own port: its page with our injections, and its WebSocket passed through both ways."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from functools import lru_cache
from pathlib import Path

from starlette.websockets import WebSocket, WebSocketDisconnect

log = logging.getLogger("anyscene.view")

LARGEST_MESSAGE = 64 * 1024 * 1024
HIDDEN = (
    "#root .mantine-Paper-root,[data-testid=floating-panel],.mantine-Notifications-root{display:none!important}html,body,#root{background:#101216!important}"
)
"""viser has no switch for its control panel, which floats in a wide frame and sits at the bottom of a narrow one, nor for its notices."""
SCRIPT = Path(__file__).with_name("viser_frame.js")


@lru_cache(maxsize=1)
def client_page() -> bytes:
    """viser's one-file client with our style and script in its head."""
    import viser

    page = (Path(viser.__file__).parent / "client" / "build" / "index.html").read_text("utf-8")
    head, mark, rest = page.partition("</title>")
    if not mark:
        raise RuntimeError(
            "viser's client page has no title to put our style behind: this version of viser is not the one we were tested with."
        )
    return f"{head}{mark}<style>{HIDDEN}</style><script>{SCRIPT.read_text('utf-8')}</script>{rest}".encode()


async def pass_through(browser: WebSocket, port: int) -> None:
    """Accept the browser's socket and pass messages both ways until one side closes."""
    from websockets.asyncio.client import connect
    from websockets.exceptions import ConnectionClosed
    from websockets.typing import Subprotocol

    offered = [Subprotocol(name) for name in browser.scope.get("subprotocols", [])]
    try:
        upstream = await connect(
            f"ws://127.0.0.1:{port}/", subprotocols=offered or None, max_size=LARGEST_MESSAGE, compression=None, proxy=None
        )
    except OSError:
        log.warning("the 3D view on port %d does not answer", port)
        await browser.close(1013)
        return
    async with upstream:
        await browser.accept(subprotocol=upstream.subprotocol)

        async def to_viser() -> None:
            while True:
                message = await browser.receive()
                if message["type"] == "websocket.disconnect":
                    return
                data = message.get("bytes")
                await upstream.send(message.get("text", "") if data is None else data)

        async def to_browser() -> None:
            async for data in upstream:
                await (browser.send_text(data) if isinstance(data, str) else browser.send_bytes(data))

        tasks = {asyncio.create_task(to_viser()), asyncio.create_task(to_browser())}
        _, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for error in results:
        if isinstance(error, Exception) and not isinstance(error, ConnectionClosed | WebSocketDisconnect | RuntimeError):
            log.warning("the 3D view's connection ended with %r", error)
    with contextlib.suppress(RuntimeError, WebSocketDisconnect):
        await browser.close()
