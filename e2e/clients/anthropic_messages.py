"""PyPI's anthropic against messages: text, picture, tools, a schema, streams, thinking, modes, cancel."""
import base64
import json
import os
import pathlib
import time
import urllib.request

import anthropic

url, examples = os.environ["MELETE_URL"], pathlib.Path(os.environ["EXAMPLES"])
client = anthropic.Anthropic(base_url=url, api_key=os.environ.get("MELETE_KEY", "none"), max_retries=0)


def source(name, media_type):
    data = base64.b64encode((examples / name).read_bytes()).decode()
    return {"type": "base64", "media_type": media_type, "data": data}


def user(text, *blocks):
    return [{"role": "user", "content": [*blocks, {"type": "text", "text": text}]}]


def options_of(more):
    """The client knows no temperature: it goes beside, as do the server's own fields."""
    beside = {"temperature": more.pop("temperature", 0), **more.pop("beside", {})}
    return {"max_tokens": 1024, **more, "extra_body": beside}


def ask(model, messages, **more):
    return client.messages.create(model=model, messages=messages, **options_of(more))


def stream(model, messages, **more):
    return client.messages.stream(model=model, messages=messages, **options_of(more))


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


def metric(name):
    text = urllib.request.urlopen(url + "/metrics").read().decode()
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


shapes = user("How many shapes are there?", {"type": "image", "source": source("shapes.png", "image/png")})
digits = user("Which digits were said?", {"type": "audio", "source": source("digits.wav", "audio/wav")})
few = {"beside": {"melete": {"agents": 3}}}
for model, options, thinks in (("melete-nano", {}, False), ("melete-thinking", {}, True),
                               ("melete-nano", {"thinking": {"type": "enabled", "budget_tokens": 512}}, True),
                               ("melete-nano", {"output_config": {"effort": "max"}, **few}, True),
                               ("melete-contemplating", few, True)):
    message = ask(model, digits, **options)
    assert text_of(message) == "593" and message.stop_reason == "end_turn", message
    assert (message.content[0].type == "thinking") == thinks, message
    assert message.usage.input_tokens > 0 and message.usage.output_tokens > 0
    with stream(model, digits, **options) as events:
        kinds = [event.type for event in events]
        final = events.get_final_message()
    assert kinds[0] == "message_start" and kinds[-1] == "message_stop", kinds
    assert text_of(final) == "593" and final.stop_reason == "end_turn", final
    assert [block.type for block in final.content] == [block.type for block in message.content]
    assert final.usage.output_tokens > 0
assert text_of(ask("melete-thinking", shapes)) == "4"

counted = client.messages.count_tokens(model="melete-nano", messages=digits)
assert counted.input_tokens == ask("melete-nano", digits).usage.input_tokens

weather = {"name": "weather", "input_schema": {
    "type": "object", "properties": {"place": {"type": "string", "maxLength": 20}}, "required": ["place"],
    "additionalProperties": False}}
question = [{"role": "user", "content": "How is the weather in Oslo?"}]
for choice in ({"type": "any"}, {"type": "tool", "name": "weather"}):
    called = ask("melete-nano", question, tools=[weather], tool_choice=choice)
    use = called.content[-1]
    assert called.stop_reason == "tool_use" and use.name == "weather" and isinstance(use.input["place"], str)
with stream("melete-thinking", question, tools=[weather], tool_choice={"type": "any"}) as events:
    use = events.get_final_message().content[-1]
    assert isinstance(use.input["place"], str), use
answered = ask("melete-nano", question + [
    {"role": "assistant", "content": called.content},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": called.content[-1].id, "content": "rain"}]}],
    tools=[weather])
assert answered.stop_reason in ("end_turn", "max_tokens", "tool_use")

schema = {"type": "object", "properties": {"full": {"type": "boolean"}}, "required": ["full"],
          "additionalProperties": False}
held = ask("melete-nano", user("Describe a cup."), temperature=1,
           output_config={"format": {"type": "json_schema", "schema": schema}})
assert isinstance(json.loads(text_of(held))["full"], bool)
stopped = ask("melete-nano", digits, stop_sequences=["3"])
assert (text_of(stopped), stopped.stop_reason, stopped.stop_sequence) == ("59", "stop_sequence", "3"), stopped

try:
    ask("melete-nano", user("a", {"type": "image", "source": {"type": "url", "url": "http://example.com/a.png"}}))
    raise AssertionError("a remote picture must be refused")
except anthropic.BadRequestError as error:
    assert error.body["error"]["type"] == "invalid_request_error" and error.request_id, error.body
    assert "messages[0].content[0].source.url" in error.message

cancelled = metric('melete_answers_total{mode="contemplating",finish="cancelled"}')
with ask("melete-contemplating", question, max_tokens=3000, temperature=1, stream=True,
         beside={"melete": {"agents": 32, "budget_tokens": 64000, "delta": 1e-6}}) as long:
    next(iter(long))
deadline = time.monotonic() + 30
while metric("melete_answers_running") > 0:
    assert time.monotonic() < deadline, "the answer of a client that has gone must end"
assert metric('melete_answers_total{mode="contemplating",finish="cancelled"}') == cancelled + 1
