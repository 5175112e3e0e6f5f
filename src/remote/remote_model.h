// A model on another server that speaks OpenAI's chat completions (vLLM, SGLang, llama-server, Ollama), as a
// way to answer in the three modes: contemplating asks it several times at once and votes.
//
// What the modes do on this machine and a server can't be told to do isn't done: reasoning isn't ended by
// force, only bounded together with the answer; marks are left as text. Every agent is a request of its own,
// so that those that the vote no longer needs are closed.
#pragma once

#include <memory>
#include <string>

#include "agent/chat_model.h"
#include "agent/event_log.h"
#include "agent/mode.h"
#include "remote/completion_request.h"

namespace melete {

class RemoteModel {
 public:
  struct Options {
    std::string url;    // up to /v1: "http://127.0.0.1:8000/v1"
    std::string model;  // its id there; empty: the first that the server lists
    std::string key;    // sent as a bearer token; empty: none
  };
  // Asks what the server has, and finds by a few questions of some tokens what it takes. Errors:
  // invalid_argument (no http or https address), not_found (no such model, naming those there), unavailable,
  // timeout.
  static Result<std::shared_ptr<const RemoteModel>> connect(const Options& options);

  const std::string& name() const { return options_.model; }
  const RemoteAbilities& abilities() const { return abilities_; }
  int64_t context_length() const { return context_length_; }  // 0: the server doesn't say

  // As run_mode(). Errors: invalid_argument (what the server doesn't take), not_found (mode), unavailable
  // (not reached, cut in the middle), exhausted (no room there), corrupt (its answer makes no sense).
  Result<Answer> answer(const std::string& mode, const Request& request, EventLog& log) const;

 private:
  explicit RemoteModel(Options options) : options_(std::move(options)) {}
  Status choose_model();
  Status find_abilities();
  Result<Json> probe(const Json& more, const std::string& what) const;
  Result<Answer> run(const std::string& mode, const Request& request, EventLog& log) const;

  Options options_;
  RemoteAbilities abilities_;
  int64_t context_length_ = 0;
};

// The text side of such a model for code that asks for one: no template, nothing to render.
std::shared_ptr<const ChatModel> remote_chat(const RemoteModel& model);

}  // namespace melete
