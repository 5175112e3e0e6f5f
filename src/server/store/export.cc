#include "server/store/export.h"

#include "server/store/secret.h"
#include "server/store/settings.h"

namespace melete {
namespace {

constexpr int64_t kPage = 100;

// Elements of an array, each on a line of its own.
class ArrayWriter {
 public:
  explicit ArrayWriter(const TextSink& out) : out_(out) {}
  Status add(const Json& element) {
    const char* before = first_ ? "\n" : ",\n";
    first_ = false;
    return out_(before + json_text(element));
  }

 private:
  const TextSink& out_;
  bool first_ = true;
};

Json to_json(const StoredMessage& message) {
  Json json = {{"id", message.id}, {"parent", message.parent}, {"role", message.role}};
  json["content"] = message.content;
  json["meta"] = message.meta;
  json["files"] = message.files;
  json["created_ms"] = message.created_ms;
  return json;
}

Json to_json(const ConversationInfo& info, const std::vector<StoredMessage>& messages) {
  Json json = {{"id", info.id},
               {"title", info.title},
               {"pinned", info.pinned},
               {"active_leaf", info.active_leaf},
               {"created_ms", info.created_ms},
               {"updated_ms", info.updated_ms},
               {"messages", Json::array()}};
  for (const StoredMessage& message : messages) json["messages"].push_back(to_json(message));
  return json;
}

Json to_json(const StoredResponse& response) {
  Json json = {{"id", response.id},
               {"previous", response.previous},
               {"status", response.status},
               {"model", response.model}};
  json["request"] = response.request;
  json["output"] = response.output;
  json["files"] = response.files;
  json["created_ms"] = response.created_ms;
  return json;
}

}  // namespace

Status for_each_conversation(const Conversations& all,
                             const std::function<Status(const ConversationInfo&)>& body) {
  std::optional<ListPosition> at;
  do {
    MELETE_ASSIGN_OR_RETURN(const ConversationPage page, all.list(kPage, at));
    for (const ConversationInfo& info : page.conversations) MELETE_RETURN_IF_ERROR(body(info));
    at = page.next;
  } while (at);
  return ok_status();
}

Status export_json(Store& store, OwnerId owner, const Json& account, const TextSink& out) {
  const Files files = store.files(owner);
  const Conversations conversations = store.conversations(owner);
  MELETE_ASSIGN_OR_RETURN(const Json settings, Settings(store.database(), owner).get());
  MELETE_RETURN_IF_ERROR(out("{\"format\":\"melete export\",\"version\":1,\"account\":" + json_text(account) +
                             ",\"settings\":" + json_text(settings) + ",\"files\":["));
  MELETE_ASSIGN_OR_RETURN(const std::vector<StoredFile> list, files.list());
  ArrayWriter file_array(out);
  for (const StoredFile& file : list) {
    MELETE_ASSIGN_OR_RETURN(const std::string bytes, files.read(file.id));
    MELETE_RETURN_IF_ERROR(file_array.add({{"id", file.id},
                                           {"name", file.name},
                                           {"type", file.type},
                                           {"created_ms", file.created_ms},
                                           {"data", to_base64(bytes)}}));
  }
  MELETE_RETURN_IF_ERROR(out("],\"conversations\":["));
  ArrayWriter conversation_array(out);
  const auto add_conversation = [&](const ConversationInfo& info) -> Status {
    MELETE_ASSIGN_OR_RETURN(const std::vector<StoredMessage> messages, conversations.tree(info.id));
    return conversation_array.add(to_json(info, messages));
  };
  MELETE_RETURN_IF_ERROR(for_each_conversation(conversations, add_conversation));
  MELETE_RETURN_IF_ERROR(out("],\"responses\":["));
  MELETE_ASSIGN_OR_RETURN(const std::vector<StoredResponse> responses, store.responses(owner).list());
  ArrayWriter response_array(out);
  for (const StoredResponse& response : responses)
    MELETE_RETURN_IF_ERROR(response_array.add(to_json(response)));
  MELETE_RETURN_IF_ERROR(out("],\"answers\":["));
  MELETE_ASSIGN_OR_RETURN(const std::vector<AnswerInfo> answers, store.event_logs().list(owner));
  ArrayWriter answer_array(out);
  for (const AnswerInfo& answer : answers) {
    MELETE_ASSIGN_OR_RETURN(const std::string log, store.event_logs().read_text(owner, answer.id));
    MELETE_RETURN_IF_ERROR(answer_array.add({{"id", answer.id},
                                             {"conversation", answer.of.conversation},
                                             {"response", answer.of.response},
                                             {"status", answer.status},
                                             {"created_ms", answer.created_ms},
                                             {"log", log}}));
  }
  return out("]}\n");
}

}  // namespace melete
