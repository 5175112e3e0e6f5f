#include "server/api/responses_run.h"

namespace melete {

void ResponseRun::put(const Event& event, std::vector<Json>& events) {
  if (!std::exchange(begun_, true)) wire_.begin(events);
  if (event.kind == "agent.tool_call" && !options_.text.has_many_agents) ++calls_;
  if (options_.events) wire_.event(event, events);
  for (const AnswerDelta& delta : text_.put(event)) wire_.delta(delta, events);
}

bool ResponseRun::wants_stop() const {
  return options_.wire.max_calls > 0 && calls_ >= options_.wire.max_calls;
}

void ResponseRun::finish(Answer answer, const std::string& mode, uint64_t seed, int64_t now_s,
                         std::vector<Json>& events) {
  if (!std::exchange(begun_, true)) wire_.begin(events);
  for (const AnswerDelta& delta : text_.finish(answer)) wire_.delta(delta, events);
  FinishedAnswer finished;
  finished.end = wants_stop() ? AnswerEnd::calls : text_.end(answer);
  finished.mode = mode;
  finished.seed = seed;
  finished.answer = std::move(answer);
  wire_.finish(finished, now_s, events);
}

void ResponseRun::fail(const std::string& code, const std::string& message, std::vector<Json>& events) {
  if (!std::exchange(begun_, true)) wire_.begin(events);
  wire_.fail(code, message, events);
}

Json to_json(const ResponseRun::Options& options) {
  return {{"has_many_agents", options.text.has_many_agents},
          {"may_be_marks", options.text.may_be_marks},
          {"tells_commentary", options.text.tells_commentary},
          {"summarises", options.wire.summarises},
          {"max_calls", options.wire.max_calls},
          {"events", options.events}};
}

ResponseRun::Options run_options(const Json& json) {
  ResponseRun::Options options;
  options.text.has_many_agents = json.value("has_many_agents", false);
  options.text.may_be_marks = json.value("may_be_marks", false);
  options.text.tells_commentary = json.value("tells_commentary", true);
  options.wire.summarises = json.value("summarises", false);
  options.wire.max_calls = json.value("max_calls", int64_t{0});
  options.events = json.value("events", false);
  return options;
}

Answer answer_of(const std::vector<Event>& log) {
  Answer answer;
  answer.finish = "cancelled";
  for (const Event& event : log) {
    if (event.kind == "meter") {
      answer.usage.prompt_tokens = event.data.value("prompt_tokens", int64_t{0});
      answer.usage.reasoning_tokens = event.data.value("reasoning_tokens", int64_t{0});
      answer.usage.answer_tokens = event.data.value("answer_tokens", int64_t{0});
    }
    if (event.kind != "run.completed") continue;
    answer.agent = event.data.value("agent", 0);
    answer.text = event.data.value("answer", "");
    answer.finish = event.data.value("finish", "");
    for (const Json& call : event.data.value("tool_calls", Json::array()))
      answer.tool_calls.push_back(
          {call.value("id", ""), call.value("name", ""), call.value("arguments", Json())});
  }
  for (const Event& event : log) {
    if (event.agent != answer.agent || event.kind != "agent.delta") continue;
    const std::string channel = event.data.value("channel", "");
    if (channel == "reasoning") answer.reasoning += event.data.value("text", "");
    if (channel == "commentary") answer.commentary += event.data.value("text", "");
  }
  return answer;
}

std::vector<Json> events_again(const Json& first, const Json& last, const ResponseRun::Options& options,
                               const std::vector<Event>& log) {
  ResponseRun run(first, options);
  std::vector<Json> events;
  if (first.value("status", "") == "queued") run.queue(events);
  for (const Event& event : log)
    if (event.kind != "run.request") run.put(event, events);
  if (last.value("status", "") == "failed")
    run.fail("", "", events);
  else
    run.finish(answer_of(log), "", 0, 0, events);
  events.back()["response"] = last;
  return events;
}

}  // namespace melete
