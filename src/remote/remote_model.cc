#include "remote/remote_model.h"

#include <algorithm>

#include "agent/ballot.h"
#include "agent/modes/single_agent.h"
#include "agent/tell_run.h"
#include "remote/http_calls.h"
#include "remote/remote_agent.h"

namespace melete {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kListLimit{20'000}, kProbeLimit{300'000}, kPoll{20};
constexpr int64_t kProbeTokens = 8;
// A red square of 56 x 56 pixels: at least one patch of every common tower.
constexpr const char* kPicture =
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAADgAAAA4CAIAAAAn5KxJAAAAQ0lEQVR42u3OQQkAAAgEsIty/"
    "ZMYy4cphMECLNO+EFFR"
    "UVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFR0bNW4KK1OMgvZAAAAABJRU5ErkJggg==";

Json at(const Json& json, const char* pointer) {
  const Json::json_pointer path(pointer);
  return json.contains(path) ? json.at(path) : Json();
}

bool has_text(const Json& value) { return value.is_string() && !value.get_ref<const std::string&>().empty(); }

bool has_reasoning(const Json& completion) {
  const Json message = at(completion, "/choices/0/message");
  const Json content = at(message, "/content");
  return has_text(at(message, "/reasoning_content")) || has_text(at(message, "/reasoning")) ||
         (content.is_string() && content.get<std::string>().find("<think>") != std::string::npos);
}

Json question(const Json& content) { return Json::array({{{"role", "user"}, {"content", content}}}); }

using Agents = std::vector<std::unique_ptr<RemoteAgent>>;

Usage usage_of(const Agents& agents, double first_token_s) {
  Usage usage;
  usage.first_token_s = first_token_s;
  for (const auto& agent : agents)
    usage.prompt_tokens = std::max(usage.prompt_tokens, agent->prompt_tokens());
  return usage;
}

// Reasoning on another server can't be closed: where an answer is wanted now, those agents vote that have
// one.
void steer(const Request& request, const Agents& agents, bool votes, Ballot<RemoteAgent>& ballot,
           EventLog& log) {
  for (const Steer& wish : request.steers()) {
    if (wish.kind == Steer::Kind::pin) {
      if (votes) pin_agent(ballot, agents, wish, log);
      continue;
    }
    const bool has_answer = std::any_of(
        agents.begin(), agents.end(), [](const auto& agent) { return agent->done() && has_output(*agent); });
    if (wish.kind == Steer::Kind::answer && !has_answer) continue;
    for (const auto& agent : agents)
      if (wish.concerns(agent->id())) agent->kill(wish.by);
  }
}

// A JSON text without the white space between its parts.
std::string compact(std::string_view json) {
  std::string text;
  bool in_string = false;
  for (size_t i = 0; i < json.size(); ++i) {
    if (!in_string && std::string_view(" \t\r\n").find(json[i]) != std::string_view::npos) continue;
    if (json[i] == '"') in_string = !in_string;
    text += json[i];
    if (in_string && json[i] == '\\' && i + 1 < json.size()) text += json[++i];
  }
  return text;
}

// What is wrong with a whole answer that should have a form, which is JSON. The grammar is made for writing
// and leaves no choice of white space; other servers' grammars do.
Status check_form(const Request& request, const Answer& answer) {
  if (!request.grammar || answer.finish != "stop") return ok_status();
  if (parse_json(answer.text, "answer").ok() && request.grammar->matches(compact(answer.text)))
    return ok_status();
  return corrupt("[remote] the answer must be of the form asked for, got \"", answer.text.substr(0, 200),
                 "\"; the server doesn't hold answers to it");
}

}  // namespace

Result<std::shared_ptr<const RemoteModel>> RemoteModel::connect(const Options& options) {
  if (!options.url.starts_with("http://") && !options.url.starts_with("https://"))
    return invalid_argument("[remote] must be an address such as http://127.0.0.1:8000/v1, got ", options.url,
                            "; add http://");
  std::shared_ptr<RemoteModel> model(new RemoteModel(options));
  while (model->options_.url.ends_with('/')) model->options_.url.pop_back();
  MELETE_RETURN_IF_ERROR(model->choose_model());
  MELETE_RETURN_IF_ERROR(model->find_abilities());
  return std::shared_ptr<const RemoteModel>(std::move(model));
}

Status RemoteModel::choose_model() {
  const std::string url = options_.url + "/models";
  MELETE_ASSIGN_OR_RETURN(const HttpAnswer answer, call_whole({url, options_.key, ""}, kListLimit));
  if (answer.status == 401 || answer.status == 403)
    return unavailable("[", url, "] must be allowed, got status ", answer.status,
                       "; set MELETE_REMOTE_KEY to the server's key");
  const Result<Json> list = parse_json(answer.body, url);
  const Json data = list.ok() ? at(*list, "/data") : Json();
  if (answer.status != 200 || !data.is_array() || data.empty())
    return unavailable("[", url, "] must list models as OpenAI's API does, got status ", answer.status, ": ",
                       error_text(answer.body), "; give the address up to /v1");
  std::string names;
  for (const Json& model : data) {
    const Json id = at(model, "/id");
    if (!id.is_string()) continue;
    names += (names.empty() ? "" : ", ") + id.get<std::string>();
    if (options_.model.empty()) options_.model = id.get<std::string>();
    if (options_.model != id) continue;
    for (const char* place : {"/max_model_len", "/meta/n_ctx", "/meta/n_ctx_train", "/context_length"})
      if (const Json length = at(model, place); length.is_number_integer() && context_length_ == 0)
        context_length_ = length.get<int64_t>();
    return ok_status();
  }
  return not_found("[", url, "] must list ", options_.model.empty() ? "a model" : options_.model, ", got ",
                   names.substr(0, 500), "; choose one of these with --remote-model");
}

