#include "server/api/responses_prepare.h"

#include <algorithm>

#include "agent/run_record.h"
#include "server/api/answer_text.h"
#include "server/api/conversation.h"
#include "server/api/part_data.h"
#include "server/store/secret.h"

namespace melete {
namespace {

const FileLookup kNoFiles = [](const std::string&) -> Result<KeptFile> {
  return invalid_argument("needs a key with the scope data; make one, or send the bytes");
};
constexpr const char* kPrevious = "previous_response_id";

// What the run's answer is held to.
std::optional<GrammarSource> held_to(const AnswerOptions& options, const ServedModel& model) {
  if (!options.tool_choice.is_held() || model.is_remote()) return options.grammar;
  return held_call_grammar(options.tools, options.tool_choice).value();
}

// Where media come from, for whoever runs it again.
std::vector<Json> file_origins(const Json& items) {
  std::vector<Json> files;
  for (const Json& item : items)
    for (const Json& part : item.value("content", Json::array())) {
      const Json& place = part.contains("input_audio") ? part["input_audio"] : part;
      if (!place.contains("file_id")) continue;
      Json file = {{"file_id", place["file_id"]}};
      if (part.value("detail", "") == "low") file["max_image_tokens"] = kLowDetailTokens;
      files.push_back(std::move(file));
    }
  return files;
}

// What a kept response asked and answered. A call that was cut is none.
Json said_items(const StoredResponse& row) {
  Json items = input_of(row);
  if (!row.output.is_object()) return items;
  for (const Json& item : row.output.value("output", Json::array()))
    if (item.value("type", "") != "function_call" || item.value("status", "") == "completed")
      items.push_back(item);
  return items;
}

// One body on its way to a run.
class Preparation {
 public:
  Preparation(const Caller& caller, const ResponseSources& sources, std::optional<ApiError>& problem)
      : caller_(caller),
        models_(sources.models),
        identities_(sources.identities),
        store_(sources.store),
        problem_(problem) {}

  bool read(const Json& body) {
    auto request = parse_responses_request(body, problem_);
    if (!request) return false;
    request_ = *std::move(request);
    const Result<const ServedModel*> model = models_.find(request_.options.model);
    if (!model.ok()) return fail({404, model.error().message, "model", "model_not_found"});
    model_ = *model;
    if (!decide_store()) return false;
    const auto choice = choose_mode(request_.options, problem_);
    if (!choice) return false;
    choice_ = *choice;
    run_ = make_run(request_.options, choice_, *model_);
    std::vector<WireMessage> messages;
    return read_messages(messages) && build(messages);
  }

  std::optional<ReadyResponse> take(const Json& body) {
    ReadyResponse ready;
    const std::string id = new_id("resp");
    ready.prompt_tokens = prompt_tokens_;
    ready.most_tokens = most_tokens(run_, choice_, *model_, prompt_tokens_);
    ready.streams = request_.stream;
    PreparedResponse& prepared = ready.prepared;
    prepared.owner = caller_.user;
    prepared.model = model_;
    prepared.mode = choice_.mode;
    prepared.options = options();
    prepared.is_stored = is_stored_;
    prepared.is_background = request_.background;
    const int64_t now_ms = store_.clock()();
    prepared.response = response(id, now_ms / 1000);
    if (is_stored_ && !keep(body, ready, now_ms)) return std::nullopt;
    prepared.run = std::move(run_);
    return ready;
  }

  int64_t prompt_tokens() const { return prompt_tokens_; }

 private:
  bool fail(ApiError error) {
    if (!problem_) problem_ = std::move(error);
    return false;
  }

  bool decide_store() {
    const bool may_keep = caller_.may(Scope::data);
    const std::string why = "needs a key with the scope data; make one, or send the whole conversation";
    if (!may_keep && request_.store == true) return fail({403, why, "store", "insufficient_scope"});
    if (!may_keep && request_.background) return fail({403, why, "background", "insufficient_scope"});
    if (!may_keep && !request_.previous.empty()) return fail({403, why, kPrevious, "insufficient_scope"});
    is_stored_ = request_.store.value_or(may_keep);
    return true;
  }

  bool read_messages(std::vector<WireMessage>& messages) {
    const FileLookup files = caller_.may(Scope::data) ? file_lookup(store_, caller_.user) : kNoFiles;
    if (request_.instructions) {
      WireMessage system;
      system.path = "instructions";
      system.role = Role::system;
      system.parts.emplace_back();
      system.parts.back().path = system.path;
      system.parts.back().text = *request_.instructions;
      messages.push_back(std::move(system));
    }
    return read_chain(files, messages) && read_items(request_.input, "input", files, messages, problem_);
  }

  // What was asked and answered before, but for the instructions, which are each request's own.
  bool read_chain(const FileLookup& files, std::vector<WireMessage>& messages) {
    if (request_.previous.empty()) return true;
    const auto chain = store_.responses(caller_.user).chain(request_.previous);
    if (!chain.ok()) {
      ApiError error = api_error(chain.error());
      error.param = kPrevious;
      if (error.status == 404) error.code = "previous_response_not_found";
      return fail(std::move(error));
    }
    for (const StoredResponse& row : *chain) {
      if (row.status != "completed" && row.status != "incomplete")
        return fail({400,
                     cat("must be of responses that have ended with an answer, got ", row.id, ", which is ",
                         row.status),
                     kPrevious, "invalid_value"});
      const Json items = said_items(row);
      if (!read_items(items, kPrevious, files, messages, problem_)) return false;
      before_.insert(before_.end(), items.begin(), items.end());
    }
    return true;
  }

