// A mode is a way to spend compute on a question: instant, thinking, contemplating. One file a mode in
// agent/modes/, ending in MELETE_REGISTER_MODE. Whatever happens, run() ends within the request's budget and
// every step is an event.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "agent/event_log.h"
#include "agent/steer.h"
#include "agent/tool_use.h"
#include "base/registry.h"
#include "engine/engine.h"
#include "engine/grammar/grammar.h"
#include "text/chat_format.h"
#include "text/marks.h"

namespace melete {

// Of a question that names none.
inline constexpr const char* kDefaultMode = "thinking";

struct Request {
  Conversation conversation;       // ends with the user's message or a tool's; its tools are the caller's
  Effort effort = Effort::medium;  // of thinking and contemplating
  int num_agents = 8;              // contemplating
  double temperature = -1;         // below 0: the mode's own (0 alone, 0.7 among agents)
  double top_p = 1;
  int64_t top_k = 0;
  double min_p = 0;
  double frequency_penalty = 0, presence_penalty = 0;  // -2 to 2; of all that the agent has sampled
  uint64_t seed = 0;
  uint64_t first_stream = 0;  // of random numbers; the agents use the next 2 * num_agents
  int64_t max_answer_tokens = 256;
  int64_t max_reasoning_tokens = 0;  // an agent; 0: the effort's own (reasoning_budget)
  double delta = 0.1;                // largest chance of a false certificate
  double deadline_s = 0;             // 0: none
  // What the answer is held to; reasoning stays free. Null: nothing. Of the model's vocabulary, see
  // ChatModel::grammar().
  std::shared_ptr<const Grammar> grammar = nullptr;
  ToolChoice tool_choice = {};  // where a call must come, `grammar` is of held_call_grammar()
  bool parallel_calls = true;   // else a turn ends with its first call; a held call is one in any case
  // How many of the likeliest tokens Answer::tokens and the answer's events have beside each token of the
  // answer's text, at most 20; below 0: neither has tokens.
  int64_t top_log_probs = -1;
  // Asked once a step: true stops the run with the best answer so far (Ctrl-C, a closed connection).
  std::function<bool()> stop_requested = [] { return false; };
  // Asked once a step: what has been wanted since. Agents are numbered from 0; what is wanted of others is
  // passed over.
  std::function<std::vector<Steer>()> steers = [] { return std::vector<Steer>(); };
};

// Reasoning tokens that an effort allows one agent.
int64_t reasoning_budget(Effort effort);

struct Usage {
  int64_t prompt_tokens = 0, reasoning_tokens = 0, answer_tokens = 0, forced_tokens = 0;
  double prefill_s = 0, first_token_s = 0, total_s = 0;  // from the start of run()
  // Of the whole process: processor time during the run, and the most memory since it last had no run under
  // way.
  double cpu_s = 0;
  int64_t peak_bytes = 0;
};

struct ScoredToken {
  std::string bytes;    // may be a part of a UTF-8 character
  double log_prob = 0;  // under the untempered distribution of what was allowed
};

struct AnswerToken {
  ScoredToken drawn;
  std::vector<ScoredToken> likeliest;  // likeliest first
};

struct VoteCount {
  std::string key;
  int64_t votes = 0;
};

struct Answer {
  std::string text;                 // boxes and points in Muse's JSON form
  std::string raw;                  // as the model wrote it, with location tokens
  std::string commentary;           // what the model says in passing, between calls (Muse)
  std::string reasoning;            // of the agent whose answer it is, without location tokens
  std::vector<TextMark> marks;      // what the reasoning and the answer point at
  std::vector<AnswerToken> tokens;  // of `raw`, with Request::top_log_probs
  // The turn's calls, each whole; the text is then empty or what goes with them.
  std::vector<IssuedCall> tool_calls;
  // "stop"; "tool_calls"; "length" (also where a call was cut); "exhausted", "deadline", "cancelled";
  // "blocked" (the grammar allowed no token, or nothing that the model wrote could be held to it).
  std::string finish;
  int32_t agent = 0;
  Usage usage;
  std::vector<VoteCount> votes;  // contemplating
  double certificate_e = 0;      // e-value of the leader being the mode; not a chance of being right
  bool certified = false;
};

struct Services {
  Engine& engine;
  const ChatFormat& format;  // of the engine's model
};

// Whether the model decides on calls.
bool may_call(const Request& request);
// Whether it then writes each as a message of its own, so that it must be left to it whom it addresses.
bool may_address_tools(const Request& request, const ChatFormat& format);

// {"bytes": [...], "log_prob", "likeliest": [{"bytes", "log_prob"}]}.
Json to_json(const AnswerToken& token);

class Mode {
 public:
  virtual ~Mode() = default;
  virtual std::string summary() const = 0;
  // Errors: those of render(), of Engine::prefill and fork, and of AgentRun::advance; the log then ends with
  // run.failed.
  virtual Result<Answer> run(const Request& request, Services& services, EventLog& log) const = 0;
};

// What is wrong with a request, as an error's text; empty if nothing.
std::string problem(const Request& request);

// Runs a registered mode between run.started and run.completed or run.failed. Errors: not_found (an unknown
// mode, naming those that exist) and invalid_argument (problem()), both before any event; and the mode's own.
Result<Answer> run_mode(const std::string& name, const Request& request, Services& services, EventLog& log);

}  // namespace melete

#define MELETE_REGISTER_MODE(name, Class)                                   \
  static const ::melete::Registration<::melete::Mode> registration_##Class( \
      name, [] { return std::make_unique<Class>(); })
