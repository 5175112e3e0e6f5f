// Masks of constrained decoding: time a token for documents of several grammars, first and second time, and
// against asking for every token of the vocabulary alone, which must give the same masks.
//
//   ./dev bench grammar_masks MODEL    a folder or .gguf file, whose vocabulary counts
//
// Processor time, so that other programs' share of the machine doesn't count.
#include <algorithm>
#include <cstdio>
#include <ctime>

#include "agent/model_text.h"
#include "engine/grammar/grammar.h"

namespace melete {
namespace {

struct Case {
  const char* name;
  GrammarSource source;
  const char* text;
};

const Case kCases[] = {
    {"free JSON",
     {GrammarKind::json, ""},
     R"({"name": "Ada Lovelace", "born": 1815, "works": ["Notes on the Analytical Engine", "Letters"], "alive": false})"},
    {"person, closed",
     {GrammarKind::json_schema,
      R"({"type":"object","properties":{"name":{"type":"string"},"born":{"type":"integer","minimum":1000,"maximum":2100},"works":{"type":"array","items":{"type":"string","maxLength":60}},"alive":{"type":"boolean"}},"required":["name","born"],"additionalProperties":false})"},
     R"({"name": "Ada Lovelace", "born": 1815, "works": ["Notes on the Analytical Engine", "Letters"], "alive": false})"},
    {"tree, recursive",
     {GrammarKind::json_schema,
      R"({"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"label":{"type":"string"},"children":{"type":"array","items":{"$ref":"#/$defs/n"}}},"required":["label","children"]}}})"},
     R"({"label":"root","children":[{"label":"first branch of it","children":[{"label":"leaf","children":[]}]},{"label":"second","children":[]}]})"},
    {"short strings",
     {GrammarKind::json_schema, R"({"type":"array","items":{"type":"string","minLength":1,"maxLength":12}})"},
     R"(["apple","blackberry","cherry pie","date","elderberry","fig"])"},
    {"regex of words",
     {GrammarKind::regex, "(?:[A-Z][a-z]+(?: [a-z]+){0,20}\\. ?){1,5}"},
     "The analytical engine weaves algebraic patterns. It has no pretensions to originate anything."},
};

double now_us() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) * 1e-3;
}

struct Times {
  std::vector<double> us;
  double mean() const {
    double sum = 0;
    for (const double t : us) sum += t;
    return sum / static_cast<double>(us.size());
  }
  double max() const { return *std::max_element(us.begin(), us.end()); }
};

Times write_document(const std::shared_ptr<const Grammar>& grammar, const std::vector<int32_t>& ids) {
  GrammarConstraint constraint(grammar, 1'000'000);
  Times times;
  for (const int32_t id : ids) {
    const double begin = now_us();
    const auto mask = constraint.mask();
    constraint.accept(id);
    times.us.push_back(now_us() - begin);
    MELETE_CHECK(!mask.empty());
  }
  return times;
}

// Every fourth mask, token by token: the time of one.
double one_by_one_us(const std::shared_ptr<const Grammar>& grammar, const std::vector<int32_t>& ids) {
  GrammarConstraint constraint(grammar, 1'000'000);
  double total = 0;
  int64_t count = 0;
  for (size_t i = 0; i < ids.size(); constraint.accept(ids[i++])) {
    if (i % 4 != 0) continue;
    const auto mask = constraint.mask();
    for (int32_t id = 0; id < static_cast<int32_t>(mask.size() * 32); ++id) {
      const std::string_view text = grammar->vocabulary().bytes_of(id);
      if (text.empty()) continue;
      GrammarConstraint probe = constraint;
      const double begin = now_us();
      const bool allowed = probe.accept_text(text);
      total += now_us() - begin;
      const bool in_mask = (mask[static_cast<size_t>(id) / 32] >> (id % 32) & 1) != 0;
      MELETE_CHECK(allowed == in_mask, "token ", id, " after token ", i);
    }
    ++count;
  }
  return total / static_cast<double>(count);
}

int run(const char* model) {
  const auto text = load_model_text(model);
  if (!text.ok()) return std::fprintf(stderr, "%s\n", text.error().message.c_str()), 1;
  const double begin = now_us();
  const auto vocabulary = std::make_shared<const Vocabulary>(*text->tokenizer, std::vector<int32_t>{});
  vocabulary->trie(-1);
  std::printf("%s: %lld tokens, prepared in %.1f ms; microseconds a token\n", model,
              static_cast<long long>(text->tokenizer->vocab_size()), 1e-3 * (now_us() - begin));
  std::printf("%-16s %8s %8s | %8s %8s %8s %8s | %10s %8s\n", "grammar", "compile", "tokens", "first",
              "worst", "second", "worst", "one by one", "ratio");
  for (const Case& c : kCases) {
    const double compiling = now_us();
    const auto grammar = Grammar::compile(c.source, vocabulary);
    if (!grammar.ok()) return std::fprintf(stderr, "%s\n", grammar.error().message.c_str()), 1;
    const double compiled = now_us() - compiling;
    const auto ids = text->tokenizer->encode(c.text);
    const Times first = write_document(*grammar, ids), second = write_document(*grammar, ids);
    const double alone = one_by_one_us(*grammar, ids);
    std::printf("%-16s %8.0f %8zu | %8.1f %8.1f %8.2f %8.2f | %10.0f %8.4f\n", c.name, compiled, ids.size(),
                first.mean(), first.max(), second.mean(), second.max(), alone, first.mean() / alone);
  }
  return 0;
}

}  // namespace
}  // namespace melete

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "bench_grammar_masks MODEL: one model must be named\n"), 2;
  return melete::run(argv[1]);
}
