"""Tornado: a hello, and a page with a signed cookie."""

import asyncio

from tornado.web import Application, RequestHandler

from bench.peers.common import BACKLOG, HOST, options, run
from bench.peers.pages import HELLO, SECRET, render


class Hello(RequestHandler):
    def get(self) -> None:
        self.write(HELLO)


class Login(RequestHandler):
    def get(self) -> None:
        self.set_signed_cookie("user", "ann")
        self.write("ok")


class Page(RequestHandler):
    def get(self) -> None:
        user = self.get_signed_cookie("user")
        self.write(render(user.decode() if user else None))


async def main(port: int) -> None:
    routes = [("/", Hello), ("/login", Login), ("/page", Page)]
    app = Application(routes, cookie_secret=SECRET, log_function=lambda handler: None)
    app.listen(port, HOST, backlog=BACKLOG)
    await asyncio.Event().wait()


if __name__ == "__main__":
    given = options()
    run(main(given.port), given.loop)
