"""PyPI's openai against chat completions: text, picture, sound, tools, a schema, streams, modes, cancel."""
import base64
import json
import os
import pathlib
import time
import urllib.request

import openai

url, examples = os.environ["MELETE_URL"], pathlib.Path(os.environ["EXAMPLES"])
client = openai.OpenAI(base_url=url + "/v1", api_key=os.environ.get("MELETE_KEY", "none"), max_retries=0)
picture = "data:image/png;base64," + base64.b64encode((examples / "shapes.png").read_bytes()).decode()
sound = base64.b64encode((examples / "digits.wav").read_bytes()).decode()


def user(*parts):
    return [{"role": "user", "content": [{"type": "text", "text": parts[0]}, *parts[1:]]}]


def ask(model, messages, **more):
    return client.chat.completions.create(model=model, messages=messages, seed=0, **more)


def metric(name):
    text = urllib.request.urlopen(url + "/metrics").read().decode()
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


ids = [model.id for model in client.models.list()]
assert {"melete-instant", "melete-thinking", "melete-contemplating", "melete-nano"} <= set(ids), ids

shapes = user("How many shapes are there?", {"type": "image_url", "image_url": {"url": picture}})
digits = user("Which digits were said?", {"type": "input_audio", "input_audio": {"data": sound, "format": "wav"}})
for mode in ("instant", "thinking", "contemplating"):
    extra = {"extra_body": {"melete": {"agents": 3}}}
    for messages, expected in ((shapes, "4"), (digits, "593")):
        whole = ask("melete-" + mode, messages, **extra)
        message = whole.choices[0].message
        assert whole.choices[0].finish_reason == "stop" and whole.usage.total_tokens > 0
        assert message.content == expected or (mode, expected) == ("instant", "4"), (mode, message.content)
        reasoning = getattr(message, "reasoning_content", None) or ""
        assert bool(reasoning) == (mode != "instant"), (mode, reasoning)
        content, thought, usage = "", "", None
        for chunk in ask("melete-" + mode, messages, stream=True, stream_options={"include_usage": True}, **extra):
            usage = chunk.usage or usage
            for choice in chunk.choices:
                content += choice.delta.content or ""
                thought += getattr(choice.delta, "reasoning_content", None) or ""
        assert (content, thought) == (message.content, reasoning), (content, thought)
        assert usage.completion_tokens == whole.usage.completion_tokens

assert ask("melete-nano", digits).choices[0].message.content == "593"
assert ask("melete-nano", digits, reasoning_effort="none").usage.completion_tokens_details.reasoning_tokens == 0
scored = ask("melete-instant", digits, logprobs=True, top_logprobs=2).choices[0]
assert "".join(token.token for token in scored.logprobs.content) == scored.message.content
assert len(scored.logprobs.content[0].top_logprobs) == 2

vectors = client.embeddings.create(model="melete-nano", input=["tea", "tea", "a much longer text"]).data
assert [vector.index for vector in vectors] == [0, 1, 2] and vectors[0].embedding == vectors[1].embedding
assert abs(sum(x * x for x in vectors[2].embedding) - 1) < 1e-3 and vectors[0].embedding != vectors[2].embedding

weather = {"type": "function", "function": {"name": "weather", "parameters": {
    "type": "object", "properties": {"place": {"type": "string", "maxLength": 20}}, "required": ["place"],
    "additionalProperties": False}}}
question = [{"role": "user", "content": "How is the weather in Oslo?"}]
called = ask("melete-nano", question, tools=[weather], tool_choice="required", max_tokens=900)
assert called.choices[0].finish_reason == "tool_calls"
call = called.choices[0].message.tool_calls[0]
assert call.function.name == "weather" and isinstance(json.loads(call.function.arguments)["place"], str)
pieces = ""
for chunk in ask("melete-nano", question, tools=[weather], tool_choice="required", max_tokens=900, stream=True):
    for choice in chunk.choices:
        for piece in choice.delta.tool_calls or []:
            assert piece.id in (None, call.id) and piece.index == 0
            pieces += piece.function.arguments or ""
assert json.loads(pieces) == json.loads(call.function.arguments), pieces
answered = ask("melete-instant", question + [called.choices[0].message, {
    "role": "tool", "tool_call_id": call.id, "content": "rain"}], tools=[weather], max_tokens=100)
assert answered.choices[0].finish_reason in ("stop", "length", "tool_calls")

schema = {"type": "object", "properties": {"full": {"type": "boolean"}}, "required": ["full"],
          "additionalProperties": False}
held = ask("melete-nano", [{"role": "user", "content": "Describe a cup."}], temperature=1.5, response_format={
    "type": "json_schema", "json_schema": {"name": "cup", "strict": True, "schema": schema}})
assert isinstance(json.loads(held.choices[0].message.content)["full"], bool)

try:
    ask("melete-nano", user("a", {"type": "image_url", "image_url": {"url": "http://example.com/a.png"}}))
    raise AssertionError("a remote picture must be refused")
except openai.BadRequestError as error:
    assert error.code == "unsupported_url" and error.param == "messages[0].content[1].image_url.url"

cancelled = metric('melete_answers_total{mode="contemplating",finish="cancelled"}')
long = ask("melete-contemplating", question, temperature=2, max_tokens=3000, stream=True, extra_body={
    "melete": {"agents": 32, "budget_tokens": 64000, "delta": 1e-6, "events": True}})
next(iter(long))
long.close()
deadline = time.monotonic() + 30
while metric("melete_answers_running") > 0:
    assert time.monotonic() < deadline, "the answer of a client that has gone must end"
assert metric('melete_answers_total{mode="contemplating",finish="cancelled"}') == cancelled + 1
