"""The site: built without a warning, complete by itself, and a pleasure for everybody to read."""

import os
import re
import time
from collections.abc import AsyncIterator, Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, Response

from tests.people import stretched
from tools.chromium import open_chromium
from tools.paths import ROOT
from tools.site import mkdocs, site_app
from tools.steps import ALL

DOCS = ROOT / "docs"

PAGES = sorted(
    path.relative_to(DOCS).with_suffix("").as_posix()
    for path in DOCS.rglob("*.md")
    if path.relative_to(DOCS).parts[0] != "security"
)

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 800}

FIRST_VIEW = 300_000  # bytes that the first page of a visit may cost


def address(page: str) -> str:
    """Return the path at which the site has a page."""
    return f"/{page}.html"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; of all processes that run tests, one builds it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder, done = shared / "site", shared / "site.done"
    try:
        (shared / "site.lock").mkdir()
    except FileExistsError:
        deadline = time.monotonic() + stretched(100)
        while not (done.exists() and done.read_text(encoding="utf-8")):  # it begins as empty
            assert time.monotonic() < deadline, "another process does not get the site built"
            time.sleep(0.1)
    else:
        outcome = "failed"
        try:
            outcome = str(mkdocs("build", "--strict", "--quiet", f"--site-dir={folder}"))
        finally:  # whatever happens: the others wait for it
            done.write_text(outcome, encoding="utf-8")
    assert done.read_text(encoding="utf-8") == "0", "mkdocs build --strict: see its output"
    return folder


# --- the files ---------------------------------------------------------------------------------


