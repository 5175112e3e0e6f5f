// Messages of a conversation: adding, editing and deleting them. What the model says comes from app_answers.
#include "server/api/app_conversations.h"

namespace melete {
namespace {

void read_part(const Json& json, const std::string& path, MessageContent& content,
               std::optional<ApiError>& problem) {
  WireReader part(json, path, problem);
  const auto type = part.choice("type", {"text", "file"});
  if (!type) part.fail(part.path_of("type"), "missing_required_parameter", "must be given");
  if (type == size_t{0}) {
    content.content.push_back({{"type", "text"}, {"text", part.required_text("text")}});
  } else {
    content.files.push_back(part.required_text("file_id"));
    content.content.push_back({{"type", "file"}, {"file_id", content.files.back()}});
  }
  part.finish();
}

Reply add_message(const AppServices& services, Exchange& exchange) {
  std::optional<ApiError> problem;
  const Json json = read_json_body(exchange, problem);
  WireReader body(json, "", problem);
  NewMessage message;
  const bool is_system = body.choice("role", {"user", "system"}) == size_t{1};
  message.role = is_system ? "system" : "user";
  const auto parent = body.text("parent");
  MessageContent content = read_content(body, problem);
  body.finish();
  if (problem) return *problem;
  message.content = std::move(content.content);
  message.files = std::move(content.files);
  Conversations all = services.store.conversations(exchange.caller.user);
  const std::string& id = exchange.request.parameters.at("id");
  MELETE_ASSIGN_OR_RETURN(const ConversationInfo conversation, all.get(id));
  message.parent = parent.value_or(conversation.active_leaf);
  MELETE_ASSIGN_OR_RETURN(const StoredMessage added, all.add(id, message));
  return message_json(added);
}

Reply edit_message(const AppServices& services, Exchange& exchange) {
  std::optional<ApiError> problem;
  const Json json = read_json_body(exchange, problem);
  WireReader body(json, "", problem);
  const MessageContent content = read_content(body, problem);
  body.finish();
  if (problem) return *problem;
  const auto& parameters = exchange.request.parameters;
  MELETE_ASSIGN_OR_RETURN(const StoredMessage edited, services.store.conversations(exchange.caller.user)
                                                          .edit(parameters.at("id"), parameters.at("message"),
                                                                content.content, content.files));
  return message_json(edited);
}

Reply remove_message(const AppServices& services, Exchange& exchange) {
  const auto& parameters = exchange.request.parameters;
  const OwnerId owner = exchange.caller.user;
  MELETE_RETURN_IF_ERROR(
      services.store.conversations(owner).remove_message(parameters.at("id"), parameters.at("message")));
  for (const auto& answer : services.live.of(owner, parameters.at("id")))
    if (!services.store.event_logs().get(owner, answer->log().id()).ok()) answer->stop();
  return Reply::done();
}

}  // namespace

MessageContent read_content(WireReader& body, std::optional<ApiError>& problem) {
  MessageContent content;
  const Json* given = body.find("content");
  if (!given) {
    body.fail("content", "missing_required_parameter", "must be given");
  } else if (given->is_string()) {
    content.content = *given;
  } else if (given->is_array()) {
    content.content = Json::array();
    for (size_t i = 0; i < given->size() && !problem; ++i)
      read_part((*given)[i], cat(body.path_of("content"), "[", i, "]"), content, problem);
  } else {
    body.fail("content", "invalid_type",
              cat("must be a string or an array of parts, got ", type_name(*given)));
  }
  return content;
}

Json message_json(const StoredMessage& message) {
  return {{"id", message.id},
          {"parent", message.parent.empty() ? Json() : Json(message.parent)},
          {"role", message.role},
          {"content", message.content},
          {"meta", message.meta},
          {"files", message.files},
          {"created_ms", message.created_ms}};
}

void add_message_routes(Router& router, const AppServices& services) {
  const Json message = schema_named("Message");
  router.add({"POST", "/api/conversations/{id}/messages", Access::data,
              "say something, below the message shown last or another one", on_worker(services, add_message),
              schema_named("NewMessage"), message});
  router.add({"PUT", "/api/conversations/{id}/messages/{message}", Access::data,
              "say it differently, beside the old one", on_worker(services, edit_message),
              schema_named("EditedMessage"), message});
  router.add({"DELETE", "/api/conversations/{id}/messages/{message}", Access::data,
              "delete a message with all below it", on_worker(services, remove_message)});
}

}  // namespace melete
