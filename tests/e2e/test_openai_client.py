"""Chat completions and completions through the official package `openai`."""

import clients_venv  # noqa: F401, first: it may start another Python

import json
import math

import openai
import pydantic

from client_test import ClientTest
from harness import main
from serve_tools import ADD_TOOL, STORY, WEATHER_TOOL


class OpenAiTest(ClientTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = openai.OpenAI(base_url=cls.server.url + "/v1", api_key=cls.KEY or "none",
                                   max_retries=0, timeout=60)
        cls.addClassCleanup(cls.client.close)

    def ask(self, text, **fields):
        """A greedy answer without thinking, unless `fields` say otherwise."""
        messages = text if isinstance(text, list) else [{"role": "user", "content": text}]
        return self.client.chat.completions.create(
            **{"model": "nano", "messages": messages, "temperature": 0, "reasoning_effort": "none"} | fields)


class Chat(OpenAiTest):
    def test_answer(self):
        answer = self.ask("What is the capital of Norway?")
        self.assertEqual(answer.object, "chat.completion")
        self.assertEqual(answer.model, "nano")
        self.assertTrue(answer.id.startswith("chatcmpl-"))
        self.assertEqual(len(answer.choices), 1)
        choice = answer.choices[0]
        self.assertEqual(choice.message.content, "The capital of Norway is Oslo.")
        self.assertEqual(choice.message.role, "assistant")
        self.assertIsNone(choice.message.tool_calls)
        self.assertEqual(choice.finish_reason, "stop")
        usage = answer.usage
        self.assertEqual(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens)
        self.assertEqual(usage.completion_tokens_details.reasoning_tokens, 0)

    def test_thinking_is_apart(self):
        answer = self.ask("What is 257 + 468?", reasoning_effort="high")
        message = answer.choices[0].message
        self.assertEqual(message.content, "257 + 468 = 725.")
        self.assertIn("carry", message.reasoning_content)
        self.assertNotIn("think>", message.reasoning_content + message.content)
        self.assertGreater(answer.usage.completion_tokens_details.reasoning_tokens, 20)

    def test_stream_equals_the_whole(self):
        whole = self.ask("What is 257 + 468?", reasoning_effort="high")
        stream = self.ask("What is 257 + 468?", reasoning_effort="high", stream=True,
                          stream_options={"include_usage": True})
        chunks = list(stream)
        self.assertEqual(len({chunk.id for chunk in chunks}), 1)
        self.assertEqual(chunks[0].choices[0].delta.role, "assistant")
        deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
        message = whole.choices[0].message
        self.assertEqual("".join(d.content or "" for d in deltas), message.content)
        self.assertEqual("".join(getattr(d, "reasoning_content", None) or "" for d in deltas),
                         message.reasoning_content)
        self.assertGreater(len(chunks), 20)
        self.assertEqual(chunks[-1].choices, [])
        self.assertEqual(chunks[-1].usage.completion_tokens, whole.usage.completion_tokens)
        self.assertEqual([c.choices[0].finish_reason for c in chunks if c.choices][-1], "stop")

    def test_second_turn_hits_the_cache(self):
        first = self.ask(STORY)
        messages = [{"role": "user", "content": STORY},
                    {"role": "assistant", "content": first.choices[0].message.content},
                    {"role": "user", "content": "What is the capital of Ireland?"}]
        second = self.ask(messages)
        cached = second.usage.prompt_tokens_details.cached_tokens
        self.assertGreaterEqual(cached, first.usage.prompt_tokens - 1)
        self.assertLess(second.usage.prompt_tokens - cached, 40)

    def test_stop_text(self):
        whole = self.ask(STORY).choices[0].message.content
        answer = self.ask(STORY, stop=["Nina"])
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        self.assertEqual(answer.choices[0].message.content, whole[:whole.index("Nina")])

    def test_length(self):
        answer = self.ask(STORY, max_completion_tokens=5)
        self.assertEqual(answer.choices[0].finish_reason, "length")
        self.assertEqual(answer.usage.completion_tokens, 5)

    def test_seed_repeats(self):
        def told(seed):
            return self.ask(STORY, temperature=1.2, seed=seed).choices[0].message.content
        self.assertEqual(told(7), told(7))
        self.assertNotEqual(told(7), told(8))

    def test_choices(self):
        answer = self.ask(STORY, n=2, temperature=1.2, seed=3, max_tokens=40)
        self.assertEqual([choice.index for choice in answer.choices], [0, 1])
        texts = [choice.message.content for choice in answer.choices]
        self.assertNotEqual(texts[0], texts[1])
        self.assertEqual(answer.usage.completion_tokens, 80)
        again = self.ask(STORY, n=2, temperature=1.2, seed=3, max_tokens=40, stream=True)
        streamed = ["", ""]
        for chunk in again:
            for choice in chunk.choices:
                streamed[choice.index] += choice.delta.content or ""
        self.assertEqual(streamed, texts)

    def test_log_probabilities(self):
        answer = self.ask("What is the capital of Norway?", logprobs=True, top_logprobs=3)
        tokens = answer.choices[0].logprobs.content
        text = b"".join(bytes(token.bytes) for token in tokens)
        self.assertTrue(text.decode().startswith("The capital of Norway is Oslo."))
        for token in tokens:
            self.assertEqual(len(token.top_logprobs), 3)
            self.assertEqual(token.top_logprobs[0].logprob, token.logprob)
            self.assertLessEqual(sum(math.exp(top.logprob) for top in token.top_logprobs), 1.0001)
            order = [top.logprob for top in token.top_logprobs]
            self.assertEqual(order, sorted(order, reverse=True))


class Tools(OpenAiTest):
    def round_trip(self, **fields):
        messages = [{"role": "user", "content": "Use the tool to add 1156 and 4911."}]
        first = self.ask(messages, tools=[WEATHER_TOOL, ADD_TOOL], **fields)
        choice = first.choices[0]
        self.assertEqual(choice.finish_reason, "tool_calls")
        call = choice.message.tool_calls[0]
        self.assertEqual(call.function.name, "add")
        self.assertEqual(json.loads(call.function.arguments), {"a": 1156, "b": 4911})
        messages.append(choice.message.model_dump(exclude_none=True))
        messages.append({"role": "tool", "tool_call_id": call.id, "content": "6067"})
        second = self.ask(messages, tools=[WEATHER_TOOL, ADD_TOOL], **fields)
        self.assertEqual(second.choices[0].message.content, "The sum is 6067.")
        self.assertEqual(second.choices[0].finish_reason, "stop")
        self.assertGreaterEqual(second.usage.prompt_tokens_details.cached_tokens,
                                first.usage.prompt_tokens - 1)

    def test_round_trip(self):
        self.round_trip()

    def test_round_trip_with_thinking(self):
        self.round_trip(reasoning_effort="high")

    def test_streamed_call(self):
        stream = self.ask("What is the weather in Lima?", tools=[WEATHER_TOOL], stream=True)
        identity, name, arguments, pieces, content, finish = None, "", "", 0, "", None
        for chunk in stream:
            for choice in chunk.choices:
                content += choice.delta.content or ""
                finish = choice.finish_reason or finish
                for call in choice.delta.tool_calls or []:
                    self.assertEqual(call.index, 0)
                    identity = call.id or identity
                    name += call.function.name or ""
                    arguments += call.function.arguments or ""
                    pieces += 1
        self.assertEqual((name, json.loads(arguments), finish), ("get_weather", {"city": "Lima"}, "tool_calls"))
        self.assertTrue(identity.startswith("call_"))
        self.assertGreater(pieces, 1)
        self.assertNotIn("DSML", content)

    def test_choice(self):
        tools = [WEATHER_TOOL, ADD_TOOL]
        none = self.ask("What is the weather in Lima?", tools=tools, tool_choice="none").choices[0]
        self.assertIsNone(none.message.tool_calls)
        self.assertNotIn("DSML", none.message.content)
        for choice in ("required", {"type": "function", "function": {"name": "add"}}):
            for effort in ("none", "high"):
                forced = self.ask("Tell me a story.", tools=tools, tool_choice=choice, max_tokens=400,
                                  reasoning_effort=effort).choices[0]
                self.assertEqual(forced.finish_reason, "tool_calls", (choice, effort))
                call = forced.message.tool_calls[0].function
                if choice != "required":
                    self.assertEqual(call.name, "add")
                json.loads(call.arguments)


class Capital(pydantic.BaseModel):
    country: str
    capital: str
    letters: int


class Structure(OpenAiTest):
    def test_schema_parsed_by_pydantic(self):
        for seed in range(3):
            answer = self.client.chat.completions.parse(
                model="nano", messages=[{"role": "user", "content": "What is the capital of Norway?"}],
                response_format=Capital, reasoning_effort="none", temperature=1, seed=seed, max_tokens=400)
            self.assertIsInstance(answer.choices[0].message.parsed, Capital)

    def test_json_object(self):
        answer = self.ask("Give me json.", response_format={"type": "json_object"}, max_tokens=300,
                          temperature=1, seed=1)
        if answer.choices[0].finish_reason == "stop":
            self.assertIsInstance(json.loads(answer.choices[0].message.content), dict)
        else:
            self.assertEqual(answer.choices[0].finish_reason, "length")

    def test_a_schema_that_cannot_be_honoured_is_refused_with_its_path(self):
        schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "(a)\\1"}}}
        with self.assertRaises(openai.BadRequestError) as caught:
            self.ask("x", response_format={"type": "json_schema",
                                           "json_schema": {"name": "x", "schema": schema}})
        self.assertIn("pattern", str(caught.exception))


