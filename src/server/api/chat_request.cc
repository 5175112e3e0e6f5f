#include "server/api/chat_request.h"

#include "server/api/chat_tools.h"
#include "server/api/conversation.h"
#include "server/api/part_data.h"

namespace melete {
namespace {

const std::vector<std::string> kChatRoles = {"system", "developer", "user", "assistant", "tool"};
const std::vector<std::string> kPartTypes = {"text",      "image_url",   "input_audio", "file",
                                             "video_url", "input_video", "refusal"};

// Reads one message's content.
class ContentReader {
 public:
  ContentReader(Role role, std::optional<ApiError>& problem) : role_(role), problem_(problem) {}

  std::vector<WirePart> read(WireReader& message) {
    const Json* content = message.find("content");
    if (!content) return {};
    const std::string path = message.path_of("content");
    if (content->is_string()) return {WirePart::of_text(path, content->get<std::string>())};
    std::vector<WirePart> parts;
    if (!content->is_array()) {
      message.fail(path, "invalid_type",
                   cat("must be a string or an array of parts, got ", type_name(*content)));
      return parts;
    }
    for (size_t i = 0; i < content->size() && !problem_; ++i)
      parts.push_back(part((*content)[i], cat(path, "[", i, "]")));
    return parts;
  }

 private:
  WirePart part(const Json& json, const std::string& path) {
    WireReader reader(json, path, problem_);
    WirePart part;
    part.path = path;
    reader.require("type");
    const std::string type = kPartTypes[reader.choice("type", kPartTypes).value_or(0)];
    if (type != "text" && type != "refusal" && role_ != Role::user)
      reader.fail(reader.path_of("type"), "invalid_value",
                  cat("must be text in a message of this role, got ", in_quotes(type)));
    if (type == "text" || type == "refusal")
      part.text = reader.required_text(type);
    else if (type == "image_url")
      read_picture(reader, part);
    else if (type == "input_audio")
      read_sound(reader, part);
    else if (type == "file")
      read_file(reader, part);
    else
      read_clip(reader, part, type);
    reader.finish();
    return part;
  }

  void read_picture(WireReader& reader, WirePart& part) {
    WireReader fields(reader.required_object("image_url"), reader.path_of("image_url"), problem_);
    part.kind = MediaKind::image;
    take_url(fields, "url", part, problem_);
    part.low_detail = fields.choice("detail", {"auto", "low", "high"}) == 1;
    fields.finish();
  }

  void read_sound(WireReader& reader, WirePart& part) {
    WireReader fields(reader.required_object("input_audio"), reader.path_of("input_audio"), problem_);
    part.kind = MediaKind::audio;
    take_base64(fields, "data", part, problem_);
    // The decoder finds the format in the bytes.
    fields.choice("format", {"wav", "mp3", "flac", "ogg", "opus", "aiff", "m4a"});
    fields.finish();
  }

  void read_file(WireReader& reader, WirePart& part) {
    WireReader fields(reader.required_object("file"), reader.path_of("file"), problem_);
    fields.refuse("file_id", nullptr, "isn't possible: this server keeps no files; send file_data");
    take_base64(fields, "file_data", part, problem_);
    if (auto name = fields.text("filename")) part.name = *std::move(name);
    fields.finish();
  }

  void read_clip(WireReader& reader, WirePart& part, const std::string& type) {
    WireReader fields(reader.required_object(type), reader.path_of(type), problem_);
    part.kind = MediaKind::video;
    if (type == "video_url" || fields.has("url"))
      take_url(fields, "url", part, problem_);
    else
      take_base64(fields, "data", part, problem_);
    fields.finish();
  }

