"""Step 08: a chat that looks good, reconnects and catches up."""

import asyncio
import json
import re
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import web
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Locator, expect

from tests.browsing import Cable, Window
from tests.cases import HOSTILE_FILES
from tests.conftest import Chat
from tests.people import PATIENCE, Answer, Transcript, Visitor, within
from tests.process import Process

# Instead of the browser's sockets, some that never open; it is noted when each is tried.
NO_SERVER = """
    window.tries = [];
    window.WebSocket = class extends EventTarget {
        constructor() {
            super();
            tries.push(Date.now());
            setTimeout(() => this.onclose?.(new CloseEvent("close", { code: 1006 })));
        }
        close() {}
    };
"""


async def files_of(person: Visitor, page: str = "/") -> dict[str, Answer]:
    """The files that a page asks for, by address."""
    paths = re.findall(r'"(/static/[^"]+)"', (await person.get(page)).text)
    assert paths, f"the page {page} asks for no files"
    return {path: await person.get(path) for path in paths}


def path_ending(files: dict[str, Answer], ending: str) -> str:
    [path] = [path for path in files if path.endswith(ending)]
    return path


# --- files -------------------------------------------------------------------------------------


@pytest.mark.section("Files that browsers keep")
async def test_styles_scripts_and_pictures_come_with_their_types(chat: Chat) -> None:
    """The page's styles, scripts and pictures are there, each as what it is."""
    files = await files_of(await chat.visitor("ann"))
    kinds = {answer.headers["Content-Type"].split(";")[0] for answer in files.values()}
    assert {answer.status for answer in files.values()} == {200}
    assert {"text/css", "image/svg+xml"} <= kinds
    assert kinds & {"text/javascript", "application/javascript"}


@pytest.mark.section("Files that browsers keep")
async def test_strangers_get_the_styles_too(chat: Chat) -> None:
    """The login page has its styles before anybody is logged in."""
    files = await files_of(await chat.stranger(), "/login")
    assert {answer.status for answer in files.values()} == {200}


@pytest.mark.section("Files that browsers keep")
async def test_a_browser_keeps_files_for_ever_and_pages_not_at_all(chat: Chat) -> None:
    """Files may be kept for a year, for their address changes with them; pages are not kept."""
    ann = await chat.visitor("ann")
    files = await files_of(ann)
    for answer in files.values():
        assert "immutable" in answer.headers["Cache-Control"]
    not_there = path_ending(files, ".css") + "x"
    for path in ("/", "/login", "/nowhere", not_there):
        assert (await ann.get(path)).headers["Cache-Control"] == "no-store", path


@pytest.mark.section("Files that browsers keep")
@pytest.mark.in_memory
async def test_a_file_that_has_changed_has_a_new_address(
    chat: Chat, environment: dict[str, str], tmp_path: Path, transcript: Transcript
) -> None:
    """Change a style, and it has a new address; over a mere restart it keeps the old one."""
    style = path_ending(await files_of(await chat.stranger(), "/login"), ".css")
    await chat.restart()
    assert style in await files_of(await chat.stranger(), "/login")
    copy = shutil.copytree(chat.folder, tmp_path / "copy")
    [file] = copy.rglob(Path(style).name)
    file.write_text(file.read_text(encoding="utf-8") + "/* changed */", encoding="utf-8")
    async with (
        Process(copy, tmp_path / "chat.log", **environment) as process,
        Visitor(process.url, "ann", chat.step, transcript) as ann,
    ):
        files = await files_of(ann, "/login")
    assert path_ending(files, ".css") != style
    assert "/* changed */" in files[path_ending(files, ".css")].text


@pytest.mark.section("Files that browsers keep")
async def test_nothing_but_the_files_can_be_had(chat: Chat) -> None:
    """No list of the files, no way out of their folder, no trouble with long names."""
    ann = await chat.visitor("ann")
    files = await files_of(ann)
    folder = path_ending(files, ".css").rpartition("/css/")[0]
    for path in ("", "/", "/css", "/css/", *HOSTILE_FILES):
        answer = await ann.get(folder + path, encoded=True)
        assert answer.status == 404, path
        assert "root:" not in answer.text
        assert "import" not in answer.text


