"""The application and what it is made of."""

from aiohttp import web

from .chat.hub import HUB, Hub, close_hub
from .db import open_database
from .middlewares import MIDDLEWARES, add_headers
from .routes import routes
from .settings import SETTINGS, Settings

MAX_BODY = 64 * 1024  # bytes; the longest message, as a form sends it, has 48,000


def create_app(settings: Settings | None = None) -> web.Application:
    """Make the application; every call makes a new one."""
    app = web.Application(middlewares=MIDDLEWARES, client_max_size=MAX_BODY)
    app[SETTINGS] = settings or Settings.from_environ()
    app[HUB] = Hub()
    app.add_routes(routes)
    app.cleanup_ctx.append(open_database)
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(close_hub)
    return app
