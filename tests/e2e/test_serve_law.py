"""Every answer of a crowded server equals the answer to the same request alone on
a fresh one, in its tokens and in the bits of its log-probabilities: with shared
prefixes, forks, cancelled requests, evictions, restarts, a kill and hits on the
disk. HADAL_LAW_REQUESTS (60) is the length of the mix; 200 by hand."""

import concurrent.futures
import os
import random

from harness import ProgramTest, main
from law_requests import draw_requests
from serve_tools import Server

COUNT = int(os.environ.get("HADAL_LAW_REQUESTS", "60"))
SEED = int(os.environ.get("HADAL_LAW_SEED", "1"))
AT_ONCE = 16
PATH = "/v1/chat/completions"


def essence(answer):
    """What must be equal: everything but ids, times and cached tokens."""
    body = answer.json()
    if answer.status != 200:
        return body
    choice = body["choices"][0]
    message = choice["message"]
    calls = [call["function"] for call in message.get("tool_calls") or []]
    usage = body["usage"]
    return {"content": message["content"], "reasoning": message.get("reasoning_content"), "calls": calls,
            "finish": choice["finish_reason"], "logprobs": choice["logprobs"],
            "tokens": [usage["prompt_tokens"], usage["completion_tokens"]]}


def leave_early(server, body, events):
    with server.stream(PATH, body) as stream:
        for _, _ in zip(range(events), stream):
            pass


class Law(ProgramTest):
    def test_every_answer_is_that_of_a_fresh_server(self):
        draw = random.Random(SEED)
        bodies = draw_requests(max(10, COUNT // 3), SEED)
        alone = [self.ask_alone(body) for body in bodies]
        mix = [number % len(bodies) for number in range(COUNT)]
        draw.shuffle(mix)
        third = len(mix) // 3
        flags = ("--cache-dir", self.folder / "cache", "--cache-memory", "24M", "--max-sequences", AT_ONCE)
        seen = {"hadal_cached_tokens_total": 0, "hadal_disk_cached_tokens_total": 0,
                "hadal_evicted_prefixes_total": 0}
        with Server(*flags) as server:
            for life, part in enumerate((mix[:third], mix[third:2 * third], mix[2 * third:])):
                self.run_part(server, part, bodies, alone, draw)
                metrics = server.metrics()
                for name in seen:
                    seen[name] += metrics[name]
                if life == 0:
                    self.assertEqual(server.stop(), 0, server.log())
                    server.start()
                elif life == 1:
                    server.kill()
                    server.start()
        print(f"law: {len(mix)} answers of {len(bodies)} requests; {seen}")
        for name, value in seen.items():
            self.assertGreater(value, 0, f"the mix did not reach what {name} counts")

    def ask_alone(self, body):
        with Server() as server:
            answer = server.post(PATH, body)
        self.assertEqual(answer.status, 200, answer.body)
        return essence(answer)

    def run_part(self, server, part, bodies, alone, draw):
        """The requests of `part`, 16 at once; every sixth is also asked by a
        client that leaves."""
        leaving = [(number, draw.randint(1, 20)) for number in part if draw.random() < 1 / 6]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            gone = [pool.submit(leave_early, server, bodies[number], events) for number, events in leaving]
            answers = [(number, pool.submit(server.post, PATH, bodies[number])) for number in part]
            for number, answer in answers:
                self.assertEqual(essence(answer.result()), alone[number], bodies[number])
            for each in gone:
                each.result()


if __name__ == "__main__":
    main()
