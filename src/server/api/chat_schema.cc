#include "server/api/chat_schema.h"

#include "server/api/answer_options.h"

namespace melete {

namespace {

Json part_schema() {
  return Json::parse(R"({"oneOf": [
    {"type": "object", "required": ["type", "text"], "properties": {
      "type": {"const": "text"}, "text": {"type": "string"}}},
    {"type": "object", "required": ["type", "image_url"], "properties": {
      "type": {"const": "image_url"},
      "image_url": {"type": "object", "required": ["url"], "properties": {
        "url": {"type": "string", "pattern": "^data:"}, "detail": {"enum": ["auto", "low", "high"]}}}}},
    {"type": "object", "required": ["type", "input_audio"], "properties": {
      "type": {"const": "input_audio"},
      "input_audio": {"type": "object", "required": ["data"], "properties": {
        "data": {"type": "string", "contentEncoding": "base64"},
        "format": {"enum": ["wav", "mp3", "flac", "ogg", "opus", "aiff", "m4a"]}}}}},
    {"type": "object", "required": ["type", "file"], "properties": {
      "type": {"const": "file"},
      "file": {"type": "object", "required": ["file_data"], "properties": {
        "file_data": {"type": "string"}, "filename": {"type": "string"}}}}},
    {"type": "object", "required": ["type", "video_url"], "properties": {
      "type": {"const": "video_url"},
      "video_url": {"type": "object", "required": ["url"], "properties": {
        "url": {"type": "string", "pattern": "^data:"}}}}},
    {"type": "object", "required": ["type", "input_video"], "properties": {
      "type": {"const": "input_video"},
      "input_video": {"type": "object", "properties": {
        "data": {"type": "string", "contentEncoding": "base64"}, "url": {"type": "string"}}}}}
  ]})");
}

Json chat_message_schema() {
  Json schema = Json::parse(R"({
    "type": "object",
    "required": ["role"],
    "properties": {
      "role": {"enum": ["system", "developer", "user", "assistant", "tool"]},
      "name": {"type": "string"},
      "tool_call_id": {"type": "string"},
      "tool_calls": {"type": "array", "items": {"type": "object", "required": ["id", "function"], "properties": {
        "id": {"type": "string"}, "type": {"const": "function"},
        "function": {"type": "object", "required": ["name"], "properties": {
          "name": {"type": "string"}, "arguments": {"type": "string"}}}}}},
      "reasoning_content": {"type": "string"}
    }
  })");
  schema["properties"]["content"] = {
      {"oneOf", {{{"type", "string"}}, {{"type", "array"}, {"items", part_schema()}}}}};
  return schema;
}

// tools and tool_choice.
Json tool_properties() {
  return Json::parse(R"({
      "tools": {"type": "array", "items": {"type": "object", "required": ["type", "function"], "properties": {
        "type": {"const": "function"},
        "function": {"type": "object", "required": ["name"], "properties": {
          "name": {"type": "string"}, "description": {"type": "string"},
          "parameters": {"type": "object"}, "strict": {"type": "boolean"}}}}}},
      "tool_choice": {"oneOf": [
        {"enum": ["auto", "none", "required"]},
        {"type": "object", "required": ["type", "function"], "properties": {
          "type": {"const": "function"},
          "function": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}}},
        {"type": "object", "required": ["type", "allowed_tools"], "properties": {
          "type": {"const": "allowed_tools"},
          "allowed_tools": {"type": "object", "required": ["tools"], "properties": {
            "mode": {"enum": ["auto", "required"]}, "tools": {"type": "array"}}}}}]}
  })");
}

}  // namespace