@pytest.mark.section("What a page may do")
async def test_pages_run_nothing_that_stands_in_them(chat: Chat, browser: Browser) -> None:
    """The pages hold no script and no style of their own, and the browser would refuse one."""
    ann = await Window.open(browser, chat, "ann")
    page = await ann.page.content()
    assert not re.search(r"<script(?![^>]* src=)", page)
    assert not re.search(r"<style|\sstyle=|\son\w+=", page)
    policy = (await (await chat.stranger()).get("/login")).headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    await ann.connected()
    ran = await ann.page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "document.title = 'it ran'";
            document.head.append(script);
            return document.title;
        }"""
    )
    assert ran != "it ran"


@pytest.mark.section("What a page may do")
@pytest.mark.in_memory
async def test_what_gets_into_a_page_turns_it_to_no_other_site(
    chat: Chat, browser: Browser
) -> None:
    """The browser refuses another base for a page's links, and a form that leads elsewhere."""
    ann = await Window.open(browser, chat, "ann")
    base = await ann.page.evaluate(
        """() => {
            const base = document.createElement("base");
            base.href = "http://evil.example/";
            document.head.append(base);
            return document.baseURI;
        }"""
    )
    assert base == str(chat.url)
    async with within(PATIENCE):
        refused = await ann.page.evaluate(
            """() => new Promise((resolve) => {
                addEventListener("securitypolicyviolation", (event) => {
                    if (event.effectiveDirective === "form-action") resolve(event.blockedURI);
                });
                const form = document.createElement("form");
                form.action = "http://evil.example/";
                form.method = "post";
                document.body.append(form);
                form.submit();
            })"""
        )
    assert refused == "http://evil.example/"


@pytest.mark.section("What a page may do")
async def test_a_page_asks_nobody_else_for_anything(chat: Chat, browser: Browser) -> None:
    """The page loads nothing from any other site."""
    window = await Window.open(browser, chat, "ann")
    asked: list[str] = []
    window.page.on("request", lambda request: asked.append(request.url))
    for path in ("/signup", "/"):
        await window.goto(path)
    await window.connected()
    assert len(asked) >= 4
    assert [url for url in asked if not url.startswith(str(chat.url))] == []


# --- the client --------------------------------------------------------------------------------


@pytest.mark.section("Coming back by itself")
@pytest.mark.real_database
async def test_the_page_survives_restarts_of_the_server(chat: Chat, browser: Browser) -> None:
    """The server restarts five times while two people write: both see all, once, in order."""
    ann, bob = await Window.open(browser, chat, "ann"), await Window.open(browser, chat, "bob")
    await ann.connected()
    await bob.connected()
    said = [f"{name} {number}" for name in ("ann", "bob") for number in range(15)]

    async def write(window: Window, name: str) -> None:
        for number in range(15):
            await window.say(f"{name} {number}")
            await asyncio.sleep(0.1)  # people type; the restarts fall between their words

    async def restart() -> None:
        for _ in range(5):
            await chat.restart()
            await ann.connected()

    await asyncio.gather(write(ann, "ann"), write(bob, "bob"), restart())
    for window in (ann, bob):
        await window.connected()
        await expect(window.waiting).to_have_count(0, timeout=40_000)
        await expect(window.texts).to_have_count(len(said), timeout=40_000)
    order = await ann.texts.all_inner_texts()
    assert order == await bob.texts.all_inner_texts()
    assert sorted(order) == sorted(said)
    assert [text for text in order if text.startswith("ann")] == said[:15]
    assert ann.trouble + bob.trouble == []


@pytest.mark.section("Coming back by itself")
async def test_what_is_written_offline_is_sent_once(chat: Chat, browser: Browser) -> None:
    """Without a network you write on; what you wrote is sent when it is back, once."""
    ann, bob = await Window.open(browser, chat, "ann"), await Window.open(browser, chat, "bob")
    await ann.connected()
    await ann.page.context.set_offline(True)
    await expect(ann.status).to_contain_text("No connection")
    await ann.say("first, offline")
    await ann.say("second, offline")
    await expect(ann.waiting).to_have_count(2)
    await bob.say("meanwhile")
    await bob.shows("meanwhile")
    await ann.page.context.set_offline(False)
    for window in (ann, bob):
        await window.shows("meanwhile", "first, offline", "second, offline")
    await expect(ann.waiting).to_have_count(0)


