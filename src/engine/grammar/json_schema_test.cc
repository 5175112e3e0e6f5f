// JSON schemas: what their texts are, against a validator of its own and by hand.
#include "engine/grammar/json_schema.h"

#include <gtest/gtest.h>

#include "engine/grammar/test_grammar.h"
#include "engine/grammar/test_validator.h"

namespace melete {
namespace {

struct Case {
  const char* schema;
  std::vector<std::string> yes, no;
};

const Case kCases[] = {
    {R"({"type":"integer"})", {"0", "-7", "123"}, {"01", "1.5", "", "\"1\"", "1e3"}},
    {R"({"type":"number"})", {"0", "-7.25", "1e5", "2.5E-10"}, {"1.", ".5", "--1", "+1", "1e"}},
    {R"({"type":["boolean","null"]})", {"true", "false", "null"}, {"0", "True"}},
    {R"({"enum":["a","ab",3,{"k":[1]},null]})",
     {"\"a\"", "\"ab\"", "3", "{\"k\":[1]}", "{ \"k\": [ 1 ] }", "null"},
     {"\"b\"", "a", "{}"}},
    {R"({"enum":["a",3,4],"type":"integer"})", {"3", "4"}, {"\"a\""}},
    {R"({"const":"say \"hi\""})", {R"("say \"hi\"")"}, {"\"hi\""}},
    {R"({"type":"string","minLength":2,"maxLength":3})",
     {R"("ab")", R"("ab\n")", "\"\xc3\xa9\xe4\xbd\xa0\"", R"("\ud83d\ude00\u00e9")"},
     {R"("a")", R"("abcd")", "ab", R"("\ud800a")", "\"a\nb\"", R"("a\x")"}},
    {R"({"type":"string","pattern":"^[a-z]+$"})", {R"("ab")"}, {R"("")", R"("aB")", R"("a ")"}},
    {R"({"type":"string","pattern":"\"|\n"})", {R"("\"")", R"("a\nb")"}, {R"("ab")", "\"\"\""}},
    {R"({"format":"date"})",
     {R"("2024-02-29")", R"("2025-12-31")"},
     {R"("2023-02-29")", R"("2025-04-31")", R"("1900-02-29")"}},
    {R"({"type":"string","format":"date-time"})",
     {R"("2024-02-29T23:59:59Z")", R"("2025-01-01T00:00:00.5+02:00")"},
     {R"("2025-01-01")"}},
    {R"({"type":"string","format":"uuid"})",
     {R"("123e4567-e89b-12d3-a456-426614174000")"},
     {R"("123e4567")"}},
    {R"({"type":"string","format":"email"})", {R"("a.b@example.org")"}, {R"("a@b")", R"("@example.org")"}},
    {R"({"type":"integer","minimum":-12,"exclusiveMaximum":105})",
     {"-12", "-9", "0", "7", "99", "100", "104"},
     {"-13", "105", "-100", "1000", "110"}},
    {R"({"type":"integer","minimum":37})", {"37", "40", "100", "99999"}, {"36", "4", "-37"}},
    {R"({"type":"number","minimum":-0.25,"maximum":1.5})",
     {"-0.25", "-0.2", "0", "0.999", "1.5", "1.50", "1.49", "1"},
     {"-0.26", "1.51", "2", "-1", "1.500000001"}},
    {R"({"type":"number","exclusiveMinimum":0,"exclusiveMaximum":1})",
     {"0.5", "0.001", "0.9999"},
     {"0", "1", "0.0", "1.0"}},
    {R"({"type":"number","minimum":1e-3,"maximum":2e1})", {"0.001", "20", "19.9"}, {"0.0009", "20.1"}},
    {R"({"properties":{"a":{"type":"integer"},"b":{"type":"null"},"c":{"type":"boolean"}},"required":["b"]})",
     {R"({"b":null})", R"({"a":1,"b":null,"c":true})", R"({"b": null, "c": false})", "{\n  \"b\": null\n}"},
     {"{}", R"({"a":1})", R"({"b":null,"a":1})", R"({"b":null,"d":1})", R"({"b":null,})",
      R"({"a":1 "b":null})"}},
    {R"({"properties":{"a":{"type":"integer"}},"additionalProperties":{"type":"string"}})",
     {"{}", R"({"a":1})", R"({"a":1,"b":"x","ab":"y","":"z"})", R"({"b":"x"})"},
     {R"({"b":1})", R"({"a":"x"})", R"({"a":1,"a":"x"})", R"({"\u0061":"x"})"}},
    {R"({"type":"object","required":["x"]})", {R"({"x":[1]})", R"({"x":1,"y":2})"}, {"{}", R"({"y":1})"}},
    {R"({"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3})",
     {"[1]", "[1, 2,3]"},
     {"[]", "[1,2,3,4]", "[\"a\"]", "[1,]"}},
    {R"({"prefixItems":[{"type":"integer"},{"type":"string"}],"items":{"type":"null"},"minItems":1})",
     {"[1]", R"([1,"a"])", R"([1,"a",null,null])"},
     {"[]", R"(["a"])", "[1,null]", R"([1,"a",2])"}},
    {R"({"prefixItems":[{"type":"integer"}],"items":false})", {"[]", "[1]"}, {"[1,2]"}},
    {R"({"anyOf":[{"type":"integer"},{"type":"string","maxLength":1}]})",
     {"1", R"("a")"},
     {R"("ab")", "null"}},
    {R"({"type":"object","properties":{"k":{"type":"integer"}},"oneOf":[{"required":["k"]},{"properties":{"m":{"type":"null"}},"required":["m"]}]})",
     {R"({"k":1})", R"({"k":1,"m":null})", R"({"m":null})"},
     {"{}", R"({"m":1})"}},
    {R"({"allOf":[{"type":"number","minimum":3},{"type":"integer","maximum":5}]})",
     {"3", "5"},
     {"2", "6", "3.5"}},
    {R"({"allOf":[{"$ref":"#/$defs/p"},{"properties":{"b":{"type":"null"}},"required":["b"]}],"$defs":{"p":{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}}})",
     {R"({"a":1,"b":null})"},
     {R"({"a":1})", R"({"b":null})"}},
    {R"({"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"v":{"type":"integer"},"next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["v","next"]}}})",
     {R"({"v":1,"next":null})", R"({"v":1,"next":{"v":2,"next":{"v":3,"next":null}}})"},
     {R"({"v":1})", R"({"v":1,"next":{"v":2}})", R"({"v":1,"next":null}})"}},
    {R"({"type":"array","items":{"$ref":"#"}})", {"[]", "[[],[[]]]"}, {"[1]", "[[]"}},
    {"true", {"1", "null", R"({"a":[1,{"b":""}]})", "[]"}, {"", "{", "[1 2]", "nul", "{\"a\"}"}},
};

