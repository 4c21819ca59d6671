"""Take the README's pictures of the finished chat: `python -m tools.picture`."""

import asyncio
import importlib
import sys
from pathlib import Path

from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, expect

from tools.chromium import MISSING, find_chromium, open_chromium, run_chromium
from tools.paths import ROOT
from tools.problem import Problem
from tools.steps import ALL

PICTURES = ROOT / "docs" / "images"

SIZE = {"width": 960, "height": 600}

CONVERSATION = [
    ("bob", "Hello! Did the deploy go through?"),
    ("ann", "It did, in the middle of my sentence."),
    ("ann", "The page reconnected, and nothing was lost."),
    ("bob", "<script>alert('not even this')</script>"),
    ("ann", "Shown, not run."),
]


async def enter(browser: Browser, address: str, name: str, colors: str) -> Page:
    """Open a window of somebody who has just signed up."""
    context = await browser.new_context(
        viewport={"width": SIZE["width"], "height": SIZE["height"]},
        color_scheme="dark" if colors == "dark" else "light",
        locale="en-GB",
    )
    page = await context.new_page()
    await page.goto(f"{address}signup")
    await page.fill("[name=login]", name)
    await page.fill("[name=password]", "only for this picture")
    await page.click("main button")
    await expect(page.locator("#status")).to_have_text("Connected")
    return page


async def take(browser: Browser, colors: str) -> Path:
    """Let two people talk, and take a picture of what one of them sees."""
    app = importlib.import_module(f"steps.{ALL[-1].name}.aiochat.app").create_app()
    async with TestServer(app) as server:
        address = str(server.make_url("/"))
        pages = {name: await enter(browser, address, name, colors) for name in ("ann", "bob")}
        for number, (name, text) in enumerate(CONVERSATION, 1):
            await pages[name].fill("#text", text)
            await pages[name].press("#text", "Enter")
            for page in pages.values():
                await expect(page.locator("#messages > li")).to_have_count(number)
        picture = PICTURES / f"chat-{colors}.png"
        await pages["ann"].screenshot(path=picture)
        return picture


async def main() -> None:
    program = find_chromium()
    if program is None:
        raise Problem(f"There is {MISSING}.")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with run_chromium(program) as address:
        async with open_chromium(address) as browser:
            for colors in ("light", "dark"):
                print(f"Took {(await take(browser, colors)).relative_to(ROOT).as_posix()}")


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except Problem as problem:
        sys.exit(str(problem))
