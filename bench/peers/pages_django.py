"""Django: a hello, and a page with a session in a signed cookie."""

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

from bench.peers.pages import HELLO, SECRET, render

settings.configure(
    SECRET_KEY=SECRET,
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    MIDDLEWARE=[
        "django.middleware.common.CommonMiddleware",  # says how long an answer is
        "django.contrib.sessions.middleware.SessionMiddleware",
    ],
)
django.setup()


def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse(HELLO, content_type="text/plain")


def login(request: HttpRequest) -> HttpResponse:
    request.session["user"] = "ann"
    return HttpResponse("ok")


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(render(request.session.get("user")))


urlpatterns = [path("", hello), path("login", login), path("page", page)]
app = get_wsgi_application()