TEST(JsonSchema, MatchesByHand) {
  for (const Case& c : kCases) {
    const auto grammar = schema_grammar(c.schema);
    ASSERT_TRUE(grammar) << c.schema;
    for (const auto& text : c.yes) EXPECT_TRUE(grammar->matches(text)) << c.schema << " on " << text;
    for (const auto& text : c.no) EXPECT_FALSE(grammar->matches(text)) << c.schema << " on " << text;
  }
}

// Whatever is drawn, and however small the budget, it ends in time and validates.
TEST(JsonSchema, TextsValidate) {
  for (const Case& c : kCases) {
    const auto grammar = schema_grammar(c.schema);
    ASSERT_TRUE(grammar) << c.schema;
    const Json schema = Json::parse(c.schema);
    const int64_t least = grammar->shortest_tokens() + 1;
    for (uint64_t seed = 0; seed < 24; ++seed) {
      const Written written =
          write_at_random(grammar, least + static_cast<int64_t>(seed % 8) * 9, seed, seed % 3 * 0.4);
      ASSERT_TRUE(written.ended) << c.schema << " got " << written.text;
      const auto value = parse_json(written.text, "written");
      ASSERT_TRUE(value.ok()) << c.schema << " got " << written.text;
      EXPECT_TRUE(validates(*value, schema, schema)) << c.schema << " got " << written.text;
    }
  }
}

TEST(JsonSchema, FreeJsonEndsAndParses) {
  for (const GrammarKind kind : {GrammarKind::json, GrammarKind::json_object}) {
    const auto grammar = grammar_of(kind, "");
    for (uint64_t seed = 0; seed < 40; ++seed) {
      const Written written = write_at_random(grammar, 60, seed, 0.02);
      ASSERT_TRUE(written.ended);
      const auto value = parse_json(written.text, "written");
      ASSERT_TRUE(value.ok()) << written.text;
      EXPECT_TRUE(kind == GrammarKind::json || value->is_object());
    }
  }
}

TEST(JsonSchema, DepthIsBoundedByWhatOurReaderTakes) {
  const auto grammar = schema_grammar("true");
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(grammar->matches(nested(40)));
  size_t depth = 40;
  while (grammar->matches(nested(depth))) ++depth;
  EXPECT_LE(depth, 128u);
  EXPECT_TRUE(parse_json(nested(depth - 1), "nested").ok());
}

TEST(JsonSchema, RefusalsNameTheKeywordAndItsPlace) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> cases = {
      {R"({"properties":{"a":{"not":{}}}})", {"not", "#/properties/a", "supported"}},
      {R"({"type":"array","items":{"uniqueItems":true}})", {"uniqueItems", "#/items"}},
      {R"({"type":"text"})", {"text", "#"}},
      {R"({"$ref":"#/$defs/no"})", {"#/$defs/no"}},
      {R"({"$ref":"other.json#/a"})", {"same document"}},
      {R"({"format":"hostname"})", {"hostname", "date"}},
      {R"x({"pattern":"(?=a)"})x", {"look-around", "#/pattern"}},
      {R"({"pattern":"a","maxLength":3})", {"pattern", "maxLength"}},
      {R"({"minItems":3,"maxItems":2})", {"minItems", "maxItems"}},
      {R"({"maxLength":-1})", {"maxLength", "-1"}},
      {R"({"enum":[]})", {"some text must match"}},
      {R"({"type":"object","properties":{"n":{"$ref":"#"}},"required":["n"]})", {"without end"}},
      {R"({"anyOf":[{"$ref":"#"},{"type":"null"}]})", {"begins with itself"}},
      {R"({"allOf":[{"$ref":"#"}]})", {"part of itself"}},
      {R"({"allOf":[{"pattern":"a"},{"pattern":"b"}]})", {"pattern", "merged"}},
      {R"({"enum":[1],"minimum":0})", {"enum", "minimum"}},
      {R"({"items":[{}]})", {"prefixItems"}},
      {R"([1])", {"an object"}},
      {R"({"minimum":"1"})", {"minimum"}},
      {R"({"type":"object","anyOf":[{"$ref":"#"},{"$ref":"#"}]})", {"#"}},
  };
  for (const auto& [schema, words] : cases) {
    const std::string message = refusal(GrammarKind::json_schema, schema);
    for (const auto& word : words)
      EXPECT_NE(message.find(word), std::string::npos) << schema << ": " << message;
  }
}

}  // namespace
}  // namespace melete
