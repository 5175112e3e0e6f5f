// Masks and constraints: the same as asking for every token alone, closing in time, ends where the text is
// complete.
#include "engine/grammar/grammar.h"

#include <gtest/gtest.h>

#include "engine/grammar/test_grammar.h"

namespace melete {
namespace {

// The mask by definition: each token's bytes, one by one.
void expect_mask_is_right(const std::shared_ptr<const Grammar>& grammar, const std::string& prefix) {
  GrammarConstraint constraint(grammar, 1'000'000);
  ASSERT_TRUE(constraint.accept_text(prefix)) << prefix;
  const auto mask = constraint.mask();
  const auto& vocabulary = grammar->vocabulary();
  for (int32_t id = 0; id < nano_tokenizer()->vocab_size(); ++id) {
    GrammarConstraint probe = constraint;
    const std::string_view text = vocabulary.bytes_of(id);
    const bool is_end = id == vocabulary.end_tokens().at(0);
    const bool expected = is_end ? constraint.is_complete() : !text.empty() && probe.accept_text(text);
    ASSERT_EQ(allows(mask, id), expected) << "after " << prefix << " token " << id << " " << text;
  }
}

TEST(Grammar, MasksAreWhatTheBytesSay) {
  const auto names = schema_grammar(
      R"({"type":"object","properties":{"name":{"type":"string"},"short":{"type":"string","maxLength":5},"age":{"type":"integer"}}})");
  for (const char* prefix : {"", "{", "{\"", "{\"na", "{\"name\":", "{\"name\":\"", "{\"name\":\"J\\",
                             "{\"name\":\"J\\u00", "{\"name\":\"\xc3", "{\"short\":\"", "{\"short\":\"ab",
                             "{\"short\":\"abcde", "{\"age\": 1", "{\"age\": 1}"})
    expect_mask_is_right(names, prefix);
  const auto words = grammar_of(GrammarKind::regex, "(?:[a-z]+ ){2}[A-Z].{0,9}!");
  for (const char* prefix : {"", "ab", "ab c", "ab c D", "ab c Dxxxxxxxx", "ab c Dx!"})
    expect_mask_is_right(words, prefix);
}

TEST(Grammar, EndTokensOnlyWhereTheTextIsComplete) {
  const auto grammar = grammar_of(GrammarKind::regex, "ab?");
  GrammarConstraint constraint(grammar, 100);
  const int32_t end = grammar->vocabulary().end_tokens()[0];
  EXPECT_FALSE(allows(constraint.mask(), end));
  EXPECT_THROW(GrammarConstraint(constraint).accept(end), Bug);
  ASSERT_TRUE(constraint.accept_text("a"));
  EXPECT_TRUE(allows(constraint.mask(), end));
  const auto copy = constraint.clone();
  ASSERT_TRUE(constraint.accept_text("b"));
  EXPECT_FALSE(constraint.accept_text("b"));
  EXPECT_TRUE(constraint.is_complete());
  const auto mask = constraint.mask();
  for (int32_t id = 0; id < nano_tokenizer()->vocab_size(); ++id) EXPECT_EQ(allows(mask, id), id == end);
  constraint.accept(end);
  for (const uint32_t word : constraint.mask()) EXPECT_EQ(word, 0u);
  // The copy stayed where it was.
  const int32_t b = nano_tokenizer()->encode("b").at(0);
  EXPECT_TRUE(allows(copy->mask(), b));
}

TEST(Grammar, SpecialTokensNeverStandInside) {
  const auto grammar = grammar_of(GrammarKind::regex, "(?:.|\\n)*");
  GrammarConstraint constraint(grammar, 100);
  const auto mask = constraint.mask();
  for (int32_t id = 0; id < nano_tokenizer()->vocab_size(); ++id)
    if (nano_tokenizer()->is_special(id))
      EXPECT_EQ(allows(mask, id), id == grammar->vocabulary().end_tokens()[0]) << id;
}

// A string without end closes when the budget does, for every budget that the shortest text fits.
TEST(Grammar, ClosesWithinTheBudget) {
  const auto grammar = schema_grammar(
      R"({"type":"object","properties":{"note":{"type":"string"},"list":{"type":"array","items":{"type":"object","properties":{"a_long_name_of_a_member":{"type":"string"}},"required":["a_long_name_of_a_member"]}}},"required":["note","list"]})");
  const int64_t least = grammar->shortest_tokens() + 1;
  for (int64_t budget = least; budget < least + 60; ++budget) {
    const Written written = write_at_random(grammar, budget, static_cast<uint64_t>(budget), 0);
    ASSERT_TRUE(written.ended) << budget << ": " << written.text;
    EXPECT_TRUE(parse_json(written.text, "written").ok()) << written.text;
  }
}

TEST(Grammar, AMaskDependsOnTheTextAndTheBudgetAlone) {
  const std::string schema = R"({"type":"array","items":{"type":"string","maxLength":20}})";
  const auto used = schema_grammar(schema);
  for (uint64_t seed = 0; seed < 10; ++seed) write_at_random(used, 200, seed, 0);
  for (const char* prefix : {"[\"", "[\"abc", "[\"a\",\"", "[\"a\","}) {
    for (const int64_t budget : {1, 5, 9, 1000}) {
      GrammarConstraint warm(used, budget), cold(schema_grammar(schema), budget);
      ASSERT_TRUE(warm.accept_text(prefix) && cold.accept_text(prefix));
      const auto a = warm.mask(), b = cold.mask();
      EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end())) << prefix << " " << budget;
    }
  }
}

TEST(Grammar, AFullWorkspaceIsLeftWithoutLosingTheText) {
  const auto grammar = schema_grammar(R"({"type":"array","items":{"type":"string","maxLength":9000}})");
  auto first = std::make_shared<GrammarConstraint>(grammar, 1'000'000);
  ASSERT_TRUE(first->accept_text("[\"one\", \"tw"));
  std::string fill = "[";
  GrammarConstraint filler(grammar, 1'000'000);
  const auto before = grammar->matches("[]");
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(filler.accept_text((i == 0 ? "[\"" : ",\"") +
                                   std::string(9000 - static_cast<size_t>(i), 'x') + "\""));
    filler.mask();
  }
  EXPECT_TRUE(before);
  expect_mask_is_right(grammar, "[\"one\", \"tw");
  first->mask();
  ASSERT_TRUE(first->accept_text("o\"]"));
  EXPECT_TRUE(first->is_complete());
}

}  // namespace
}  // namespace melete
