#include "server/api/responses_schema.h"

#include "server/api/answer_options.h"

namespace melete {
namespace {

Json input_part_schema() {
  return Json::parse(R"({"title": "ResponsesPart", "oneOf": [
    {"type": "object", "required": ["type", "text"], "properties": {
      "type": {"enum": ["input_text", "output_text"]}, "text": {"type": "string"}}},
    {"type": "object", "required": ["type", "refusal"], "properties": {
      "type": {"const": "refusal"}, "refusal": {"type": "string"}}},
    {"type": "object", "required": ["type"], "properties": {
      "type": {"const": "input_image"}, "image_url": {"type": ["string", "null"], "pattern": "^data:"},
      "file_id": {"type": ["string", "null"]}, "detail": {"enum": ["auto", "low", "high", "original", null]}}},
    {"type": "object", "required": ["type"], "properties": {
      "type": {"const": "input_file"}, "file_data": {"type": ["string", "null"]},
      "file_id": {"type": ["string", "null"]}, "filename": {"type": ["string", "null"]}}},
    {"type": "object", "required": ["type", "input_audio"], "properties": {
      "type": {"const": "input_audio"}, "input_audio": {"type": "object", "properties": {
        "data": {"type": "string", "contentEncoding": "base64"}, "file_id": {"type": "string"},
        "format": {"enum": ["wav", "mp3", "flac", "ogg", "opus", "aiff", "m4a"]}}}}},
    {"type": "object", "required": ["type"], "properties": {
      "type": {"const": "input_video"}, "video_url": {"type": "string", "pattern": "^data:"},
      "file_id": {"type": "string"}}}
  ]})");
}

Json content_schema() {
  return {{"title", "ResponsesContent"},
          {"oneOf", {{{"type", "string"}}, {{"type", "array"}, {"items", input_part_schema()}}}}};
}

Json input_item_schema() {
  Json message = Json::parse(R"({"type": "object", "required": ["role", "content"], "properties": {
    "type": {"const": "message"}, "role": {"enum": ["user", "assistant", "system", "developer"]}}})");
  message["properties"]["content"] = content_schema();
  Json result = Json::parse(R"({"type": "object", "required": ["type", "call_id", "output"], "properties": {
    "type": {"const": "function_call_output"}, "call_id": {"type": "string"}}})");
  result["properties"]["output"] = content_schema();
  const Json call = Json::parse(R"({"type": "object", "required": ["type", "call_id", "name", "arguments"],
    "properties": {"type": {"const": "function_call"}, "call_id": {"type": "string"},
      "name": {"type": "string"}, "arguments": {"type": "string", "contentMediaType": "application/json"}}})");
  const Json reasoning = Json::parse(R"({"type": "object", "required": ["type"],
    "properties": {"type": {"const": "reasoning"}}})");
  return {{"title", "ResponsesItem"}, {"oneOf", {message, call, result, reasoning}}};
}

Json output_item_schema() {
  return Json::parse(R"({"oneOf": [
    {"type": "object", "required": ["type", "id", "status", "role", "content"], "properties": {
      "type": {"const": "message"}, "id": {"type": "string"}, "role": {"const": "assistant"},
      "status": {"enum": ["in_progress", "completed", "incomplete"]}, "phase": {"enum": ["commentary"]},
      "content": {"type": "array", "items": {"type": "object", "required": ["type", "text", "annotations"],
        "properties": {"type": {"const": "output_text"}, "text": {"type": "string"},
          "annotations": {"type": "array"}, "logprobs": {"type": "array"}}}}}},
    {"type": "object", "required": ["type", "id", "summary", "content"], "properties": {
      "type": {"const": "reasoning"}, "id": {"type": "string"},
      "content": {"type": "array", "items": {"type": "object", "required": ["type", "text"], "properties": {
        "type": {"const": "reasoning_text"}, "text": {"type": "string"}}}},
      "summary": {"type": "array", "items": {"type": "object", "required": ["type", "text"], "properties": {
        "type": {"const": "summary_text"}, "text": {"type": "string"}}}}}},
    {"type": "object", "required": ["type", "id", "call_id", "name", "arguments", "status"], "properties": {
      "type": {"const": "function_call"}, "id": {"type": "string"}, "call_id": {"type": "string"},
      "name": {"type": "string"}, "arguments": {"type": "string"},
      "status": {"enum": ["in_progress", "completed", "incomplete"]}}}
  ]})");
}

// The fields of a request that are about tools.
Json tool_fields() {
  return Json::parse(R"({
      "tools": {"type": ["array", "null"], "items": {
        "type": "object", "required": ["type", "name"], "properties": {
          "type": {"const": "function"}, "name": {"type": "string"}, "description": {"type": ["string", "null"]},
          "parameters": {"type": ["object", "null"]}, "strict": {"type": ["boolean", "null"]}}}},
      "tool_choice": {"oneOf": [
        {"enum": ["auto", "none", "required", null]},
        {"type": "object", "required": ["type", "name"], "properties": {
          "type": {"const": "function"}, "name": {"type": "string"}}},
        {"type": "object", "required": ["type", "tools"], "properties": {
          "type": {"const": "allowed_tools"}, "mode": {"enum": ["auto", "none", "required"]},
          "tools": {"type": "array"}}}]}
  })");
}

}  // namespace