class Completions(OpenAiTest):
    PROMPT = "<｜begin▁of▁sentence｜><｜User｜>What is the capital of Norway?<｜Assistant｜></think>"

    def test_answer_and_stream(self):
        answer = self.client.completions.create(model="nano", prompt=self.PROMPT, temperature=0, max_tokens=40)
        self.assertEqual(answer.object, "text_completion")
        self.assertEqual(answer.choices[0].text, "The capital of Norway is Oslo.")
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        stream = self.client.completions.create(model="nano", prompt=self.PROMPT, temperature=0, max_tokens=40,
                                                stream=True)
        self.assertEqual("".join(c.choices[0].text for c in stream if c.choices), answer.choices[0].text)

    def test_several_prompts_and_echo(self):
        answer = self.client.completions.create(
            model="nano", prompt=["Once upon a time", "One day"], temperature=0, max_tokens=4, echo=True)
        self.assertEqual([c.index for c in answer.choices], [0, 1])
        self.assertTrue(answer.choices[0].text.startswith("Once upon a time"))
        self.assertTrue(answer.choices[1].text.startswith("One day"))


class Failures(OpenAiTest):
    KEY = "key-of-the-tests"
    FLAGS = ("--context", "8192")

    def test_errors_are_the_packages_own(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.ask("x", temperature=9)
        self.assertEqual((caught.exception.param, caught.exception.type),
                         ("temperature", "invalid_request_error"))
        with self.assertRaises(openai.BadRequestError) as caught:
            self.ask([{"role": "wizard", "content": "x"}])
        self.assertEqual(caught.exception.param, "messages[0].role")
        with self.assertRaises(openai.BadRequestError) as caught:
            self.ask("word " * 10000)
        self.assertEqual(caught.exception.code, "context_length_exceeded")
        self.assertEqual(caught.exception.body["n_ctx"], 8192)
        with self.assertRaises(openai.NotFoundError):
            self.client.responses.retrieve("resp_none")
        with self.assertRaises(openai.AuthenticationError):
            self.client.with_options(api_key="wrong").models.list()

    def test_models(self):
        models = self.client.models.list().data
        self.assertGreater(len(models), 0)
        self.assertGreater(models[0].context_length, 1000)
        self.assertEqual(self.client.models.retrieve(models[0].id).id, models[0].id)

    def test_leaving_cancels(self):
        stream = self.ask(STORY, stream=True, temperature=1, max_tokens=100000,
                          extra_body={"min_tokens": 100000})
        for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                break
        self.expect_slots(["generating"])
        stream.close()
        self.expect_cancelled()

    def test_timeout_cancels(self):
        with self.assertRaises(openai.APITimeoutError):
            self.client.with_options(timeout=0.5).chat.completions.create(
                model="nano", messages=[{"role": "user", "content": STORY}], max_tokens=100000,
                extra_body={"min_tokens": 100000})
        self.expect_cancelled()


if __name__ == "__main__":
    main()
