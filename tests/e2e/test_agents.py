"""What Codex and Claude Code send, replayed over several turns: their odd roles,
tools and fields are accepted, the events come in an order they accept, and a
turn reads only what is new."""

import json
import unittest

from client_test import ClientTest
from harness import main
from serve_tools import Server

INSTRUCTIONS = "You are a coding agent in a terminal. Be brief and careful. " * 60


def codex_tools():
    return [
        {"type": "function", "name": "shell", "description": "Runs a command", "strict": False,
         "parameters": {"type": "object", "properties": {
             "command": {"type": "array", "items": {"type": "string"}}, "timeout_ms": {"type": "number"}},
             "required": ["command"], "additionalProperties": False}},
        {"type": "custom", "name": "apply_patch", "description": "Changes files",
         "format": {"type": "grammar", "syntax": "lark", "definition": "start: /(.|\\n)+/"}},
        {"type": "namespace", "name": "mcp__notes__", "description": "Notes", "tools": [
            {"type": "function", "name": "find_note", "description": "Search the notes",
             "parameters": {"type": "object", "properties": {"query": {"type": "string"}}}}]},
        {"type": "web_search", "external_web_access": False},
        {"type": "image_generation", "output_format": "png"},
    ]


def codex_request(items, **more):
    return {"model": "gpt-5.6-codex", "instructions": INSTRUCTIONS, "input": items, "tools": codex_tools(),
            "tool_choice": "auto", "parallel_tool_calls": True, "reasoning": {"effort": "low", "summary": "auto"},
            "store": False, "stream": True, "include": ["reasoning.encrypted_content"],
            "prompt_cache_key": "0199-aaaa", "text": {"verbosity": "low"}, "client_metadata": {"x": "y"},
            "temperature": 0, "max_output_tokens": 120} | more


def message(role, text):
    return {"type": "message", "role": role, "content": [
        {"type": "output_text" if role == "assistant" else "input_text", "text": text}]}


class Codex(ClientTest):
    FIRST = [message("developer", "<permissions instructions>read-only</permissions instructions>"),
             message("user", "<environment_context>\n<cwd>/home/user</cwd>\n</environment_context>"),
             message("user", "What is the capital of Norway?")]

    def turn(self, items, **more):
        """(the last event's response, all types in order)"""
        with self.server.stream("/v1/responses", codex_request(items, **more)) as stream:
            self.assertEqual(stream.status, 200)
            events = list(stream)
        bodies = [json.loads(data) for _, data in events]
        for number, ((name, _), body) in enumerate(zip(events, bodies)):
            self.assertEqual((body["type"], body["sequence_number"]), (name, number))
        self.assertIn(bodies[-1]["type"], ("response.completed", "response.incomplete"))
        return bodies[-1]["response"], [body["type"] for body in bodies]

    def test_three_turns(self):
        items = list(self.FIRST)
        first, types = self.turn(items)
        self.assertEqual(types[:2], ["response.created", "response.in_progress"])
        self.assertEqual(types.count("response.output_item.added"), types.count("response.output_item.done"))
        for item in first["output"]:
            if item["type"] == "reasoning":
                self.assertTrue(item["encrypted_content"])
        # As Codex does, without ids, and with a call of its own making.
        items += [{k: v for k, v in item.items() if k not in ("id", "status")} for item in first["output"]]
        items += [{"type": "function_call", "name": "shell", "call_id": "call_1",
                   "arguments": '{"command":["ls","-la"],"timeout_ms":1000}'},
                  {"type": "function_call_output", "call_id": "call_1",
                   "output": '{"output":"README.md","metadata":{"exit_code":0}}'}]
        second, _ = self.turn(items)
        self.assertGreaterEqual(second["usage"]["input_tokens_details"]["cached_tokens"],
                                first["usage"]["input_tokens"] - 10)
        items += [{k: v for k, v in item.items() if k not in ("id", "status")} for item in second["output"]]
        items += [{"type": "custom_tool_call", "name": "apply_patch", "call_id": "call_2",
                   "input": "*** Begin Patch\n*** End Patch"},
                  {"type": "custom_tool_call_output", "call_id": "call_2", "output": "Success."},
                  {"type": "function_call", "namespace": "mcp__notes__", "name": "find_note", "call_id": "call_3",
                   "arguments": '{"query": "fox"}'},
                  {"type": "function_call_output", "call_id": "call_3",
                   "output": [{"type": "input_text", "text": "no notes"}]},
                  {"type": "compaction", "encrypted_content": "opaque"},
                  message("user", "Thank you.")]
        third, _ = self.turn(items)
        self.assertGreaterEqual(third["usage"]["input_tokens_details"]["cached_tokens"],
                                second["usage"]["input_tokens"] - 10)

    def test_forced_calls_come_back_in_their_own_types(self):
        for name, kind in (("shell", "function_call"), ("apply_patch", "custom_tool_call")):
            choice = {"type": "custom" if kind == "custom_tool_call" else "function", "name": name}
            response, types = self.turn(self.FIRST, tool_choice=choice, max_output_tokens=400,
                                        reasoning={"effort": "none"})
            call = response["output"][-1]
            self.assertEqual((call["type"], call["name"]), (kind, name), types)
            self.assertTrue(call["call_id"])


