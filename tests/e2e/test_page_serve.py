"""The web page as `hadal serve` gives it, with the bundled model's own answers."""

import clients_venv  # noqa: F401, first: it may start another Python

import json

from playwright.sync_api import expect

from harness import main
from page_test import PageTest
from serve_tools import ADD_TOOL, STORY, WEATHER_TOOL, Server

KEY = "key-of-the-tests"


class ServedPage(PageTest):
    def start_server(self):
        server = self.enterContext(Server("--threads", "1"))
        server.page_url = server.url + "/"
        return server

    def test_a_conversation(self):
        self.page.select_option("#thinking", "none")
        self.greedy()
        self.send(STORY)
        self.expect_answer("Nina")
        expect(self.page.locator(".stats").last).to_contain_text("tokens/s")
        self.send("What is the capital of Norway?")
        self.expect_answer("The capital of Norway is Oslo.")
        self.assertGreater(self.cached(), 50)
        self.page.reload()
        self.expect_answer("The capital of Norway is Oslo.")
        self.shot("serve-chat")

    def greedy(self, **more):
        self.page.click("#open-settings")
        for name, value in {"temperature": "0", **more}.items():
            self.page.fill(f"#set-{name}", value)
        self.page.click("#settings-close")

    def cached(self):
        return int(self.page.locator(".stats").last.inner_text().split("cached ")[1].split()[0])

    def test_thinking(self):
        self.greedy()
        self.page.select_option("#thinking", "high")
        self.send("What is 257 + 468?")
        self.expect_answer("257 + 468 = 725.")
        self.page.click(".thinking summary")
        expect(self.page.locator(".thought")).to_contain_text("carry")
        expect(self.page.locator(".stats")).to_contain_text("of them thinking")

    def test_tools(self):
        self.greedy(tools=json.dumps([WEATHER_TOOL, ADD_TOOL]))
        self.page.select_option("#thinking", "none")
        self.send("Use the tool to add 1156 and 4911.")
        expect(self.page.locator(".call h3")).to_have_text("Calls add")
        self.page.fill(".call textarea", "6067")
        self.page.get_by_role("button", name="Send the result").click()
        self.expect_answer("The sum is 6067.")

    def test_stop_and_status(self):
        self.send(STORY + " Think about it for long.")
        self.page.keyboard.press("Alt+s")
        expect(self.page.locator("figure", has_text="Cache memory")).to_contain_text("used")
        self.page.keyboard.press("Alt+s")
        # At once, or not at all when the answer has ended by itself.
        self.page.evaluate("() => { const stop = document.querySelector('#stop'); if (!stop.hidden) stop.click(); }")
        self.assertTrue(self.server.wait_until_idle(5), self.server.slots())
        metrics = self.server.metrics()
        status = self.page.request.get(self.server.url + "/web/status_view.js").text()
        for name in set(status.split('"')):
            if name.startswith("hadal_"):
                self.assertTrue(name in metrics or name + "_count" in metrics, name)


class ServedPageWithKey(PageTest):
    def start_server(self):
        server = self.enterContext(Server("--threads", "1", key=KEY, environment={"HADAL_API_KEY": KEY}))
        server.page_url = server.url + "/"
        self.expected = ["401"]
        return server

    def open_page(self):
        page = self.watched_page()
        page.goto(self.server.page_url)
        page.fill("#key", KEY)
        page.press("#key", "Enter")
        page.wait_for_selector("#model-name:not(:empty)")
        return page

    def test_the_page_asks_for_the_key(self):
        self.send("What is the capital of Norway?")
        self.expect_answer("Oslo")


if __name__ == "__main__":
    main()