class Links(HTMLParser):
    """What a page links to, what it loads, and what one can link to in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        for name in ("id", "name"):
            if given.get(name):
                self.ids.add(given[name] or "")
        if tag in ("a", "area") and given.get("href"):
            self.links.append(given["href"] or "")
        if tag == "link" and given.get("rel") not in ("canonical", "prev", "next", "alternate"):
            self.loads.append(given.get("href") or "")
        if given.get("src"):
            self.loads.append(given["src"] or "")


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[Path, Links]:
    return {path: Links(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}


def broken(pages: dict[Path, Links], site: Path) -> Iterator[str]:
    """Yield each link of the site to itself that leads nowhere."""
    for path, page in pages.items():
        for link in [*page.links, *page.loads]:
            target, anchor = urldefrag(unquote(link))
            if ":" in target or target.startswith("//"):
                continue
            base = site if target.startswith("/") else path.parent
            file = (base / target.lstrip("/")).resolve() if target else path
            file = file / "index.html" if file.is_dir() else file
            if not file.exists() or (anchor and file in pages and anchor not in pages[file].ids):
                yield f"{path.relative_to(site)}: {link}"


def test_every_link_within_the_site_leads_somewhere(pages: dict[Path, Links], site: Path) -> None:
    assert sum(len(page.links) for page in pages.values()) > 100
    ours = {path: page for path, page in pages.items() if path.name != "404.html"}
    assert list(broken(ours, site)) == []


def test_no_page_loads_anything_from_elsewhere(pages: dict[Path, Links]) -> None:
    loads = {load for page in pages.values() for load in page.loads}
    assert [load for load in loads if load.startswith(("http:", "https:", "//"))] == []


def test_every_term_of_the_glossary_is_linked_from_where_it_is_first_used(site: Path) -> None:
    glossary = Links((site / "glossary.html").read_text("utf-8"))
    chapters = [(site / f"{step.name}.html").read_text("utf-8") for step in ALL]
    linked = {link.partition("#")[2] for text in chapters for link in Links(text).links}
    terms = set(re.findall(r"^## .* \{ #([\w-]+) \}$", read_glossary(), re.MULTILINE))
    assert len(terms) > 20
    assert terms <= glossary.ids
    assert sorted(terms - linked) == []


def read_glossary() -> str:
    return (DOCS / "glossary.md").read_text(encoding="utf-8")


# --- in a browser ------------------------------------------------------------------------------


# One loop and one browser serve all of these tests: they only look.
looking = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def reader(chromium: str) -> AsyncIterator[Browser]:
    """The browser of somebody who reads the site."""
    async with open_chromium(chromium) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def address_of_site(site: Path) -> AsyncIterator[str]:
    """Where the site is served."""
    async with TestServer(site_app(site)) as server:
        yield str(server.make_url("")).rstrip("/")


# The pages with whole steps differ in nothing but their code, which is long: one will do.
TO_LOOK_AT = [page for page in PAGES if not page.startswith("code/") or page == "code/02_routes"]

# axe looks at every word of a page, which takes long. All pages have the same parts and colours;
# between them, these have all. With --full it looks at every page.
FOR_AXE = {"index", "before", "02_routes", "map", "code/02_routes", "slides/02_routes"}
FOR_AXE |= {"instructors/02_routes"}

ONLY_WHAT_IS_WRONG = {"resultTypes": ["violations"]}


async def look_at(page: Page, with_axe: bool) -> list[str]:
    """Return whether a page is wider than the window, and what axe finds wrong with it."""
    width = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    wrong = [f"{width} pixels too wide"] if width > 0 else []
    if with_axe:
        await page.wait_for_selector(".md-search[aria-label]", state="attached")  # see site.js
        found = (await Axe().run(page, options=ONLY_WHAT_IS_WRONG)).response["violations"]
        wrong += [f"{one['id']}: {one['nodes'][0]['html'][:150]}" for one in found]
    return wrong


@looking
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", TO_LOOK_AT)
async def test_everybody_can_read_the_page(
    reader: Browser, address_of_site: str, name: str, pytestconfig: pytest.Config
) -> None:
    """On a phone and at a desk, light and dark; axe finds nothing, and it asks nobody else."""
    requests: set[str] = set()
    found: dict[str, list[str]] = {}
    with_axe = name in FOR_AXE or pytestconfig.getoption("--full")
    for colors, size in (("light", PHONE), ("dark", DESK)):
        context = await reader.new_context(
            viewport={"width": size["width"], "height": size["height"]},
            color_scheme="dark" if colors == "dark" else "light",
            reduced_motion="reduce",
        )
        page = await context.new_page()
        page.on("request", lambda request: requests.add(request.url))
        await page.goto(address_of_site + address(name))
        found[colors] = await look_at(page, with_axe)
        await context.close()
    assert [url for url in requests if not url.startswith((address_of_site, "data:"))] == []
    assert found == {"light": [], "dark": []}


@looking
@pytest.mark.slow
@pytest.mark.parametrize("name", ["index", "01_hello", "05_database"])
async def test_a_first_view_costs_little(reader: Browser, address_of_site: str, name: str) -> None:
    """Whoever comes for the first time waits for less than 300 kB."""
    context = await reader.new_context()
    page = await context.new_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    await page.goto(address_of_site + address(name), wait_until="networkidle")
    sizes = {one.url: (await one.request.sizes())["responseBodySize"] for one in answers}
    await context.close()
    assert sum(sizes.values()) < FIRST_VIEW, sizes


@looking
async def test_the_keyboard_alone_is_enough(reader: Browser, address_of_site: str) -> None:
    """Tab leads past the header to the text, and from there to all that one can press."""
    context = await reader.new_context()
    page = await context.new_page()
    await page.goto(address_of_site + "/01_hello.html", wait_until="networkidle")
    await page.keyboard.press("Tab")
    assert "md-skip" in await page.evaluate("document.activeElement.className")
    await page.keyboard.press("Enter")
    assert (await page.evaluate("location.hash")) != ""
    reached = set()
    for _ in range(60):
        await page.keyboard.press("Tab")
        reached.add(await page.evaluate("document.activeElement.tagName"))
    await context.close()
    assert {"A", "BUTTON", "CODE"} <= reached
