"""The requests of test_serve_law.py: drawn once from a seed, so that a failure
can be repeated."""

import random

from serve_tools import ADD_TOOL, COUNTRIES, STORY, WEATHER_TOOL, long_text

SYSTEMS = ["You tell stories. " * 20, "You answer briefly and correctly. " * 30]
NAMES = ["Nina", "Theo", "Clara", "Bruno", "Zara"]


def user(text):
    return {"role": "user", "content": text}


def short(draw):
    country = draw.choice(sorted(COUNTRIES))
    return {"messages": [user(f"What is the capital of {country}?")]}


def story(draw):
    """Common system texts; the names fork them."""
    return {"messages": [{"role": "system", "content": draw.choice(SYSTEMS)},
                         user(f"Tell me a story about a fox named {draw.choice(NAMES)}.")],
            "max_tokens": draw.randint(20, 80)}


def reading(draw, lengths=(300, 1000, 3000)):
    """Long prompts with a common beginning."""
    text = long_text(draw.choice(lengths))
    return {"messages": [user(f"{text}\n\nWhere is {draw.choice(['Nina', 'the grey bell', 'Theo'])}?")]}


def turns(draw):
    """A conversation of which other requests have the first turns."""
    messages = [user(STORY), {"role": "assistant", "content": "A fox named Nina lived near the mill."},
                user("What is 27 + 46?"), {"role": "assistant", "content": "27 + 46 = 73."},
                user("Write 106 in words."), {"role": "assistant", "content": "One hundred and six."},
                user("What is 5 times 6?")]
    return {"messages": messages[:draw.choice([1, 3, 5, 7])], "max_tokens": 60}


def thinking(draw):
    left, right = draw.choice([(257, 468), (588, 668), (123, 456)])
    return {"messages": [user(f"What is {left} + {right}?")], "reasoning_effort": "high", "max_tokens": 300}


def tools(draw):
    return {"messages": [user(draw.choice(["What is the weather in Lima?",
                                           "Use the tool to add 1156 and 4911."]))],
            "tools": [WEATHER_TOOL, ADD_TOOL], "reasoning_effort": draw.choice(["none", "high"]),
            "max_tokens": 300}


def schema(draw):
    return {"messages": [user(f"What is the capital of {draw.choice(sorted(COUNTRIES))}?")],
            "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": {
                "type": "object", "properties": {"capital": {"type": "string", "maxLength": 12}},
                "required": ["capital"], "additionalProperties": False}}}, "max_tokens": 100}


KINDS = [short, story, story, reading, reading, turns, turns, thinking, tools, schema]


def draw_requests(count, seed):
    """`count` different requests: greedy ones and seeded ones."""
    draw = random.Random(seed)
    found = {}
    while len(found) < count:
        body = {"model": "nano", "reasoning_effort": "none", "logprobs": True, "top_logprobs": 2}
        body |= draw.choice(KINDS)(draw)
        if draw.random() < 0.5:
            body["temperature"] = 0
        else:
            body |= {"temperature": draw.choice([0.7, 1.0, 1.3]), "seed": draw.randint(1, 3),
                     "top_p": draw.choice([1.0, 0.95])}
        if draw.random() < 0.1:
            body |= {"repetition_penalty": 1.1, "presence_penalty": 0.3}
        found.setdefault(str(body), body)
    return list(found.values())
