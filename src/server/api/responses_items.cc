#include "server/api/responses_items.h"

#include <algorithm>

#include "server/api/part_data.h"
#include "server/store/secret.h"

namespace melete {
namespace {

const std::vector<std::string> kItemTypes = {"message", "function_call", "function_call_output", "reasoning"};
const std::vector<std::string> kItemRoles = {"user", "assistant", "system", "developer"};
const std::vector<std::string> kUserParts = {"input_text", "input_image", "input_file", "input_audio",
                                             "input_video"};
const std::vector<std::string> kAssistantParts = {"output_text", "refusal"};
const std::vector<std::string> kTextParts = {"input_text"};

class ItemsReader {
 public:
  ItemsReader(const FileLookup& files, std::vector<WireMessage>& messages, std::optional<ApiError>& problem)
      : files_(files), messages_(messages), problem_(problem) {}

  void read(const Json& item, const std::string& path) {
    WireReader reader(item, path, problem_);
    const bool is_plain = !reader.failed() && !reader.has("type") && reader.has("role");
    if (!reader.failed() && !is_plain && !reader.has("type"))
      reader.fail(reader.path_of("type"), "missing_required_parameter", "must be given");
    const size_t type = is_plain ? 0 : reader.choice("type", kItemTypes).value_or(0);
    reader.ignore({"id", "status"});
    if (reader.failed()) return;
    switch (type) {
      case 0: read_message(reader, path); break;
      case 1: read_call(reader, path); break;
      case 2: read_result(reader, path); break;
      default: reader.ignore({"summary", "content", "encrypted_content"});
    }
    reader.finish();
  }

 private:
  void read_message(WireReader& reader, const std::string& path) {
    reader.require("role");
    const std::string role = kItemRoles[reader.choice("role", kItemRoles).value_or(0)];
    WireMessage message;
    message.path = path;
    message.role = role == "user" ? Role::user : role == "assistant" ? Role::assistant : Role::system;
    reader.ignore({"phase"});
    const auto& types = message.role == Role::user        ? kUserParts
                        : message.role == Role::assistant ? kAssistantParts
                                                          : kTextParts;
    message.parts = read_parts(reader, "content", types);
    messages_.push_back(std::move(message));
    takes_calls_ = role == "assistant";
  }

  void read_call(WireReader& reader, const std::string& path) {
    WireCall call;
    call.path = path;
    call.id = reader.required_text("call_id");
    call.name = reader.required_text("name");
    const std::string arguments = reader.required_text("arguments");
    const Result<Json> parsed = parse_json(arguments.empty() ? "{}" : arguments, "arguments");
    if (!parsed.ok() || !parsed->is_object())
      reader.fail(reader.path_of("arguments"), "invalid_value",
                  "must be a JSON object as text, got " + in_quotes(arguments));
    else
      call.arguments = *parsed;
    if (!takes_calls_) {
      WireMessage message;
      message.path = path;
      message.role = Role::assistant;
      messages_.push_back(std::move(message));
      takes_calls_ = true;
    }
    messages_.back().calls.push_back(std::move(call));
  }

  void read_result(WireReader& reader, const std::string& path) {
    WireMessage message;
    message.path = path;
    message.role = Role::tool;
    message.call_id = reader.required_text("call_id");
    message.call_id_path = reader.path_of("call_id");
    message.parts = read_parts(reader, "output", kTextParts);
    messages_.push_back(std::move(message));
    takes_calls_ = false;
  }

  std::vector<WirePart> read_parts(WireReader& reader, const char* field,
                                   const std::vector<std::string>& types) {
    const Json* content = reader.find(field);
    const std::string path = reader.path_of(field);
    std::vector<WirePart> parts;
    if (!content) {
      reader.fail(path, "missing_required_parameter", "must be given");
    } else if (content->is_string()) {
      parts.push_back(WirePart::of_text(path, content->get<std::string>()));
    } else if (!content->is_array()) {
      reader.fail(path, "invalid_type",
                  cat("must be a string or an array of parts, got ", type_name(*content)));
    } else {
      for (size_t i = 0; i < content->size() && !problem_; ++i)
        parts.push_back(read_part((*content)[i], cat(path, "[", i, "]"), types));
    }
    return parts;
  }

