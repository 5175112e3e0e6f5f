#include "server/api/messages_content.h"

#include "server/api/conversation.h"

namespace melete {
namespace {

using Types = std::vector<std::string>;

const Types kUserTypes = {"text", "image", "document", "audio", "video", "tool_result"};
const Types kResultTypes = {"text", "image", "document", "audio", "video"};
const Types kAssistantTypes = {"text", "thinking", "redacted_thinking", "tool_use"};
const Types kTextTypes = {"text"};

// Reads the blocks of one message.
class BlockReader {
 public:
  BlockReader(std::vector<WireMessage>& results, WireMessage& message, std::optional<ApiError>& problem)
      : results_(results), message_(message), problem_(problem) {}

  void read(WireReader& parent, const char* name, const Types& types, std::vector<WirePart>& parts) {
    const Json* content = parent.find(name);
    if (!content) return;
    const std::string path = parent.path_of(name);
    if (content->is_string()) return parts.push_back(WirePart::of_text(path, content->get<std::string>()));
    if (!content->is_array())
      return parent.fail(path, "invalid_type",
                         cat("must be a string or an array of blocks, got ", type_name(*content)));
    for (size_t i = 0; i < content->size() && !problem_; ++i)
      block((*content)[i], cat(path, "[", i, "]"), types, parts);
  }

 private:
  void block(const Json& json, const std::string& path, const Types& types, std::vector<WirePart>& parts) {
    WireReader reader(json, path, problem_);
    const std::string type = read_type(reader, types);
    reader.ignore({"cache_control"});
    if (problem_) return;
    if (type == "text") {
      parts.push_back(WirePart::of_text(path, reader.required_text("text")));
      reader.ignore({"citations"});
    } else if (type == "tool_result") {
      result(reader, path);
    } else if (type == "tool_use") {
      call(reader, path);
    } else if (type == "thinking" || type == "redacted_thinking") {
      // A model isn't shown its earlier reasoning.
      reader.ignore({"thinking", "signature", "data"});
    } else {
      file(reader, type, path, parts);
    }
    reader.finish();
  }

  static std::string read_type(WireReader& reader, const Types& types) {
    reader.require("type");
    return types[reader.choice("type", types).value_or(0)];
  }

  void result(WireReader& reader, const std::string& path) {
    WireMessage made;
    made.path = path;
    made.role = Role::tool;
    made.call_id = reader.required_text("tool_use_id");
    made.call_id_path = reader.path_of("tool_use_id");
    if (reader.flag("is_error").value_or(false)) made.parts.push_back(WirePart::of_text(path, "Error:"));
    read(reader, "content", kResultTypes, made.parts);
    results_.push_back(std::move(made));
  }

  void call(WireReader& reader, const std::string& path) {
    WireCall made;
    made.path = path;
    made.id = reader.required_text("id");
    made.name = reader.required_text("name");
    made.arguments = reader.required_object("input");
    reader.ignore({"caller"});
    if (std::string wrong = problem_of_tool_name(made.name); !wrong.empty())
      reader.fail(reader.path_of("name"), "invalid_value", std::move(wrong));
    message_.calls.push_back(std::move(made));
  }

  // A picture, document, sound or clip, by its source.
  void file(WireReader& reader, const std::string& type, const std::string& path,
            std::vector<WirePart>& parts) {
    if (type == "document") {
      WireReader citations(optional_object(reader, "citations"), reader.path_of("citations"), problem_);
      citations.refuse("enabled", false, "isn't possible; leave it out");
      for (const char* about : {"title", "context"})
        if (auto text = reader.text(about)) parts.push_back(WirePart::of_text(path, *std::move(text)));
    }
    WireReader source(reader.required_object("source"), reader.path_of("source"), problem_);
    Types types = {"base64", "url", "file"};
    if (type == "document") types.insert(types.end(), {"text", "content"});
    const std::string kind = read_type(source, types);
    if (problem_) return;
    WirePart part;
    part.path = path;
    part.is_file = true;
    part.name = source.path_of("data");
    if (type == "image") part.kind = MediaKind::image;
    if (type == "audio") part.kind = MediaKind::audio;
    if (type == "video") part.kind = MediaKind::video;
    if (kind == "content") {
      read(source, "content", kTextTypes, parts);
    } else if (kind == "text") {
      source.ignore({"media_type"});
      parts.push_back(WirePart::of_text(path, source.required_text("data")));
    } else {
      take_bytes(source, kind, part);
      parts.push_back(std::move(part));
    }
    source.finish();
  }

  void take_bytes(WireReader& source, const std::string& kind, WirePart& part) {
    if (kind == "file")
      return source.fail(source.path_of("type"), "unsupported_parameter",
                         "must not be file: send the file itself in base64");
    if (kind == "url") {
      part.name = source.path_of("url");
      part.bytes = decode_data_url(source.required_text("url"), part.name, problem_).value_or("");
      return;
    }
    source.ignore({"media_type"});  // the decoder finds the format in the bytes
    auto bytes = decode_base64(source.required_text("data"));
    if (!bytes) return source.fail(part.name, "invalid_base64", "must be base64");
    part.bytes = *std::move(bytes);
  }

  static const Json& optional_object(WireReader& reader, const char* name) {
    static const Json kEmpty = Json::object();
    const Json* found = reader.object(name);
    return found ? *found : kEmpty;
  }

  std::vector<WireMessage>& results_;
  WireMessage& message_;
  std::optional<ApiError>& problem_;
};

void append_message(const Json& json, const std::string& path, std::vector<WireMessage>& messages,
                    std::optional<ApiError>& problem) {
  WireReader reader(json, path, problem);
  reader.require("role");
  const size_t role = reader.choice("role", {"user", "assistant", "system"}).value_or(0);
  reader.require("content");
  constexpr Role kRoles[] = {Role::user, Role::assistant, Role::system};
  const Types* const types[] = {&kUserTypes, &kAssistantTypes, &kTextTypes};
  WireMessage message;
  message.path = path;
  message.role = kRoles[role];
  const size_t before = messages.size();
  BlockReader(messages, message, problem).read(reader, "content", *types[role], message.parts);
  reader.finish();
  const bool is_results_alone = messages.size() > before && message.parts.empty();
  if (!is_results_alone) messages.push_back(std::move(message));
}

}  // namespace

std::vector<WireMessage> read_messages(const Json& messages, std::optional<ApiError>& problem) {
  std::vector<WireMessage> read;
  for (size_t i = 0; i < messages.size() && !problem; ++i)
    append_message(messages[i], cat("messages[", i, "]"), read, problem);
  return read;
}

std::optional<WireMessage> read_system(WireReader& body, std::optional<ApiError>& problem) {
  if (!body.has("system")) return std::nullopt;
  std::vector<WireMessage> none;
  WireMessage system;
  system.path = "system";
  system.role = Role::system;
  BlockReader(none, system, problem).read(body, "system", kTextTypes, system.parts);
  return system;
}

}  // namespace melete
