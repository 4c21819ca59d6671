"""Whether the chat is well."""

from aiohttp import web

from .db import DB


async def check_health(request: web.Request) -> web.Response:
    """Tell a machine that asks; without a database, the answer is a 503."""
    await request.app[DB].client.admin.command("ping")
    return web.Response(text="ok\n")
