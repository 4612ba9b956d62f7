"""Test classes that drive the web page in headless Chromium, against answers that
are played back. Screenshots go to $HADAL_SCREENSHOTS, else to the folder
screenshots beside the program."""

import clients_venv  # noqa: F401, first: it may start another Python

import json
import os
import pathlib
import shutil
import unittest

from playwright.sync_api import expect, sync_playwright

from harness import PROGRAM
from page_server import PageServer

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
        expect.set_options(timeout=15000)  # also where the machine is busy
        SHOTS.mkdir(parents=True, exist_ok=True)

    def setUp(self):
        self.problems = []
        self.expected = []  # parts of console messages that may come
        self.server = self.start_server()
        self.context = self.browser.new_context(
            viewport={"width": self.WIDTH, "height": self.HEIGHT}, color_scheme=self.SCHEME,
            permissions=["clipboard-read", "clipboard-write"])
        self.addCleanup(self.context.close)
        self.context.set_default_timeout(15000)
        self.page = self.open_page()

    def start_server(self):
        return self.enterContext(PageServer())

    def watched_page(self):
        page = self.context.new_page()
        page.on("console", self.hear)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", self.see)
        return page

    def open_page(self):
        page = self.watched_page()
        page.goto(self.server.page_url)
        page.wait_for_selector("body[data-ready=yes]")
        return page

    def hear(self, message):
        if message.type in ("error", "warning") and \
                not any(part in message.text for part in self.expected):
            self.problems.append(message.text)

    def see(self, request):
        if not request.url.startswith((self.server.page_url, "blob:")):
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
        for _ in range(200):
            if condition():
                return
            self.page.wait_for_timeout(50)
        self.fail("it did not happen within 10 s")

    def shot(self, name):
        self.page.screenshot(path=SHOTS / f"{name}.png")

    def set_tools(self):
        self.page.click("#open-settings")
        self.page.fill("#set-tools", json.dumps(TOOLS))
        self.page.click("#settings-close")
