"""models/nano/skills.jsonl, replayed greedily: every answer exactly equal."""

import json
import sys

from harness import END, NANO, ProgramTest, hadal, main


def skills():
    with open(NANO / "skills.jsonl", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


class Skills(ProgramTest):
    def replay(self, *flags):
        tasks = skills()
        self.assertEqual(len(tasks), 75)
        for number, task in enumerate(tasks):
            with self.subTest(number=number, skill=task["skill"]):
                outcome = hadal("generate", "--raw", "-f", "-", "-t", "0",
                                "--json", *flags, stdin=task["prompt"])
                self.assertEqual(outcome.status, 0, outcome.err)
                answer = outcome.json()
                ended = END if answer["finish_reason"] == "stop" else ""
                self.assertEqual(answer["text"] + ended, task["answer"])

    def test_exact(self):
        self.replay("--precision", "exact")

    def test_default_precision(self):
        self.replay()

    def test_reference_kernels_on_short_prompts(self):
        task = skills()[0]
        outcome = hadal("generate", "--raw", "-f", "-", "-t", "0",
                        "--reference", stdin=task["prompt"])
        self.assertEqual(outcome.out.rstrip("\n") + END, task["answer"])


if __name__ == "__main__":
    main()
