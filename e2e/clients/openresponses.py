"""PyPI's openresponses-types against responses: every body and event, the compliance scenarios, the modes."""
import base64
import json
import os
import pathlib
import urllib.error
import urllib.request

from openresponses_types import types as spec

url, examples = os.environ["MELETE_URL"], pathlib.Path(os.environ["EXAMPLES"])
headers = {"Content-Type": "application/json", "Authorization": "Bearer " + os.environ.get("MELETE_KEY", "none")}


def event_classes():
    """Event type -> its class: those whose field `type` is an enumeration of one word."""
    classes = {}
    for name in dir(spec):
        if name.endswith("StreamingEvent"):
            one = getattr(spec, name)
            classes[list(one.model_fields["type"].annotation)[0].value] = one
    return classes


EVENTS = event_classes()
ITEMS = spec.ResponseResource.model_fields["output"].annotation.__args__[0]


def call(method, path, body=None):
    data = json.dumps(body).encode() if body is not None else None
    with urllib.request.urlopen(urllib.request.Request(url + path, data, headers, method=method)) as reply:
        return reply.read().decode()


def checked(text):
    body = json.loads(text)
    spec.ResponseResource.model_validate(body, strict=False)
    return body


def respond(input, model="melete-thinking", **more):
    body = {"model": model, "input": input, "temperature": 0, **more}
    if more.get("melete", {}).get("events") is None:
        spec.CreateResponseBody.model_validate(body)
    return checked(call("POST", "/v1/responses", body))


def events_of(text):
    assert text.endswith("data: [DONE]\n\n"), text[-200:]
    events = []
    for block in text.split("\n\n"):
        lines = [line for line in block.split("\n") if line and not line.startswith(":")]
        if not lines or lines[0] == "data: [DONE]":
            continue
        event = json.loads(lines[1].removeprefix("data: "))
        assert lines[0] == "event: " + event["type"], block
        assert event["sequence_number"] == len(events), block
        if not event["type"].startswith("melete:"):
            EVENTS[event["type"]].model_validate(event)
        events.append(event)
    return events


def stream(input, model="melete-thinking", **more):
    body = {"model": model, "input": input, "temperature": 0, "stream": True, **more}
    return events_of(call("POST", "/v1/responses", body))


def text_of(response):
    return "".join(part["text"] for item in response["output"] if item["type"] == "message" for part in item["content"])


def message(content, role="user"):
    return {"type": "message", "role": role, "content": content}


def media(name, kind):
    data = base64.b64encode((examples / name).read_bytes()).decode()
    if kind == "input_audio":
        return {"type": kind, "input_audio": {"data": data, "format": "wav"}}
    return {"type": kind, "image_url": "data:image/png;base64," + data}


shapes = [message([media("shapes.png", "input_image"), {"type": "input_text", "text": "How many shapes are there?"}])]
digits = [message([media("digits.wav", "input_audio"), {"type": "input_text", "text": "Which digits were said?"}])]
weather = {"type": "function", "name": "get_weather", "description": "Get the current weather for a location",
           "parameters": {"type": "object", "properties": {"location": {"type": "string", "maxLength": 20}},
                          "required": ["location"], "additionalProperties": False}}
question = [message("What's the weather like in San Francisco?")]

# The six scenarios of the specification's compliance test.
assert respond([message("Say hello in exactly 3 words.")], max_output_tokens=512)["output"]
counted = stream([message("Count from 1 to 5.")])
assert counted[0]["type"] == "response.created" and counted[-1]["type"] in ("response.completed", "response.incomplete")
assert respond([message("You are a pirate.", "system"), message("Say hello.")])["output"]
called = respond(question, tools=[weather], tool_choice="required")
assert called["output"][-1]["type"] == "function_call" and called["status"] == "completed", called
assert "location" in json.loads(called["output"][-1]["arguments"])
pieces = [event["type"] for event in stream(question, tools=[weather], tool_choice={"type": "function", "name": "get_weather"})]
assert "response.function_call_arguments.delta" in pieces and "response.function_call_arguments.done" in pieces
assert text_of(respond(shapes)) == "4"
assert respond([message("My name is Alice."), message("Hello Alice!", "assistant"), message("What is my name?")])["output"]

# The modes, as a whole and as a stream, kept and given again.
for model, more in (("melete-instant", {}), ("melete-thinking", {}), ("melete-nano", {"reasoning": {"effort": "high"}}),
                    ("melete-contemplating", {"melete": {"agents": 3}})):
    whole = checked(call("POST", "/v1/responses", {"model": model, "input": digits, "temperature": 0, **more}))
    assert text_of(whole) == "593" and whole["status"] == "completed", whole
    assert (whole["output"][0]["type"] == "reasoning") == (model != "melete-instant")
    streamed = stream(digits, model, **more)
    assert text_of(streamed[-1]["response"]) == "593"
    identity = streamed[-1]["response"]["id"]
    assert checked(call("GET", "/v1/responses/" + identity)) == streamed[-1]["response"]
    assert events_of(call("GET", f"/v1/responses/{identity}?stream=true")) == streamed
    for item in json.loads(call("GET", f"/v1/responses/{identity}/input_items"))["data"]:
        assert item["id"] and item["status"] == "completed"
    told = json.loads(call("POST", f"/v1/responses/{identity}/replay"))
    assert told["equal"] and told["bytes"] > 0, told
    assert json.loads(call("DELETE", "/v1/responses/" + identity))["deleted"]
followed = stream(digits, "melete-contemplating", melete={"agents": 3, "events": True})
assert sum(event["type"] == "melete:agent.spawned" for event in followed) == 3

# A chain, a schema, a summary, what is cut.
first = respond("The price of tea is 3.")
assert respond("What is the price of tea?", previous_response_id=first["id"])["previous_response_id"] == first["id"]
answered = respond([{"type": "function_call_output", "call_id": called["output"][-1]["call_id"], "output": "rain"}],
                   previous_response_id=called["id"], tools=[weather])
assert answered["status"] in ("completed", "incomplete")
schema = {"type": "object", "properties": {"full": {"type": "boolean"}}, "required": ["full"], "additionalProperties": False}
held = respond("Describe a cup.", text={"format": {"type": "json_schema", "name": "cup", "schema": schema, "strict": True}})
assert isinstance(json.loads(text_of(held))["full"], bool)
assert stream(digits, reasoning={"summary": "auto"})[-1]["response"]["output"][0]["summary"][0]["text"]
assert respond("Count to 99.", "melete-instant", max_output_tokens=16)["status"] in ("completed", "incomplete")

# What is refused has a place.
for body, status, param in (({"input": "a", "model": "gpt"}, 404, "model"),
                            ({"input": [message([{"type": "input_hologram"}])]}, 400, "input[0].content[0].type"),
                            ({"input": "a", "previous_response_id": "resp_0"}, 404, "previous_response_id")):
    try:
        call("POST", "/v1/responses", body)
        raise AssertionError(f"{body} must be refused")
    except urllib.error.HTTPError as error:
        told = json.loads(error.read())["error"]
        assert (error.code, told["param"]) == (status, param), told
