"""Take the pictures of the README and the chapters: `python -m tools.picture`.

Each is taken from the running step, light and dark. docs/images/pictures.json says of which state
of the step it is; a test fails when what a picture shows has changed since.
"""

import asyncio
import hashlib
import importlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, expect

from tools.chromium import MISSING, find_chromium, open_chromium, run_chromium
from tools.diff import project_files
from tools.paths import ROOT
from tools.problem import Problem
from tools.steps import ALL, Step

PICTURES = ROOT / "docs" / "images"
STATES = PICTURES / "pictures.json"

# What one sees comes from these folders of a step.
SHOWN = ("aiochat/templates/", "aiochat/static/")

COLORS = ("light", "dark")

PASSWORD = "only for this picture"

EARLIER = (
    ("bob", "Hello, Ann! Look, a page."),
    ("bob", "<script>alert('Bob is right.')</script>"),
    ("ann", "Shown, not run."),
)
CONVERSATION = (
    ("bob", "Hello! Did the deploy go through?"),
    ("ann", "It did, in the middle of my sentence."),
    ("ann", "The page reconnected, and nothing was lost."),
    ("bob", "<script>alert('not even this')</script>"),
    ("ann", "Shown, not run."),
)


@dataclass(frozen=True)
class Picture:
    """A picture of a step."""

    name: str
    step: Step
    width: int = 960
    height: int = 600
    said: tuple[tuple[str, str], ...] = CONVERSATION

    def path(self, colors: str) -> Path:
        return PICTURES / f"{self.name}-{colors}.png"

    def state(self) -> str:
        """Return a hash of all that the picture shows."""
        found = hashlib.sha256(repr((self.name, self.width, self.height, self.said)).encode())
        for path in project_files(self.step.folder):
            if path.startswith(SHOWN):
                found.update(path.encode() + (self.step.folder / path).read_bytes())
        return found.hexdigest()


ALL_PICTURES = (
    Picture("chat", ALL[8]),
    Picture("06_page", ALL[5], height=430, said=EARLIER),
    Picture("08_phone", ALL[7], width=360, height=640),
)


async def open_window(browser: Browser, picture: Picture, address: str, colors: str) -> Page:
    """Open a window at the form for signing up."""
    context = await browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        color_scheme="dark" if colors == "dark" else "light",
        locale="en-GB",
    )
    page = await context.new_page()
    await page.goto(f"{address}signup")
    return page


async def enter(page: Page, name: str) -> None:
    """Sign up, and wait until the socket is open."""
    await page.fill("[name=login]", name)
    if await page.locator("[name=password]").count():
        await page.fill("[name=password]", PASSWORD)
    async with page.expect_websocket():
        await page.click("main button")
    if await page.locator("#status").count():
        await expect(page.locator("#status")).to_have_text("Connected")


async def converse(pages: dict[str, Page], said: tuple[tuple[str, str], ...]) -> None:
    """Let people talk, each in their window, and wait until everybody has heard all."""
    for number, (name, text) in enumerate(said, 1):
        await pages[name].fill("#text", text)
        await pages[name].press("#text", "Enter")
        for page in pages.values():
            await expect(page.locator("#messages > li")).to_have_count(number)


async def take(browser: Browser, picture: Picture, colors: str) -> None:
    """Take one picture."""
    app = importlib.import_module(f"steps.{picture.step.name}.aiochat.app").create_app()
    async with TestServer(app) as server:
        address = str(server.make_url("/"))
        pages = {
            name: await open_window(browser, picture, address, colors) for name in ("ann", "bob")
        }
        for name, page in pages.items():
            await enter(page, name)
        await converse(pages, picture.said)
        await pages["ann"].screenshot(path=picture.path(colors))


def read_states() -> dict[str, str]:
    """Return of which state each picture was taken."""
    states: dict[str, str] = json.loads(STATES.read_text("utf-8")) if STATES.exists() else {}
    return states


async def main() -> None:
    program = find_chromium()
    if program is None:
        raise Problem(f"There is {MISSING}.")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with run_chromium(program) as address:
        async with open_chromium(address) as browser:
            for picture in ALL_PICTURES:
                for colors in COLORS:
                    await take(browser, picture, colors)
                    print(f"Took {picture.path(colors).relative_to(ROOT).as_posix()}", flush=True)
    states = {picture.name: picture.state() for picture in ALL_PICTURES}
    STATES.write_text(json.dumps(states, indent=2) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except Problem as problem:
        sys.exit(str(problem))
