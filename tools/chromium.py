"""The browser on this machine, for tests and pictures."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")

MISSING = "no Chromium on PATH: install it (on Debian: apt install chromium)"


def find_chromium() -> str | None:
    """Return the browser's program, if there is one on PATH."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@asynccontextmanager
async def open_chromium(program: str) -> AsyncIterator[Browser]:
    """Run a browser for the length of the block, without a window."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            yield browser
        finally:
            await browser.close()
