#include "remote/completion_request.h"

#include <algorithm>

#include "base/base64.h"
#include "base/random.h"
#include "remote/remote_form.h"
#include "remote/remote_picture.h"
#include "text/tool_call.h"
#include "text/tool_markup.h"

namespace melete {
namespace {

constexpr double kAgentTemperature = 0.7;
constexpr int64_t kTopLogProbs = 20;  // as the engine's confidence takes them

Result<Json> content_of(const Message& message, const RemoteAbilities& abilities) {
  Json parts = Json::array();
  std::string text;
  for (const MessagePart& part : message.parts) {
    if (const auto* words = std::get_if<TextPart>(&part)) {
      text += words->text;
      parts.push_back({{"type", "text"}, {"text", words->text}});
      continue;
    }
    const RemotePicture* picture = as_remote_picture(std::get<std::shared_ptr<const Media>>(part));
    if (!picture || !abilities.vision)
      return invalid_argument("[remote] the model takes text", abilities.vision ? " and pictures" : "",
                              ", got another medium; leave it out or ask a model on this machine");
    const std::string url = "data:" + picture->type + ";base64," + encode_base64(picture->file);
    parts.push_back({{"type", "image_url"}, {"image_url", {{"url", url}}}});
  }
  // Servers without media take a plain string only.
  const bool is_text =
      std::all_of(parts.begin(), parts.end(), [](const Json& part) { return part["type"] == "text"; });
  return is_text ? Json(text) : parts;
}

// Messages of one turn of the assistant are one message there; results name their calls.
class MessageList {
 public:
  explicit MessageList(const Conversation& conversation, const RemoteAbilities& abilities)
      : given_(conversation), abilities_(abilities) {}

  Result<Json> build() {
    if (!given_.system.empty()) list_.push_back({{"role", "system"}, {"content", given_.system}});
    for (const Message& message : given_.messages) {
      MELETE_ASSIGN_OR_RETURN(Json content, content_of(message, abilities_));
      if (message.role == Role::assistant)
        add_turn(message, content.is_string() ? content.get<std::string>() : std::string());
      else if (message.role == Role::tool)
        list_.push_back(
            {{"role", "tool"}, {"tool_call_id", answered(message.recipient)}, {"content", content}});
      else
        list_.push_back({{"role", name_of(message.role)}, {"content", std::move(content)}});
    }
    return std::move(list_);
  }

 private:
  void add_turn(const Message& message, const std::string& text) {
    const std::string& to = message.recipient;
    if (to == "self") return;
    if (!in_turn_) list_.push_back({{"role", "assistant"}, {"content", ""}});
    in_turn_ = !message.ends_turn;
    Json& turn = list_.back();
    const bool is_call = !to.empty() && to != "user" && to != "commentary";
    const auto calls = is_call ? parse_tool_calls(text, given_.tools) : std::nullopt;
    if (!calls) {
      turn["content"] = turn["content"].get<std::string>() + text;
      return;
    }
    for (const ToolCall& call : *calls) {
      open_.emplace_back(call.name, cat("call_", ++num_calls_));
      turn["tool_calls"].push_back(
          {{"id", open_.back().second},
           {"type", "function"},
           {"function", {{"name", call.name}, {"arguments", call.arguments.dump()}}}});
    }
  }

  // The turn's first call of that tool without a result.
  std::string answered(const std::string& tool) {
    in_turn_ = false;
    auto call =
        std::find_if(open_.begin(), open_.end(), [&](const auto& open) { return open.first == tool; });
    if (call == open_.end()) return cat("call_", num_calls_);
    const std::string id = call->second;
    open_.erase(call);
    return id;
  }