Json chat_request_schema() {
  Json schema = Json::parse(R"({
    "type": "object",
    "required": ["model", "messages"],
    "additionalProperties": false,
    "properties": {
      "model": {"type": "string", "description": "an id of /v1/models"},
      "messages": {"type": "array", "minItems": 1},
      "stream": {"type": "boolean"},
      "stream_options": {"type": "object", "properties": {"include_usage": {"type": "boolean"}}},
      "n": {"type": "integer", "minimum": 1, "maximum": 16},
      "stop": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "maxItems": 16}]},
      "seed": {"type": "integer"},
      "temperature": {"type": "number", "minimum": 0, "maximum": 2},
      "top_p": {"type": "number", "minimum": 0, "maximum": 1},
      "top_k": {"type": "integer", "minimum": 0},
      "min_p": {"type": "number", "minimum": 0, "maximum": 1},
      "frequency_penalty": {"type": "number", "minimum": -2, "maximum": 2},
      "presence_penalty": {"type": "number", "minimum": -2, "maximum": 2},
      "max_tokens": {"type": "integer", "minimum": 1},
      "max_completion_tokens": {"type": "integer", "minimum": 1},
      "reasoning_effort": {"enum": ["none", "minimal", "low", "medium", "high", "xhigh", "max"]},
      "response_format": {"oneOf": [
        {"type": "object", "required": ["type"], "properties": {"type": {"enum": ["text", "json_object"]}}},
        {"type": "object", "required": ["type", "json_schema"], "properties": {
          "type": {"const": "json_schema"},
          "json_schema": {"type": "object", "required": ["schema"], "properties": {
            "name": {"type": "string"}, "description": {"type": "string"}, "strict": {"type": "boolean"},
            "schema": {"type": "object"}}}}}]},
      "logprobs": {"type": "boolean"},
      "top_logprobs": {"type": "integer", "minimum": 0, "maximum": 20},
      "parallel_tool_calls": {"type": "boolean"},
      "store": {"type": "boolean", "description": "no effect"},
      "metadata": {"type": "object", "description": "no effect"}
    }
  })");
  schema["properties"]["melete"] = extension_schema();
  schema["properties"]["messages"]["items"] = chat_message_schema();
  schema["properties"].update(tool_properties());
  return schema;
}

Json chat_completion_schema() {
  return Json::parse(R"({
    "type": "object",
    "required": ["id", "object", "created", "model", "choices", "usage"],
    "properties": {
      "id": {"type": "string"},
      "object": {"const": "chat.completion"},
      "created": {"type": "integer"},
      "model": {"type": "string"},
      "system_fingerprint": {"type": "string"},
      "choices": {"type": "array", "items": {
        "type": "object",
        "required": ["index", "message", "finish_reason"],
        "properties": {
          "index": {"type": "integer"},
          "finish_reason": {"enum": ["stop", "length", "tool_calls"]},
          "logprobs": {"type": ["object", "null"]},
          "message": {"type": "object", "required": ["role", "content"], "properties": {
            "role": {"const": "assistant"},
            "content": {"type": ["string", "null"]},
            "tool_calls": {"type": "array", "items": {"type": "object", "required": ["id", "type", "function"],
              "properties": {"id": {"type": "string"}, "type": {"const": "function"},
                "function": {"type": "object", "required": ["name", "arguments"], "properties": {
                  "name": {"type": "string"}, "arguments": {"type": "string"}}}}}},
            "reasoning_content": {"type": "string"}}},
          "melete": {"type": "object"}}}},
      "usage": {"type": "object", "properties": {
        "prompt_tokens": {"type": "integer"},
        "completion_tokens": {"type": "integer"},
        "total_tokens": {"type": "integer"},
        "completion_tokens_details": {"type": "object", "properties": {
          "reasoning_tokens": {"type": "integer"}}}}}
    }
  })");
}

Json model_schema() {
  return Json::parse(R"({
    "title": "Model",
    "type": "object",
    "required": ["id", "object", "created", "owned_by", "capabilities"],
    "properties": {
      "id": {"type": "string"},
      "object": {"const": "model"},
      "created": {"type": "integer"},
      "owned_by": {"type": "string"},
      "capabilities": {"type": "object", "properties": {
        "model": {"type": "string"},
        "family": {"type": "string"},
        "mode": {"enum": ["instant", "thinking", "contemplating"]},
        "reasoning": {"type": "boolean"},
        "reasoning_efforts": {"type": "array", "items": {"type": "string"}},
        "tools": {"type": "boolean"},
        "logprobs": {"type": "boolean"},
        "input": {"type": "array", "items": {"enum": ["text", "image", "video", "audio"]}},
        "output": {"type": "array", "items": {"const": "text"}},
        "context_length": {"type": "integer"},
        "response_formats": {"type": "array", "items": {"type": "string"}}}}
    }
  })");
}

Json models_schema() {
  return {{"type", "object"},
          {"properties",
           {{"object", {{"const", "list"}}}, {"data", {{"type", "array"}, {"items", model_schema()}}}}}};
}

}  // namespace melete
