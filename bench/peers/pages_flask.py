"""Flask: a hello, and a page with a signed session."""

from flask import Flask, session

from bench.peers.pages import HELLO, SECRET, render

app = Flask(__name__)
app.secret_key = SECRET


@app.get("/")
def hello() -> str:
    return HELLO


@app.get("/login")
def login() -> str:
    session["user"] = "ann"
    return "ok"


@app.get("/page")
def page() -> str:
    return render(session.get("user"))
