"""Start the chat: ``python -m aiochat``."""

import logging

from aiohttp import web

from .app import create_app

logging.basicConfig(level=logging.INFO)
web.run_app(
    create_app(),
    host="127.0.0.1",
    port=8080,
    shutdown_timeout=2,  # seconds for views to end, once their sockets are closed
    backlog=1024,  # so many may be waiting to be let in
    access_log=None,  # our own middleware writes it
)
