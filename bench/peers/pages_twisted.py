"""twisted.web: a hello, and a page with a session in the server's memory."""

from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from bench.peers.common import BACKLOG, HOST, options
from bench.peers.pages import HELLO, render


class Hello(Resource):
    isLeaf = True

    def render_GET(self, request: Request) -> bytes:
        request.setHeader(b"content-type", b"text/plain")
        return HELLO.encode()


class Login(Resource):
    isLeaf = True

    def render_GET(self, request: Request) -> bytes:
        request.getSession().user = "ann"
        return b"ok"


class Page(Resource):
    isLeaf = True

    def render_GET(self, request: Request) -> bytes:
        return render(getattr(request.getSession(), "user", None)).encode()


if __name__ == "__main__":
    given = options()
    root = Resource()
    root.putChild(b"", Hello())
    root.putChild(b"login", Login())
    root.putChild(b"page", Page())
    site = Site(root)
    site.log = lambda request: None
    reactor.listenTCP(given.port, site, backlog=BACKLOG, interface=HOST)
    reactor.run()
