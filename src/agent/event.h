// The run is its log: every mode appends Events; terminal, JSON output, file, API stream and panel are sinks
// of the same events. A log cut at any byte is a valid prefix. Decisions carry token indices, never times.
#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"

namespace melete {

struct Event {
  uint64_t seq = 0;         // 0, 1, 2 ... within a run
  int32_t agent = 0;        // -1: the run itself
  std::string kind;         // run.started, agent.spawned, agent.delta, agent.tool_call, agent.closed,
                            // agent.finished, agent.killed, vote.updated, mark.added, decision, meter,
                            // run.completed, run.failed
  int64_t token_index = 0;  // of that agent when the event happened
  Json data;
};

class EventSink {
 public:
  virtual ~EventSink() = default;
  // Keeps its own failures (a full disk) and must not throw: that ends the run.
  virtual void put(const Event& event) = 0;
};

}  // namespace melete
