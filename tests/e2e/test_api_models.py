"""Do the official Python clients take what the server writes?

Reads the transcripts in tests/data/server/golden, which the unit tests compare
byte for byte, and validates every body and every event with the pydantic models
of the packages openai and anthropic, without leniency. Streams are also put
together by the clients' own accumulators. Nothing leaves this machine.
"""

import json
import pathlib
import sys

import clients_venv  # noqa: F401  (first: where the packages are)

import anthropic
import anthropic.types
import httpx2
import openai
import pydantic
from openai.types import responses

GOLDEN = pathlib.Path(__file__).parents[1] / "data" / "server" / "golden"

RESPONSE = pydantic.TypeAdapter(responses.Response)
RESPONSE_EVENT = pydantic.TypeAdapter(responses.ResponseStreamEvent)
RESPONSE_PAGE = pydantic.TypeAdapter(responses.ResponseItemList)
MESSAGE = pydantic.TypeAdapter(anthropic.types.Message)
MESSAGE_EVENT = pydantic.TypeAdapter(anthropic.types.RawMessageStreamEvent)


def events_of(text):
    """(type, data) of every event of a stream; comments are left out."""
    for block in text.split("\n\n"):
        lines = [line for line in block.split("\n") if not line.startswith(":")]
        if not any(lines):
            continue
        assert len(lines) == 2, block
        assert lines[0].startswith("event: ") and lines[1].startswith("data: ")
        data = json.loads(lines[1][len("data: "):])
        assert data["type"] == lines[0][len("event: "):], block
        yield data["type"], data


def served(text):
    """A transport that answers every request with this stream."""
    return httpx2.MockTransport(
        lambda request: httpx2.Response(
            200,
            headers={"content-type": "text/event-stream"},
            content=text.encode(),
        )
    )


def check_responses_stream(text):
    events = list(events_of(text))
    for number, (_, data) in enumerate(events):
        assert data["sequence_number"] == number
        RESPONSE_EVENT.validate_python(data)
    final = events[-1][1]
    client = openai.OpenAI(
        api_key="x",
        base_url="http://localhost/v1",
        http_client=httpx2.Client(transport=served(text)),
    )
    with client.responses.stream(model="m", input="Hi") as stream:
        assert [event.type for event in stream] == [kind for kind, _ in events]
        if final["type"] == "response.completed":
            told = stream.get_final_response().output_text
            parts = [
                part["text"]
                for item in final["response"]["output"]
                if item["type"] == "message"
                for part in item["content"]
            ]
            assert told == "".join(parts)


def check_messages_stream(text):
    for kind, data in events_of(text):
        if kind not in ("ping", "error"):
            MESSAGE_EVENT.validate_python(data)
    client = anthropic.Anthropic(
        api_key="x",
        base_url="http://localhost",
        http_client=httpx2.Client(transport=served(text)),
    )
    with client.messages.stream(
        model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]
    ) as stream:
        try:
            message = stream.get_final_message()
        except anthropic.APIStatusError as error:
            assert "event: error" in text, error
            return
    assert "event: error" not in text
    assert message.stop_reason is not None
    assert any(block.type != "thinking" for block in message.content)
    MESSAGE.validate_python(message.model_dump())


def check(path):
    text = path.read_text()
    family = path.name.split("_")[0]
    if path.suffix == ".sse":
        {"responses": check_responses_stream, "messages": check_messages_stream}[
            family
        ](text)
    elif path.name == "responses_input_items.json":
        RESPONSE_PAGE.validate_json(text)
    elif family == "responses":
        RESPONSE.validate_json(text)
    else:
        MESSAGE.validate_json(text)


def main():
    # Text files hold prompts.
    paths = sorted(path for path in GOLDEN.iterdir() if path.suffix != ".txt")
    failed = 0
    for path in paths:
        try:
            check(path)
        except (AssertionError, pydantic.ValidationError, RuntimeError) as error:
            failed += 1
            print(f"{path.name}: {str(error)[:500]}", file=sys.stderr)
    print(f"{len(paths) - failed} of {len(paths)} transcripts are as they should be")
    return int(failed > 0 or not paths)


if __name__ == "__main__":
    sys.exit(main())
