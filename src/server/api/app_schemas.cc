// Schemas of what the app sends and gets, by name.
#include "media/speech.h"
#include "server/api/answer_options.h"
#include "server/api/app_api.h"

namespace melete {
namespace {

Json account_schemas() {
  return Json::parse(R"json({
    "Session": {"type": "object", "required": ["user", "login_required", "csrf_token", "artifacts_port", "version"], "properties": {
      "user": {"oneOf": [{"type": "null"}, {"type": "object", "required": ["id", "name", "role"], "properties": {
        "id": {"type": "integer"}, "name": {"type": "string"}, "role": {"enum": ["user", "admin"]}}}]},
      "login_required": {"type": "boolean"},
      "csrf_token": {"type": ["string", "null"], "description": "to be sent as x-csrf-token with what changes something"},
      "artifacts_port": {"type": ["integer", "null"], "description": "where GET /frame is what artifacts run in"},
      "version": {"type": "string"}}},
    "Login": {"type": "object", "additionalProperties": false, "required": ["name", "password"], "properties": {
      "name": {"type": "string"}, "password": {"type": "string"}, "label": {"type": "string"}}},
    "NewPassword": {"type": "object", "additionalProperties": false, "required": ["new_password"], "properties": {
      "current_password": {"type": "string"}, "new_password": {"type": "string"}}},
    "OpenSession": {"type": "object", "required": ["id", "label", "created_ms", "expires_ms", "current"], "properties": {
      "id": {"type": "string"}, "label": {"type": "string"}, "created_ms": {"type": "integer"},
      "expires_ms": {"type": "integer"}, "current": {"type": "boolean"}}},
    "Quota": {"type": "object", "properties": {
      "requests_per_day": {"type": ["integer", "null"]}, "tokens_per_day": {"type": ["integer", "null"]}}},
    "User": {"type": "object", "required": ["id", "name", "role", "has_password", "quota", "created_ms"], "properties": {
      "id": {"type": "integer"}, "name": {"type": "string"}, "role": {"enum": ["user", "admin"]},
      "has_password": {"type": "boolean"}, "quota": {"$ref": "#/components/schemas/Quota"},
      "created_ms": {"type": "integer"}}},
    "NewUser": {"type": "object", "additionalProperties": false, "required": ["name"], "properties": {
      "name": {"type": "string"}, "role": {"enum": ["user", "admin"]}, "password": {"type": "string"},
      "requests_per_day": {"type": "integer"}, "tokens_per_day": {"type": "integer"}}},
    "Account": {"type": "object", "required": ["user", "left", "file_bytes"], "properties": {
      "user": {"$ref": "#/components/schemas/User"},
      "left": {"type": "object", "required": ["requests", "tokens", "reset_ms"], "properties": {
        "requests": {"type": ["integer", "null"]}, "tokens": {"type": ["integer", "null"]},
        "reset_ms": {"type": "integer"}}},
      "file_bytes": {"type": "integer"}}},
    "Usage": {"type": "object", "required": ["key", "day", "requests", "tokens"], "properties": {
      "key": {"type": "string", "description": "empty: sessions"},
      "day": {"type": "integer", "description": "days since 1970 (UTC)"},
      "requests": {"type": "integer"}, "tokens": {"type": "integer"}}}
  })json");
}

Json key_schemas() {
  return Json::parse(R"json({
    "Key": {"type": "object", "required": ["id", "name", "scopes", "quota", "created_ms", "expires_ms", "revoked_ms"], "properties": {
      "id": {"type": "string"}, "name": {"type": "string"},
      "scopes": {"type": "array", "items": {"enum": ["generate", "data", "admin"]}},
      "quota": {"$ref": "#/components/schemas/Quota"}, "created_ms": {"type": "integer"},
      "expires_ms": {"type": ["integer", "null"]}, "revoked_ms": {"type": ["integer", "null"]}}},
    "NewKey": {"type": "object", "additionalProperties": false, "required": ["name"], "properties": {
      "name": {"type": "string"},
      "scopes": {"type": "array", "items": {"enum": ["generate", "data", "admin"]}},
      "requests_per_day": {"type": "integer"}, "tokens_per_day": {"type": "integer"},
      "expires_ms": {"type": "integer"}}},
    "MadeKey": {"type": "object", "required": ["key", "secret"], "properties": {
      "key": {"$ref": "#/components/schemas/Key"}, "secret": {"type": "string"}}},
    "Invitation": {"type": "object", "required": ["id", "label", "role", "uses_left", "quota", "created_ms"], "properties": {
      "id": {"type": "string"}, "label": {"type": "string"}, "role": {"enum": ["user", "admin"]},
      "uses_left": {"type": "integer"}, "quota": {"$ref": "#/components/schemas/Quota"},
      "created_ms": {"type": "integer"}, "expires_ms": {"type": ["integer", "null"]},
      "revoked_ms": {"type": ["integer", "null"]}}},
    "NewInvitation": {"type": "object", "additionalProperties": false, "properties": {
      "label": {"type": "string"}, "role": {"enum": ["user", "admin"]}, "uses": {"type": "integer", "minimum": 1},
      "requests_per_day": {"type": "integer"}, "tokens_per_day": {"type": "integer"},
      "expires_ms": {"type": "integer"}}},
    "MadeInvitation": {"type": "object", "required": ["invitation", "code"], "properties": {
      "invitation": {"$ref": "#/components/schemas/Invitation"}, "code": {"type": "string"}}},
    "Redemption": {"type": "object", "additionalProperties": false, "required": ["code", "name"], "properties": {
      "code": {"type": "string"}, "name": {"type": "string"}, "password": {"type": "string"}}},
    "Redeemed": {"type": "object", "required": ["user", "key", "secret"], "properties": {
      "user": {"$ref": "#/components/schemas/User"}, "key": {"$ref": "#/components/schemas/Key"},
      "secret": {"type": "string"}}}
  })json");
}

