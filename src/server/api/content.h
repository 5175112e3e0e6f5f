// Parts of messages as the surfaces' bodies bring them, and how they become a conversation's messages.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/chat_model.h"
#include "server/api/api_error.h"
#include "server/generation/served_model.h"

namespace melete {

// Text, or the bytes of a file of some kind.
struct WirePart {
  std::string path;               // in the body: "messages[0].content[1]"
  std::string text;               // of a text part
  std::string bytes, name;        // of any other: what decode_media takes
  bool is_file = false;           // bytes and name count
  std::optional<MediaKind> kind;  // what it must turn out to be; none: anything
  bool low_detail = false;        // a picture in few tokens

  static WirePart of_text(std::string path, std::string text);
};

// A call that an assistant's message of the body has.
struct WireCall {
  std::string path, id, name;
  Json arguments = Json::object();
};

struct WireMessage {
  std::string path;  // in the body: "messages[0]"
  Role role = Role::user;
  std::vector<WirePart> parts;
  std::vector<WireCall> calls;        // assistant
  std::string call_id, call_id_path;  // tool: the call that it answers
};

// Standard or URL-safe base64, padded or not, white space left out. Nothing if it isn't that.
std::optional<std::string> decode_base64(std::string_view text);

// The bytes of a data: URL in base64. `path` is the place of the URL in the body. Only data: URLs are taken:
// this server fetches nothing.
std::optional<std::string> decode_data_url(std::string_view url, const std::string& path,
                                           std::optional<ApiError>& problem);

// The message's parts as the model is told them: pictures, sounds and clips decoded, files of text as text.
// Media that come all before or all after the text stand first, as in the training data; else parts keep
// their order.
std::optional<std::vector<MessagePart>> build_parts(const std::vector<WirePart>& wire,
                                                    const ServedModel& model,
                                                    std::optional<ApiError>& problem);

// The same as a message of that role.
std::optional<Message> build_message(const WireMessage& wire, const ServedModel& model,
                                     std::optional<ApiError>& problem);

}  // namespace melete
