"""The Messages API through the official package `anthropic`."""

import clients_venv  # noqa: F401, first: it may start another Python

import anthropic

from client_test import ClientTest
from harness import main
from serve_tools import STORY, long_text

ADD = {"name": "add", "description": "Add two numbers",
       "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
                        "required": ["a", "b"]}}
WEATHER = {"name": "get_weather", "description": "Get the current weather in a city",
           "input_schema": {"type": "object", "properties": {"city": {"type": "string"}},
                            "required": ["city"]}}
THINK = {"type": "enabled", "budget_tokens": 1024}


class AnthropicTest(ClientTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = anthropic.Anthropic(base_url=cls.server.url, api_key=cls.KEY or "none",
                                         max_retries=0, timeout=60)
        cls.addClassCleanup(cls.client.close)

    def fields(self, text, more):
        messages = text if isinstance(text, list) else [{"role": "user", "content": text}]
        body = {"temperature": 0} | more.pop("extra_body", {})
        return {"model": "nano", "messages": messages, "max_tokens": 500,
                "thinking": {"type": "disabled"}, "extra_body": body} | more

    def ask(self, text, **more):
        return self.client.messages.create(**self.fields(text, more))

    def events(self, text, **more):
        return list(self.client.messages.create(stream=True, **self.fields(text, more)))


def texts(message, kind):
    field = {"text": "text", "thinking": "thinking"}[kind]
    return "".join(getattr(block, field) for block in message.content if block.type == kind)


class Messages(AnthropicTest):
    def test_answer(self):
        message = self.ask("What is the capital of Norway?", system="Be brief.")
        self.assertEqual((message.type, message.role, message.model), ("message", "assistant", "nano"))
        self.assertTrue(message.id.startswith("msg_"))
        self.assertEqual([block.type for block in message.content], ["text"])
        self.assertEqual(message.content[0].text, "The capital of Norway is Oslo.")
        self.assertEqual((message.stop_reason, message.stop_sequence), ("end_turn", None))
        self.assertGreater(message.usage.output_tokens, 5)

    def test_input_tokens_leave_out_cached_ones(self):
        text = long_text(300)
        total = self.client.messages.count_tokens(
            model="nano", messages=[{"role": "user", "content": text}],
            thinking={"type": "disabled"}).input_tokens
        self.ask(text)
        usage = self.ask(text).usage
        self.assertEqual(usage.cache_read_input_tokens, total - 1)
        self.assertEqual(usage.input_tokens + usage.cache_read_input_tokens
                         + (usage.cache_creation_input_tokens or 0), total)

    def test_stream_with_thinking(self):
        whole = self.ask("What is 257 + 468?", thinking=THINK, max_tokens=2000)
        self.assertEqual(texts(whole, "text"), "257 + 468 = 725.")
        events = self.events("What is 257 + 468?", thinking=THINK, max_tokens=2000)
        order = []
        for event in events:
            name = event.type
            if name == "content_block_start":
                name += ":" + event.content_block.type
            if name == "content_block_delta":
                name += ":" + event.delta.type
            if name != "ping" and order[-1:] != [name]:
                order.append(name)
        self.assertEqual(order, [
            "message_start",
            "content_block_start:thinking", "content_block_delta:thinking_delta",
            "content_block_delta:signature_delta", "content_block_stop",
            "content_block_start:text", "content_block_delta:text_delta", "content_block_stop",
            "message_delta", "message_stop"])
        thinking = "".join(e.delta.thinking for e in events
                           if e.type == "content_block_delta" and e.delta.type == "thinking_delta")
        self.assertEqual(thinking, texts(whole, "thinking"))
        self.assertIn("carry", thinking)
        self.assertEqual(events[-2].delta.stop_reason, "end_turn")
        self.assertEqual(events[-2].usage.output_tokens, whole.usage.output_tokens)

    def test_the_packages_own_collector(self):
        fields = self.fields("What is the weather in Lima?", {"tools": [ADD, WEATHER]})
        with self.client.messages.stream(**fields) as stream:
            message = stream.get_final_message()
        self.assertEqual(message.stop_reason, "tool_use")
        call = message.content[-1]
        self.assertEqual((call.type, call.name, call.input), ("tool_use", "get_weather", {"city": "Lima"}))
        self.assertTrue(call.id.startswith("toolu_"))

    def test_tool_round_trip_with_thinking(self):
        messages = [{"role": "user", "content": "Use the tool to add 1156 and 4911."}]
        first = self.ask(messages, tools=[ADD, WEATHER], thinking=THINK, max_tokens=2000)
        self.assertEqual(first.stop_reason, "tool_use")
        kinds = [block.type for block in first.content]
        self.assertEqual((kinds[0], kinds[-1]), ("thinking", "tool_use"))
        call = first.content[-1]
        self.assertEqual((call.name, call.input), ("add", {"a": 1156, "b": 4911}))
        messages.append({"role": "assistant", "content": [b.model_dump(exclude_none=True) for b in first.content]})
        messages.append({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": call.id, "content": "6067"}]})
        second = self.ask(messages, tools=[ADD, WEATHER], thinking=THINK, max_tokens=2000)
        self.assertEqual(texts(second, "text"), "The sum is 6067.")
        self.assertEqual(second.stop_reason, "end_turn")
        read = first.usage.input_tokens + first.usage.cache_read_input_tokens
        self.assertGreaterEqual(second.usage.cache_read_input_tokens, read - 1)

    def test_tool_choice(self):
        for choice in ({"type": "any"}, {"type": "tool", "name": "add"}):
            message = self.ask("Tell me a story.", tools=[ADD, WEATHER], tool_choice=choice)
            self.assertEqual(message.stop_reason, "tool_use", choice)
            if choice["type"] == "tool":
                self.assertEqual(message.content[-1].name, "add")
        none = self.ask("What is the weather in Lima?", tools=[WEATHER], tool_choice={"type": "none"})
        self.assertEqual([block.type for block in none.content], ["text"])

    def test_stops(self):
        stopped = self.ask(STORY, stop_sequences=["Nina"])
        self.assertEqual((stopped.stop_reason, stopped.stop_sequence), ("stop_sequence", "Nina"))
        cut = self.ask(STORY, max_tokens=5)
        self.assertEqual((cut.stop_reason, cut.usage.output_tokens), ("max_tokens", 5))

    def test_thinking_alone_gets_an_empty_text(self):
        message = self.ask("What is 257 + 468?", thinking=THINK, max_tokens=5)
        self.assertEqual([block.type for block in message.content], ["thinking", "text"])
        self.assertEqual(message.stop_reason, "max_tokens")

    def test_the_changing_line_of_claude_code_is_stripped(self):
        def system(stamp):
            return [{"type": "text", "text": f"x-anthropic-billing-header: cc_version={stamp};"},
                    {"type": "text", "text": "You tell stories. " * 40}]
        self.ask(STORY, system=system("1"), max_tokens=5)
        usage = self.ask(STORY, system=system("2"), max_tokens=5).usage
        self.assertGreater(usage.cache_read_input_tokens, 100)


class Failures(AnthropicTest):
    KEY = "key-of-the-tests"

    def test_errors_are_the_packages_own(self):
        with self.assertRaises(anthropic.BadRequestError) as caught:
            self.ask("x", extra_body={"temperature": "hot"})
        body = caught.exception.body
        self.assertEqual((body["type"], body["error"]["type"]), ("error", "invalid_request_error"))
        self.assertIn("temperature", body["error"]["message"])
        with self.assertRaises(anthropic.BadRequestError):
            self.ask([{"role": "wizard", "content": "x"}])
        with self.assertRaises(anthropic.AuthenticationError):
            self.client.with_options(api_key="wrong").messages.create(**self.fields("x", {}))

    def test_key_as_bearer(self):
        client = anthropic.Anthropic(base_url=self.server.url, auth_token=self.KEY, api_key=None, max_retries=0)
        self.assertEqual(client.messages.create(**self.fields("What is 5 + 90?", {})).content[0].text,
                         "5 + 90 = 95.")

    def test_leaving_cancels(self):
        fields = self.fields(STORY, {"max_tokens": 100000, "extra_body": {"temperature": 1, "min_tokens": 100000}})
        with self.client.messages.create(stream=True, **fields) as stream:
            for event in stream:
                if event.type == "content_block_delta":
                    break
            self.expect_slots(["generating"])
        self.expect_cancelled()


if __name__ == "__main__":
    main()