@pytest.mark.section("Coming back by itself")
async def test_what_is_sent_again_is_shown_once_and_in_its_place(
    chat: Chat, browser: Browser
) -> None:
    """The connection ends before the answer comes: your message is sent again, and shown once."""
    ann, bob = await Window.open(browser, chat, "ann"), await (await chat.visitor("bob")).join()
    cable = Cable()
    await cable.plug_in(ann)
    cable.loses_answers = True
    await ann.say("under the mat")
    assert await bob.texts(1) == ["under the mat"]
    await bob.say("which mat?")
    assert await bob.texts(1) == ["which mat?"]
    await expect(ann.waiting).to_have_count(1)
    await cable.cut()
    await ann.say("the red one")  # behind what is sent again
    await ann.shows("under the mat", "which mat?", "the red one")
    await expect(ann.waiting).to_have_count(0)


@pytest.mark.section("Coming back by itself")
async def test_a_connection_on_which_nothing_comes_back_is_given_up(
    chat: Chat, browser: Browser
) -> None:
    """A cable is pulled, and the browser does not notice: ten seconds later the page does."""
    ann = await Window.open(browser, chat, "ann")
    cable = Cable()
    await ann.page.clock.install()
    await cable.plug_in(ann)
    cable.loses_questions = True
    await ann.say("is anybody there?")
    await expect(ann.waiting).to_contain_text("Sending")
    cable.loses_questions = False  # what has been lost does not come back
    await ann.page.clock.run_for(10_000)
    await ann.shows("is anybody there?")
    await expect(ann.waiting).to_have_count(0)


@pytest.mark.section("Coming back by itself")
@pytest.mark.in_memory
async def test_a_server_that_is_gone_is_tried_more_and_more_seldom(
    chat: Chat, browser: Browser
) -> None:
    """The page waits longer and longer, up to 30 s, and not as long as any other page."""
    ann = await Window.open(browser, chat, "ann")
    await ann.page.add_init_script(NO_SERVER)
    await ann.page.clock.install(time=0)
    await ann.page.clock.pause_at(3_600_000)  # from here on time passes only when we say so
    waits = [await waits_in_ten_minutes(ann), await waits_in_ten_minutes(ann)]
    for seconds in waits:
        assert 18 < len(seconds) < 100
        assert seconds[0] <= 1
        assert max(seconds) <= 30
    assert waits[0] != waits[1], "all pages come back in the same moment"


async def waits_in_ten_minutes(window: Window) -> list[float]:
    """How many seconds pass from one try to the next, after the page was loaded."""
    await window.page.reload()
    await window.page.clock.run_for(600_000)
    tries = await window.page.evaluate("tries")
    return [(after - before) / 1000 for before, after in pairwise(tries)]


@pytest.mark.section("Coming back by itself")
async def test_what_was_not_sent_survives_a_reload(chat: Chat, browser: Browser) -> None:
    """A message that still waits is there after the page was reloaded, and is sent."""
    ann = await Window.open(browser, chat, "ann")
    await ann.connected()
    await ann.page.route_web_socket("**/ws*", lambda route: None)  # connected to nothing
    await ann.page.reload()
    await ann.say("do not lose me")
    await expect(ann.waiting).to_have_count(1)
    # Playwright cannot take the dead socket back: the reloaded page is a new one, with what the
    # old one had stored.
    reloaded = Window(await ann.page.context.new_page(), chat)
    kept = await ann.page.evaluate("JSON.stringify(sessionStorage)")
    await reloaded.goto("/login")
    await reloaded.page.evaluate("kept => Object.assign(sessionStorage, JSON.parse(kept))", kept)
    await reloaded.goto("/")
    await reloaded.shows("do not lose me")
    await expect(reloaded.waiting).to_have_count(0)


