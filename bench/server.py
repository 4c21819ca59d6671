"""A contender that runs, in a process and on a core of its own."""

import os
import socket
import subprocess
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Self

import psutil

from bench.contenders import Contender
from bench.machine import SERVER, on_core
from tools.mongod import free_port
from tools.paths import ROOT

START_SECONDS = 30.0
STOP_SECONDS = 3.0

SETTINGS = {
    # Whatever the person's own environment says; who needs a database is told its address.
    "MONGO_URL": "",
    "PRODUCTION": "",
    "TRUST_PROXY": "",
    # What step 09 limits for each person, out of the way: here one person has all the sockets.
    "MESSAGES_PER_MINUTE": "999999999",
    "SOCKETS_PER_PERSON": "999999999",
    "WRONG_PASSWORDS_PER_MINUTE": "999999999",
    "SECRET_KEY": "a key for measurements, which need no secret",
}

SIGN_UP = "login=bench&password=a+password+that+nobody+else+has"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Failed(Exception):
    """A contender could not be measured; the message says why, in a line."""


class Server:
    """A contender, for the length of a block."""

    def __init__(
        self, contender: Contender, loop: str, log: Path, settings: dict[str, str]
    ) -> None:
        """`settings` are environment variables for it alone."""
        self.contender = contender
        self.loop = loop
        self.port = free_port()
        self.log = log
        self.environment = os.environ | SETTINGS | {"PORT": str(self.port)} | settings
        self.process: psutil.Popen

    def __enter__(self) -> Self:
        """Start it and return when it listens. Raises Failed."""
        words = [word.format(port=self.port, loop=self.loop) for word in self.contender.command]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log, on_core(SERVER):
            try:
                self.process = psutil.Popen(
                    words,
                    cwd=ROOT,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C is for us, who stop it
                )
            except OSError as error:
                raise Failed(f"{words[0]}: {error.strerror}") from error
        try:
            self.wait_until_it_listens()
            self.header = self.get_cookie()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Failed(self.last_words())
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise Failed(f"it did not listen within {START_SECONDS:.0f} s")

    def last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else f"it ended with {self.process.returncode}"

    def get_cookie(self) -> str:
        """Become somebody, where that is needed, and return the header that says who."""
        if not self.contender.session:
            return ""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            if self.contender.session == "signup":
                connection.request("POST", "/signup", SIGN_UP, FORM)
            else:
                connection.request("GET", "/login")
            answer = connection.getresponse()
        except (HTTPException, OSError) as error:
            raise Failed(f"/{self.contender.session}: {error!r}") from error
        finally:
            connection.close()
        cookies = answer.headers.get_all("Set-Cookie") or []
        if not cookies:
            raise Failed(f"/{self.contender.session} answered {answer.status}, without a cookie")
        return "Cookie: " + "; ".join(cookie.partition(";")[0] for cookie in cookies)

    def processes(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]

    def cpu_seconds(self) -> float:
        """Return for how long it has kept the processor busy."""
        times = [process.cpu_times() for process in self.processes()]
        return float(sum(time.user + time.system for time in times))

    def memory(self) -> int:
        """Return how many bytes would be free if it ended."""
        return sum(process.memory_full_info().uss for process in self.processes())

    def stop(self) -> None:
        try:
            ours = self.processes()
        except psutil.NoSuchProcess:
            ours = []
        for process in ours:
            try:
                process.terminate()
            except psutil.NoSuchProcess:
                continue
        _, alive = psutil.wait_procs(ours, timeout=STOP_SECONDS)
        for process in alive:
            process.kill()
        self.process.wait()
