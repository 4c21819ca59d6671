"""The application and what it is made of."""

from aiohttp import web

from .routes import routes


def create_app() -> web.Application:
    """Make the application; every call makes a new one."""
    app = web.Application()
    app.add_routes(routes)
    return app
