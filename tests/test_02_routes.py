"""Step 02: greetings by name, links built from route names, 404 and 405 for free."""

import re

import pytest

from tests.conftest import Chat


@pytest.mark.section("A part of the path as a name")
@pytest.mark.until(2)
@pytest.mark.parametrize("name", ["World", "Zoë", "two words", "50%", "<b>"])
async def test_the_greeting_names_whom_the_path_names(chat: Chat, name: str) -> None:
    """/hello/World greets World."""
    visitor = await chat.visitor("ann")
    answer = await visitor.get(f"/hello/{name.replace('%', '%25')}")
    assert answer.status == 200
    assert name in answer.text
    assert answer.headers["Content-Type"].startswith("text/plain"), "a name is text, not HTML"


@pytest.mark.section("A part of the path with a pattern")
@pytest.mark.until(2)
@pytest.mark.parametrize("path", ["/wait/soon", "/wait/10", "/wait/-1", "/wait/"])
async def test_only_what_fits_the_pattern_has_an_address(chat: Chat, path: str) -> None:
    """/wait/3 exists, /wait/soon does not."""
    visitor = await chat.visitor("ann")
    assert (await visitor.get("/wait/0")).status == 200
    assert (await visitor.get(path)).status == 404


@pytest.mark.section("Links from names")
@pytest.mark.until(2)
async def test_every_link_on_the_page_leads_somewhere(chat: Chat) -> None:
    """The links on the page lead to pages that exist."""
    visitor = await chat.visitor("ann")
    page = await visitor.get("/")
    links = re.findall(r'href="([^"]+)"', page.text)
    assert len(links) >= 2
    for link in links:
        assert (await visitor.get(link)).status == 200


@pytest.mark.section("What comes for free")
async def test_an_unknown_address_is_404_and_an_unknown_method_405(chat: Chat) -> None:
    """An address that does not exist is answered with 404, a method that does not fit with 405."""
    path = "/hello/ann" if chat.step <= 2 else "/"
    visitor = await chat.visitor("ann")
    assert (await visitor.get("/nowhere")).status == 404
    answer = await visitor.request("DELETE", path)
    assert answer.status == 405
    assert "GET" in answer.headers["Allow"]


@pytest.mark.section("What comes for free")
async def test_head_is_answered_like_get_but_without_the_page(chat: Chat) -> None:
    """HEAD is answered like GET, without the page."""
    path = "/hello/ann" if chat.step <= 2 else "/"
    visitor = await chat.visitor("ann")
    answer = await visitor.request("HEAD", path)
    assert answer.status == 200
    assert answer.text == ""
