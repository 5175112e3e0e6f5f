#include "text/chat_template.h"

#include "base/json.h"
#include "text/special_tokens.h"

namespace melete {

std::string_view chat_template() {
  return R"jinja({#- Media stand for one placeholder each; the processor writes the rest. -#}
{%- macro body(content) -%}
  {%- if content is string -%}
    {{- content -}}
  {%- elif content -%}
    {%- for part in content -%}
      {%- if part is string -%}
        {{- part -}}
      {%- elif part.type in ['image', 'image_url'] -%}
        {{- '<|patch|>' -}}
      {%- elif part.type in ['video', 'video_url'] -%}
        {{- '<|video|>' -}}
      {%- elif part.type in ['audio', 'audio_url', 'input_audio'] -%}
        {{- '<|audio|>' -}}
      {%- else -%}
        {{- part.text -}}
      {%- endif -%}
    {%- endfor -%}
  {%- endif -%}
{%- endmacro -%}
{%- macro call(function) -%}
  {{- '<atem:function_calls>\n<atem:invoke name="' ~ function.name ~ '">\n' -}}
  {%- for key, value in function.arguments.items() -%}
    {{- '<atem:parameter name="' ~ key ~ '">' -}}
    {{- value if value is string else value | tojson -}}
    {{- '</atem:parameter>\n' -}}
  {%- endfor -%}
  {{- '</atem:invoke>\n</atem:function_calls>' -}}
{%- endmacro -%}
{%- set has_effort = reasoning_effort is defined and reasoning_effort not in [none, '', 'none'] -%}
{%- set effort = reasoning_effort if has_effort else '' -%}
{%- set given_tools = tools if tools is defined and tools else [] -%}
{%- set first = messages[0] if messages and messages[0].role in ['system', 'developer'] else none -%}
{%- set system = namespace(blocks=[], recipients=[]) -%}
{%- if first and body(first.content) -%}
  {%- set system.blocks = [body(first.content)] -%}
{%- endif -%}
{%- if effort -%}
  {%- set system.blocks = system.blocks + ['Reasoning strength: ' ~ effort ~ '.'] -%}
  {%- set system.recipients = ['"self"'] -%}
{%- endif -%}
{%- if given_tools -%}
  {%- set lines = namespace(all=[]) -%}
  {%- for tool in given_tools -%}
    {%- set function = tool.function if tool.function is defined else tool -%}
    {%- set lines.all = lines.all + [function | tojson] -%}
    {%- set name = function.name.split('.')[0] ~ '.*' if '.' in function.name else function.name -%}
    {%- set recipient = '"' ~ name ~ '"' -%}
    {%- if recipient not in system.recipients -%}
      {%- set system.recipients = system.recipients + [recipient] -%}
    {%- endif -%}
  {%- endfor -%}
  {%- set system.blocks = system.blocks + ['# Tools\n\n' ~ lines.all | join('\n')] -%}
{%- endif -%}
{%- if effort or given_tools -%}
  {%- set system.recipients = system.recipients + ['"user"'] -%}
  {%- set system.blocks = system.blocks + ['# Valid recipients: ' ~ system.recipients | join(', ') ~ '.'] -%}
{%- endif -%}
{{- '<|begin_of_text|>' -}}
{%- if system.blocks -%}
  {{- '<|start|>system<|message|>' ~ system.blocks | join('\n\n') ~ '<|eot|>' -}}
{%- endif -%}
{%- for message in (messages[1:] if first else messages) -%}
  {%- set close = '<|eom|>' if message.ends_turn is defined and not message.ends_turn else '<|eot|>' -%}
  {%- if message.role == 'assistant' -%}
    {%- set calls = message.tool_calls if message.tool_calls is defined and message.tool_calls else [] -%}
    {%- set reasoning = message.reasoning_content if message.reasoning_content is defined else '' -%}
    {%- set text = body(message.content if message.content is defined else '') -%}
    {%- if reasoning -%}
      {{- '<|start|>assistant to=self<|message|>' ~ reasoning -}}
      {{- '<|eom|>' if text or calls else close -}}
    {%- endif -%}
    {%- if text or not (calls or reasoning) -%}
      {%- set recipient = message.recipient if message.recipient is defined else '' -%}
      {{- '<|start|>assistant to=' ~ (recipient or 'user') ~ '<|message|>' ~ text -}}
      {{- '<|eom|>' if calls else close -}}
    {%- endif -%}
    {%- for item in calls -%}
      {%- set function = item.function if item.function is defined else item -%}
      {{- '<|start|>assistant to=' ~ function.name ~ '<|message|>' ~ call(function) -}}
      {{- close if loop.last else '<|eom|>' -}}
    {%- endfor -%}
  {%- elif message.role == 'tool' -%}
    {{- '<|start|>tool ' ~ message.name ~ '<|message|><tool_output name="' ~ message.name ~ '">\n' -}}
    {{- body(message.content) ~ '\n</tool_output>' ~ close -}}
  {%- else -%}
    {{- '<|start|>' ~ ('system' if message.role == 'developer' else message.role) ~ '<|message|>' -}}
    {{- body(message.content) ~ close -}}
  {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt is defined and add_generation_prompt -%}
  {{- '<|start|>assistant' -}}
  {%- if enable_thinking is defined and not enable_thinking -%}
    {{- ' to=user<|message|>' -}}
  {%- endif -%}
{%- endif -%}
)jinja";
}

std::string tokenizer_config_json() {
  const Json config = {{"backend", "tokenizers"},
                       {"bos_token", kBeginOfText},
                       {"eos_token", kEot},
                       {"pad_token", kEndOfText},
                       {"model_max_length", 1000000000},
                       {"clean_up_tokenization_spaces", false},
                       {"processor_class", "MuseSparkProcessor"},
                       {"tokenizer_class", "TokenizersBackend"}};
  return json_text(config, 2) + "\n";
}

}  // namespace melete
