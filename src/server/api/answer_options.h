// What a request may say about an answer beyond its messages, the same on every surface: which model and
// mode, how long, how it is sampled, what it is held to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/tool_use.h"
#include "server/api/api_error.h"
#include "server/api/wire_reader.h"
#include "server/generation/model_list.h"

namespace melete {

struct AnswerOptions {
  std::string model;                  // as named; empty: the default
  std::optional<std::string> effort;  // none, minimal, low, medium, high, xhigh or max
  std::string effort_path;            // of it in the body
  std::optional<double> temperature, top_p, min_p, frequency_penalty, presence_penalty;
  std::optional<int64_t> top_k, max_tokens;
  std::optional<uint64_t> seed;
  std::optional<GrammarSource> grammar;
  std::string grammar_path;
  std::vector<std::string> stop;
  std::vector<Json> tools;  // {"name", "description", "parameters"}
  ToolChoice tool_choice;
  bool parallel_calls = true;
  std::string schema_field;              // what a tool's parameters are called in the body
  std::optional<int64_t> top_log_probs;  // given: the answer's tokens come with their log-probabilities
  // The object "melete".
  std::optional<int64_t> agents, budget_tokens, deadline_ms;
  std::optional<double> delta;
  bool events = false;  // the run's events come as extension chunks
};

inline constexpr size_t kMaxStops = 16;

// The efforts of every surface, weakest first.
const std::vector<std::string>& effort_names();

// Reads reasoning_effort.
void read_effort(WireReader& body, AnswerOptions& options);

// Reads temperature, top_p, min_p, top_k and seed.
void read_sampling(WireReader& body, AnswerOptions& options);

// Reads response_format: a JSON object, or text that a schema describes.
void read_response_format(WireReader& body, AnswerOptions& options, std::optional<ApiError>& problem);

// Reads {"agents", "budget_tokens", "deadline_ms", "delta", "events"} from the field "melete", if it is
// there.
void read_extension(WireReader& body, AnswerOptions& options, std::optional<ApiError>& problem);
Json extension_schema();

// The mode that a model's id and an effort choose, and its effort.
struct ModeChoice {
  std::string mode;
  Effort effort = Effort::medium;
  bool is_minimal = false;  // a third of the effort's budget
};

// melete-instant, melete-thinking and melete-contemplating fix the mode; a model's own name answers in
// kDefaultMode. Effort none is always instant, max always contemplating, except that melete-instant doesn't
// reason.
std::optional<ModeChoice> choose_mode(const AnswerOptions& options, std::optional<ApiError>& problem);

// Everything of the run but its conversation. Reasoning and answer together get max_tokens, of which
// reasoning may take half unless a budget says otherwise.
Request make_run(const AnswerOptions& options, const ModeChoice& choice, const ServedModel& model);

// With the conversation in place: compiles the grammar, of the answer or of a call that must come, and sees
// that the prompt fits the model; of a remote one neither calls nor prompts, which are left to its server.
// The prompt's tokens (0 of a remote model), or nothing: `problem` is set.
std::optional<int64_t> prepare_run(const AnswerOptions& options, const ModeChoice& choice,
                                   const ServedModel& model, Request& run, std::optional<ApiError>& problem);

// The most tokens that a run may read and write: what a request reserves of its caller's quotas.
int64_t most_tokens(const Request& run, const ModeChoice& choice, const ServedModel& model,
                    int64_t prompt_tokens);

}  // namespace melete
