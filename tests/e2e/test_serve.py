"""`hadal serve` over HTTP with nothing but Python: routes, limits, keys, cancelling,
metrics."""

import json
import threading

from client_test import ClientTest
from harness import main
from serve_tools import COUNTRIES, ENDLESS, STORY, long_text


class Routes(ClientTest):
    def test_small_routes(self):
        self.assertEqual(self.server.get("/health").json()["status"], "ok")
        models = self.server.get("/v1/models").json()
        self.assertEqual(models["object"], "list")
        self.assertGreater(models["data"][0]["context_length"], 1000)
        self.assertEqual(models["data"][0]["meta"]["n_vocab"], 4224)
        self.assertIn("revision", json.dumps(self.server.get("/props").json()))
        self.assertEqual(self.server.slots(), [])

    def test_tokenizing(self):
        text = "The fox said: naïve 日本 <｜User｜>"
        tokens = self.server.post("/tokenize", {"content": text}).json()
        self.assertEqual(tokens["count"], len(tokens["tokens"]))
        back = self.server.post("/detokenize", {"tokens": tokens["tokens"]}).json()
        self.assertEqual(back["content"], text)
        prompt = self.server.post("/apply-template", {
            "messages": [{"role": "user", "content": "Hi"}], "reasoning_effort": "none"}).json()["prompt"]
        self.assertEqual(prompt, "<｜begin▁of▁sentence｜><｜User｜>Hi<｜Assistant｜></think>")

    def test_what_is_not_there(self):
        for method, path, status in (("GET", "/nothing", 404), ("GET", "/v1/chat/completions", 405),
                                     ("POST", "/health", 405), ("GET", "/web/../serve", 404),
                                     ("GET", "/web/%2e%2e/web_files.h", 404)):
            answer = self.server.ask(method, path, "{}" if method == "POST" else None)
            self.assertEqual(answer.status, status, (method, path))
            self.assertTrue(answer.error()["message"])
        self.assertIn("POST", self.server.get("/v1/chat/completions").headers["allow"])

    def test_wrong_bodies(self):
        for body, part in (("{", ""), ("[]", ""), ({}, "messages"), ({"messages": []}, "messages"),
                           ({"messages": [{"role": "user"}], "stream": "yes"}, "stream"),
                           ({"messages": [{"role": "user", "content": [{"type": "video"}]}]},
                            "messages[0].content[0]")):
            answer = self.server.post("/v1/chat/completions", body)
            self.assertEqual(answer.status, 400, body)
            self.assertEqual(answer.error()["type"], "invalid_request_error")
            self.assertIn(part, str(answer.error()["param"]))
        deep = '{"messages":' + "[" * 5000 + "]" * 5000 + "}"
        self.assertEqual(self.server.post("/v1/chat/completions", deep).status, 400)

    def test_the_page(self):
        page = self.server.get("/")
        self.assertEqual(page.status, 200)
        self.assertIn("text/html", page.headers["content-type"])
        self.assertIn("script-src 'self'", page.headers["content-security-policy"])
        tag = page.headers["etag"]
        self.assertEqual(self.server.get("/", headers={"If-None-Match": tag}).status, 304)
        self.assertEqual(self.server.get("/web/app.js").status, 200)
        self.assertNotIn("access-control-allow-origin", page.headers)

    def test_several_requests_on_one_connection(self):
        connection = self.server.connect()
        self.addCleanup(connection.close)
        for _ in range(3):
            connection.request("GET", "/health")
            reply = connection.getresponse()
            self.assertEqual(reply.status, 200)
            reply.read()
        self.assertIsNotNone(connection.sock)

    def test_stream_headers_and_events(self):
        body = {"messages": [{"role": "user", "content": "What is 5 + 90?"}], "temperature": 0,
                "reasoning_effort": "none"}
        with self.server.stream("/v1/chat/completions", body) as stream:
            self.assertEqual(stream.headers["content-type"].split(";")[0], "text/event-stream")
            self.assertEqual(stream.headers["cache-control"], "no-cache")
            self.assertEqual(stream.headers["x-accel-buffering"], "no")
            events = [data for _, data in stream]
        self.assertEqual(events[-1], "[DONE]")
        chunks = [json.loads(data) for data in events[:-1]]
        self.assertEqual(chunks[0]["choices"][0]["delta"]["role"], "assistant")
        self.assertEqual("".join(c["choices"][0]["delta"].get("content") or "" for c in chunks),
                         "5 + 90 = 95.")

    def test_usage_tells_what_was_cached(self):
        text = long_text(1000) + "\n\nWhat is the capital of Norway?"
        first, second = (self.server.chat(text).json()["usage"] for _ in range(2))
        self.assertEqual(first["prompt_tokens_details"]["cached_tokens"], 0)
        cached = second["prompt_tokens_details"]["cached_tokens"]
        self.assertEqual(cached, second["prompt_tokens"] - 1)
        self.assertEqual(second["prompt_cache_hit_tokens"], cached)
        self.assertEqual(second["prompt_cache_miss_tokens"], 1)

    def test_metrics_count(self):
        before = self.server.metrics()
        usage = self.server.chat("What is the opposite of laugh?").json()["usage"]
        after = self.server.metrics()

        def grown(name):
            return after[name] - before.get(name, 0)
        self.assertEqual(grown("hadal_generated_tokens_total"), usage["completion_tokens"])
        self.assertEqual(grown("hadal_prompt_tokens_total") + grown("hadal_cached_tokens_total"),
                         usage["prompt_tokens"])
        self.assertEqual(grown("hadal_time_to_first_token_seconds_count"), 1)
        self.assertEqual(after["hadal_requests_running"], 0)

    def test_many_at_once(self):
        answers = {}

        def ask(country):
            answers[country] = self.server.chat(f"What is the capital of {country}?").json()
        threads = [threading.Thread(target=ask, args=(country,)) for country in COUNTRIES]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for country, capital in COUNTRIES.items():
            self.assertEqual(answers[country]["choices"][0]["message"]["content"],
                             f"The capital of {country} is {capital}.")

    def test_prompt_text_is_not_logged(self):
        self.server.chat("a-word-that-must-not-be-logged")
        self.assertNotIn("a-word-that-must-not-be-logged", self.server.log())


