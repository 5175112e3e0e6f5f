#!/usr/bin/env python3
"""Writes what Python's Jinja makes of templates, for src/text/jinja/template_test.cc.

  jinja_golden.py OUT.json [--templates FOLDER]

Without a folder: the snippets and the templates below, which are in the ways of the public families (bos and headers as
Llama 3, ChatML with reasoning and tools as Qwen3, alternating turns as Gemma 3, none of them theirs). With one: every
*.jinja in it instead, for a longer check by hand: MELETE_JINJA_FILE=OUT.json text_test --gtest_filter='*WholeTemplates*'.
Needs pip's transformers and jinja2.
"""
import argparse
import datetime
import json
import pathlib

from transformers.utils.chat_template_utils import _compile_jinja_template

NOW = datetime.datetime(2026, 3, 9, 14, 5, 7)

LLAMA_LIKE = r"""{{- bos_token }}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "1 Jan 2024" %}
    {%- endif %}
{%- endif %}
{%- if not tools is defined %}{%- set tools = none %}{%- endif %}

{#- The first system message goes into the header. #}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content'] | trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\n\n" }}
{%- if builtin_tools is defined or tools is not none %}
    {{- "Environment: ipython\n" }}
{%- endif %}
{%- if builtin_tools is defined %}
    {{- "Tools: " + builtin_tools | reject('equalto', 'code_interpreter') | join(", ") + "\n\n"}}
{%- endif %}
{{- "Date: " + date_string + "\n\n" }}
{%- if tools is not none %}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\n\n" }}
    {%- endfor %}
{%- endif %}
{{- system_message ~ "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls | length == 1 %}
            {{- raise_exception("one tool call at a time") }}
        {%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' -}}
        {%- for arg_name, arg_val in tool_call.arguments | items %}
            {{- arg_name + '="' + arg_val | string + '"' }}
            {%- if not loop.last %}
                {{- ", " }}
            {%- endif %}
        {%- endfor %}
        {{- '{"name": "' + tool_call.name + '", "parameters": ' + tool_call.arguments | tojson + "}" }}
        {{- "<|eom_id|>" if builtin_tools is defined else "<|eot_id|>" }}
    {%- else %}
        {{- "<|start_header_id|>ipython<|end_header_id|>\n\n" }}
        {%- if message.content is mapping or message.content is iterable and message.content is not string %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
        {{- "<|eot_id|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
{%- endif %}
"""

QWEN_LIKE = r"""{%- set state = namespace(last_query=-1, open=false) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages | length - 1) - loop.index0 %}
    {%- if state.last_query < 0 and message.role == "user" and not (message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set state.last_query = index %}
    {%- endif %}
{%- endfor %}
{%- if tools %}
    {{- '<|im_start|>system\n' }}
    {%- if messages[0].role == 'system' %}{{- messages[0].content + '\n\n' }}{%- endif %}
    {{- "<tools>" }}
    {%- for tool in tools %}
        {{- "\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\n</tools>\nAnswer with <tool_call>\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call><|im_end|>\n" }}
{%- elif messages[0].role == 'system' %}
    {{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if message.role == "user" or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}
    {%- elif message.role == "assistant" %}
        {%- set content = message.content %}
        {%- set reasoning = '' %}
        {%- if message.reasoning_content is defined and message.reasoning_content is not none %}
            {%- set reasoning = message.reasoning_content %}
        {%- elif '</think>' in message.content %}
            {%- set content = message.content.split('</think>')[-1].lstrip('\n') %}
            {%- set reasoning = message.content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}
        {%- endif %}
        {%- if loop.index0 > state.last_query and (loop.last or reasoning) %}
            {{- '<|im_start|>assistant\n<think>\n' + reasoning.strip('\n') + '\n</think>\n\n' + content.lstrip('\n') }}
        {%- else %}
            {{- '<|im_start|>assistant\n' + content }}
        {%- endif %}
        {%- for tool_call in message.tool_calls or [] %}
            {%- if (loop.first and content) or (not loop.first) %}{{- '\n' }}{%- endif %}
            {%- if tool_call.function %}{%- set tool_call = tool_call.function %}{%- endif %}
            {{- '<tool_call>\n{"name": "' ~ tool_call.name ~ '", "arguments": ' }}
            {{- tool_call.arguments if tool_call.arguments is string else tool_call.arguments | tojson }}
            {{- '}\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.first or (messages[loop.index0 - 1].role != "tool") %}{{- '<|im_start|>user' }}{%- endif %}
        {{- '\n<tool_response>\n' ~ message.content ~ '\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}{{- '<|im_end|>\n' }}{%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\n\n</think>\n\n' }}{%- endif %}
{%- endif %}
"""

