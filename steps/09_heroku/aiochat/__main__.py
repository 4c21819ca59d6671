"""Start the chat: ``python -m aiochat``."""

import logging
import sys

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from .app import create_app
from .settings import Settings, SettingsError


def leave_out_quotes(record: logging.LogRecord) -> bool:
    """Log in one line what was not HTTP; aiohttp's traceback quotes it, secrets and all."""
    theirs = HttpProcessingError | web.RequestPayloadError
    if record.exc_info and isinstance(record.exc_info[1], theirs):
        record.exc_info = None
    return True


logging.basicConfig(level=logging.INFO)
logging.getLogger("aiohttp.server").addFilter(leave_out_quotes)
logging.getLogger("aiohttp.websocket").setLevel(logging.ERROR)  # its warnings quote headers
try:
    settings = Settings.from_environ()
except SettingsError as error:
    sys.exit(str(error))
try:
    web.run_app(
        create_app(settings),
        host="0.0.0.0" if settings.production else "127.0.0.1",
        port=settings.port,
        shutdown_timeout=2,  # seconds for views to end, once their sockets are closed
        keepalive_timeout=95,  # longer than the 90 s for which Heroku's router keeps a connection
        backlog=1024,  # so many may be waiting to be let in
        access_log=None,  # our own middleware writes it
    )
except (OSError, OverflowError) as error:
    sys.exit(f"The chat cannot listen on port {settings.port}: {error}. Set PORT to another.")
