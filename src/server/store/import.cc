// import_json: reads an export strictly, naming the path of whatever is wrong.
#include "server/store/export.h"
#include "server/store/secret.h"
#include "server/store/settings.h"

namespace melete {
namespace {

// A value of the document with its path.
class Place {
 public:
  Place(const Json& json, std::string path) : json_(json), path_(std::move(path)) {}

  const Json& json() const { return json_; }
  const std::string& path() const { return path_; }

  Error wrong(std::string_view what) const {
    return invalid_argument("[", path_, "] must be ", what, ", got ", json_.type_name(), "; export it again");
  }
  // The error of `status` with the path in front of what it says.
  Status in(const Status& status) const {
    if (status.ok()) return status;
    return Error{status.error().kind, cat("[", path_, "] ", status.error().message)};
  }
  Result<Place> at(const std::string& key) const {
    if (!json_.is_object()) return wrong("an object");
    const auto found = json_.find(key);
    const std::string path = path_.empty() ? key : path_ + "." + key;
    if (found == json_.end())
      return invalid_argument("[", path, "] must be there, got nothing; export it again");
    return Place(*found, path);
  }
  Result<std::string> text(const std::string& key) const {
    MELETE_ASSIGN_OR_RETURN(const Place place, at(key));
    if (!place.json().is_string()) return place.wrong("a string");
    return place.json().get<std::string>();
  }
  // Puts each member named where its pointer says.
  Status read_texts(std::initializer_list<std::pair<const char*, std::string*>> members) const {
    for (const auto& [key, out] : members) {
      MELETE_ASSIGN_OR_RETURN(*out, text(key));
    }
    return ok_status();
  }
  Result<Json> value(const std::string& key) const {
    MELETE_ASSIGN_OR_RETURN(const Place place, at(key));
    return place.json();
  }
  Result<int64_t> time(const std::string& key) const {
    MELETE_ASSIGN_OR_RETURN(const Place place, at(key));
    constexpr int64_t kLatest = int64_t{1} << 52;
    const Json& value = place.json();
    const bool fits = value.is_number_integer() &&
                      !(value.is_number_unsigned() && value.get<uint64_t>() > kLatest) &&
                      value.get<int64_t>() >= 0;
    if (!fits) return place.wrong("a time in milliseconds");
    return value.get<int64_t>();
  }
  Result<bool> boolean(const std::string& key) const {
    MELETE_ASSIGN_OR_RETURN(const Place place, at(key));
    if (!place.json().is_boolean()) return place.wrong("true or false");
    return place.json().get<bool>();
  }
  Result<std::vector<Place>> items(const std::string& key) const {
    MELETE_ASSIGN_OR_RETURN(const Place place, at(key));
    if (!place.json().is_array()) return place.wrong("an array");
    std::vector<Place> items;
    for (size_t i = 0; i < place.json().size(); ++i)
      items.emplace_back(place.json()[i], cat(place.path(), "[", i, "]"));
    return items;
  }
  Result<std::vector<std::string>> texts(const std::string& key) const {
    MELETE_ASSIGN_OR_RETURN(const std::vector<Place> places, items(key));
    std::vector<std::string> texts;
    for (const Place& place : places) {
      if (!place.json().is_string()) return place.wrong("a string");
      texts.push_back(place.json().get<std::string>());
    }
    return texts;
  }