  WirePart read_part(const Json& json, const std::string& path, const std::vector<std::string>& types) {
    WireReader reader(json, path, problem_);
    WirePart part;
    part.path = path;
    reader.require("type");
    const std::string type = types[reader.choice("type", types).value_or(0)];
    if (reader.failed()) return part;
    if (type == "refusal") {
      part.text = reader.required_text("refusal");
    } else if (type.ends_with("_text")) {
      part.text = reader.required_text("text");
      reader.ignore({"annotations", "logprobs"});
    } else {
      read_file(reader, type, part);
    }
    reader.finish();
    return part;
  }

  void read_file(WireReader& reader, const std::string& type, WirePart& part) {
    if (type == "input_image") {
      part.kind = MediaKind::image;
      part.low_detail = reader.choice("detail", {"auto", "low", "high", "original"}) == 1u;
      take(reader, "image_url", part);
    } else if (type == "input_video") {
      part.kind = MediaKind::video;
      take(reader, "video_url", part);
    } else if (type == "input_audio") {
      part.kind = MediaKind::audio;
      WireReader fields(reader.required_object("input_audio"), reader.path_of("input_audio"), problem_);
      // The decoder finds the format in the bytes.
      fields.choice("format", {"wav", "mp3", "flac", "ogg", "opus", "aiff", "m4a"});
      take(fields, "data", part);
      fields.finish();
    } else {
      reader.refuse("file_url", nullptr, "isn't possible: this server fetches nothing; send file_data");
      reader.ignore({"detail"});
      take(reader, "file_data", part);
      if (auto name = reader.text("filename")) part.name = *std::move(name);
    }
  }

  // The bytes of `field` (a data: URL; base64 where it is no URL), or of the caller's file `file_id`.
  void take(WireReader& reader, const char* field, WirePart& part) {
    const auto id = reader.text("file_id");
    if (!id) return take_data(reader, field, part);
    reader.refuse(field, nullptr, "must not stand beside file_id");
    part.is_file = true;
    part.name = reader.path_of("file_id");
    if (reader.failed()) return;
    Result<KeptFile> file = files_(*id);
    if (file.ok()) {
      part.bytes = std::move(file->bytes);
      if (!file->name.empty()) part.name = std::move(file->name);
      return;
    }
    problem_ = api_error(file.error());
    problem_->param = reader.path_of("file_id");
  }

  void take_data(WireReader& reader, const char* field, WirePart& part) {
    if (std::string_view(field).ends_with("_url"))
      take_url(reader, field, part, problem_);
    else
      take_base64(reader, field, part, problem_);
  }

