"""The application and what it is made of."""

import aiohttp_jinja2
from aiohttp import web
from aiohttp_session import session_middleware
from jinja2 import PackageLoader

from .assets import add_static
from .auth.cookie import make_storage
from .chat.hub import HUB, Hub, close_hub
from .db import open_database
from .middlewares import MIDDLEWARES, add_headers, page_context
from .routes import routes
from .settings import SETTINGS, Settings

MAX_BODY = 64 * 1024  # bytes; the longest message, as a form sends it, has 48,000


def create_app(settings: Settings | None = None) -> web.Application:
    """Make the application; every call makes a new one."""
    settings = settings or Settings.from_environ()
    # Outermost, because error pages read the cookie and change it, too.
    cookies = session_middleware(make_storage(settings))
    app = web.Application(middlewares=[cookies, *MIDDLEWARES], client_max_size=MAX_BODY)
    app[SETTINGS] = settings
    app[HUB] = Hub()
    app.add_routes(routes)
    add_static(app)
    aiohttp_jinja2.setup(app, loader=PackageLoader(__package__), context_processors=[page_context])
    app.cleanup_ctx.append(open_database)
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(close_hub)
    return app