GEMMA_LIKE = r"""{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- set prefix = messages[0]['content'] + '\n\n' if messages[0]['content'] is string else messages[0]['content'][0]['text'] + '\n\n' -%}
    {%- set turns = messages[1:] -%}
{%- else -%}
    {%- set prefix = "" -%}
    {%- set turns = messages -%}
{%- endif -%}
{%- for message in turns -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception("Conversation roles must alternate") }}
    {%- endif -%}
    {%- set role = "model" if message['role'] == 'assistant' else message['role'] -%}
    {{ '<start_of_turn>' + role + '\n' + (prefix if loop.first else "") }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}
            {%- if item['type'] == 'image' -%}
                {{ '<start_of_image>' }}
            {%- elif item['type'] == 'text' -%}
                {{ item['text'] | trim }}
            {%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{ raise_exception("Invalid content type") }}
    {%- endif -%}
    {{ '<end_of_turn>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{'<start_of_turn>model
'}}
{%- endif -%}
"""

SMOL_LIKE = ("{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nBe helpful.<|im_end|>\n' }}{% endif %}"
             "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")

XML_LIKE = r"""{% macro render_content(content, depth=0) %}
{%- if content is string %}{{ content }}{% else %}{% for item in content %}{% if 'text' in item %}{{ item.text }}{% endif %}{% endfor %}{% endif %}
{% endmacro %}
{%- macro parameter(name, spec) -%}
    <parameter name="{{ name }}"{% if name in required %} required{% endif %}>
    {%- for key in spec | dictsort %}{{ "\n  " ~ key[0] ~ "=" ~ (key[1] if key[1] is string else key[1] | tojson) }}{% endfor %}
</parameter>
{%- endmacro -%}
{% for tool in tools or [] if tool %}
    {%- set function = tool.function if tool.function is defined else tool %}
    {%- set required = function.parameters.required | default([]) %}
<tool {{ loop.index }}/{{ loop.length }} name={{ function.name | upper }}>
    {%- for name, spec in function.parameters.properties.items() %}
        {{- "\n" ~ parameter(name, spec) | indent(2, first=true) }}
    {%- else %}
        none
    {%- endfor %}
</tool>
{% else %}
no tools
{% endfor %}
{% for message in messages %}
    {% generation %}[{{ message.role | capitalize | truncated if false else message.role | title }}] {{ render_content(message.content | default('', true)) | trim }}{% endgeneration %}
    {% if message.role == 'tool' %}{% continue %}{% endif %}
    {% if loop.index > 5 %}{% break %}{% endif %}

    {% set text %}
        {{ loop.revindex }} of {{ loop.length }}{{ ' (last)' if loop.last }}
    {% endset %}
    {{ text | trim | replace(' of ', '/') }}
{% endfor %}
{% filter upper %}end {{ bos_token | lower }}{% endfilter %}
"""

TEMPLATES = {"llama_like": LLAMA_LIKE, "qwen_like": QWEN_LIKE, "gemma_like": GEMMA_LIKE, "smol_like": SMOL_LIKE, "xml_like": XML_LIKE}

WEATHER = {"type": "function", "function": {"name": "weather_now", "description": "Weather at a place, \"now\" & <here>", "parameters": {
    "type": "object", "properties": {"city": {"type": "string", "description": "Größe"}, "days": {"type": "integer", "default": 1, "enum": [1, 2.5]}}, "required": ["city"]}}}
