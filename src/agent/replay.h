// Replay: whether a run, done again from its log, gives every byte again.
//
// Compared are, agent by agent, what was reasoned, said in passing, answered, called and pointed at, how each
// agent ended, and the votes, the decision and the answer. Not compared are times, and how text was cut into
// pieces, since that depends on what else ran. Agents that the vote's end stopped, and all agents of a run
// that a deadline or its user stopped, are compared as far as both went. What was wanted of a run
// (agent/steer.h), and reasoning that a deadline closed, is done again at the same tokens.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/event_log.h"
#include "agent/run_record.h"

namespace melete {

struct ReplayReport {
  std::string mode;
  uint64_t seed = 0;
  bool equal = false;
  int64_t bytes = 0;       // of text that were compared, up to the first difference
  std::string difference;  // where the first one is, and what stood there; empty if equal
  std::string cut;         // "deadline" or "cancelled": what ended the run, and so how far it was compared
};
Json to_json(const ReplayReport& report);

// A log's events, run by run, each with the event "run.request" before it. A run that hasn't ended is left
// out.
std::vector<std::vector<Event>> runs_of(const std::vector<Event>& log);

// What a run's log says of what it ran on, for whoever finds the model and the files: see run_record().
// Error: corrupt (the log doesn't hold its request).
Result<Json> origin_of(const std::vector<Event>& run);

// Runs it again on the same model; what was cut, as far as it went. Errors: those of request_of_record and
// run_mode.
using RunAgain =
    std::function<Result<Answer>(const std::string& mode, const Request& request, EventSink& sink)>;
Result<ReplayReport> replay(const std::vector<Event>& run, const MediaByHash& media, const ChatModel& chat,
                            const RunAgain& again);

// The comparison alone.
ReplayReport compare_runs(const std::vector<Event>& former, const std::vector<Event>& again);

}  // namespace melete