// The completion, or null if the server refuses that.
Result<Json> RemoteModel::probe(const Json& more, const std::string& what) const {
  Json body = {{"model", options_.model}, {"messages", question("Hi")}, {"max_tokens", kProbeTokens}};
  body.update(more);
  const std::string url = options_.url + "/chat/completions";
  MELETE_ASSIGN_OR_RETURN(const HttpAnswer answer, call_whole({url, options_.key, body.dump()}, kProbeLimit));
  if (answer.status == 200) {
    Result<Json> completion = parse_json(answer.body, url);
    if (completion.ok() && at(*completion, "/choices/0/message").is_object()) return completion;
  }
  if (!what.empty()) return Json();
  return unavailable("[", url, "] must answer a question as OpenAI's API does, got status ", answer.status,
                     ": ", error_text(answer.body), "; see the server's log");
}

Status RemoteModel::find_abilities() {
  MELETE_ASSIGN_OR_RETURN(const Json plain, probe(Json::object(), ""));
  abilities_.reasons = has_reasoning(plain);
  // OpenAI's way, and that of servers which hand fields on to the model's template.
  const Json ways[] = {{{"reasoning_effort", "none"}},
                       {{"chat_template_kwargs", {{"enable_thinking", false}}}}};
  for (const Json& way : ways) {
    if (!abilities_.reasons || !abilities_.reasoning_off.is_null()) break;
    MELETE_ASSIGN_OR_RETURN(const Json quiet, probe(way, "reasoning off"));
    if (!quiet.is_null() && !has_reasoning(quiet)) abilities_.reasoning_off = way;
  }
  const Json function = {{"name", "now"},
                         {"description", "the time"},
                         {"parameters", {{"type", "object"}, {"properties", Json::object()}}}};
  MELETE_ASSIGN_OR_RETURN(
      const Json tools,
      probe({{"tools", Json::array({{{"type", "function"}, {"function", function}}})}}, "tools"));
  abilities_.tools = !tools.is_null();
  const Json parts = Json::array({{{"type", "image_url"}, {"image_url", {{"url", kPicture}}}},
                                  {{"type", "text"}, {"text", "What colour?"}}});
  MELETE_ASSIGN_OR_RETURN(const Json seen, probe({{"messages", question(parts)}}, "pictures"));
  abilities_.vision = !seen.is_null();
  MELETE_ASSIGN_OR_RETURN(const Json scored,
                          probe({{"logprobs", true}, {"top_logprobs", 20}}, "log-probabilities"));
  abilities_.log_probs = at(scored, "/choices/0/logprobs/content/0/top_logprobs").is_array();
  return ok_status();
}

Result<Answer> RemoteModel::answer(const std::string& mode, const Request& request, EventLog& log) const {
  return tell_run(mode, request, log, [&]() -> Result<Answer> {
    try {
      return run(mode, request, log);
    } catch (const std::exception& e) {
      return unavailable("[remote] every event must reach the run's sinks, got: ", e.what(),
                         "; mend or leave out the sink that failed");
    }
  });
}

Result<Answer> RemoteModel::run(const std::string& mode, const Request& request, EventLog& log) const {
  const Deadline clock(request.deadline_s);
  const bool votes = mode == "contemplating";
  Agents agents;
  HttpCalls calls;  // ends before the agents that it feeds
  for (int32_t id = 0; id < (votes ? request.num_agents : 1); ++id) {
    MELETE_ASSIGN_OR_RETURN(const Json body,
                            completion_request(options_.model, abilities_, mode, request, id));
    agents.push_back(std::make_unique<RemoteAgent>(request, id, log));
    RemoteAgent& agent = *agents.back();
    calls.begin(
        {options_.url + "/chat/completions", options_.key,
         body.dump(-1, ' ', false, Json::error_handler_t::replace)},
        [&agent](long status, std::string_view bytes) { return agent.put(status, bytes); },
        [&agent](const HttpEnd& end) { agent.end(end.status, end.problem); });
  }
  Ballot ballot(agents, request.delta);
  std::string cut;
  double first_token_s = 0;
  while (cut.empty() && !(votes ? ballot.count(log) : agents.front()->done())) {
    calls.poll(kPoll);
    const bool has_begun =
        std::any_of(agents.begin(), agents.end(), [](const auto& a) { return a->has_begun(); });
    if (first_token_s == 0 && has_begun) first_token_s = clock.elapsed_s();
    steer(request, agents, votes, ballot, log);
    if (request.stop_requested()) cut = "cancelled";
    if (clock.over()) cut = "deadline";
  }
  if (votes && !ballot.decision().empty()) cut.clear();
  if (!votes && agents.front()->done()) cut.clear();
  for (const auto& agent : agents) agent->kill(cut.empty() ? ballot.decision() : cut);
  const RemoteAgent& winner = votes ? ballot.winner() : *agents.front();
  if (!winner.status().ok() && (!votes || !has_output(winner))) return winner.status().error();
  if (votes) ballot.count(log);
  Answer answer = answer_of(winner);
  Usage usage = usage_of(agents, first_token_s);
  if (votes) {
    answer = conclude_vote(ballot, agents, cut, usage, log);
  } else {
    if (!cut.empty()) answer.finish = cut;
    usage.reasoning_tokens = winner.reasoning_tokens();
    usage.answer_tokens = winner.answer_tokens();
    answer.usage = usage;
  }
  MELETE_RETURN_IF_ERROR(check_form(request, answer));
  return answer;
}

}  // namespace melete
