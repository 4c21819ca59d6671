"""Measure pages of the site with Lighthouse: `python -m tools.lighthouse [PAGE …]`.

It needs Node.js, whose npx fetches Lighthouse, and looks at each page as a telephone with a slow
network. No test runs this, for speed depends on what else the machine does.
"""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path

from aiohttp.test_utils import TestServer
from rich.console import Console
from rich.table import Table
from yarl import URL

from tools.chromium import MISSING, find_chromium, run_chromium
from tools.problem import Problem
from tools.site import mkdocs, site_app

LIGHTHOUSE = "lighthouse@12.8.2"

PAGES = ["index", "03_views", "08_static"]
CATEGORIES = {
    "performance": "Performance",
    "accessibility": "Accessibility",
    "best-practices": "Best practices",
    "seo": "SEO",
}
WANTED = 95  # of 100

Scores = dict[str, int]


def main(arguments: list[str]) -> int:
    """Return 0 if each page has what is wanted, 1 if one has not, 2 if nothing can be measured."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.lighthouse",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("pages", nargs="*", default=PAGES, metavar="PAGE", help="such as 03_views")
    options = parser.parse_args(arguments)
    try:
        found = asyncio.run(measure(options.pages))
    except Problem as problem:
        print(problem, file=sys.stderr)
        return max(problem.exit_code, 2)
    show(found)
    return 0 if all(score >= WANTED for one in found.values() for score in one.values()) else 1


async def measure(pages: list[str]) -> dict[str, Scores]:
    """Return the scores of each page. Raises Problem if something that it needs is missing."""
    npx, program = shutil.which("npx"), find_chromium()
    if npx is None:
        raise Problem("There is no npx on PATH: install Node.js (on Debian: apt install npm).")
    if program is None:
        raise Problem(f"There is {MISSING}.")
    with tempfile.TemporaryDirectory() as folder, run_chromium(program) as browser:
        print("Building the site ...", flush=True)
        if mkdocs("build", "--quiet", f"--site-dir={folder}") != 0:
            raise Problem("The site could not be built.")
        async with TestServer(site_app(Path(folder))) as server:
            found = {}
            for page in pages:
                print(f"Looking at {page} ...", flush=True)
                found[page] = await look(npx, server.make_url(f"/{page}.html"), URL(browser))
            return found


async def look(npx: str, page: URL, browser: URL) -> Scores:
    """Return the scores of a page. Raises Problem if Lighthouse has none."""
    process = await asyncio.create_subprocess_exec(
        *(npx, "--yes", LIGHTHOUSE, str(page), f"--port={browser.port}"),
        *("--output=json", "--quiet", f"--only-categories={','.join(CATEGORIES)}"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    if process.returncode != 0:
        raise Problem(f"Lighthouse cannot look at {page}:\n{errors.decode(errors='replace')}")
    categories = json.loads(output)["categories"]
    return {name: round(100 * (categories[name]["score"] or 0)) for name in CATEGORIES}


def show(found: dict[str, Scores]) -> None:
    table = Table("page", *CATEGORIES.values(), "")
    for page, scores in found.items():
        figures = [str(scores[name]) for name in CATEGORIES]
        table.add_row(page, *figures, "" if min(scores.values()) >= WANTED else f"below {WANTED}")
    Console(soft_wrap=True).print(table)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