def claude_tools():
    names = ["Task", "Bash", "Glob", "Grep", "Read", "Edit", "Write", "WebFetch", "TodoWrite"]
    tools = [{"name": name, "description": f"The tool {name}. " * 20, "input_schema": {
        "$schema": "http://json-schema.org/draft-07/schema#", "type": "object",
        "properties": {"path": {"type": "string", "description": "A path"}, "limit": {"type": "number"}},
        "required": ["path"], "additionalProperties": False}} for name in names]
    return tools + [{"type": "web_search_20250305", "name": "web_search", "max_uses": 8}]


class ClaudeCode(ClientTest):
    HEADERS = {"anthropic-version": "2023-06-01", "x-app": "cli", "Authorization": "Bearer none",
               "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14,fine-grained-tool-streaming"}

    def request(self, messages, stamp, **more):
        return {"model": "claude-sonnet-5", "max_tokens": 100, "messages": messages, "tools": claude_tools(),
                "system": [
                    {"type": "text", "text": f"x-anthropic-billing-header: cc_version=2.1.{stamp}; cch={stamp};"},
                    {"type": "text", "text": "You are Claude Code.", "cache_control": {"type": "ephemeral"}},
                    {"type": "text", "text": INSTRUCTIONS, "cache_control": {"type": "ephemeral"}}],
                "metadata": {"user_id": "user_x_account__session_y"}, "temperature": 0, "stream": True,
                "thinking": {"type": "adaptive"}, "output_config": {"effort": "low"},
                "context_management": {"edits": []}} | more

    def turn(self, messages, stamp, **more):
        """(content blocks, usage) of a stream."""
        body = self.request(messages, stamp, **more)
        with self.server.stream("/v1/messages?beta=true", body) as stream:
            self.assertEqual(stream.status, 200)
            events = [json.loads(data) | {"event": name} for name, data in stream]
        self.assertEqual([events[0]["type"], events[-1]["type"]], ["message_start", "message_stop"])
        blocks, usage = [], dict(events[0]["message"]["usage"])
        for event in events:
            self.assertEqual(event["event"], event["type"])
            if event["type"] == "content_block_start":
                self.assertEqual(event["index"], len(blocks))
                blocks.append(dict(event["content_block"]))
            elif event["type"] == "content_block_delta":
                delta = event["delta"]
                field = {"thinking_delta": "thinking", "signature_delta": "signature", "text_delta": "text",
                         "input_json_delta": "partial_json"}[delta["type"]]
                blocks[event["index"]][field] = blocks[event["index"]].get(field, "") + delta[field]
            elif event["type"] == "message_delta":
                usage |= event["usage"]
        for block in blocks:
            if "partial_json" in block:
                block["input"] = json.loads(block.pop("partial_json"))
        return blocks, usage

    def user(self, *texts):
        return {"role": "user", "content": [{"type": "text", "text": text} for text in texts]}

    def read(self, usage):
        return usage["input_tokens"] + usage["cache_read_input_tokens"]

    def test_three_turns(self):
        messages = [self.user("<system-reminder>\nToday is Tuesday.\n</system-reminder>",
                              "What is the capital of Norway?")]
        blocks, first = self.turn(messages, 1)
        messages.append({"role": "assistant", "content": blocks + [
            {"type": "tool_use", "id": "toolu_own", "name": "Read", "input": {"path": "/a"}}]})
        messages.append({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_own", "is_error": True,
             "content": [{"type": "text", "text": "File does not exist."}]},
            {"type": "text", "text": "<system-reminder>Stop there.</system-reminder>",
             "cache_control": {"type": "ephemeral"}}]})
        blocks, second = self.turn(messages, 2)
        self.assertGreaterEqual(second["cache_read_input_tokens"], self.read(first) - 10)
        messages += [{"role": "assistant", "content": blocks}, self.user("Thank you.")]
        _, third = self.turn(messages, 3)
        self.assertGreaterEqual(third["cache_read_input_tokens"], self.read(second) - 10)

    def test_side_requests(self):
        """A title, a token count, a probe of the quota: small, with no tools."""
        probe = self.server.post("/v1/messages?beta=true", {
            "model": "claude-haiku-5", "max_tokens": 1, "messages": [{"role": "user", "content": "quota"}],
            "metadata": {"user_id": "x"}}, headers=self.HEADERS)
        self.assertEqual(probe.status, 200, probe.body)
        self.assertEqual(probe.json()["stop_reason"], "max_tokens")
        body = self.request([self.user("Hello")], 1)
        for field in ("stream", "max_tokens", "metadata", "temperature"):
            body.pop(field)
        count = self.server.post("/v1/messages/count_tokens?beta=true", body, headers=self.HEADERS)
        self.assertEqual(count.status, 200, count.body)
        _, usage = self.turn([self.user("Hello")], 1)
        self.assertEqual(count.json()["input_tokens"], self.read(usage) + usage["cache_creation_input_tokens"])


class SideRequests(unittest.TestCase):
    def test_a_long_conversation_stays_cached(self):
        """Many small requests in between do not push it out of a small pool."""
        with Server("--cache-memory", "64M") as server:
            talk = Codex.FIRST[-1]
            body = codex_request([talk], stream=False)
            server.post("/v1/responses", body)
            for number in range(40):
                server.chat(f"{number}. Give this talk a title.", max_tokens=8)
            usage = server.post("/v1/responses", body).json()["usage"]
            self.assertGreaterEqual(usage["input_tokens_details"]["cached_tokens"], usage["input_tokens"] - 2)


if __name__ == "__main__":
    main()
