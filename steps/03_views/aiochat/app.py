"""The application and what it is made of."""

from aiohttp import web

from .chat.hub import HUB, Hub, close_hub
from .chat.models import MESSAGES, Messages
from .routes import routes

MAX_BODY = 64 * 1024  # bytes; the longest message, as a form sends it, has 48,000


def create_app() -> web.Application:
    """Make the application; every call makes a new one."""
    app = web.Application(client_max_size=MAX_BODY)
    app[HUB] = hub = Hub()
    app[MESSAGES] = Messages(announce=hub.send)
    app.add_routes(routes)
    app.on_shutdown.append(close_hub)
    return app
