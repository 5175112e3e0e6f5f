#!/usr/bin/env python3
"""Writes what transformers makes of our chat template: golden texts for src/text/conversation_test.cc.

  chat_template_golden.py TEMPLATE.jinja OUT.json [TOKENIZER.json]

OUT holds the template itself and, for each case, the variables given and the text. With a tokenizer also the ids that
`tokenizers` gives the text. Needs pip's transformers.
"""
import json
import sys

from transformers.utils.chat_template_utils import render_jinja_template

WEATHER = {"type": "function", "function": {"name": "weather.now", "description": "Weather at a place, \"now\" & <here>", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "default": 1}}, "required": ["city"]}}}
ADD = {"name": "add", "description": "Größe + 1.5", "parameters": {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number", "minimum": -0.5}}}}
HELLO = [{"role": "user", "content": "Hello, user to=self!"}]

CASES = [
    {"messages": HELLO},
    {"messages": HELLO, "add_generation_prompt": True},
    {"messages": HELLO, "add_generation_prompt": True, "enable_thinking": False},
    {"messages": HELLO, "add_generation_prompt": True, "reasoning_effort": "high"},
    {"messages": HELLO, "reasoning_effort": "none"},
    {"messages": [{"role": "system", "content": "Be brief.\n"}] + HELLO, "reasoning_effort": "low"},
    {"messages": [{"role": "system", "content": "Be brief."}] + HELLO},
    {"messages": HELLO, "tools": [WEATHER, ADD, WEATHER]},
    {"messages": [{"role": "system", "content": "Use tools."}] + HELLO, "tools": [ADD, WEATHER], "reasoning_effort": "xhigh", "add_generation_prompt": True},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is "}, {"type": "image"}, {"type": "text", "text": " and "}, {"type": "audio"}, {"type": "video"}]}]},
    {"messages": HELLO + [{"role": "assistant", "reasoning_content": "think 12", "content": "Hi."}, {"role": "user", "content": "  spaced  "}], "reasoning_effort": "medium", "add_generation_prompt": True},
    {"messages": HELLO + [{"role": "assistant", "content": "Hi.", "recipient": "commentary", "ends_turn": False}, {"role": "assistant", "content": "Done."}]},
    {"messages": HELLO + [
        {"role": "assistant", "reasoning_content": "look", "content": "", "tool_calls": [{"type": "function", "function": {"name": "weather.now", "arguments": {"city": " Paris\n", "days": 2, "deep": {"a": [1, True, None, 0.5, "ü"]}}}}]},
        {"role": "tool", "name": "weather.now", "content": "sunny\n"}, {"role": "assistant", "content": "Sunny."}], "tools": [WEATHER]},
]


def main():
    template = open(sys.argv[1], encoding="utf-8").read()
    tokenizer = None
    if len(sys.argv) > 3:
        from tokenizers import Tokenizer
        tokenizer = Tokenizer.from_file(sys.argv[3])
    cases = []
    for case in CASES:
        given = dict(case)
        messages, tools = given.pop("messages"), given.pop("tools", None)
        given.setdefault("add_generation_prompt", False)
        rendered, _ = render_jinja_template([messages], tools=tools, chat_template=template, **given)
        text = rendered[0]
        cases.append({**case, "text": text, **({"ids": tokenizer.encode(text, add_special_tokens=False).ids} if tokenizer else {})})
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        json.dump({"template": template, "cases": cases}, out, ensure_ascii=False, indent=1)
        out.write("\n")


if __name__ == "__main__":
    main()
