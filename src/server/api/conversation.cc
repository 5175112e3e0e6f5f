#include "server/api/conversation.h"

#include <algorithm>

#include "agent/tool_use.h"
#include "server/api/wire_reader.h"
#include "text/tool_markup.h"

namespace melete {
namespace {

class Builder {
 public:
  Builder(const ServedModel& model, Conversation& conversation, std::optional<ApiError>& problem)
      : model_(model), conversation_(conversation), problem_(problem) {}

  bool add(const WireMessage& wire) {
    auto parts = build_parts(wire.parts, model_, problem_);
    if (!parts) return false;
    if (wire.role == Role::tool) return add_result(wire, *std::move(parts));
    if (!close_turn(wire.path)) return false;
    if (wire.role == Role::assistant) return add_turn(wire, *std::move(parts));
    if (wire.role == Role::system && conversation_.messages.empty()) {
      add_system(*parts);
    } else {
      conversation_.messages.push_back({wire.role, "", *std::move(parts)});
    }
    return true;
  }

  // Each call of the last turn has its result; these stand in the calls' order.
  bool close_turn(const std::string& path) {
    for (size_t i = 0; i < calls_.size(); ++i) {
      if (!results_[i])
        return fail(path, cat("must answer the call ", in_quotes(calls_[i].id), " of ", calls_[i].path,
                              " before anything else"));
      conversation_.messages.push_back(*std::move(results_[i]));
    }
    calls_.clear();
    results_.clear();
    return true;
  }

 private:
  bool fail(const std::string& path, std::string message) {
    if (!problem_) problem_ = ApiError{400, std::move(message), path, "invalid_value"};
    return false;
  }

  void add_system(const std::vector<MessagePart>& parts) {
    if (parts.empty()) return;
    if (!conversation_.system.empty()) conversation_.system += "\n\n";
    conversation_.system += std::get<TextPart>(parts.front()).text;
  }

  bool add_turn(const WireMessage& wire, std::vector<MessagePart> parts) {
    if (!parts.empty() || wire.calls.empty())
      conversation_.messages.push_back(
          {Role::assistant, wire.calls.empty() ? "" : "commentary", std::move(parts), wire.calls.empty()});
    std::vector<IssuedCall> calls;
    for (const WireCall& call : wire.calls) calls.push_back({call.id, call.name, call.arguments});
    for (Message& message : call_messages(calls)) conversation_.messages.push_back(std::move(message));
    calls_ = wire.calls;
    results_.resize(calls_.size());
    return true;
  }

  bool add_result(const WireMessage& wire, std::vector<MessagePart> parts) {
    const auto call = std::find_if(calls_.begin(), calls_.end(),
                                   [&](const WireCall& one) { return one.id == wire.call_id; });
    if (call == calls_.end())
      return fail(wire.call_id_path,
                  cat("must be the id of a call of the turn before, got ", in_quotes(wire.call_id)));
    auto& result = results_[static_cast<size_t>(call - calls_.begin())];
    if (result) return fail(wire.call_id_path, "must be of a call without a result, got one twice");
    result = Message{Role::tool, call->name, std::move(parts)};
    return true;
  }

  const ServedModel& model_;
  Conversation& conversation_;
  std::optional<ApiError>& problem_;
  std::vector<WireCall> calls_;  // of the last turn
  std::vector<std::optional<Message>> results_;
};

}  // namespace

bool build_conversation(const std::vector<WireMessage>& messages, const ServedModel& model,
                        Conversation& conversation, std::optional<ApiError>& problem) {
  Builder builder(model, conversation, problem);
  for (const WireMessage& wire : messages)
    if (!builder.add(wire)) return false;
  return builder.close_turn("messages");
}

std::string problem_of_tool_name(const std::string& name) {
  if (!is_valid_name(name)) return "must be 1 to 128 letters, digits and _.:/-, got " + in_quotes(name);
  if (name == "self" || name == "user" || name == "commentary")
    return "must not be the name of a recipient, got " + in_quotes(name);
  return {};
}

}  // namespace melete
