"""`docs`: the site with the chapters."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from tools.paths import ROOT
from tools.problem import Problem

# Material speaks of its own future before each build; the chapter about packages does, too.
ENVIRONMENT = {"NO_MKDOCS_2_WARNING": "1"}


def mkdocs(*arguments: str) -> int:
    """Run mkdocs as a module, so that it finds our fences; return its exit code."""
    command = [sys.executable, "-m", "mkdocs", *arguments]
    return subprocess.run(command, cwd=ROOT, env=os.environ | ENVIRONMENT, check=False).returncode


def build_site() -> int:
    """Build the site into the folder `site`; a warning is an error."""
    return mkdocs("build", "--strict", "--clean")


def serve_site(port: int) -> int:
    """Serve the site until Ctrl-C. Raises Problem when the port is taken."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise Problem(f"Port {port} is taken: choose another with --port.") from error
    return mkdocs("serve", f"--dev-addr=127.0.0.1:{port}")


def site_app(folder: Path) -> web.Application:
    """Make an application that sends the built site, compressed, as its host will."""

    @web.middleware
    async def compress(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        response.enable_compression()
        return response

    app = web.Application(middlewares=[compress])
    app.router.add_static("/", folder)
    return app