  const Conversation& given_;
  const RemoteAbilities& abilities_;
  Json list_ = Json::array();
  std::vector<std::pair<std::string, std::string>> open_;  // tool and id
  int64_t num_calls_ = 0;
  bool in_turn_ = false;
};

Status add_tools(const Request& request, const RemoteAbilities& abilities, Json& body) {
  if (request.conversation.tools.empty()) return ok_status();
  using Kind = ToolChoice::Kind;
  if (request.tool_choice.kind == Kind::none) return ok_status();
  if (!abilities.tools)
    return invalid_argument(
        "[remote] the server takes no tools, got some; leave them out or use another server");
  for (const Json& tool : request.conversation.tools)
    body["tools"].push_back({{"type", "function"}, {"function", tool_function(tool)}});
  if (request.tool_choice.kind == Kind::required) body["tool_choice"] = "required";
  if (request.tool_choice.kind == Kind::named)
    body["tool_choice"] = {{"type", "function"}, {"function", {{"name", request.tool_choice.name}}}};
  if (!request.parallel_calls) body["parallel_tool_calls"] = false;
  return ok_status();
}

Status add_form(const Request& request, Json& body) {
  const GrammarSource* form = remote_form_source(request.grammar);
  if (!form) return ok_status();
  if (form->kind == GrammarKind::json_object) {
    body["response_format"] = {{"type", "json_object"}};
    return ok_status();
  }
  if (form->kind != GrammarKind::json_schema)
    return invalid_argument(
        "[remote] the answer must be held to a JSON object or schema, got another form; leave it out or ask "
        "a model on "
        "this machine");
  MELETE_ASSIGN_OR_RETURN(const Json schema, parse_json(form->text, "schema"));
  body["response_format"] = {{"type", "json_schema"},
                             {"json_schema", {{"name", "answer"}, {"strict", true}, {"schema", schema}}}};
  return ok_status();
}

void add_sampling(const RemoteAbilities& abilities, const std::string& mode, const Request& request,
                  int32_t agent, Json& body) {
  const bool votes = mode == "contemplating";
  if (request.temperature >= 0)
    body["temperature"] = request.temperature;
  else if (votes)
    body["temperature"] = kAgentTemperature;
  if (request.top_p < 1) body["top_p"] = request.top_p;
  if (request.top_k > 0) body["top_k"] = request.top_k;
  if (request.min_p > 0) body["min_p"] = request.min_p;
  if (request.frequency_penalty != 0) body["frequency_penalty"] = request.frequency_penalty;
  if (request.presence_penalty != 0) body["presence_penalty"] = request.presence_penalty;
  // Servers take 31 bits.
  const uint64_t stream = request.first_stream + static_cast<uint64_t>(agent);
  body["seed"] = mix_seed(request.seed, stream) & 0x7fffffff;
  int64_t tokens = request.max_answer_tokens;
  if (mode != "instant" && abilities.reasons)
    tokens +=
        request.max_reasoning_tokens > 0 ? request.max_reasoning_tokens : reasoning_budget(request.effort);
  body["max_tokens"] = tokens;
  if (votes && abilities.log_probs) {
    body["logprobs"] = true;
    body["top_logprobs"] = kTopLogProbs;
  }
}

}  // namespace

Result<Json> completion_request(const std::string& model, const RemoteAbilities& abilities,
                                const std::string& mode, const Request& request, int32_t agent) {
  if (request.top_log_probs >= 0)
    return invalid_argument(
        "[remote] log-probabilities can be had of models on this machine only, got a question for them; "
        "leave them out");
  Json body = {{"model", model}, {"stream", true}, {"stream_options", {{"include_usage", true}}}};
  MELETE_ASSIGN_OR_RETURN(body["messages"], MessageList(request.conversation, abilities).build());
  MELETE_RETURN_IF_ERROR(add_tools(request, abilities, body));
  MELETE_RETURN_IF_ERROR(add_form(request, body));
  add_sampling(abilities, mode, request, agent, body);
  if (mode == "instant" && abilities.reasoning_off.is_object()) body.update(abilities.reasoning_off);
  return body;
}

}  // namespace melete
