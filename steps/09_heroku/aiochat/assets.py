"""The files that browsers keep: styles, scripts, pictures."""

import hashlib
from pathlib import Path

import aiohttp_jinja2
from aiohttp import web

STATIC = Path(__file__).with_name("static")

FILES = web.AppKey("files", set[str])


def add_static(app: web.Application) -> None:
    """Serve the files under an address that changes whenever one of them does.

    So a browser may keep each of them for ever, and still never has an old one.
    """
    paths = sorted(path for path in STATIC.rglob("*") if path.is_file())
    content = hashlib.sha256(b"".join(path.read_bytes() for path in paths))
    prefix = f"/static/{content.hexdigest()[:12]}"
    app.router.add_static(prefix, STATIC, name="static")
    app[aiohttp_jinja2.static_root_key] = prefix
    app[FILES] = {path.relative_to(STATIC).as_posix() for path in paths}