  const FileLookup& files_;
  std::vector<WireMessage>& messages_;
  std::optional<ApiError>& problem_;
  bool takes_calls_ = false;  // the last message is the assistant's, and no result stands after it
};

// Where a part holds its bytes; nothing for text.
struct DataPlace {
  Json* object = nullptr;
  const char* field = nullptr;
};

DataPlace data_place(Json& part) {
  const std::string type = part.value("type", "");
  if (type == "input_image") return {&part, "image_url"};
  if (type == "input_video") return {&part, "video_url"};
  if (type == "input_file") return {&part, "file_data"};
  if (type == "input_audio" && part.contains("input_audio")) return {&part["input_audio"], "data"};
  return {};
}

template <class Act>
Status for_each_file(Json& items, Act act) {
  for (Json& item : items)
    for (const char* field : {"content", "output"}) {
      if (!item.contains(field) || !item[field].is_array()) continue;
      for (Json& part : item[field])
        if (const DataPlace place = data_place(part); place.object)
          MELETE_RETURN_IF_ERROR(act(part, *place.object, place.field));
    }
  return ok_status();
}

Json whole_message(Json item) {
  item["type"] = "message";
  Json& content = item["content"];
  if (content.is_string()) {
    const bool is_answer = item.value("role", "") == "assistant";
    Json part = {{"type", is_answer ? "output_text" : "input_text"}, {"text", content}};
    content = Json::array({std::move(part)});
  }
  for (Json& part : content) {
    const std::string type = part.value("type", "");
    if (type == "output_text" && !part.contains("annotations")) part["annotations"] = Json::array();
    if (type == "input_image" && (!part.contains("detail") || part["detail"].is_null()))
      part["detail"] = "auto";
  }
  return item;
}

const char* prefix_of(const std::string& type) {
  if (type == "function_call") return "fc_";
  if (type == "function_call_output") return "fco_";
  return type == "reasoning" ? "rs_" : "msg_";
}

}  // namespace

bool read_items(const Json& items, const std::string& path, const FileLookup& files,
                std::vector<WireMessage>& messages, std::optional<ApiError>& problem) {
  ItemsReader reader(files, messages, problem);
  for (size_t i = 0; i < items.size() && !problem; ++i) reader.read(items[i], cat(path, "[", i, "]"));
  return !problem;
}

Json whole_items(const Json& items, const std::string& suffix) {
  Json whole = Json::array();
  for (const Json& given : items) {
    Json item = given;
    const std::string type = item.value("type", "message");
    if (type == "message") item = whole_message(std::move(item));
    const bool has_id = item.contains("id") && item["id"].is_string();
    if (!has_id) item["id"] = cat(prefix_of(type), suffix, "_", whole.size());
    if (type == "reasoning")
      item.erase("status");
    else
      item["status"] = "completed";
    whole.push_back(std::move(item));
  }
  return whole;
}

Result<Json> with_files(Json items, const FileKeeper& keep) {
  MELETE_RETURN_IF_ERROR(for_each_file(items, [&](Json& part, Json& place, const char* field) -> Status {
    if (!place.contains(field) || !place[field].is_string()) return ok_status();
    const std::string text = place[field];
    KeptFile file;
    file.name = part.contains("filename") && part["filename"].is_string() ? part["filename"] : Json("");
    const size_t comma = text.starts_with("data:") ? text.find(',') : std::string::npos;
    if (comma != std::string::npos) file.type = text.substr(5, text.find(';') - 5);
    const auto bytes =
        decode_base64(std::string_view(text).substr(comma == std::string::npos ? 0 : comma + 1));
    MELETE_CHECK(bytes.has_value(), "items are read before they are kept");
    file.bytes = *bytes;
    MELETE_ASSIGN_OR_RETURN(const std::string id, keep(file));
    place.erase(field);
    place["file_id"] = id;
    return ok_status();
  }));
  return items;
}

Result<Json> with_data(Json items, const FileLookup& files) {
  MELETE_RETURN_IF_ERROR(for_each_file(items, [&](Json&, Json& place, const char* field) -> Status {
    if (!place.contains("file_id") || !place["file_id"].is_string()) return ok_status();
    MELETE_ASSIGN_OR_RETURN(const KeptFile file, files(place["file_id"]));
    const std::string data = to_base64(file.bytes);
    place[field] = std::string_view(field) == "data" ? data : cat("data:", file.type, ";base64,", data);
    return ok_status();
  }));
  return items;
}

std::vector<std::string> file_ids(const Json& items) {
  std::vector<std::string> ids;
  Json copy = items;
  for_each_file(copy, [&](Json&, Json& place, const char*) -> Status {
    if (place.contains("file_id") && place["file_id"].is_string()) ids.push_back(place["file_id"]);
    return ok_status();
  }).value();
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

}  // namespace melete