@pytest.mark.section("Coming back by itself")
async def test_a_refused_message_says_why_and_can_be_removed(chat: Chat, browser: Browser) -> None:
    """A message that the chat refuses stays, with the reason, until you remove it."""
    ann = await Window.open(browser, chat, "ann")
    await ann.connected()
    text = ann.page.locator("#say [name=text]")
    await text.evaluate("field => { field.value = '\\u0001'.repeat(4000); }")
    await text.press("Enter")
    await expect(ann.waiting).to_contain_text("Too big")
    await ann.waiting.get_by_role("button", name="Remove").click()
    await expect(ann.waiting).to_have_count(0)
    await ann.connected()
    await ann.say("shorter")
    await ann.shows("shorter")


@pytest.mark.section("Who is here, and what was said")
async def test_the_page_shows_who_is_here(chat: Chat, browser: Browser) -> None:
    """The names of those who are here, whatever stands in them, come and go as they do."""
    ann = await Window.open(browser, chat, "ann")
    people = ann.page.locator("#people li")
    await expect(people).to_have_text(["ann (you)"])
    for name in ("bob", "you <img src=x onerror=alert(1)>"):
        window = await Window.open(browser, chat, name)
        await expect(people).to_have_text(["ann (you)", name])
        await window.page.close()
        await expect(people).to_have_text(["ann (you)"])
    assert ann.trouble == []


@pytest.mark.section("Who is here, and what was said")
async def test_older_messages_come_when_you_scroll_up(chat: Chat, browser: Browser) -> None:
    """Scroll to the top, or press a button: older messages appear, down to the first."""
    writer = await chat.visitor("writer")
    socket = await writer.join()
    said = [f"number {number}" for number in range(120)]
    for text in said:
        await socket.say(text)
    await socket.until(said[-1])
    ann = await Window.open(browser, chat, "ann")
    everything: Locator = ann.page.locator("#history .text")
    await expect(everything).to_have_count(50)
    scroller = ann.page.locator("#history")
    await scroller.evaluate("box => { box.scrollTop = -box.scrollHeight; }")
    await expect(everything).to_have_count(100)
    await ann.page.locator("#older").focus()
    await ann.page.keyboard.press("Enter")
    await expect(everything).to_have_text(said)
    await scroller.evaluate("box => { box.scrollTop = -box.scrollHeight; }")
    await expect(ann.page.locator("#older")).to_be_hidden()


@pytest.mark.section("Coming back by itself")
async def test_what_is_read_stays_where_it_is_when_what_waits_is_sent(
    chat: Chat, browser: Browser
) -> None:
    """While you read further up, what you wrote is sent: nothing moves."""
    writer = await (await chat.visitor("writer")).join()
    for number in range(40):
        await writer.say(f"number {number}")
    await writer.until("number 39")
    ann = await Window.open(browser, chat, "ann")
    await ann.connected()
    await ann.page.context.set_offline(True)
    await expect(ann.status).to_contain_text("No connection")
    for text in ("one", "two", "three"):
        await ann.say(text)
    await ann.scroll_up(600)
    message = ann.messages.get_by_text("number 19", exact=True)
    before = await message.bounding_box()
    await ann.page.context.set_offline(False)
    await expect(ann.texts).to_have_count(43)
    await expect(ann.waiting).to_have_count(0)
    after = await message.bounding_box()
    assert before
    assert after
    assert abs(after["y"] - before["y"]) <= 1


@pytest.mark.section("Who is here, and what was said")
async def test_times_are_those_of_the_reader(chat: Chat, browser: Browser) -> None:
    """The time beside a message is that of the reader's own clock."""
    await (await chat.visitor("writer")).post("/", {"text": "what time is it?"})
    shown = {}
    for zone in ("Asia/Tokyo", "America/New_York"):
        window = await Window.open(browser, chat, zone, timezone_id=zone, locale="en-GB")
        time = window.messages.locator("time")
        await expect(time).to_have_text(re.compile(r"^\d\d:\d\d$"))
        shown[zone] = await time.inner_text(), await time.get_attribute("datetime")
    (tokyo, tokyo_utc), (new_york, new_york_utc) = shown.values()
    assert tokyo_utc == new_york_utc
    hours = (int(tokyo[:2]) - int(new_york[:2])) % 24
    assert hours in {13, 14}  # winter and summer in New York