Json conversation_schemas() {
  return Json::parse(R"json({
    "Conversation": {"type": "object", "required": ["id", "title", "pinned", "active_leaf", "num_messages", "created_ms", "updated_ms"], "properties": {
      "id": {"type": "string"}, "title": {"type": "string"}, "pinned": {"type": "boolean"},
      "active_leaf": {"type": ["string", "null"]}, "num_messages": {"type": "integer"},
      "created_ms": {"type": "integer"}, "updated_ms": {"type": "integer"}}},
    "ConversationPage": {"type": "object", "required": ["conversations", "next"], "properties": {
      "conversations": {"type": "array", "items": {"$ref": "#/components/schemas/Conversation"}},
      "next": {"type": ["string", "null"], "description": "of the next page, as after"}}},
    "ConversationTree": {"allOf": [{"$ref": "#/components/schemas/Conversation"}, {
      "type": "object", "required": ["messages"], "properties": {
        "messages": {"type": "array", "items": {"$ref": "#/components/schemas/Message"}}}}]},
    "NewConversation": {"type": "object", "additionalProperties": false, "properties": {"title": {"type": "string"}}},
    "ConversationChange": {"type": "object", "additionalProperties": false, "properties": {
      "title": {"type": "string"}, "pinned": {"type": "boolean"},
      "show": {"type": "string", "description": "a message whose branch is to be shown"}}},
    "Fork": {"type": "object", "additionalProperties": false, "required": ["message"], "properties": {
      "message": {"type": "string"}}},
    "Content": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"oneOf": [
      {"type": "object", "required": ["type", "text"], "properties": {
        "type": {"const": "text"}, "text": {"type": "string"}}},
      {"type": "object", "required": ["type", "file_id"], "properties": {
        "type": {"const": "file"}, "file_id": {"type": "string"}}}]}}]},
    "Message": {"type": "object", "required": ["id", "parent", "role", "content", "meta", "files", "created_ms"], "properties": {
      "id": {"type": "string"}, "parent": {"type": ["string", "null"]},
      "role": {"enum": ["system", "user", "assistant", "tool"]},
      "content": {"$ref": "#/components/schemas/Content"},
      "meta": {"$ref": "#/components/schemas/MessageMeta"},
      "files": {"type": "array", "items": {"type": "string"}}, "created_ms": {"type": "integer"}}},
    "MessageMeta": {"type": "object", "description": "of an answer; else empty", "properties": {
      "answer": {"type": "string"}, "status": {"enum": ["running", "completed", "failed", "interrupted"]},
      "model": {"type": "string"}, "mode": {"type": "string"}, "seed": {"type": "integer"},
      "reasoning": {"type": "string"}, "finish": {"type": "string"}, "error": {"type": "string"},
      "details": {"type": "object"}, "fence": {"type": "string", "description": "what the block of code that it is kept as begins with"}}},
    "NewMessage": {"type": "object", "additionalProperties": false, "required": ["content"], "properties": {
      "role": {"enum": ["user", "system"]},
      "parent": {"type": "string", "description": "empty: a root; none: what is shown last"},
      "content": {"$ref": "#/components/schemas/Content"}}},
    "EditedMessage": {"type": "object", "additionalProperties": false, "required": ["content"], "properties": {
      "content": {"$ref": "#/components/schemas/Content"}}},
    "SearchHit": {"type": "object", "required": ["conversation", "title", "message", "snippet", "created_ms"], "properties": {
      "conversation": {"type": "string"}, "title": {"type": "string"}, "message": {"type": ["string", "null"]},
      "snippet": {"type": "array", "items": {"type": "object", "required": ["text", "match"], "properties": {
        "text": {"type": "string"}, "match": {"type": "boolean"}}}},
      "created_ms": {"type": "integer"}}},
    "AnswerWithPage": {"type": "object", "required": ["conversation", "title", "message", "content", "created_ms"],
      "properties": {"conversation": {"type": "string"}, "title": {"type": "string"}, "message": {"type": "string"},
        "content": {"$ref": "#/components/schemas/Content"}, "created_ms": {"type": "integer"}}}
  })json");
}