class Cancelling(ClientTest):
    def leave(self, path, body):
        """Hangs up after the first event with text."""
        with self.server.stream(path, body) as stream:
            for _, data in stream:
                if "delta" in data or "text_completion" in data:
                    break
            self.expect_slots(["generating"])
        self.expect_cancelled()

    def test_streams(self):
        messages = [{"role": "user", "content": STORY}]
        self.leave("/v1/chat/completions", {"messages": messages} | ENDLESS)
        self.leave("/v1/messages", {"model": "nano", "messages": messages} | ENDLESS)
        self.leave("/v1/completions", {"prompt": STORY} | ENDLESS)
        self.leave("/v1/responses", {"input": STORY, "max_output_tokens": 100000} | ENDLESS)

    def test_without_streaming(self):
        body = json.dumps({"messages": [{"role": "user", "content": STORY}]} | ENDLESS)
        connection = self.server.connect()
        connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        self.assertTrue(self.server.wait_for(lambda: self.server.slots()))
        connection.close()
        self.expect_cancelled()

    def test_one_of_two_goes_on(self):
        body = {"messages": [{"role": "user", "content": STORY}], "temperature": 0, "reasoning_effort": "none"}
        alone = self.server.chat(STORY).json()["choices"][0]["message"]["content"]
        with self.server.stream("/v1/chat/completions", body) as kept:
            with self.server.stream("/v1/chat/completions", body | ENDLESS) as left:
                next(iter(left))
            text = "".join(c["choices"][0]["delta"].get("content") or "" for c in kept.chunks())
        self.assertEqual(text, alone)


class Limits(ClientTest):
    FLAGS = ("--max-queue", "1", "--max-sequences", "1", "--context", "2048")

    def test_full_queue_is_503(self):
        body = {"messages": [{"role": "user", "content": STORY}]} | ENDLESS
        with self.server.stream("/v1/chat/completions", body) as running:
            self.expect_slots(["generating"])
            with self.server.stream("/v1/chat/completions", body) as waiting:
                self.expect_slots(["generating", "queued"])
                answer = self.server.chat("What is 5 + 90?")
                self.assertEqual(answer.status, 503)
                self.assertGreaterEqual(int(answer.headers["retry-after"]), 1)
                self.assertEqual((running.status, waiting.status), (200, 200))
        self.expect_cancelled()
        self.assertEqual(self.server.chat("What is 5 + 90?").status, 200)

    def test_too_long_a_prompt(self):
        answer = self.server.chat(long_text(4000))
        self.assertEqual(answer.status, 400)
        error = answer.error()
        self.assertEqual(error["code"], "context_length_exceeded")
        self.assertEqual(error["n_ctx"], 2048)
        self.assertGreater(error["n_prompt_tokens"], 2048)

    def test_an_end_that_is_ignored(self):
        answer = self.server.chat(STORY, max_tokens=200, ignore_eos=True).json()["choices"][0]
        self.assertEqual(answer["finish_reason"], "length")
        self.assertNotIn("end▁of▁sentence", answer["message"]["content"])

    def test_the_answer_ends_with_the_context(self):
        answer = self.server.chat(STORY, max_tokens=10**9, min_tokens=10**9).json()
        self.assertEqual(answer["choices"][0]["finish_reason"], "length")
        self.assertLessEqual(answer["usage"]["total_tokens"], 2048)


class Keys(ClientTest):
    KEY = "key-of-the-tests"

    def test_key(self):
        for headers in ({"Authorization": ""}, {"Authorization": "Bearer wrong"},
                        {"Authorization": "", "x-api-key": "wrong"}):
            answer = self.server.get("/v1/models", headers=headers)
            self.assertEqual(answer.status, 401, headers)
        self.assertEqual(self.server.get("/v1/models").status, 200)
        self.assertEqual(self.server.get("/v1/models", headers={"Authorization": "", "x-api-key": self.KEY}).status,
                         200)
        for path in ("/health", "/", "/web/app.js", "/web/style.css"):
            self.assertEqual(self.server.get(path, headers={"Authorization": ""}).status, 200, path)
        for path in ("/metrics", "/slots", "/props"):
            self.assertEqual(self.server.get(path, headers={"Authorization": ""}).status, 401, path)
        self.assertNotIn(self.KEY, self.server.log())


if __name__ == "__main__":
    main()