 private:
  const Json& json_;
  std::string path_;
};

Status import_file(const Place& place, Files files) {
  MELETE_ASSIGN_OR_RETURN(const std::string id, place.text("id"));
  MELETE_ASSIGN_OR_RETURN(const std::string name, place.text("name"));
  MELETE_ASSIGN_OR_RETURN(const std::string type, place.text("type"));
  MELETE_ASSIGN_OR_RETURN(const std::string data, place.text("data"));
  std::string bytes;
  if (!from_base64(data, bytes) || "file_" + content_hash(bytes) != id)
    return corrupt("[", place.path(),
                   ".data] must be the base64 of the bytes that id is the hash of, got others; "
                   "export it again");
  if (files.get(id).ok()) return ok_status();
  const auto kept = files.put(bytes, name, type);
  return kept.ok() ? ok_status() : place.in(kept.error());
}

Result<StoredMessage> message_of(const Place& place) {
  StoredMessage message;
  MELETE_RETURN_IF_ERROR(
      place.read_texts({{"id", &message.id}, {"parent", &message.parent}, {"role", &message.role}}));
  MELETE_ASSIGN_OR_RETURN(message.content, place.value("content"));
  MELETE_ASSIGN_OR_RETURN(message.meta, place.value("meta"));
  MELETE_ASSIGN_OR_RETURN(message.files, place.texts("files"));
  MELETE_ASSIGN_OR_RETURN(message.created_ms, place.time("created_ms"));
  return message;
}

Status import_conversation(const Place& place, Conversations conversations) {
  ConversationInfo info;
  MELETE_RETURN_IF_ERROR(
      place.read_texts({{"id", &info.id}, {"title", &info.title}, {"active_leaf", &info.active_leaf}}));
  MELETE_ASSIGN_OR_RETURN(info.pinned, place.boolean("pinned"));
  MELETE_ASSIGN_OR_RETURN(info.created_ms, place.time("created_ms"));
  MELETE_ASSIGN_OR_RETURN(info.updated_ms, place.time("updated_ms"));
  MELETE_ASSIGN_OR_RETURN(const std::vector<Place> places, place.items("messages"));
  std::vector<StoredMessage> messages;
  for (const Place& each : places) {
    MELETE_ASSIGN_OR_RETURN(StoredMessage message, message_of(each));
    MELETE_RETURN_IF_ERROR(each.in(conversations.check(message)));
    messages.push_back(std::move(message));
  }
  return place.in(conversations.restore(info, messages));
}

Status import_response(const Place& place, Responses responses) {
  StoredResponse response;
  MELETE_RETURN_IF_ERROR(place.read_texts({{"id", &response.id},
                                           {"previous", &response.previous},
                                           {"status", &response.status},
                                           {"model", &response.model}}));
  MELETE_ASSIGN_OR_RETURN(response.request, place.value("request"));
  MELETE_ASSIGN_OR_RETURN(response.output, place.value("output"));
  MELETE_ASSIGN_OR_RETURN(response.files, place.texts("files"));
  MELETE_ASSIGN_OR_RETURN(response.created_ms, place.time("created_ms"));
  if (responses.get(response.id).ok()) return ok_status();
  return place.in(responses.restore(response));
}

Status import_answer(const Place& place, EventLogs& logs, OwnerId owner) {
  AnswerInfo info;
  std::string log;
  MELETE_RETURN_IF_ERROR(place.read_texts({{"id", &info.id},
                                           {"conversation", &info.of.conversation},
                                           {"response", &info.of.response},
                                           {"status", &info.status},
                                           {"log", &log}}));
  MELETE_ASSIGN_OR_RETURN(info.created_ms, place.time("created_ms"));
  if (info.status == "running") info.status = "interrupted";
  if (logs.get(owner, info.id).ok()) return ok_status();
  return place.in(logs.import(owner, info, log));
}

// Only where nothing was chosen yet. Exports that were made before there were settings have none.
Status import_settings(const Place& document, Settings settings) {
  if (!document.json().contains("settings")) return ok_status();
  MELETE_ASSIGN_OR_RETURN(const Place place, document.at("settings"));
  MELETE_ASSIGN_OR_RETURN(const Json present, settings.get());
  return present.empty() ? place.in(settings.put(place.json())) : ok_status();
}

}  // namespace

Result<ImportCounts> import_json(Store& store, OwnerId owner, std::string_view text, std::string_view where) {
  MELETE_ASSIGN_OR_RETURN(const Json json, parse_json(text, where));
  const Place document(json, "");
  if (!json.is_object() || json.value("format", Json()) != "melete export" ||
      json.value("version", Json()) != 1)
    return invalid_argument("[", where,
                            "] must be an export of version 1, got something else; give a file that "
                            "an export wrote");
  MELETE_ASSIGN_OR_RETURN(const std::vector<Place> files, document.items("files"));
  MELETE_ASSIGN_OR_RETURN(const std::vector<Place> conversations, document.items("conversations"));
  MELETE_ASSIGN_OR_RETURN(const std::vector<Place> responses, document.items("responses"));
  MELETE_ASSIGN_OR_RETURN(const std::vector<Place> answers, document.items("answers"));
  MELETE_ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(store.database(), "importing"));
  MELETE_RETURN_IF_ERROR(import_settings(document, Settings(store.database(), owner)));
  for (const Place& place : files) MELETE_RETURN_IF_ERROR(import_file(place, store.files(owner)));
  for (const Place& place : conversations)
    MELETE_RETURN_IF_ERROR(import_conversation(place, store.conversations(owner)));
  for (const Place& place : responses) MELETE_RETURN_IF_ERROR(import_response(place, store.responses(owner)));
  for (const Place& place : answers) MELETE_RETURN_IF_ERROR(import_answer(place, store.event_logs(), owner));
  MELETE_RETURN_IF_ERROR(transaction.commit());
  return ImportCounts{static_cast<int64_t>(files.size()), static_cast<int64_t>(conversations.size()),
                      static_cast<int64_t>(responses.size()), static_cast<int64_t>(answers.size())};
}

}  // namespace melete
