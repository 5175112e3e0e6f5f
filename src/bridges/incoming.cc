#include "bridges/bridge.h"
#include "bridges/json_fields.h"

namespace melete {
Json to_json(const Incoming& message) {
  Json json = {{"kind", message.kind == Incoming::Kind::invite ? "invite" : "message"},
               {"event", message.event},
               {"chat", message.chat},
               {"sender", message.sender},
               {"sender_name", message.sender_name},
               {"text", message.text},
               {"files", Json::array()},
               {"unreadable", message.unreadable}};
  for (const IncomingFile& file : message.files)
    json["files"].push_back({{"id", file.id}, {"bytes", file.bytes}});
  return json;
}

Incoming incoming_from(const Json& json) {
  Incoming message;
  if (text_field(json, "kind") == "invite") message.kind = Incoming::Kind::invite;
  message.event = text_field(json, "event");
  message.chat = text_field(json, "chat");
  message.sender = text_field(json, "sender");
  message.sender_name = text_field(json, "sender_name");
  message.text = text_field(json, "text");
  message.unreadable = text_field(json, "unreadable");
  const Json& files = field_of(json, "files");
  if (!files.is_array()) return message;
  for (const Json& file : files) {
    const Json& bytes = field_of(file, "bytes");
    message.files.push_back({text_field(file, "id"), bytes.is_number_integer() ? bytes.get<int64_t>() : -1});
  }
  return message;
}

}  // namespace melete
