#include "server/api/app_conversations.h"

#include <charconv>

namespace melete {
namespace {

constexpr int64_t kMostInAPage = 200;

Conversations conversations_of(const AppServices& services, const Exchange& exchange) {
  return services.store.conversations(exchange.caller.user);
}
const std::string& conversation_id(const Exchange& exchange) { return exchange.request.parameters.at("id"); }

// "1.1800000000000.42": pinned, updated_ms and row.
std::string cursor_text(const ListPosition& at) {
  return cat(at.pinned ? 1 : 0, ".", at.updated_ms, ".", at.row);
}

std::optional<ListPosition> parse_cursor(const std::string& text) {
  int64_t numbers[3] = {};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (int64_t& number : numbers) {
    const auto [next, error] = std::from_chars(at, end, number);
    if (error != std::errc() || (&number != &numbers[2] && (next == end || *next != '.')))
      return std::nullopt;
    at = next + (&number != &numbers[2]);
  }
  if (at != end) return std::nullopt;
  return ListPosition{numbers[0] != 0, numbers[1], numbers[2]};
}

Reply list_conversations(const AppServices& services, Exchange& exchange) {
  const auto query = parse_query(exchange.request.query);
  std::optional<ApiError> problem;
  const auto limit = query_number(query, "limit", 1, kMostInAPage, problem);
  std::optional<ListPosition> after;
  if (const auto given = query.find("after"); given != query.end()) {
    after = parse_cursor(given->second);
    if (!after) problem = ApiError{400, "must be \"next\" of another page", "after", "invalid_value"};
  }
  if (problem) return *problem;
  MELETE_ASSIGN_OR_RETURN(const ConversationPage page,
                          conversations_of(services, exchange).list(limit.value_or(50), after));
  Json conversations = Json::array();
  for (const ConversationInfo& each : page.conversations) conversations.push_back(conversation_json(each));
  return Json{{"conversations", std::move(conversations)},
              {"next", page.next ? Json(cursor_text(*page.next)) : Json()}};
}

Reply create_conversation(const AppServices& services, Exchange& exchange) {
  std::optional<ApiError> problem;
  const Json json = read_json_body(exchange, problem);
  WireReader body(json, "", problem);
  const std::string title = body.text("title").value_or("");
  body.finish();
  if (problem) return *problem;
  MELETE_ASSIGN_OR_RETURN(const ConversationInfo made, conversations_of(services, exchange).create(title));
  return conversation_json(made);
}

Reply show_conversation(const AppServices& services, Exchange& exchange) {
  const Conversations all = conversations_of(services, exchange);
  MELETE_ASSIGN_OR_RETURN(const ConversationInfo conversation, all.get(conversation_id(exchange)));
  MELETE_ASSIGN_OR_RETURN(const auto tree, all.tree(conversation.id));
  Json json = conversation_json(conversation);
  json["messages"] = Json::array();
  for (const StoredMessage& message : tree) json["messages"].push_back(message_json(message));
  return json;
}

Reply change_conversation(const AppServices& services, Exchange& exchange) {
  std::optional<ApiError> problem;
  const Json json = read_json_body(exchange, problem);
  WireReader body(json, "", problem);
  const auto title = body.text("title"), shown = body.text("show");
  const auto pinned = body.flag("pinned");
  body.finish();
  if (problem) return *problem;
  Conversations all = conversations_of(services, exchange);
  MELETE_ASSIGN_OR_RETURN(Transaction transaction,
                          Transaction::begin(services.store.database(), "changing a conversation"));
  if (title) MELETE_RETURN_IF_ERROR(all.rename(conversation_id(exchange), *title));
  if (pinned) MELETE_RETURN_IF_ERROR(all.pin(conversation_id(exchange), *pinned));
  if (shown) MELETE_RETURN_IF_ERROR(all.select(conversation_id(exchange), *shown));
  MELETE_ASSIGN_OR_RETURN(const ConversationInfo changed, all.get(conversation_id(exchange)));
  MELETE_RETURN_IF_ERROR(transaction.commit());
  return conversation_json(changed);
}

Reply remove_conversation(const AppServices& services, Exchange& exchange) {
  MELETE_RETURN_IF_ERROR(conversations_of(services, exchange).remove(conversation_id(exchange)));
  for (const auto& answer : services.live.of(exchange.caller.user, conversation_id(exchange))) answer->stop();
  return Reply::done();
}

Reply fork_conversation(const AppServices& services, Exchange& exchange) {
  std::optional<ApiError> problem;
  const Json json = read_json_body(exchange, problem);
  WireReader body(json, "", problem);
  const std::string message = body.required_text("message");
  body.finish();
  if (problem) return *problem;
  MELETE_ASSIGN_OR_RETURN(const ConversationInfo made,
                          conversations_of(services, exchange).fork(conversation_id(exchange), message));
  return conversation_json(made);
}

Reply search_messages(const AppServices& services, Exchange& exchange) {
  auto query = parse_query(exchange.request.query);
  std::optional<ApiError> problem;
  const auto limit = query_number(query, "limit", 1, kMostInAPage, problem);
  if (problem) return *problem;
  MELETE_ASSIGN_OR_RETURN(const auto hits,
                          conversations_of(services, exchange).search(query["q"], limit.value_or(20)));
  Json list = Json::array();
  for (const SearchHit& hit : hits) {
    Json snippet = Json::array();
    for (const SnippetPiece& piece : hit.snippet)
      snippet.push_back({{"text", piece.text}, {"match", piece.match}});
    list.push_back({{"conversation", hit.conversation},
                    {"title", hit.title},
                    {"message", hit.message.empty() ? Json() : Json(hit.message)},
                    {"snippet", std::move(snippet)},
                    {"created_ms", hit.created_ms}});
  }
  return Json{{"hits", std::move(list)}};
}

Reply list_artifacts(const AppServices& services, Exchange& exchange) {
  const auto query = parse_query(exchange.request.query);
  std::optional<ApiError> problem;
  const auto limit = query_number(query, "limit", 1, kMostInAPage, problem);
  const auto after = query_number(query, "after", 1, INT64_MAX, problem);
  if (problem) return *problem;
  MELETE_ASSIGN_OR_RETURN(
      const auto answers,
      conversations_of(services, exchange).answers_with_pages(limit.value_or(50), after.value_or(INT64_MAX)));
  Json list = Json::array();
  for (const AnswerWithPage& each : answers)
    list.push_back({{"conversation", each.conversation},
                    {"title", each.title},
                    {"message", each.message},
                    {"content", each.content},
                    {"created_ms", each.created_ms}});
  return Json{{"answers", std::move(list)},
              {"next", answers.empty() ? Json() : Json(std::to_string(answers.back().row))}};
}

}  // namespace

Json conversation_json(const ConversationInfo& conversation) {
  const std::string& leaf = conversation.active_leaf;
  return {{"id", conversation.id},
          {"title", conversation.title},
          {"pinned", conversation.pinned},
          {"active_leaf", leaf.empty() ? Json() : Json(leaf)},
          {"num_messages", conversation.num_messages},
          {"created_ms", conversation.created_ms},
          {"updated_ms", conversation.updated_ms}};
}

void add_conversation_routes(Router& router, const AppServices& services) {
  const Json conversation = schema_named("Conversation");
  Route all{"GET", "/api/conversations", Access::data, "conversations, pinned ones first, then the newest",
            on_worker(services, list_conversations)};
  all.response = schema_named("ConversationPage");
  all.query = {{"limit", {{"type", "integer"}, {"minimum", 1}, {"maximum", kMostInAPage}}},
               {"after", {{"type", "string"}}}};
  router.add(std::move(all));
  router.add({"POST", "/api/conversations", Access::data, "begin a conversation",
              on_worker(services, create_conversation), schema_named("NewConversation"), conversation});
  router.add({"GET",
              "/api/conversations/{id}",
              Access::data,
              "a conversation with all its branches",
              on_worker(services, show_conversation),
              {},
              schema_named("ConversationTree")});
  router.add({"PATCH", "/api/conversations/{id}", Access::data,
              "rename or pin it, or show the branch of a message", on_worker(services, change_conversation),
              schema_named("ConversationChange"), conversation});
  router.add({"DELETE", "/api/conversations/{id}", Access::data, "delete it with all that belongs to it",
              on_worker(services, remove_conversation)});
  router.add({"POST", "/api/conversations/{id}/fork", Access::data,
              "a new conversation with what was said up to a message", on_worker(services, fork_conversation),
              schema_named("Fork"), conversation});
  Route find{"GET", "/api/search", Access::data, "titles and messages with these words",
             on_worker(services, search_messages)};
  find.response = list_schema("hits", "SearchHit");
  find.query = {{"q", {{"type", "string"}}},
                {"limit", {{"type", "integer"}, {"minimum", 1}, {"maximum", kMostInAPage}}}};
  router.add(std::move(find));
  Route pages{"GET", "/api/artifacts", Access::data,
              "answers with pages, drawings and scripts, the newest first",
              on_worker(services, list_artifacts)};
  pages.response = list_schema("answers", "AnswerWithPage");
  pages.response["properties"]["next"] = {{"type", {"string", "null"}}};
  pages.query = {{"limit", {{"type", "integer"}, {"minimum", 1}, {"maximum", kMostInAPage}}},
                 {"after", {{"type", "string"}}}};
  router.add(std::move(pages));
}

}  // namespace melete
