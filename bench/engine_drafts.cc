// Drafts by n-gram look-up: tokens a second with and without, for text that copies its prompt and for free
// text. The tokens and their log-probs must be the same, bit for bit.
//
//   ./dev bench engine_drafts MODEL    a folder or .gguf file
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "agent/model_text.h"
#include "engine/span_engine.h"
#include "text/chat_format.h"

namespace melete {
namespace {

struct Case {
  const char* name;
  const char* question;
  double temperature;
};

const Case kCases[] = {
    {"copy",
     "Repeat this text word for word, and then repeat it again:\n\nThe harbour master counted forty-one "
     "boats before "
     "the fog came in. Nine of them carried coal, twelve carried salt, and the rest had come for the market. "
     "By noon "
     "nobody could see the lighthouse, and the bells of the buoys were the only way to tell the channel from "
     "the "
     "rocks. The harbour master wrote all of this down in a green book, as his father had done before him.",
     0},
    {"edit code",
     "Rename the variable total to sum in this code and print the whole code:\n\nint add(const int* values, "
     "int count) "
     "{\n  int total = 0;\n  for (int i = 0; i < count; ++i) {\n    total = total + values[i];\n  }\n  "
     "return total;\n}\n\n"
     "int mean(const int* values, int count) {\n  int total = 0;\n  for (int i = 0; i < count; ++i) {\n    "
     "total = total + "
     "values[i];\n  }\n  return total / count;\n}\n",
     0},
    {"free", "Write a story about a fox who learns to swim.", 0},
    {"free, sampled", "Write a story about a fox who learns to swim.", 0.8},
};

struct Run {
  std::vector<std::pair<int32_t, float>> tokens;
  double tokens_per_s = 0;
  int64_t steps = 0;
};

Run run_once(SpanEngine& engine, const Prompt& prompt, const Sampling& sampling) {
  Run run;
  const SequenceId id = engine.prefill(prompt).value();
  engine.start(id, sampling, [&](const SampledToken& t) {
    run.tokens.emplace_back(t.id, t.log_prob);
    return true;
  });
  const auto begin = std::chrono::steady_clock::now();
  while (engine.step()) ++run.steps;
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  run.tokens_per_s = static_cast<double>(run.tokens.size()) / seconds.count();
  engine.release(id);
  return run;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

Status compare(const Case& c, const ChatFormat& format, SpanEngine& plain, SpanEngine& drafting) {
  Conversation conversation;
  conversation.messages.push_back({Role::user, "", {TextPart{c.question, false}}, true});
  MELETE_ASSIGN_OR_RETURN(const Prompt prompt, format.render(conversation, Opening::answer));
  Sampling sampling;
  sampling.temperature = c.temperature;
  sampling.max_tokens = 200;
  sampling.stop_tokens = format.stop_tokens();
  std::vector<double> without, with;
  Run a, b;
  for (int i = 0; i < 5; ++i) {  // interleaved
    a = run_once(plain, prompt, sampling);
    b = run_once(drafting, prompt, sampling);
    MELETE_CHECK(a.tokens == b.tokens, c.name);
    without.push_back(a.tokens_per_s);
    with.push_back(b.tokens_per_s);
  }
  std::printf("%-14s %6zu %7lld %7lld %9.1f %9.1f %7.2f\n", c.name, a.tokens.size(),
              static_cast<long long>(a.steps), static_cast<long long>(b.steps), median(without), median(with),
              median(with) / median(without));
  return ok_status();
}

Status run(const char* model) {
  MELETE_ASSIGN_OR_RETURN(const ModelText text, load_model_text(model));
  MELETE_ASSIGN_OR_RETURN(const auto format, make_chat_format(text.chat, text.tokenizer, model));
  EngineLimits limits;
  MELETE_ASSIGN_OR_RETURN(const auto plain, SpanEngine::load(model, 0, limits));
  limits.max_draft = NgramDrafter::kMaxDraft;
  MELETE_ASSIGN_OR_RETURN(const auto drafting, SpanEngine::load(model, 0, limits));
  std::printf("%-14s %6s %7s %7s %9s %9s %7s\n", "text", "tokens", "steps", "drafted", "tok/s", "drafted",
              "ratio");
  for (const Case& c : kCases) MELETE_RETURN_IF_ERROR(compare(c, *format, *plain, *drafting));
  return ok_status();
}

}  // namespace
}  // namespace melete

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "bench_engine_drafts MODEL: one model must be named\n"), 2;
  const melete::Status status = melete::run(argv[1]);
  if (!status.ok()) return std::fprintf(stderr, "%s\n", status.error().message.c_str()), 1;
  return 0;
}
