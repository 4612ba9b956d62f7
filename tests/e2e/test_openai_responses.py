"""The Responses API through the official package `openai`."""

import clients_venv  # noqa: F401, first: it may start another Python

import json

import openai
import pydantic

from harness import main
from serve_tools import STORY
from test_openai_client import OpenAiTest

ADD = {"type": "function", "name": "add", "description": "Add two numbers", "strict": False,
       "parameters": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
                      "required": ["a", "b"]}}
WEATHER = {"type": "function", "name": "get_weather", "description": "Get the current weather in a city",
           "strict": False,
           "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}
QUIET = {"effort": "none"}


class ResponsesTest(OpenAiTest):
    def respond(self, text, **fields):
        return self.client.responses.create(
            **{"model": "nano", "input": text, "temperature": 0, "reasoning": QUIET} | fields)

    def check_order(self, events):
        """Numbers without gaps, and every part opened once and closed once."""
        self.assertEqual([event.sequence_number for event in events], list(range(len(events))))
        self.assertEqual([event.type for event in events[:2]], ["response.created", "response.in_progress"])
        open_items, closed = {}, 0
        for event in events:
            if event.type == "response.output_item.added":
                self.assertEqual(event.output_index, len(open_items))
                open_items[event.output_index] = event.item.id
            elif event.type == "response.output_item.done":
                self.assertEqual(event.item.id, open_items[event.output_index])
                self.assertEqual(event.output_index, closed)
                closed += 1
            elif hasattr(event, "item_id"):
                self.assertEqual(event.item_id, open_items[event.output_index])
        self.assertEqual(closed, len(open_items))


def kinds(events):
    """Types in order, runs of the same written once."""
    found = []
    for event in events:
        name = event.type.removeprefix("response.")
        if not found or found[-1] != name:
            found.append(name)
    return found


class Responses(ResponsesTest):
    def test_answer(self):
        response = self.respond("What is the capital of Norway?", instructions="Be brief.")
        self.assertEqual(response.object, "response")
        self.assertEqual(response.status, "completed")
        self.assertEqual(response.output_text, "The capital of Norway is Oslo.")
        self.assertEqual([item.type for item in response.output], ["message"])
        usage = response.usage
        self.assertEqual(usage.total_tokens, usage.input_tokens + usage.output_tokens)
        self.assertEqual(usage.output_tokens_details.reasoning_tokens, 0)

    def test_events_with_reasoning(self):
        events = list(self.respond("What is 257 + 468?", stream=True, reasoning={"effort": "high"}))
        self.check_order(events)
        self.assertEqual(kinds(events), [
            "created", "in_progress",
            "output_item.added", "content_part.added", "reasoning_text.delta", "reasoning_text.done",
            "content_part.done", "output_item.done",
            "output_item.added", "content_part.added", "output_text.delta", "output_text.done",
            "content_part.done", "output_item.done", "completed"])
        final = events[-1].response
        self.assertEqual([item.type for item in final.output], ["reasoning", "message"])
        self.assertEqual(final.output_text, "257 + 468 = 725.")
        told = "".join(e.delta for e in events if e.type == "response.reasoning_text.delta")
        self.assertEqual(final.output[0].content[0].text, told)
        self.assertGreater(final.usage.output_tokens_details.reasoning_tokens, 20)

    def test_events_with_a_summary(self):
        events = list(self.respond("What is 257 + 468?", stream=True,
                                   reasoning={"effort": "high", "summary": "auto"}))
        self.check_order(events)
        self.assertEqual(kinds(events)[2:8], [
            "output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta",
            "reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done"])
        self.assertIn("carry", events[-1].response.output[0].summary[0].text)

    def test_events_with_a_call(self):
        events = list(self.respond("What is the weather in Lima?", stream=True, tools=[ADD, WEATHER]))
        self.check_order(events)
        self.assertEqual(kinds(events), [
            "created", "in_progress", "output_item.added", "function_call_arguments.delta",
            "function_call_arguments.done", "output_item.done", "completed"])
        call = events[-1].response.output[0]
        self.assertEqual((call.type, call.name, json.loads(call.arguments)),
                         ("function_call", "get_weather", {"city": "Lima"}))
        told = "".join(e.delta for e in events if e.type == "response.function_call_arguments.delta")
        self.assertEqual(told, call.arguments)

    def test_length_is_incomplete(self):
        events = list(self.respond(STORY, stream=True, max_output_tokens=5))
        self.assertEqual(events[-1].type, "response.incomplete")
        self.assertEqual(events[-1].response.incomplete_details.reason, "max_output_tokens")
        self.assertEqual(events[-1].response.usage.output_tokens, 5)

    def test_round_trip_by_items(self):
        past = [{"role": "user", "content": "Use the tool to add 1156 and 4911."}]
        first = self.respond(past, tools=[ADD, WEATHER], reasoning={"effort": "high"})
        call = next(item for item in first.output if item.type == "function_call")
        self.assertEqual(json.loads(call.arguments), {"a": 1156, "b": 4911})
        past += [item.model_dump(exclude_none=True) for item in first.output]
        past.append({"type": "function_call_output", "call_id": call.call_id, "output": "6067"})
        second = self.respond(past, tools=[ADD, WEATHER], reasoning={"effort": "high"})
        self.assertEqual(second.output_text, "The sum is 6067.")
        self.assertGreaterEqual(second.usage.input_tokens_details.cached_tokens,
                                first.usage.input_tokens - 1)

    def test_round_trip_by_previous_id(self):
        first = self.respond("Use the tool to add 1156 and 4911.", tools=[ADD, WEATHER])
        call = first.output[-1]
        second = self.respond([{"type": "function_call_output", "call_id": call.call_id, "output": "6067"}],
                              previous_response_id=first.id, tools=[ADD, WEATHER])
        self.assertEqual(second.output_text, "The sum is 6067.")
        self.assertEqual(second.previous_response_id, first.id)

    def test_what_is_kept(self):
        response = self.respond("What is the capital of Norway?")
        self.assertEqual(self.client.responses.retrieve(response.id).output_text, response.output_text)
        self.client.responses.delete(response.id)
        with self.assertRaises(openai.NotFoundError):
            self.client.responses.retrieve(response.id)
        forgotten = self.respond("What is the capital of Norway?", store=False)
        with self.assertRaises(openai.NotFoundError):
            self.respond("And of Ireland?", previous_response_id=forgotten.id)

    def test_schema_parsed_by_pydantic(self):
        class Capital(pydantic.BaseModel):
            capital: str

        parsed = self.client.responses.parse(
            model="nano", input="What is the capital of Norway?", text_format=Capital, reasoning=QUIET,
            temperature=1, max_output_tokens=300)
        self.assertIsInstance(parsed.output_parsed, Capital)

    def test_errors(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.respond([{"role": "user", "content": [{"type": "input_audio"}]}])
        self.assertEqual(caught.exception.param, "input[0].content[0].type")

    def test_leaving_cancels(self):
        stream = self.respond(STORY, stream=True, temperature=1, max_output_tokens=100000,
                              extra_body={"min_tokens": 100000})
        for event in stream:
            if event.type == "response.output_text.delta":
                break
        self.expect_slots(["generating"])
        stream.close()
        self.expect_cancelled()


if __name__ == "__main__":
    main()