CALL = {"type": "function", "id": "abc123456", "function": {"name": "weather_now", "arguments": {"city": " Paris\n", "days": 2, "deep": {"a": [1, True, None, 0.5, "ü"]}}}}
USER = {"role": "user", "content": "  Hello <|im_end|> {{ x }} {% y %}\n"}
CASES = [
    {"messages": [USER]},
    {"messages": [USER], "add_generation_prompt": True},
    {"messages": [{"role": "system", "content": "Be brief. "}, USER], "add_generation_prompt": True},
    {"messages": [{"role": "system", "content": "Be brief."}, USER, {"role": "assistant", "content": "Hi <think>no</think> there.\n"}, {"role": "user", "content": "Größe? 你好 👍"}], "add_generation_prompt": True},
    {"messages": [USER], "add_generation_prompt": True, "enable_thinking": False},
    {"messages": [USER], "add_generation_prompt": True, "enable_thinking": True},
    {"messages": [USER, {"role": "assistant", "reasoning_content": "\nlet me see\n", "content": "Yes."}, USER, {"role": "assistant", "content": "<think>\nhm\n</think>\n\nNo."}]},
    {"messages": [USER], "tools": [WEATHER], "add_generation_prompt": True},
    {"messages": [{"role": "system", "content": "Use tools."}, USER, {"role": "assistant", "content": "", "tool_calls": [CALL]}, {"role": "tool", "name": "weather_now", "tool_call_id": "abc123456", "content": "sunny\n"}], "tools": [WEATHER, WEATHER], "add_generation_prompt": True},
    {"messages": [USER, {"role": "assistant", "content": "Let me look.", "tool_calls": [CALL, CALL]}, {"role": "tool", "content": "a"}, {"role": "tool", "content": "b"}, {"role": "assistant", "content": "Sunny."}, USER], "tools": [WEATHER]},
    {"messages": [USER, USER]},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": " What is "}, {"type": "image"}, {"type": "text", "text": "this?"}]}], "add_generation_prompt": True},
    {"messages": [USER], "builtin_tools": ["code_interpreter", "brave_search"], "date_string": "today"},
    {"messages": []},
]

VARIABLES = {"s": "Hello, Wörld", "empty": "", "n": 7, "m": -3, "f": 2.5, "t": True, "nothing": None, "list": [3, 1, 2], "words": ["b", "A", "c"],
             "d": {"a": 1, "b": {"c": [10, 20]}, "items": 5}, "rows": [{"x": 1, "y": "p"}, {"x": 2, "y": "q"}, {"x": 1}], "long": "a b  c\n d", "html": "<a href='x'>&\"</a>"}