@pytest.mark.section("Signed out elsewhere")
async def test_signed_out_elsewhere_the_page_leads_to_the_login(
    chat: Chat, browser: Browser
) -> None:
    """Sign out everywhere on one machine: the page on the other goes to the login at once."""
    ann = await Window.open(browser, chat, "ann")
    await ann.connected()
    await ann.page.clock.install(time=0)
    await ann.page.clock.pause_at(3_600_000)  # for the page no more time passes
    elsewhere = await chat.stranger("ann")
    await elsewhere.log_in()
    await elsewhere.post("/signout", {"everywhere": "1"})
    await ann.page.wait_for_url("**/login*")


@pytest.mark.section("Signed out elsewhere")
async def test_signed_out_while_it_was_away_the_page_leads_to_the_login(
    chat: Chat, browser: Browser
) -> None:
    """Sign out everywhere while a page has no network: when it has, it goes to the login."""
    ann = await Window.open(browser, chat, "ann")
    await ann.connected()
    await ann.page.context.set_offline(True)
    await expect(ann.status).to_contain_text("No connection")
    elsewhere = await chat.stranger("ann")
    await elsewhere.log_in()
    await elsewhere.post("/signout", {"everywhere": "1"})
    await ann.page.context.set_offline(False)
    await ann.page.wait_for_url("**/login*")


