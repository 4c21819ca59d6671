"""The browser on this machine, for tests and pictures."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import psutil
from playwright.async_api import Browser, async_playwright

from tools.problem import Problem

# The first is what runs without a window: the same engine, at a third of the work.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")

MISSING = "no Chromium on PATH: install it (on Debian: apt install chromium-headless-shell)"

START_SECONDS = 30


def find_chromium() -> str | None:
    """Return the browser's program, if there is one on PATH."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def run_chromium(program: str) -> Iterator[str]:
    """Run a browser without a window for the length of the block; give its address."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
        options += ["--disable-extensions", "--disable-component-update", "--mute-audio"]
        options += ["--disable-background-networking", "--remote-debugging-port=0"]
        browser = subprocess.Popen(
            [program, *options, f"--user-data-dir={profile}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield f"http://127.0.0.1:{wait_for_port(browser, Path(profile))}"
        finally:
            stop(browser)


def stop(browser: "subprocess.Popen[bytes]") -> None:
    """End a browser and all of its processes: what we started may be a script that runs it."""
    processes = psutil.Process(browser.pid).children(recursive=True)
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    browser.kill()
    browser.wait()
    psutil.wait_procs(processes, timeout=START_SECONDS)


def wait_for_port(browser: "subprocess.Popen[bytes]", profile: Path) -> str:
    """Return the port that the browser has chosen. Raises Problem if it chooses none."""
    answer = profile / "DevToolsActivePort"
    deadline = time.monotonic() + START_SECONDS
    while browser.poll() is None and time.monotonic() < deadline:
        if answer.exists() and (lines := answer.read_text().split()):
            return lines[0]
        time.sleep(0.02)
    raise Problem("Chromium does not start.")


@asynccontextmanager
async def open_chromium(address: str) -> AsyncIterator[Browser]:
    """Use a browser that runs for the length of the block, and close what was opened in it."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(address)
        try:
            yield browser
        finally:
            await browser.close()  # it runs on, without what was opened here