EXPRESSIONS = [
    "1 + 2 * 3 - 4 / 2", "7 // 2", "-7 // 2", "-7 % 3", "7.5 // 2", "2 ** 10", "2 ** -1", "1 / 3", "10 / 2", "1e3", "1.5e-7", "1e16", "123456789012", "0.1 + 0.2", "-n", "- n ** 2", "+m", "3.0", "100.0 * 1e20", "1_000",
    "n > 3 and m < 0", "n if t else m", "n if not t", "'a' ~ 1 ~ none ~ true ~ 2.0", "not t or nothing is none", "1 < 2 < 3", "1 < 3 < 2", "1 == 1.0", "true == 1", "'a' in 'abc'", "'x' not in d", "'a' in d", "2 in list", "[1] + [2, 3]", "(1, 2)", "(1,)", "()", "[]", "{}",
    "{'k': [1, 'it\\'s', \"q\\\"\", none, true, 1.0]}", "'it\\'s'", "['a\\nb', \"it's\", '\\\\']", "'%s is %d or %.2f%%' % ('x', 3, 2)", "'%5d|%-5s|%05.1f' % (42, 'ab', 3.14159)", "'ab' * 3", "3 * [0]", "s[0]", "s[-1]", "s[1:4]", "s[::-1]", "s[8:]", "s[:-3:2]", "list[::-1]", "list[-2:]", "list[5:]", "list[0]", "d.a", "d['b'].c[1]", "d.b['c'] | length",
    "d.missing", "d['missing'] is defined", "missing is undefined", "d.get('a')", "d.get('zz')", "d.get('zz', 5)", "d.items() | list", "d['items']", "d.keys() | list", "d.values() | list", "d | items | list", "d | length", "d | list", "d | tojson", "d | tojson(indent=2)", "rows | tojson(indent=4)", "[] | tojson(indent=2)", "{} | tojson(indent=2)", "{'b': 1, 'a': [2, {}]} | tojson(sort_keys=true)", "s | tojson", "s | tojson(ensure_ascii=true)", "'\\u001f\\t\"\\\\/<>&' | tojson", "2.0 | tojson", "none | tojson", "true | tojson", "rows | tojson(separators=(',', ':'))",
    "s | upper", "s | lower", "s | title", "'hello wORLD-foo (bar' | title", "'hELLO' | capitalize", "'  x ' | trim", "'xxaxx' | trim('x')", "s.upper()", "'hELLO wORLD'.title()", "'ab cd'.capitalize()", "long.split()", "long.split(' ')", "long.split(' ', 1)", "long.rsplit(' ', 1)", "long.rsplit(none, 1)", "long.split(none, 1)", "'a,b,,c'.split(',')", "'a\\nb\\r\\nc\\n'.splitlines()", "'a\\nb\\n'.splitlines(true)", "'  x '.strip()", "'  x '.lstrip()", "'  x '.rstrip()", "'\\n\\nx\\n'.strip('\\n')", "'abcabc'.replace('b', 'XX')", "'abcabc'.replace('b', 'X', 1)", "'abc'.replace('', '-')", "'a.b' | replace('.', '_')", "s.startswith('Hell')", "s.endswith(('x', 'ld'))", "s.find('W')", "s.find('ö')", "s.rfind('l')", "s.find('zz')", "s.count('l')", "', '.join(words)", "'abc'.index('c')", "'a=b=c'.partition('=')", "'a=b=c'.rpartition('=')", "'abc'.partition('x')", "'foobar'.removeprefix('foo')", "'foobar'.removesuffix('bar')", "'12'.isdigit()", "'1a'.isdigit()", "'ab'.isalpha()", "'AB'.isupper()", "'ab1'.islower()", "' '.isspace()", "'7'.zfill(3)", "'a'.ljust(3) ~ '|'", "'a'.rjust(3)", "'{} {1} {0}'.format('a', 'b') if false else '{0} {1} {x} {{}}'.format('a', 'b', x=1)",
    "words | join", "words | join('-')", "rows | join(', ', attribute='x')", "words | sort", "words | sort(reverse=true)", "words | sort(case_sensitive=true)", "list | sort", "rows | sort(attribute='x') | map(attribute='x') | list", "d.b.c | sum", "rows | sum(attribute='x')", "list | max", "words | min", "list | first", "list | last", "[] | first", "list | reverse | list", "s | reverse", "words | map('upper') | list", "rows | map(attribute='y', default='none') | list", "rows | map(attribute='y') | list | length", "list | select('odd') | list", "list | select('greaterthan', 1) | list", "list | reject('equalto', 2) | list", "[0, 1, '', 'a'] | select | list", "rows | selectattr('y') | list", "rows | selectattr('y', 'defined') | map(attribute='x') | list", "rows | selectattr('x', 'equalto', 1) | list | length", "rows | rejectattr('x', '==', 1) | list", "['a', 'A', 'b'] | unique | list", "{'b': 2, 'a': 1, 'C': 0} | dictsort", "{'b': 2, 'a': 1} | dictsort(by='value')", "{'b': 2, 'a': 1} | dictsort(reverse=true)", "[1,2,3,4,5] | batch(2) | list", "[1,2,3] | batch(2, 'x') | list",
    "missing | default('z')", "empty | default('z')", "empty | default('z', true)", "nothing | default('z')", "nothing | d('z', boolean=true)", "'42' | int", "'4x' | int", "'4x' | int(9)", "'3.9' | int", "3.9 | int", "'2.5' | float", "m | abs", "2.567 | round(2)", "2.5 | round", "3.5 | round", "2.1 | round(method='ceil')", "7 | round", "s | length", "'日本' | length", "42 | string | length", "html | e", "html | escape", "html | safe", "'a b c' | wordcount", "'a\\nb\\n\\nc' | indent", "'a\\nb' | indent(2, true)", "'a\\n\\nb' | indent('> ', blank=true)", "'%s-%s' | format('a', 1)", "[1, 2] | string", "list is sequence", "s is string", "d is mapping", "s is iterable", "n is iterable", "n is number", "t is number", "t is boolean", "t is integer", "n is integer", "f is float", "nothing is none", "n is odd", "n is even", "9 is divisibleby 3", "n is divisibleby(3)", "t is true", "t is false", "n is eq 7", "n is ne(7)", "n is gt 3", "n is lt 3", "n is ge 7", "2 is in list", "'abc' is in 'xabcx'", "'AB' is upper", "'ab' is lower", "n is not none", "s is not string", "raise_exception is callable", "nothing is sameas none", "t is sameas true",
    "range(5) | list", "range(2, 8, 3) | list", "range(3, 0, -1) | list", "dict(a=1, b=2)", "namespace(a=1).a", "strftime_now('%d %b %Y %H:%M:%S %A %j')", "'a' 'b' \"c\"", "'\\x41\\u00e9\\U0001F600\\q'", "\"tab\\there\"", "{'a': {}}['a']", "{1: 'x', true: 'y', 'z': none}", "[[1, [2]], {'a': (1, 2)}]", "not 1 == 2", "(n, m) == (7, -3)", "[1, 2] < [1, 3]", "'a' < 'b'", "s.missing is defined", "loop is defined", "'a' if false", "('x' if false) is defined", "words[1:] + words[:1]", "[1,2][5] is defined", "nothing or 'x'", "0 or [] or 'y'", "'x' and 0", "none == false", "empty == ''", "1 is defined and 2 is defined", "s is defined and s[0] == 'H'", "not missing", "missing == ''", "'' ~ missing ~ ''", "messages is defined and messages[0]", "-2.5 | abs", "1 - -1", "(1 + 2) * 3", "n|string + 'x'", "'a'|upper ~ 'b'", "10 % 4 * 2", "2 * 10 % 4", "'é' | upper", "'ÀÉ'.lower()", "d == {'items': 5, 'b': {'c': [10, 20]}, 'a': 1}",
    # Errors.
    "missing.x", "missing + 1", "1 + 'a'", "'a' + 1", "n.x.y", "none | length", "1 / 0", "1 // 0", "1 % 0", "nosuch()", "n()", "s | nosuch", "s is nosuch", "raise_exception('no!')", "'%d' % 'x'", "'%s %s' % ('a',)", "d.pop('a')", "list.append(4)", "{[1]: 2}", "range(1000000)", "1 < 'a'", "[3, 'a'] | sort", "'a' * 'b'", "'a'.split('')", "'abc'.index('z')", "list | join(1, 2, 3) | nosuch", "none.x.y", "none in 5",
]

