"""The web page in headless Chromium, against answers that are played back.
Screenshots go to $HADAL_SCREENSHOTS, else to the folder screenshots beside the
program."""

import clients_venv  # noqa: F401, first: it may start another Python

import json
import os
import pathlib
import re
import shutil
import tempfile
import unittest

from playwright.sync_api import expect, sync_playwright

from harness import PROGRAM, main
from page_server import HOSTILE, PageServer

SHOTS = pathlib.Path(os.environ.get(
    "HADAL_SCREENSHOTS", pathlib.Path(PROGRAM).parent / "screenshots"))
TOOLS = [{"type": "function", "function": {
    "name": "get_weather", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]


def chromium():
    return os.environ.get("HADAL_CHROMIUM") or shutil.which("chromium")


@unittest.skipUnless(chromium(), "no chromium (scripts/setup.sh --clients)")
class PageTest(unittest.TestCase):
    """A fresh profile, page and server each; any request to elsewhere and any
    error on the console fails the test."""

    WIDTH, HEIGHT, SCHEME = 1100, 800, "light"

    @classmethod
    def setUpClass(cls):
        cls.playwright = cls.enterClassContext(sync_playwright())
        cls.browser = cls.playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        cls.addClassCleanup(cls.browser.close)
        SHOTS.mkdir(parents=True, exist_ok=True)

    def setUp(self):
        self.server = self.enterContext(PageServer())
        self.context = self.browser.new_context(
            viewport={"width": self.WIDTH, "height": self.HEIGHT}, color_scheme=self.SCHEME,
            permissions=["clipboard-read", "clipboard-write"])
        self.addCleanup(self.context.close)
        self.context.set_default_timeout(10000)
        self.problems = []
        self.expected = []  # parts of console messages that may come
        self.page = self.open_page()

    def open_page(self):
        page = self.context.new_page()
        page.on("console", self.hear)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", self.see)
        page.goto(self.server.url)
        page.wait_for_selector("body[data-ready=yes]")
        return page

    def hear(self, message):
        if message.type in ("error", "warning") and \
                not any(part in message.text for part in self.expected):
            self.problems.append(message.text)

    def see(self, request):
        if not request.url.startswith((self.server.url, "blob:")):
            self.problems.append(f"request to {request.url}")

    def tearDown(self):
        self.assertEqual(self.problems, [])

    def send(self, text):
        self.page.fill("#composer-text", text)
        self.page.press("#composer-text", "Enter")

    def expect_answer(self, text, at=-1):
        answers = self.page.locator(".message.assistant")
        expect(answers.nth(at).locator(".content")).to_contain_text(text)
        expect(self.page.locator("#stop")).to_be_hidden()

    def expect_messages(self, count):
        expect(self.page.locator(".message")).to_have_count(count)

    def wait_for(self, condition):
        for _ in range(100):
            if condition():
                return
            self.page.wait_for_timeout(50)
        self.fail("it did not happen within 5 s")

    def shot(self, name):
        self.page.screenshot(path=SHOTS / f"{name}.png")

    def set_tools(self):
        self.page.click("#open-settings")
        self.page.fill("#set-tools", json.dumps(TOOLS))
        self.page.click("#settings-close")


class Conversation(PageTest):
    def test_send_and_second_turn(self):
        self.send("hello there")
        self.expect_answer("turn 1: hello there")
        expect(self.page.locator(".stats")).to_contain_text("prompt 40, cached 32")
        expect(self.page.locator(".stats")).to_contain_text("first after")
        self.send("again")
        self.expect_answer("turn 2: again")
        sent = self.server.requests[-1]
        self.assertEqual([m["role"] for m in sent["messages"]], ["user", "assistant", "user"])
        self.assertEqual(sent["messages"][1]["content"], "turn 1: hello there")
        self.assertEqual((sent["model"], sent["stream"]), ("played-back", True))
        expect(self.page.locator("#conversations .title")).to_have_text(["hello there"])
        self.shot("chat")

    def test_thinking_is_folded(self):
        self.send("think first")
        self.expect_answer("Then I answer.")
        thought = self.page.locator(".thought")
        expect(thought).to_be_hidden()
        self.page.click(".thinking summary")
        expect(thought).to_have_text("First I think.")
        self.send("next")
        self.expect_answer("turn 2")
        self.assertEqual(self.server.requests[-1]["messages"][1]["reasoning_content"], "First I think.")

    def test_stop(self):
        self.send("count slowly")
        expect(self.page.locator(".content")).to_contain_text("word3")
        self.page.click("#stop")
        expect(self.page.locator(".stats")).to_contain_text("stopped")
        self.assertTrue(self.server.gone.wait(10), "the server was not told")
        kept = self.page.locator(".content").inner_text()
        self.assertNotIn("word399", kept)
        self.send("go on")
        self.expect_answer("turn 2")
        self.assertIn("word3", self.server.requests[-1]["messages"][1]["content"])

    def test_edit_and_retry(self):
        self.send("first")
        self.expect_answer("turn 1: first")
        self.send("second")
        self.expect_answer("turn 2: second")
        self.page.locator(".message.user").first.get_by_role("button", name="Edit").click()
        self.page.fill(".edit textarea", "changed")
        self.page.press(".edit textarea", "Enter")
        self.expect_answer("turn 1: changed")
        self.expect_messages(2)
        self.page.click("text=Undo")
        self.expect_answer("turn 2: second")
        self.expect_messages(4)
        self.server.requests.clear()
        self.page.get_by_role("button", name="Retry this answer").click()
        self.wait_for(lambda: len(self.server.requests) == 1)
        self.expect_answer("turn 2: second")
        self.assertEqual(len(self.server.requests[-1]["messages"]), 3)

    def test_reload_keeps_everything(self):
        self.send("remember me")
        self.expect_answer("turn 1: remember me")
        self.page.reload()
        self.page.wait_for_selector("body[data-ready=yes]")
        self.expect_answer("turn 1: remember me")
        self.send("more")
        self.expect_answer("turn 2: more")

    def test_reload_in_the_middle_keeps_the_part(self):
        self.send("count slowly")
        expect(self.page.locator(".content")).to_contain_text("word60", timeout=20000)
        self.page.reload()
        expect(self.page.locator(".content")).to_contain_text("word3")

    def test_tool_call(self):
        self.set_tools()
        self.send("weather in Oslo?")
        expect(self.page.locator(".call h3")).to_have_text("Calls get_weather")
        expect(self.page.locator(".call pre")).to_have_text('{"city": "Oslo"}')
        self.page.fill(".call textarea", "12 degrees")
        self.shot("tool-call")
        self.page.get_by_role("button", name="Send the result").click()
        self.expect_answer("The tool said: 12 degrees")
        sent = self.server.requests[-1]["messages"]
        self.assertEqual([m["role"] for m in sent], ["user", "assistant", "tool"])
        self.assertEqual(sent[2]["tool_call_id"], sent[1]["tool_calls"][0]["id"])
        self.assertEqual(self.server.requests[-1]["tools"], TOOLS)

    def test_attached_file(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as file:
            file.write("line one\n```\nline two")
        self.addCleanup(os.unlink, file.name)
        self.page.set_input_files("#file", file.name)
        expect(self.page.locator("#attachments li")).to_have_count(1)
        self.send("read this")
        self.expect_answer("turn 1")
        text = self.server.requests[-1]["messages"][0]["content"]
        self.assertIn("````\nline one\n```\nline two\n````", text)
        self.assertTrue(text.endswith("\n\nread this"))

    def test_several_conversations(self):
        self.send("one")
        self.expect_answer("turn 1: one")
        self.page.click("#new-conversation")
        self.expect_messages(0)
        self.send("two")
        self.expect_answer("turn 1: two")
        titles = self.page.locator("#conversations .title")
        expect(titles).to_have_text(["two", "one"])
        titles.nth(1).click()
        self.expect_answer("turn 1: one")
        self.page.get_by_role("button", name="Rename one").click()
        self.page.keyboard.type("Renamed")
        self.page.keyboard.press("Enter")
        expect(titles).to_have_text(["two", "Renamed"])
        with self.page.expect_download() as download:
            self.page.get_by_role("button", name="Export Renamed").click()
        saved = json.loads(pathlib.Path(download.value.path()).read_text())
        self.assertEqual(download.value.suggested_filename, "Renamed.json")
        self.assertEqual(saved["messages"][0]["content"], "one")
        self.page.get_by_role("button", name="Delete Renamed").click()
        expect(titles).to_have_text(["two"])
        self.page.click("text=Undo")
        expect(titles).to_have_text(["two", "Renamed"])

    def test_settings_go_into_the_request(self):
        self.page.click("#open-settings")
        self.page.fill("#set-system", "Be brief.")
        self.page.fill("#set-temperature", "0.5")
        self.page.fill("#set-seed", "7")
        self.page.fill("#set-stop", "END\nSTOP")
        self.page.fill("#set-response_format", '{"type": "object"}')
        self.shot("settings")
        self.page.click("#settings-close")
        self.page.select_option("#thinking", "none")
        self.send("hi")
        self.expect_answer("turn 1")
        sent = self.server.requests[-1]
        self.assertEqual(sent["messages"][0], {"role": "system", "content": "Be brief."})
        self.assertEqual((sent["temperature"], sent["seed"], sent["stop"]), (0.5, 7, ["END", "STOP"]))
        self.assertEqual(sent["reasoning_effort"], "none")
        self.assertEqual(sent["response_format"]["json_schema"]["schema"], {"type": "object"})

    def test_settings_that_are_no_json(self):
        self.page.click("#open-settings")
        self.page.fill("#set-tools", "[{")
        expect(self.page.locator("#set-tools")).to_have_attribute("aria-invalid", "true")
        self.page.evaluate("document.getElementById('settings').close()")
        self.send("hi")
        expect(self.page.locator(".message.assistant .error")).to_contain_text("Tools (JSON list)")
        self.assertEqual(self.server.requests, [])


class Safety(PageTest):
    def test_hostile_text_stays_text(self):
        self.send(HOSTILE + " hostile")
        self.expect_answer('<img src=x onerror="window.hurt=1">')
        self.page.click("#new-conversation")
        self.page.locator("#conversations .title").click()
        self.assertIsNone(self.page.evaluate("window.hurt ?? null"))
        inside = self.page.locator(".message")
        for tag in ("img", "script", "svg", "b", "i", "iframe"):
            self.assertEqual(inside.locator(tag).count(), 0, tag)
        expect(inside.locator(".content pre")).to_have_text('<svg onload="window.hurt=1">')
        links = inside.locator("a").evaluate_all("all => all.map(a => a.href)")
        self.assertTrue(all(link.startswith("http") for link in links), links)

    def test_the_policy_stops_what_would_get_through(self):
        self.expected = ["Content Security Policy", "TrustedHTML", "Trusted Type"]
        refused = self.page.evaluate("""() => {
          try { document.body.innerHTML = '<b>x</b>'; return false; } catch { return true; }
        }""")
        self.assertTrue(refused)

    def test_markdown(self):
        self.send("markdown please")
        self.expect_answer("End.")
        content = self.page.locator(".content")
        expect(content.locator("h3")).to_have_text("Title")
        expect(content.locator("em")).to_have_text("soft")
        expect(content.locator("strong")).to_have_text("strong")
        expect(content.locator("a")).to_have_attribute("href", "https://example.org/x")
        expect(content.locator("a")).to_have_attribute("rel", "noopener noreferrer")
        expect(content.locator("ul > li")).to_have_count(2)
        expect(content.locator("ol > li")).to_have_text(["inner"])
        expect(content.locator("td")).to_have_text(["1", "2"])
        expect(content.locator("blockquote")).to_have_text("quoted")
        content.get_by_role("button", name="Copy this code").click()
        self.assertEqual(self.page.evaluate("navigator.clipboard.readText()"), 'print("hi")')
        self.shot("markdown")


class Failures(PageTest):
    def test_busy_server_and_retry(self):
        self.expected = ["503"]
        self.send("busy")
        error = self.page.locator(".message.assistant .error")
        expect(error).to_have_text("the queue is full Try again in 3 s.")
        self.page.locator(".message.user").get_by_role("button", name="Edit").click()
        self.page.fill(".edit textarea", "calm")
        self.page.get_by_role("button", name="Send again").click()
        self.expect_answer("turn 1: calm")

    def test_broken_connection(self):
        self.send("please break")
        expect(self.page.locator(".message.assistant .error")).to_contain_text("connection broke")

    def test_api_key(self):
        self.expected = ["401"]
        self.server.api_key = "right"
        self.send("hello")
        expect(self.page.locator("#key-dialog")).to_be_visible()
        self.page.fill("#key", "wrong")
        self.page.press("#key", "Enter")
        expect(self.page.locator("#key-title")).to_contain_text("did not take")
        self.page.fill("#key", "right")
        self.page.press("#key", "Enter")
        self.expect_answer("turn 1: hello")
        self.assertIsNone(self.page.evaluate("localStorage.getItem('hadal.key')"))
        self.send("still")
        self.expect_answer("turn 2: still")


class Status(PageTest):
    def test_plots_and_sequences(self):
        self.page.click("#view-status")
        expect(self.page.locator("#sequences td").first).to_have_text("7")
        expect(self.page.locator("figure", has_text="Requests")).to_contain_text("running 1")
        expect(self.page.locator("figure", has_text="Requests")).to_contain_text("queued 2")
        expect(self.page.locator("figure", has_text="Tokens generated")).to_contain_text("/s")
        expect(self.page.locator("figure", has_text="Cache memory")).to_contain_text("used 5.0 MB")
        expect(self.page.locator("polyline").first).to_have_attribute(
            "points", re.compile(r"\S+ \S+ \S+"))
        self.shot("status")
        self.page.click("#view-chat")
        reads = self.server.reads
        self.page.wait_for_timeout(1500)
        self.assertLessEqual(self.server.reads, reads + 1)


class Keyboard(PageTest):
    def test_without_a_mouse(self):
        self.page.keyboard.type("line one")
        self.page.keyboard.press("Shift+Enter")
        self.page.keyboard.type("line two")
        self.page.keyboard.press("Enter")
        self.expect_answer("line two")
        self.assertEqual(self.server.requests[-1]["messages"][0]["content"], "line one\nline two")
        self.page.keyboard.type("count slowly")
        self.page.keyboard.press("Enter")
        expect(self.page.locator(".content").last).to_contain_text("word2")
        self.page.keyboard.press("Escape")
        expect(self.page.locator(".stats").last).to_contain_text("stopped")
        self.page.keyboard.press("Alt+n")
        self.expect_messages(0)
        self.page.keyboard.press("Alt+ArrowUp")
        self.expect_messages(4)
        self.page.keyboard.press("Alt+s")
        expect(self.page.locator("#status-view")).to_be_visible()
        self.page.keyboard.press("Alt+s")
        self.page.keyboard.press("Alt+,")
        expect(self.page.locator("#settings")).to_be_visible()
        self.page.keyboard.press("Escape")
        expect(self.page.locator("#settings")).to_be_hidden()

    def test_everything_has_a_name_and_can_be_reached(self):
        self.set_tools()
        self.send("weather")
        expect(self.page.locator(".call textarea")).to_be_visible()
        nameless = self.page.evaluate("""() => [...document.querySelectorAll(
          'button, input, select, textarea, summary')].filter((node) => {
            const label = node.getAttribute('aria-label') || node.textContent ||
              (node.labels && node.labels.length > 0);
            return !label;
          }).map((node) => node.outerHTML)""")
        self.assertEqual(nameless, [])
        self.page.evaluate("document.activeElement.blur()")
        reached = set()
        for _ in range(40):
            self.page.keyboard.press("Tab")
            reached.add(self.page.evaluate(
                "document.activeElement.id || document.activeElement.textContent"))
        for wanted in ("view-status", "open-settings", "new-conversation", "composer-text", "attach",
                       "thinking", "send", "Send the result", "Retry", "Edit"):
            self.assertIn(wanted, reached)


class Phone(PageTest):
    WIDTH, HEIGHT, SCHEME = 360, 740, "dark"

    def test_nothing_is_cut_off(self):
        self.send("markdown please, " + "a-word-without-any-end" * 8)
        self.expect_answer("End.")
        self.shot("phone-dark")
        for click in ("#view-status", "#view-chat", "#open-settings"):
            self.page.click(click)
            wide = self.page.evaluate("document.documentElement.scrollWidth")
            self.assertLessEqual(wide, self.WIDTH, click)
        self.page.click("#settings-close")
        self.page.click("#show-list")
        expect(self.page.locator("#sidebar")).to_be_visible()
        self.shot("phone-list")
        self.page.locator("#conversations .title").click()
        expect(self.page.locator("#sidebar")).to_be_hidden()
        colour = self.page.evaluate("getComputedStyle(document.body).backgroundColor")
        self.assertLess(sum(int(part) for part in colour[4:-1].split(",")), 150, colour)


if __name__ == "__main__":
    main()
