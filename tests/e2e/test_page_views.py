"""The web page's safety, status view, keyboard, and its looks on a phone in the
dark."""

import clients_venv  # noqa: F401, first: it may start another Python

import re

from playwright.sync_api import expect

from harness import main
from page_server import HOSTILE
from page_test import PageTest


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