STATEMENTS = [
    "a\n{% if true %}\nb\n{% endif %}\nc\n", "a\n  {% if true %}\n  b\n  {% endif %}\n  c", "a {%- if true -%} b {%- endif -%} c", "a {%+ if true +%} b\n{%+ endif +%}\n c", "x {{- 1 -}} y", "x\n  {{ 1 }}\n  y", "  {# c #}\n  x{# d #}\ny {#- e -#} z", "{% raw %}{{ x }} {% if %}{% endraw %}!", "a\n{%- raw -%} {{ x }} {%- endraw -%}\nb", "x\r\ny\rz\n\n", "{{ '{{' }} {{ '%}' }} {{ \"#}\" }}", "{{ {'a': {'b': 1}}['a']['b'] }}",
    "{% for i in list %}{{ i }}{% if not loop.last %}, {% endif %}{% endfor %}", "{% for i in [] %}x{% else %}none{% endfor %}", "{% for i in list if i > 1 %}{{ loop.index }}:{{ i }} {% endfor %}", "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "{% for c in 'héy' %}[{{ c }}]{% endfor %}", "{% for k in d %}{{ k }} {% endfor %}", "{% for x in missing %}{{ x }}{% else %}nothing{% endfor %}", "{% for x in list %}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}|{% endfor %}",
    "{% for x in list %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {% endfor %}", "{% for x in list %}{{ loop.cycle('a', 'b') }}{% endfor %}", "{% for x in [1, 1, 2, 2] %}{{ loop.changed(x) }} {% endfor %}", "{% for a in [1, 2] %}{% for b in [3, 4] %}{{ a }}{{ b }}{{ loop.index }} {% endfor %}{{ loop.index }};{% endfor %}", "{% for x in range(10) %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 5 %}{% break %}{% endif %}{{ x }}{% endfor %}", "{% for x in list %}{% set y = x %}{% endfor %}{{ y is defined }}", "{% set y = 0 %}{% for x in list %}{% set y = y + x %}{{ y }} {% endfor %}{{ y }}", "{% set ns = namespace(y=0) %}{% for x in list %}{% set ns.y = ns.y + x %}{% endfor %}{{ ns.y }}", "{% if true %}{% set z = 1 %}{% endif %}{{ z }}", "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set (a, b) = [1, 2] %}{{ a }}{{ b }}", "{% set x = 1, 2 %}{{ x }}", "{% set x %}a {{ n }} b{% endset %}[{{ x }}]{{ x | length }}", "{% set x | upper | trim %} abc {% endset %}[{{ x }}]", "{% macro m(a, b=2) %}{{ a }}-{{ b }};{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(b=5, a=4) }}{{ m() }}", "{% macro m(x) %}{% if x > 0 %}{{ x }}{{ m(x - 1) }}{% endif %}{% endmacro %}{{ m(4) }}", "{% macro m() %}<{{ caller() }}>{% endmacro %}{% call m() %}in{{ n }}{% endcall %}", "{% macro m() %}{{ caller(1) }}{{ caller(2) }}{% endmacro %}{% call(x) m() %}[{{ x }}]{% endcall %}", "{% set x = 5 %}{% macro m() %}{{ x }}{% endmacro %}{% set x = 6 %}{{ m() }}", "{% filter upper %}ab{{ n }}{% endfilter %}", "{% filter replace('a', 'b') | upper %}aXa{% endfilter %}", "{% with a = 1, b = n %}{{ a }}{{ b }}{% endwith %}{{ a is defined }}", "{% if n == 1 %}a{% elif n == 7 %}b{% else %}c{% endif %}", "{% if missing %}a{% elif nothing %}b{% else %}c{% endif %}", "{% generation %}g{{ n }}{% endgeneration %}", "{% set messages = [1, 2, 3] %}{% set messages = messages[1:] %}{{ messages }}", "{{ n }}{% set n = n + 1 %}{{ n }}", "{% for x in list %}{% if loop.first %}{% set q = x %}{% endif %}{{ q is defined }}{% endfor %}", "{%- for x in list -%}\n  {{ x }}\n{%- endfor -%}\n", "{% macro a() %}A{% endmacro %}{% macro b() %}{{ a() }}B{% endmacro %}{{ b() }}", "{% for x in list recursive %}{{ x }}{% endfor %}" if False else "{{ 1 }}",
    # Errors.
    "{% if %}x{% endif %}", "{% for x in %}{% endfor %}", "{% endfor %}", "{% if true %}", "{{ 1", "{# x", "{% raw %}x", "{% set ns = 1 %}{% set ns.a = 2 %}", "{% for a, b in [1] %}{% endfor %}", "{{ 'a }}", "{% nosuch %}", "{{ 1 + }}", "{{ (1 }}", "{{ [1, }}", "{{ a b }}", "{% break %}", "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{% endmacro %}{{ m(b=2) }}", "{% set %}", "{{ x[ }}", "{{ ! }}", "{% call m() %}{% endcall %}", "{{ n | }}", "{{ n is }}",
]


def render(template, variables):
    try:
        given = {"tools": None, **variables}
        return {"text": _compile_jinja_template(template).render(strftime_now=lambda f: NOW.strftime(f), **given)}
    except Exception as e:
        return {"error": f"{type(e).__name__}: {e}"[:100]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--templates", type=pathlib.Path)
    args = parser.parse_args()
    templates = {p.name: p.read_text() for p in sorted(args.templates.glob("*.jinja"))} if args.templates else TEMPLATES
    common = {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"}
    result = {"variables": VARIABLES, "snippets": [], "cases": [{**common, **c} for c in CASES], "templates": []}
    if not args.templates:
        for source in [f"{{{{ {e} }}}}" for e in EXPRESSIONS] + STATEMENTS:
            result["snippets"].append({"source": source, **render(source, VARIABLES)})
    for name, source in templates.items():
        results = [render(source, c) for c in result["cases"]]
        result["templates"].append({"name": name, "source": source, "results": results})
    args.out.write_text(json.dumps(result, ensure_ascii=False, indent=None if args.templates else 0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