@pytest.mark.section("Signed out elsewhere")
async def test_signing_out_in_the_chat_is_confirmed(
    chat: Chat, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sign out in a window of the chat: the login says that you have."""
    noticed = asyncio.Event()
    close = web.WebSocketResponse.close

    async def close_and_wait(ws: web.WebSocketResponse, **options: Any) -> bool:
        done = await close(ws, **options)
        async with within(PATIENCE):
            await noticed.wait()  # the answer comes after the page has seen its socket close
        return done

    ann = await Window.open(browser, chat, "ann")
    ann.page.on("websocket", lambda socket: socket.on("close", lambda _: noticed.set()))
    await ann.page.reload()
    await ann.connected()
    noticed.clear()  # that was the socket of the page before
    monkeypatch.setattr(web.WebSocketResponse, "close", close_and_wait)
    await ann.page.get_by_role("button", name="Sign out", exact=True).click()
    await expect(ann.page.locator(".flash")).to_have_text("You have signed out.")


@pytest.mark.section("Signed out elsewhere")
async def test_a_socket_is_for_whom_its_page_was_made(chat: Chat) -> None:
    """A page that was made for somebody else gets no socket of yours: it is closed with 1008."""
    ann = await chat.visitor("ann & bob")
    await ann.join("?" + urlencode({"user": "ann & bob"}))
    assert await (await ann.connect("?user=bob")).closed() == 1008


@pytest.mark.section("Signed out elsewhere")
async def test_what_waits_is_not_said_by_whoever_logs_in_next(chat: Chat, browser: Browser) -> None:
    """Somebody else logs in with your browser: what you wrote waits until it is you again."""
    ann = await Window.open(browser, chat, "ann")
    await ann.connected()
    await ann.page.context.set_offline(True)
    await expect(ann.status).to_contain_text("No connection")
    await ann.say("this is ann")
    bob = await chat.visitor("bob")
    await ann.become(bob)
    await ann.page.context.set_offline(False)
    await ann.page.wait_for_url("**/login*")
    assert json.loads((await bob.get("/history")).text) == {"messages": []}
    await ann.fill_in("ann")
    await ann.shows("this is ann")
    await expect(ann.messages.locator(".user")).to_have_text("ann")


@pytest.mark.section("For everybody")
async def test_the_focus_does_not_vanish_with_a_button(chat: Chat, browser: Browser) -> None:
    """Press a button that vanishes: the arrow keys scroll the messages then."""
    ann, bob = await Window.open(browser, chat, "ann"), await (await chat.visitor("bob")).join()
    await ann.connected()
    await bob.say("\n".join(["a", "long", "story"] * 20))
    await expect(ann.texts).to_have_count(1)
    await ann.scroll_up(600)
    await bob.say("the end")
    await expect(ann.page.locator("#newer")).to_be_visible()
    await ann.page.locator("#newer").press("Enter")
    await expect(ann.page.locator("#newer")).to_be_hidden()
    await expect(ann.page.locator("#history")).to_be_focused()
    field = ann.page.locator("#text")
    await field.evaluate("field => { field.value = '\\u0001'.repeat(4000); }")
    await field.press("Enter")
    await ann.waiting.get_by_role("button", name="Remove").press("Enter")
    await expect(ann.waiting).to_have_count(0)
    await expect(ann.page.locator("#history")).to_be_focused()


@pytest.mark.section("For everybody")
async def test_the_chat_can_be_used_by_keyboard_alone(chat: Chat, browser: Browser) -> None:
    """Enter sends, Shift+Enter starts a line, and Tab reaches everything."""
    ann = await Window.open(browser, chat, "ann")
    await ann.connected()
    keyboard = ann.page.keyboard
    await ann.page.locator("#text").focus()
    await keyboard.type("one")
    await keyboard.press("Shift+Enter")
    await keyboard.type("two")
    await keyboard.press("Enter")
    await expect(ann.texts).to_have_text(["one\ntwo"], use_inner_text=True)
    await ann.page.reload()
    await ann.page.locator("body").press("Tab")
    reached = set()
    for _ in range(15):
        await keyboard.press("Tab")
        reached.add(await ann.page.evaluate("document.activeElement.textContent.trim()"))
    assert {"Sign out", "Send"} <= reached


@pytest.mark.section("For everybody")
@pytest.mark.in_memory
@pytest.mark.parametrize("colors", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
async def test_pages_fit_and_pass_the_accessibility_check(
    chat: Chat, browser: Browser, colors: str, width: int
) -> None:
    """On a phone and on a desk, light and dark: nothing is cut off, axe finds nothing."""
    await (await chat.visitor("bob")).post("/", {"text": "a message " * 30})
    viewport = {"width": width, "height": 740}
    window = await Window.open(browser, chat, "ann", color_scheme=colors, viewport=viewport)
    await window.connected()
    for path in ("/", "/nowhere", "/signup", "/login"):
        if path == "/signup":
            await window.page.context.clear_cookies()
        await window.goto(path)
        found = (await Axe().run(window.page)).response["violations"]
        assert [(path, each["id"], each["nodes"][0]["html"]) for each in found] == []
        assert not await window.page.evaluate("document.documentElement.scrollWidth > innerWidth")


RIGHT_OF_TEXT = """element => {
  const range = document.createRange();
  range.selectNodeContents(element);
  return range.getBoundingClientRect().right;
}"""

STICKING_OUT = """[document.documentElement, ...document.querySelectorAll("#history, #people")]
  .filter(box => box.scrollWidth > box.clientWidth)
  .map(box => box.id || "the page")"""


@pytest.mark.section("For everybody")
@pytest.mark.in_memory
async def test_a_long_name_covers_nothing_and_sticks_out_of_nothing(
    chat: Chat, browser: Browser
) -> None:
    """A name of forty wide letters on a phone: it is cut, or broken, and all else is there."""
    viewport = {"width": 360, "height": 740}
    name = "W" * 40
    window = await Window.open(browser, chat, name, viewport=viewport)
    await window.connected()
    await window.say("here I am")
    await expect(window.messages).to_have_count(1)
    word = await window.page.locator(".brand").evaluate(RIGHT_OF_TEXT)
    box = await window.page.locator(".account .name").bounding_box()
    assert box
    assert word <= box["x"]
    assert await window.page.evaluate(STICKING_OUT) == []
    await window.page.context.clear_cookies()
    await window.goto("/signup")
    await window.fill_in(name)
    await expect(window.page.locator("#reason")).to_contain_text("taken")
    assert await window.page.evaluate(STICKING_OUT) == []
