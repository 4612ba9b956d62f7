"""Conversations on the web page: sending, streaming, stopping, editing, tools,
files, settings, failures."""

import clients_venv  # noqa: F401, first: it may start another Python

import json
import os
import pathlib
import tempfile

from playwright.sync_api import expect

from harness import main
from page_test import TOOLS, PageTest

# What the browser has kept of all conversations.
STORED = """() => new Promise((resolve) => {
  const opening = indexedDB.open("hadal", 1);
  opening.onsuccess = () => {
    const all = opening.result.transaction("conversations").objectStore("conversations").getAll();
    all.onsuccess = () => resolve(JSON.stringify(all.result));
  };
})"""


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

    def test_progress_of_a_long_prompt(self):
        self.send("a long prompt")
        expect(self.page.locator(".wait")).to_have_text("Reading the prompt: 10 of 40 tokens")
        self.expect_answer("turn 1")
        expect(self.page.locator(".wait")).to_be_hidden()

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
        self.wait_for(lambda: "word3 " in self.page.evaluate(STORED))
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
        # The page's own first questions are answered by now.
        expect(self.page.locator("#set-temperature")).to_have_attribute("placeholder", "1")
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


if __name__ == "__main__":
    main()