  const Role role_;
  std::optional<ApiError>& problem_;
};

Role role_of(const std::string& name) {
  if (name == "user") return Role::user;
  if (name == "assistant") return Role::assistant;
  return name == "tool" ? Role::tool : Role::system;
}

std::vector<WireCall> read_calls(WireReader& message, std::optional<ApiError>& problem) {
  std::vector<WireCall> calls;
  const Json* list = message.array("tool_calls");
  for (size_t i = 0; list && i < list->size() && !problem; ++i) {
    WireCall call;
    call.path = cat(message.path_of("tool_calls"), "[", i, "]");
    WireReader reader((*list)[i], call.path, problem);
    reader.ignore({"index"});
    reader.choice("type", {"function"});
    call.id = reader.required_text("id");
    WireReader function(reader.required_object("function"), reader.path_of("function"), problem);
    call.name = function.required_text("name");
    if (std::string wrong = problem_of_tool_name(call.name); !wrong.empty())
      function.fail(function.path_of("name"), "invalid_value", std::move(wrong));
    const std::string arguments = function.text("arguments").value_or("");
    auto parsed = parse_json(arguments.empty() ? "{}" : arguments, "arguments");
    if (parsed.ok() && parsed->is_object())
      call.arguments = *std::move(parsed);
    else
      function.fail(function.path_of("arguments"), "invalid_value", "must be a JSON object as text");
    function.finish();
    reader.finish();
    calls.push_back(std::move(call));
  }
  return calls;
}

WireMessage read_message(const Json& json, const std::string& path, std::optional<ApiError>& problem) {
  WireReader reader(json, path, problem);
  reader.require("role");
  const std::string role = kChatRoles[reader.choice("role", kChatRoles).value_or(2)];
  WireMessage message;
  message.path = path;
  message.role = role_of(role);
  message.parts = ContentReader(message.role, problem).read(reader);
  if (role == "tool") {
    message.call_id = reader.required_text("tool_call_id");
    message.call_id_path = reader.path_of("tool_call_id");
  }
  reader.ignore({"name"});
  if (role == "assistant") {
    // What it thought and the like: a model isn't shown its earlier reasoning.
    reader.ignore({"reasoning_content", "reasoning", "annotations"});
    reader.refuse("refusal", nullptr, "isn't possible: this server's models answer in content");
    reader.refuse("audio", nullptr, "isn't possible: answers are text");
    reader.refuse("function_call", nullptr, "isn't possible; use tool_calls");
    message.calls = read_calls(reader, problem);
  }
  if (!reader.failed() && message.parts.empty() && role != "assistant")
    reader.fail(reader.path_of("content"), "missing_required_parameter", "must be given");
  reader.finish();
  return message;
}

void read_stop(WireReader& body, AnswerOptions& options) {
  const Json* stop = body.find("stop");
  if (!stop) return;
  const Json list = stop->is_array() ? *stop : Json::array({*stop});
  for (const Json& one : list) {
    if (!one.is_string())
      return body.fail("stop", "invalid_type",
                       cat("must be a string or an array of strings, got ", type_name(one)));
    if (one.get_ref<const std::string&>().empty())
      return body.fail("stop", "invalid_value", "must not be empty");
    options.stop.push_back(one.get<std::string>());
  }
  if (options.stop.size() > kMaxStops)
    body.fail("stop", "invalid_value",
              cat("must be at most ", kMaxStops, " strings, got ", options.stop.size()));
}

void read_log_probs(WireReader& body, AnswerOptions& options) {
  const bool wanted = body.flag("logprobs").value_or(false);
  const auto top = body.integer("top_logprobs", 0, 20);
  if (top.value_or(0) > 0 && !wanted)
    body.fail("top_logprobs", "invalid_value", "may only be given with logprobs");
  if (wanted) options.top_log_probs = top.value_or(0);
}

// Fields of OpenAI's that have no part here: refused where they would change the answer.
void refuse_missing_parts(WireReader& body) {
  body.refuse("functions", nullptr, "isn't possible; use tools");
  body.refuse("function_call", nullptr, "isn't possible; use tool_choice");
  body.refuse("logit_bias", nullptr, "isn't possible; leave it out");
  body.refuse("modalities", Json::array({"text"}), "must be [\"text\"]: answers are text");
  for (const char* name : {"audio", "prediction", "web_search_options"})
    body.refuse(name, nullptr, "isn't possible; leave it out");
  body.refuse("verbosity", "medium", "isn't possible; say in the question how long the answer should be");
  // For billing and caches elsewhere; they don't change an answer.
  body.flag("store");
  body.object("metadata");
  body.ignore({"user", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "service_tier"});
}

}  // namespace

std::optional<ChatRequest> parse_chat_request(const Json& json, std::optional<ApiError>& problem) {
  WireReader body(json, "", problem);
  ChatRequest request;
  AnswerOptions& options = request.options;
  options.model = body.required_text("model");
  if (const Json* messages = body.required_array("messages")) {
    if (messages->empty()) body.fail("messages", "invalid_value", "must have at least one message, got none");
    for (size_t i = 0; i < messages->size() && !problem; ++i)
      request.messages.push_back(read_message((*messages)[i], cat("messages[", i, "]"), problem));
  }
  read_effort(body, options);
  read_sampling(body, options);
  options.frequency_penalty = body.number("frequency_penalty", -2, 2);
  options.presence_penalty = body.number("presence_penalty", -2, 2);
  const auto max_tokens = body.integer("max_tokens", 1, 1 << 24);
  options.max_tokens = body.integer("max_completion_tokens", 1, 1 << 24);
  if (!options.max_tokens) options.max_tokens = max_tokens;
  request.choices = static_cast<int>(body.integer("n", 1, kMaxChoices).value_or(1));
  request.stream = body.flag("stream").value_or(false);
  if (const Json* given = body.object("stream_options")) {
    WireReader reader(*given, "stream_options", problem);
    request.include_usage = reader.flag("include_usage").value_or(false);
    reader.ignore({"include_obfuscation"});
    reader.finish();
    if (!request.stream) body.fail("stream_options", "invalid_value", "may only be given with stream");
  }
  read_stop(body, options);
  read_response_format(body, options, problem);
  read_tools(body, ToolForm::nested, options, problem);
  read_log_probs(body, options);
  read_extension(body, options, problem);
  if (options.events && !request.stream)
    body.fail("melete.events", "invalid_value", "may only be true with stream");
  refuse_missing_parts(body);
  body.finish();
  if (problem) return std::nullopt;
  return request;
}

}  // namespace melete
