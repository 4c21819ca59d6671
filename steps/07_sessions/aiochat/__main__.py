"""Start the chat: ``python -m aiochat``."""

import logging

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from .app import create_app


def leave_out_quotes(record: logging.LogRecord) -> bool:
    """Log in one line what was not HTTP; aiohttp's traceback quotes it, secrets and all."""
    theirs = HttpProcessingError | web.RequestPayloadError
    if record.exc_info and isinstance(record.exc_info[1], theirs):
        record.exc_info = None
    return True


logging.basicConfig(level=logging.INFO)
logging.getLogger("aiohttp.server").addFilter(leave_out_quotes)
logging.getLogger("aiohttp.websocket").setLevel(logging.ERROR)  # its warnings quote headers
web.run_app(
    create_app(),
    host="127.0.0.1",
    port=8080,
    shutdown_timeout=2,  # seconds for views to end, once their sockets are closed
    backlog=1024,  # so many may be waiting to be let in
    access_log=None,  # our own middleware writes it
)
