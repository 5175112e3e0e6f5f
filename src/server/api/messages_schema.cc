#include "server/api/messages_schema.h"

#include "server/api/answer_options.h"

namespace melete {
namespace {

Json block_schema() {
  return Json::parse(R"({"oneOf": [
    {"type": "object", "required": ["type", "text"], "properties": {
      "type": {"const": "text"}, "text": {"type": "string"}}},
    {"type": "object", "required": ["type", "source"], "properties": {
      "type": {"enum": ["image", "audio", "video", "document"]},
      "source": {"type": "object", "required": ["type"], "properties": {
        "type": {"enum": ["base64", "url", "text", "content"]}, "media_type": {"type": "string"},
        "data": {"type": "string"}, "url": {"type": "string", "pattern": "^data:"}, "content": {}}},
      "title": {"type": "string"}, "context": {"type": "string"}}},
    {"type": "object", "required": ["type", "thinking"], "properties": {
      "type": {"const": "thinking"}, "thinking": {"type": "string"}, "signature": {"type": "string"}}},
    {"type": "object", "required": ["type", "data"], "properties": {
      "type": {"const": "redacted_thinking"}, "data": {"type": "string"}}},
    {"type": "object", "required": ["type", "id", "name", "input"], "properties": {
      "type": {"const": "tool_use"}, "id": {"type": "string"}, "name": {"type": "string"},
      "input": {"type": "object"}}},
    {"type": "object", "required": ["type", "tool_use_id"], "properties": {
      "type": {"const": "tool_result"}, "tool_use_id": {"type": "string"}, "is_error": {"type": "boolean"},
      "content": {"oneOf": [{"type": "string"}, {"type": "array"}]}}}
  ]})");
}

}  // namespace

Json messages_request_schema() {
  Json schema = Json::parse(R"({
    "type": "object",
    "required": ["model", "max_tokens", "messages"],
    "additionalProperties": false,
    "properties": {
      "model": {"type": "string", "description": "an id of /v1/models"},
      "max_tokens": {"type": "integer", "minimum": 1, "description": "thinking and answer together"},
      "messages": {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["role", "content"],
        "properties": {"role": {"enum": ["user", "assistant", "system"]}}}},
      "system": {"oneOf": [{"type": "string"}, {"type": "array"}]},
      "stream": {"type": "boolean"},
      "temperature": {"type": "number", "minimum": 0, "maximum": 2},
      "top_p": {"type": "number", "minimum": 0, "maximum": 1},
      "top_k": {"type": "integer", "minimum": 0},
      "stop_sequences": {"type": "array", "maxItems": 16, "items": {"type": "string"}},
      "thinking": {"title": "MessagesThinking", "type": "object", "required": ["type"], "properties": {
        "type": {"enum": ["enabled", "adaptive", "disabled"]},
        "budget_tokens": {"type": "integer", "minimum": 1},
        "display": {"enum": ["summarized", "omitted"]}}},
      "output_config": {"title": "MessagesOutput", "type": "object", "properties": {
        "effort": {"enum": ["low", "medium", "high", "xhigh", "max"]},
        "format": {"type": "object", "required": ["schema"], "properties": {
          "type": {"const": "json_schema"}, "schema": {"type": "object"}}}}},
      "tools": {"type": "array", "items": {"title": "MessagesTool", "type": "object", "required": ["name", "input_schema"], "properties": {
        "type": {"const": "custom"}, "name": {"type": "string"}, "description": {"type": "string"},
        "input_schema": {"type": "object"}}}},
      "tool_choice": {"title": "MessagesToolChoice", "type": "object", "required": ["type"], "properties": {
        "type": {"enum": ["auto", "any", "tool", "none"]}, "name": {"type": "string"},
        "disable_parallel_tool_use": {"type": "boolean"}}},
      "metadata": {"type": "object", "description": "no effect"}
    }
  })");
  schema["properties"]["messages"]["items"]["properties"]["content"] = {
      {"title", "MessagesContent"},
      {"oneOf", {{{"type", "string"}}, {{"type", "array"}, {"items", block_schema()}}}}};
  schema["properties"]["melete"] = extension_schema();
  return schema;
}

Json message_schema() {
  return Json::parse(R"({
    "type": "object",
    "required": ["id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"],
    "properties": {
      "id": {"type": "string"},
      "type": {"const": "message"},
      "role": {"const": "assistant"},
      "model": {"type": "string"},
      "content": {"type": "array", "items": {"type": "object", "required": ["type"], "properties": {
        "type": {"enum": ["thinking", "text", "tool_use"]},
        "thinking": {"type": "string"}, "signature": {"type": "string"}, "text": {"type": "string"},
        "id": {"type": "string"}, "name": {"type": "string"}, "input": {"type": "object"}}}},
      "stop_reason": {"enum": ["end_turn", "max_tokens", "stop_sequence", "tool_use",
                               "model_context_window_exceeded"]},
      "stop_sequence": {"type": ["string", "null"]},
      "usage": {"type": "object", "required": ["input_tokens", "output_tokens"], "properties": {
        "input_tokens": {"type": "integer"}, "output_tokens": {"type": "integer"},
        "output_tokens_details": {"type": "object", "properties": {"thinking_tokens": {"type": "integer"}}}}},
      "melete": {"type": "object"}
    }
  })");
}

Json count_request_schema() {
  Json schema = messages_request_schema();
  schema["required"] = {"model", "messages"};
  return schema;
}

Json count_schema() {
  return {{"type", "object"},
          {"required", {"input_tokens"}},
          {"properties", {{"input_tokens", {{"type", "integer"}}}}}};
}

}  // namespace melete