  // With "truncation": "auto" the oldest messages leave until the rest fits.
  bool build(std::vector<WireMessage>& messages) {
    while (true) {
      run_.conversation.messages.clear();
      run_.conversation.system.clear();
      if (!build_conversation(messages, *model_, run_.conversation, problem_)) return rename_path();
      const auto tokens = prepare_run(request_.options, choice_, *model_, run_, problem_);
      if (tokens) {
        prompt_tokens_ = *tokens;
        return true;
      }
      const bool is_too_long = problem_->code == "context_length_exceeded";
      if (!is_too_long || !request_.drops_oldest || !drop_oldest(messages)) return rename_path();
      problem_.reset();
    }
  }

  // The first turn after the system text, up to the next question; false if there is only one left.
  static bool drop_oldest(std::vector<WireMessage>& messages) {
    const auto is_user = [](const WireMessage& message) { return message.role == Role::user; };
    const auto is_system = [](const WireMessage& message) { return message.role == Role::system; };
    const auto first = std::find_if_not(messages.begin(), messages.end(), is_system);
    if (first == messages.end()) return false;
    const auto next = std::find_if(first + 1, messages.end(), is_user);
    if (next == messages.end()) return false;
    messages.erase(first, next);
    return true;
  }

  bool rename_path() {
    if (problem_->param == "messages") problem_->param = "input";
    return false;
  }

  ResponseRun::Options options() const {
    ResponseRun::Options options;
    options.text = text_options(*model_, choice_.mode, run_);
    options.wire.summarises = request_.summarises;
    options.wire.max_calls = request_.max_calls;
    options.events = request_.options.events;
    return options;
  }

  Json response(const std::string& id, int64_t now_s) const {
    constexpr double kAgents = 0.7;  // the temperature of contemplating agents
    Json response = request_.echo;
    const double own = choice_.mode == "contemplating" ? kAgents : 0;
    response.update({{"id", id},
                     {"object", "response"},
                     {"created_at", now_s},
                     {"completed_at", nullptr},
                     {"status", request_.background ? "queued" : "in_progress"},
                     {"incomplete_details", nullptr},
                     {"error", nullptr},
                     {"output", Json::array()},
                     {"usage", nullptr},
                     {"temperature", run_.temperature < 0 ? own : run_.temperature},
                     {"top_p", run_.top_p},
                     {"store", is_stored_}});
    return response;
  }

  // The body as it is kept can be asked again and gives the same run: whole items, files by id, the seed.
  bool keep(const Json& body, ReadyResponse& ready, int64_t now_ms) {
    const Json& response = ready.prepared.response;
    const std::string id = response["id"];
    const FileKeeper keeper = [&](const KeptFile& file) -> Result<std::string> {
      MELETE_ASSIGN_OR_RETURN(
          const StoredFile kept,
          store_.files(caller_.user)
              .put(file.bytes, file.name, file.type.empty() ? "application/octet-stream" : file.type));
      return kept.id;
    };
    Result<Json> items = with_files(whole_items(request_.input, id.substr(5) + "_in"), keeper);
    if (!items.ok()) return fail(api_error(items.error()));
    Json kept = body;
    kept["model"] = request_.options.model;
    kept["seed"] = static_cast<int64_t>(run_.seed);
    kept["input"] = *std::move(items);
    StoredResponse& row = ready.row;
    row.id = id;
    row.previous = request_.previous;
    row.status = response["status"];
    row.model = request_.options.model;
    row.created_ms = now_ms;
    row.files = file_ids(kept["input"]);
    Json files = Json::array();
    for (const Json* of : {&before_, &kept["input"]})
      for (Json& file : file_origins(*of)) files.push_back(std::move(file));
    auto origin = identities_.origin(model_->name(), std::move(files));
    if (!origin.ok()) return fail(api_error(origin.error()));
    ready.record = run_record(run_, held_to(request_.options, *model_), *std::move(origin));
    row.request = {
        {"body", std::move(kept)}, {"response", response}, {"run", to_json(ready.prepared.options)}};
    row.output = response;
    return true;
  }

  const Caller& caller_;
  const ModelList& models_;
  ModelIdentities& identities_;
  Store& store_;
  std::optional<ApiError>& problem_;
  ResponsesRequest request_;
  const ServedModel* model_ = nullptr;
  ModeChoice choice_;
  Json before_ = Json::array();  // items of the responses before this one
  Request run_;
  int64_t prompt_tokens_ = 0;
  bool is_stored_ = false;
};

}  // namespace

std::optional<ReadyResponse> prepare_response(const Json& body, const Caller& caller,
                                              const ResponseSources& sources,
                                              std::optional<ApiError>& problem) {
  Preparation preparation(caller, sources, problem);
  if (!preparation.read(body)) return std::nullopt;
  return preparation.take(body);
}

std::optional<int64_t> count_input_tokens(const Json& body, const Caller& caller,
                                          const ResponseSources& sources, std::optional<ApiError>& problem) {
  Preparation preparation(caller, sources, problem);
  if (!preparation.read(body)) return std::nullopt;
  return preparation.prompt_tokens();
}

Json input_of(const StoredResponse& row) {
  static const Json::json_pointer kInput("/body/input");
  return row.request.is_object() && row.request.contains(kInput) ? row.request[kInput] : Json::array();
}

void refuse(const ExchangePtr& exchange, const ApiError& error) { exchange->respond(openai_response(error)); }

FileLookup file_lookup(Store& store, OwnerId owner) {
  return [&store, owner](const std::string& id) -> Result<KeptFile> {
    Files files = store.files(owner);
    MELETE_ASSIGN_OR_RETURN(const StoredFile file, files.get(id));
    MELETE_ASSIGN_OR_RETURN(std::string bytes, files.read(id));
    return KeptFile{std::move(bytes), file.name, file.type};
  };
}

}  // namespace melete