Json answer_schemas() {
  Json schemas = Json::parse(R"json({
    "Question": {"type": "object", "additionalProperties": false, "properties": {
      "message": {"type": "object", "additionalProperties": false, "required": ["content"], "properties": {
        "parent": {"type": ["string", "null"], "description": "null: a root; none: what is shown last"},
        "content": {"$ref": "#/components/schemas/Content"}}},
      "to": {"type": "string", "description": "instead of a new message: one that is to be answered again"},
      "model": {"type": "string"}, "system": {"type": "string"},
      "reasoning_effort": {"enum": ["none", "minimal", "low", "medium", "high", "xhigh", "max"]},
      "max_tokens": {"type": "integer", "minimum": 1}, "seed": {"type": "integer"},
      "temperature": {"type": "number"}, "top_p": {"type": "number"}, "top_k": {"type": "integer"},
      "min_p": {"type": "number"}, "response_format": {"type": "object", "additionalProperties": true, "description": "as chat completions take it"},
      "fence": {"type": "string", "pattern": "^[a-z0-9 -]{0,60}$", "description": "with a response_format: the answer is kept as a block of code that begins with these words"}}},
    "RunEvent": {"type": "object", "required": ["seq", "agent", "kind", "token", "data"], "properties": {
      "seq": {"type": "integer"}, "agent": {"type": "integer"}, "kind": {"type": "string"},
      "token": {"type": "integer"}, "data": {"type": "object"}}},
    "AnswerEvent": {"oneOf": [{"$ref": "#/components/schemas/Message"}, {"$ref": "#/components/schemas/RunEvent"},
      {"$ref": "#/components/schemas/AnswerEnd"}],
      "description": "by the event's name: message (what was said), answer (its message, empty yet), run (with its seq as id), done"},
    "AnswerEnd": {"type": "object", "properties": {
      "message": {"$ref": "#/components/schemas/Message"}, "error": {"type": "object"}}},
    "Steer": {"type": "object", "additionalProperties": false, "required": ["action"], "properties": {
      "action": {"enum": ["answer", "kill", "pin"], "description": "answer: reasoning ends, and the answer is made of what there is; kill: the agent ends; pin: its answer wins, and the others end"},
      "agent": {"type": "integer", "minimum": 0, "maximum": 255, "description": "which; only answer can do without, and is then for all"}}},
    "Speech": {"type": "object", "additionalProperties": false, "required": ["text"], "properties": {
      "text": {"type": "string"},
      "language": {"type": "string", "description": "a voice of espeak-ng: en-us if it isn't given"},
      "words_per_minute": {"type": "integer", "minimum": 80, "maximum": 450}}},
    "AnswerState": {"type": "object", "required": ["id", "conversation", "status", "created_ms"], "properties": {
      "id": {"type": "string"}, "conversation": {"type": "string"},
      "status": {"enum": ["running", "completed", "failed", "interrupted"]}, "created_ms": {"type": "integer"}}},
    "File": {"type": "object", "required": ["id", "name", "type", "bytes", "created_ms", "num_references"], "properties": {
      "id": {"type": "string"}, "name": {"type": "string"}, "type": {"type": "string"}, "bytes": {"type": "integer"},
      "created_ms": {"type": "integer"}, "num_references": {"type": "integer"}}},
    "ImportCounts": {"type": "object", "required": ["files", "conversations", "responses", "answers"], "properties": {
      "files": {"type": "integer"}, "conversations": {"type": "integer"}, "responses": {"type": "integer"},
      "answers": {"type": "integer"}}}
  })json");
  schemas["Question"]["properties"]["melete"] = extension_schema();
  schemas["Speech"]["properties"]["text"]["maxLength"] = kMaxSpokenBytes;
  return schemas;
}

}  // namespace

Json app_schemas() {
  Json all = account_schemas();
  all.update(key_schemas());
  all.update(conversation_schemas());
  all.update(answer_schemas());
  return all;
}

}  // namespace melete
