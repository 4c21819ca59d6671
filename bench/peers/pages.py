"""The page that all peers render, with what is on it."""

from jinja2 import DictLoader, Environment

NAME = "page.html"
HELLO = "Hello, world"
SECRET = "a secret for measurements, which everybody knows"

SOURCE = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{{ title }}</title></head>
<body>
<nav>{% if user %}Hello, {{ user }} <a href="/logout">Log out</a>{% else %}
<a href="/login">Log in</a>{% endif %}</nav>
<h1>{{ title }}</h1>
<ul>
{% for message in messages %}
<li><b>{{ message.user }}</b> <time>{{ message.at }}</time> {{ message.text }}</li>
{% endfor %}
</ul>
<form method="post"><input name="text"><button>Send</button></form>
</body>
</html>
"""

MESSAGES = [
    {"user": f"user{number}", "at": "12:00", "text": f"<b>hello</b> number {number} & friends"}
    for number in range(20)
]

loader = DictLoader({NAME: SOURCE})
template = Environment(autoescape=True, loader=loader).get_template(NAME)


def context(user: str | None) -> dict[str, object]:
    return {"title": "Chat", "user": user, "messages": MESSAGES}


def render(user: str | None) -> str:
    return template.render(context(user))
