// Regular expressions: what they match, and what is refused.
#include <gtest/gtest.h>

#include <regex>

#include "engine/grammar/test_grammar.h"

namespace melete {
namespace {

bool matches(const std::string& pattern, std::string_view text, RegexMatch match = RegexMatch::whole) {
  const auto whole = parse_regex(pattern, match, "test");
  EXPECT_TRUE(whole.ok()) << pattern << ": " << (whole.ok() ? "" : whole.error().message);
  if (!whole.ok()) return false;
  AutomatonBuilder builder;
  const int32_t rule = builder.add_rule("test", *whole);
  auto automaton = builder.finish(rule, all_bytes(), "test");
  EXPECT_TRUE(automaton.ok()) << pattern;
  if (!automaton.ok()) return false;
  Recognizer recognizer(*automaton);
  int32_t state = recognizer.start();
  for (const char c : text) state = recognizer.next(state, static_cast<uint8_t>(c));
  return recognizer.accepts(state);
}

TEST(Regex, MatchesWholeTexts) {
  const std::vector<std::tuple<std::string, std::vector<std::string>, std::vector<std::string>>> cases = {
      {"a|bc", {"a", "bc"}, {"", "b", "abc"}},
      {"(ab)*c?", {"", "ab", "ababc", "c"}, {"a", "abcc"}},
      {"x{2,3}?y{2}z{1,}", {"xxyyz", "xxxyyzzz"}, {"xyyz", "xxxxyyz", "xxyyyz", "xxyy"}},
      {"[^a-c]\\d\\W",
       {"d5-",
        "\xc3\xa9"
        "0 "},
       {"a5-", "d5x", "dd-", "d5"}},
      {"\\p{Lu}\\pL+", {"Ab", "\xc3\x84\xc3\xb6"}, {"ab", "A", "A1"}},
      {".", {"x", "\xe4\xbd\xa0", "\xf0\x9f\x98\x80"}, {"", "\n", "xx", "\xff", "\xed\xa0\x80"}},
      {"[\\x{4e00}-\\u9fff]{2}", {"\xe4\xbd\xa0\xe5\xa5\xbd"}, {"\xe4\xbd\xa0", "ab"}},
      {"^(?P<year>[[:digit:]]{4})-(?:0[1-9]|1[0-2])$", {"2026-09", "1999-12"}, {"2026-13", "26-01"}},
      {"a{,2}|[]x]\\.", {"a{,2}", "].", "x."}, {"a", "aa", "xy"}},
      {"(a|b)*abb", {"abb", "babaabb"}, {"ab", "abba"}},
      {"(x{0,40}){0,40}", {"", "xxx", std::string(1600, 'x')}, {"y", std::string(1601, 'x')}},
  };
  for (const auto& [pattern, yes, no] : cases) {
    for (const auto& text : yes) EXPECT_TRUE(matches(pattern, text)) << pattern << " on " << text;
    for (const auto& text : no) EXPECT_FALSE(matches(pattern, text)) << pattern << " on " << text;
  }
}

TEST(Regex, SearchesAnywhereBetweenItsAnchors) {
  const auto found = [](const char* pattern, const char* text) {
    return matches(pattern, text, RegexMatch::anywhere);
  };
  EXPECT_TRUE(found("b+", "abbc"));
  EXPECT_FALSE(found("^b+", "abbc"));
  EXPECT_TRUE(found("^b+|c$", "abbc"));
  EXPECT_FALSE(found("b+$", "abbc"));
  EXPECT_TRUE(found("", "anything\n"));
}

// Against the standard library's matcher, on all short texts.
TEST(Regex, AgreesWithAnotherMatcher) {
  const char* patterns[] = {"(a|ab)(c|bcd)*",   "a*(b|c)?a{1,2}", "(a*)*b", "((a|b){2}c?){1,2}",
                            "[ab]+c[^a]|(bc)*", "(a?b?){3}",      "a+?b*?", "(?:a|b|ca){2,}"};
  std::vector<std::string> texts = {""};
  for (size_t i = 0; texts[i].size() < 6; ++i)
    for (const char c : {'a', 'b', 'c'}) texts.push_back(texts[i] + c);
  for (const char* pattern : patterns) {
    const std::regex peer(pattern);
    const auto grammar = grammar_of(GrammarKind::regex, pattern);
    ASSERT_TRUE(grammar);
    for (const std::string& text : texts)
      ASSERT_EQ(grammar->matches(text), std::regex_match(text, peer)) << pattern << " on " << text;
  }
}

TEST(Regex, RefusesWhatItDoesNotSupport) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"(?=a)", "look-around"},      {"(?i)a", "flags"},
      {"(a)\\1", "back references"}, {"\\bx", "word boundaries"},
      {"a**", "one count"},          {"*a", "before a count"},
      {"(a", "a ) for each"},        {"a)", "open group"},
      {"[a", "a ] for each"},        {"[b-a]", "in order"},
      {"a{3,2}", "in order"},        {"x$y", "$ must stand"},
      {"(^a)", "^ must stand"},      {"\\p{Greek}", "category"},
      {"\\x{110000}", "code point"}, {"\xff", "UTF-8"},
      {"a{20000}", "at most"},       {"[[:no:]]", "[:alpha:]"},
      {"a\\", "after \\"},           {"[^\\x{0}-\\x{10ffff}]", "each set"},
      {std::string(60, '('), "deep"}};
  for (const auto& [pattern, about] : cases)
    EXPECT_NE(refusal(GrammarKind::regex, pattern).find(about), std::string::npos)
        << pattern << ": " << refusal(GrammarKind::regex, pattern);
  // Three counts within each other are rules that call each other, but a million characters are too many.
  EXPECT_NE(
      refusal(
          GrammarKind::regex, "(?:abcdefghijkl|\\p{L}{9000}){9000}[\\pL\\pN]{9000}" + std::string(400, '\\') +
                                  [] {
                                    std::string many;
                                    for (int i = 0; i < 60; ++i) many += "(?:a\\pLb|c){9999}";
                                    return many;
                                  }())
          .find("states"),
      std::string::npos);
}

}  // namespace
}  // namespace melete