Json responses_request_schema() {
  Json schema = Json::parse(R"({
    "title": "ResponsesRequest",
    "type": "object",
    "required": ["input"],
    "additionalProperties": false,
    "properties": {
      "model": {"type": "string", "description": "an id of /v1/models; melete-thinking if not given"},
      "input": {},
      "instructions": {"type": ["string", "null"]},
      "previous_response_id": {"type": ["string", "null"]},
      "store": {"type": ["boolean", "null"]},
      "stream": {"type": ["boolean", "null"]},
      "stream_options": {"type": ["object", "null"]},
      "background": {"type": ["boolean", "null"]},
      "reasoning": {"type": ["object", "null"], "properties": {
        "effort": {"enum": ["none", "minimal", "low", "medium", "high", "xhigh", "max", null]},
        "summary": {"enum": ["auto", "concise", "detailed", null]}}},
      "text": {"type": ["object", "null"], "properties": {"format": {"oneOf": [
        {"type": "object", "required": ["type"], "properties": {"type": {"enum": ["text", "json_object"]}}},
        {"type": "object", "required": ["type"], "properties": {
          "type": {"const": "json_schema"}, "name": {"type": "string"}, "description": {"type": "string"},
          "strict": {"type": "boolean"}, "schema": {"type": "object"}}}]}}},
      "parallel_tool_calls": {"type": ["boolean", "null"]},
      "max_tool_calls": {"type": ["integer", "null"], "minimum": 1},
      "max_output_tokens": {"type": ["integer", "null"], "minimum": 1},
      "temperature": {"type": ["number", "null"], "minimum": 0, "maximum": 2},
      "top_p": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
      "presence_penalty": {"type": ["number", "null"], "minimum": -2, "maximum": 2},
      "frequency_penalty": {"type": ["number", "null"], "minimum": -2, "maximum": 2},
      "top_k": {"type": ["integer", "null"], "minimum": 0},
      "min_p": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
      "seed": {"type": ["integer", "null"]},
      "truncation": {"enum": ["auto", "disabled", null]},
      "metadata": {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
      "include": {"type": ["array", "null"], "items": {"const": "reasoning.encrypted_content"}}
    }
  })");
  schema["properties"]["melete"] = extension_schema();
  schema["properties"].update(tool_fields());
  schema["properties"]["input"] = {
      {"oneOf", {{{"type", "string"}}, {{"type", "array"}, {"items", input_item_schema()}}}}};
  return schema;
}

Json response_schema() {
  Json schema = Json::parse(R"({
    "title": "Response",
    "type": "object",
    "required": ["id", "object", "created_at", "completed_at", "status", "model", "output", "usage", "error",
      "incomplete_details", "instructions", "previous_response_id", "tools", "tool_choice", "text", "reasoning",
      "metadata", "store", "background"],
    "properties": {
      "id": {"type": "string"},
      "object": {"const": "response"},
      "created_at": {"type": "integer"},
      "completed_at": {"type": ["integer", "null"]},
      "status": {"enum": ["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]},
      "incomplete_details": {"type": ["object", "null"], "properties": {"reason": {"type": "string"}}},
      "error": {"type": ["object", "null"], "properties": {
        "code": {"type": "string"}, "message": {"type": "string"}}},
      "model": {"type": "string"},
      "output": {"type": "array"},
      "usage": {"type": ["object", "null"], "properties": {
        "input_tokens": {"type": "integer"}, "output_tokens": {"type": "integer"},
        "total_tokens": {"type": "integer"},
        "input_tokens_details": {"type": "object", "properties": {"cached_tokens": {"type": "integer"}}},
        "output_tokens_details": {"type": "object", "properties": {"reasoning_tokens": {"type": "integer"}}}}},
      "melete": {"type": "object"}
    }
  })");
  schema["properties"]["output"]["items"] = output_item_schema();
  return schema;
}

Json response_query_schema() {
  return Json::parse(R"({"stream": {"type": "boolean"},
    "starting_after": {"type": "integer", "minimum": 0}})");
}

Json deleted_response_schema() {
  return Json::parse(R"({"type": "object", "required": ["id", "object", "deleted"], "properties": {
    "id": {"type": "string"}, "object": {"const": "response"}, "deleted": {"const": true}}})");
}

Json input_tokens_schema() {
  return Json::parse(R"({"type": "object", "required": ["object", "input_tokens"], "properties": {
    "object": {"const": "response.input_tokens"}, "input_tokens": {"type": "integer"}}})");
}

Json item_list_schema() {
  Json schema =
      Json::parse(R"({"type": "object", "required": ["object", "data", "first_id", "last_id", "has_more"],
    "properties": {"object": {"const": "list"}, "data": {"type": "array"}, "has_more": {"type": "boolean"},
      "first_id": {"type": ["string", "null"]}, "last_id": {"type": ["string", "null"]}}})");
  schema["properties"]["data"]["items"] = input_item_schema();
  return schema;
}

Json item_list_query_schema() {
  return Json::parse(R"({"limit": {"type": "integer", "minimum": 0, "maximum": 100},
    "order": {"enum": ["asc", "desc"]}, "after": {"type": "string"}})");
}

}  // namespace melete
