// Any bytes as a JSON schema (or, after a byte 'r', a regular expression): an error, or a grammar whose texts
// can always be ended, whatever is written, and then are JSON.
#include "engine/grammar/automaton.h"
#include "engine/grammar/grammar.h"
#include "engine/grammar/json_schema.h"
#include "engine/grammar/recognizer.h"
#include "engine/grammar/regex.h"

namespace {

using melete::Recognizer;

melete::Result<std::shared_ptr<const melete::Automaton>> automaton_of(std::string_view text, bool is_regex) {
  if (is_regex) {
    MELETE_ASSIGN_OR_RETURN(const auto whole, melete::parse_regex(text, melete::RegexMatch::whole, "input"));
    melete::AutomatonBuilder builder;
    const int32_t rule = builder.add_rule("input", whole);
    return builder.finish(rule, melete::all_bytes(), "input");
  }
  MELETE_ASSIGN_OR_RETURN(const melete::Json schema, melete::parse_json(text, "input"));
  return melete::json_schema_automaton(schema, melete::all_bytes());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 4000) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const bool is_regex = !text.empty() && text[0] == 'r';
  const auto automaton = automaton_of(is_regex ? text.substr(1) : text, is_regex);
  if (!automaton.ok()) {
    MELETE_CHECK(!automaton.error().message.empty());
    return 0;
  }
  Recognizer recognizer(*automaton);
  int32_t state = recognizer.start();
  std::string written;
  if (state == Recognizer::kDead) return 0;  // more places than a recognizer follows
  // The input's bytes steer what is written.
  for (size_t i = 0; i < 40; ++i) {
    const auto byte = static_cast<uint8_t>(i < size ? data[i] + i : 7 * i);
    const int32_t after = recognizer.next(state, byte);
    if (after == Recognizer::kDead) continue;
    state = after;
    written += static_cast<char>(byte);
  }
  while (!recognizer.accepts(state) && written.size() < 100'000) {
    const int32_t distance = recognizer.distance(state);
    const uint8_t byte = recognizer.canonical_byte(state);
    const int32_t after = recognizer.next(state, byte);
    if (after == Recognizer::kDead) return 0;
    MELETE_CHECK(recognizer.distance(after) == distance - 1, distance, " at ", written);
    state = after;
    written += static_cast<char>(byte);
  }
  if (!is_regex && recognizer.accepts(state))
    MELETE_CHECK(melete::parse_json(written, "written").ok(), written);
  return 0;
}
