"""`offline`: the copy for a room without internet, tried where there is none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import missing
from tools.paths import ROOT

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

# Runs in a network of its own, in which there is nobody else; prints the chat's first page.
WITHOUT_NETWORK = """
import subprocess, sys, urllib.request
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
command = [sys.executable, "tutorial.py", "run", "--port", "8080"]
with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as chat:
    for line in chat.stdout:
        print(line, end="")
        if "runs on" in line:
            print(urllib.request.urlopen("http://127.0.0.1:8080/login", timeout=30).read().decode())
            chat.terminate()
"""


def run(folder: Path, *command: str | Path) -> str:
    """Run a command with nothing of ours in its environment, and return what it prints."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can take it away")
def test_a_copy_installs_and_runs_where_there_is_no_network(tmp_path: Path) -> None:
    alone = ["unshare", "--net", "--map-root-user"]
    if not (shutil.which("unshare") and shutil.which("ip")) or subprocess.call([*alone, "true"]):
        missing("this user may not make a network of its own: unshare --net --map-root-user")
    copy = tmp_path / "usb stick"
    run(
        ROOT,
        sys.executable,
        "tutorial.py",
        "offline",
        copy,
        "--system",
        "linux",
        "--python",
        PYTHON,
    )
    assert (copy / "site" / "index.html").is_file()
    output = run(copy, *alone, str(Path(sys.executable).resolve()), "-c", WITHOUT_NETWORK)
    assert "<title>" in output
