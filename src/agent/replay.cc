#include "agent/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "text/utf8.h"

namespace melete {
namespace {

// One thing that was said, in pieces: of an agent, and of a kind of events.
using Place = std::pair<int32_t, std::string>;

struct Run {
  std::map<Place, std::string> texts;
  std::vector<Place> order;   // as they first came
  std::set<int32_t> stopped;  // agents whose end depends on when
  std::string cut;
};

void add(Run& run, int32_t agent, const std::string& what, const std::string& text) {
  const auto [found, is_new] = run.texts.try_emplace({agent, what});
  if (is_new) run.order.emplace_back(agent, what);
  found->second += text;
}

void add_delta(Run& run, const Event& event) {
  const std::string channel = event.data.value("channel", "");
  const std::string call = channel == "tool_call" ? " " + event.data.value("id", "") : "";
  add(run, event.agent, channel + call, event.data.value("text", ""));
  for (const Json& token : event.data.value("tokens", Json::array()))
    add(run, event.agent, "tokens", json_text(token) + "\n");
}

// What ended the run before it was whole, or empty.
std::string cut_of(const std::vector<Event>& events) {
  const std::string finish = events.empty() ? "" : events.back().data.value("finish", "");
  return finish == "deadline" || finish == "cancelled" ? finish : "";
}

Run read(const std::vector<Event>& events) {
  Run run;
  run.cut = cut_of(events);
  for (const Event& event : events)
    if (event.kind == "agent.killed") run.stopped.insert(event.agent);
  for (const Event& event : events) {
    Json data = event.data;
    if (event.kind == "run.request") continue;
    if (event.kind == "agent.delta") {
      add_delta(run, event);
      continue;
    }
    if (event.kind == "meter") {
      for (const char* time : {"prefill_s", "first_token_s", "total_s", "cpu_s", "peak_bytes"})
        data.erase(time);
    }
    const bool is_cut = event.kind == "agent.killed" ||
                        (!run.cut.empty() && (event.kind == "decision" || event.kind == "run.completed"));
    if (!is_cut) add(run, event.agent, event.kind, json_text(data) + "\n");
  }
  return run;
}

// The bytes around a place, for people.
std::string around(const std::string& text, size_t at) {
  constexpr size_t kBefore = 20, kAfter = 40;
  if (at >= text.size()) return "nothing more";
  const size_t begin = at > kBefore ? at - kBefore : 0;
  return json_text(valid_utf8(text.substr(begin, at - begin + kAfter)));
}

std::string name_of_place(const Place& place) {
  return place.first < 0 ? place.second : fmt::format("agent {}, {}", place.first, place.second);
}

// Whether one place is equal as far as it counts; else where it isn't.
bool compare_place(const std::string& former, const std::string& again, bool is_prefix, ReplayReport& report,
                   const Place& place) {
  const size_t shared = std::min(former.size(), again.size());
  const auto [a, b] =
      std::mismatch(former.begin(), former.begin() + static_cast<std::ptrdiff_t>(shared), again.begin());
  const auto at = static_cast<size_t>(a - former.begin());
  report.bytes += static_cast<int64_t>(at);
  if (at == shared && (is_prefix || former.size() == again.size())) return true;
  report.difference = fmt::format("{}, byte {}: there was {}, and now there is {}", name_of_place(place), at,
                                  around(former, at), around(again, at));
  return false;
}

// What was wanted of a run while it was made, with the numbers of tokens at which it was done.
std::vector<Steer> steers_of(const std::vector<Event>& run) {
  std::vector<Steer> steers;
  for (const Event& event : run) {
    const std::string by = event.data.value("by", ""), reason = event.data.value("reason", "");
    if (event.kind == "agent.pinned")
      steers.push_back({Steer::Kind::pin, event.agent, event.token_index, ""});
    if (event.kind == "agent.closed" && (by == "user" || by == "deadline"))
      steers.push_back({Steer::Kind::answer, event.agent, event.token_index, by});
    if (event.kind == "agent.killed" && (reason == "user" || reason == "pinned"))
      steers.push_back({Steer::Kind::kill, event.agent, event.token_index, reason});
  }
  return steers;
}

using Bytes = std::map<int32_t, size_t>;

void count(const Event& event, Bytes& bytes) {
  if (event.kind == "agent.delta") bytes[event.agent] += event.data.value("text", "").size();
}

Bytes bytes_of(const std::vector<Event>& events) {
  Bytes bytes;
  for (const Event& event : events) count(event, bytes);
  return bytes;
}

class Keeper : public EventSink {
 public:
  explicit Keeper(Bytes wanted) : wanted_(std::move(wanted)) {}
  void put(const Event& event) override {
    events_.push_back(event);
    count(event, bytes_);
  }
  const std::vector<Event>& events() const { return events_; }
  // As much of every agent as the former run had.
  bool has_all() {
    return std::all_of(wanted_.begin(), wanted_.end(),
                       [this](const auto& wanted) { return bytes_[wanted.first] >= wanted.second; });
  }

