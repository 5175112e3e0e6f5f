// Runs modes over a ScriptedEngine and keeps their events: for tests.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/event_log.h"
#include "agent/mode.h"
#include "agent/scripted_engine.h"
#include "text/test_files.h"

namespace melete {

class KeepEvents : public EventSink {
 public:
  void put(const Event& event) override { events.push_back(event); }

  // The events of one kind (and agent, unless -2).
  std::vector<Event> of(const std::string& kind, int32_t agent = -2) const {
    std::vector<Event> found;
    for (const Event& event : events)
      if (event.kind == kind && (agent == -2 || event.agent == agent)) found.push_back(event);
    return found;
  }

  // All deltas of one channel, joined.
  std::string text(const std::string& channel, int32_t agent = 0) const {
    std::string all;
    for (const Event& event : of("agent.delta", agent))
      if (event.data["channel"] == channel) all += event.data["text"].get<std::string>();
    return all;
  }

  std::vector<Event> events;
};

struct ScriptedRun {
  ScriptedRun() : engine(small_tokenizer()), log({&kept}) {
    request.conversation.messages.push_back({Role::user, "", {TextPart{"how many?", false}}, true});
  }

  Result<Answer> run(const std::string& mode) {
    Services services{engine, *format};
    return run_mode(mode, request, services, log);
  }

  std::shared_ptr<const ChatFormat> format = make_chat_format({}, small_tokenizer(), "test").value();
  ScriptedEngine engine;
  Request request;
  KeepEvents kept;
  EventLog log;
};

inline const std::string kToAnswer = "<|eom|><|start|>assistant to=user<|message|>";

}  // namespace melete