 private:
  const Bytes wanted_;
  Bytes bytes_;
  std::vector<Event> events_;
};

}  // namespace

ReplayReport compare_runs(const std::vector<Event>& former, const std::vector<Event>& again) {
  const Run a = read(former), b = read(again);
  ReplayReport report;
  report.cut = a.cut;
  std::vector<Place> places = a.order;
  for (const Place& place : b.order)
    if (!a.texts.contains(place)) places.push_back(place);
  static const std::string kNothing;
  for (const Place& place : places) {
    // It counts the tokens of agents that were stopped too, and those depend on when.
    if (place.second == "meter" && (!a.stopped.empty() || !b.stopped.empty())) continue;
    const auto text_of = [&](const Run& run) -> const std::string& {
      const auto found = run.texts.find(place);
      return found == run.texts.end() ? kNothing : found->second;
    };
    const bool was_stopped = a.stopped.contains(place.first) || b.stopped.contains(place.first);
    const bool is_prefix = was_stopped || !a.cut.empty();
    if (!compare_place(text_of(a), text_of(b), is_prefix, report, place)) return report;
  }
  report.equal = true;
  return report;
}

Json to_json(const ReplayReport& report) {
  const auto text_or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  return {{"equal", report.equal}, {"difference", text_or_null(report.difference)},
          {"bytes", report.bytes}, {"cut", text_or_null(report.cut)},
          {"mode", report.mode},   {"seed", report.seed}};
}

std::vector<std::vector<Event>> runs_of(const std::vector<Event>& log) {
  std::vector<std::vector<Event>> runs;
  std::vector<Event> run;
  for (const Event& event : log) {
    const bool is_asked = run.size() == 1 && run.front().kind == "run.request";
    if (event.kind == "run.request" || (event.kind == "run.started" && !is_asked)) run.clear();
    run.push_back(event);
    if (event.kind == "run.completed") runs.push_back(std::exchange(run, {}));
  }
  return runs;
}

Result<Json> origin_of(const std::vector<Event>& run) {
  const bool is_whole = run.size() > 1 && run[0].kind == "run.request" && run[1].kind == "run.started" &&
                        run[0].data.contains("request") && run[0].data.contains("origin");
  if (!is_whole)
    return corrupt(
        "[replay] the log must hold the request of its run, got none; logs of --events and of kept responses "
        "do");
  return run.front().data["origin"];
}

Result<ReplayReport> replay(const std::vector<Event>& run, const MediaByHash& media, const ChatModel& chat,
                            const RunAgain& again) {
  MELETE_RETURN_IF_ERROR(origin_of(run));
  MELETE_ASSIGN_OR_RETURN(Request request, request_of_record(run[0].data["request"], media, chat));
  Keeper keeper(bytes_of(run));
  if (!cut_of(run).empty()) request.stop_requested = [&] { return keeper.has_all(); };
  request.steers = [steers = steers_of(run)]() mutable { return std::exchange(steers, {}); };
  const std::string mode = run[1].data.value("mode", "");
  MELETE_RETURN_IF_ERROR(again(mode, request, keeper));
  ReplayReport report = compare_runs(run, keeper.events());
  report.mode = mode;
  report.seed = request.seed;
  return report;
}

}  // namespace melete
