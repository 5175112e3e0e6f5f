#include "text/tool_formats.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "text/loose_json.h"

namespace melete {
namespace {

std::string loose(std::string_view text, bool may_lack_ends = true) {
  const auto value = parse_loose_json(text, may_lack_ends);
  return value ? value->dump() : "nothing";
}

TEST(LooseJson, ReadsWhatModelsWrite) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"a": [1, -2.5, true, null, "x\n\u00e9\ud83d\ude00"]})",
       "{\"a\":[1,-2.5,true,null,\"x\\n\u00e9\U0001F600\"]}"},
      {"{'a': 'it\\'s', 'b': True, 'c': None, 'd': False}", R"({"a":"it's","b":true,"c":null,"d":false})"},
      {"{\"a\": 1,}", R"({"a":1})"},
      {"[1, 2,]", "[1,2]"},
      {"{a: 1, b-c: 'd'}", R"({"a":1,"b-c":"d"})"},
      {"{\"a\": \"two\nlines\"}", R"({"a":"two\nlines"})"},
      {R"({"a": "C:\dir\q"})", R"({"a":"C:\\dir\\q"})"},
      {R"({"a": {"b": [1)", R"({"a":{"b":[1]}})"},
      {"{", "{}"},
      {R"({"a": 1, "a": 2})", R"({"a":2})"},
      {"  7 ", "7"},
      {"+3", "3"},
      {"1e3", "1000.0"},
      {"99999999999999999999", "1e+20"},
      {"\"\xFF\"", "\"\xEF\xBF\xBD\""},
      {R"("\ud800x")", "\"\xEF\xBF\xBDx\""},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(loose(text), expected) << text;
}

TEST(LooseJson, RefusesTheRest) {
  for (const char* text :
       {"", " ", "{\"a\"}", "{\"a\" 1}", "{1 2}", "[1 2]", "{\"a\": 1} x", "nope", "\"open", "{\"a\": \"open",
        "nan", "infinity", "[,]", "{,}", "}", "1.2.3", "--1", "{\"a\": tru}"})
    EXPECT_EQ(loose(text), "nothing") << text;
  for (const char* text : {"{\"a\": 1", "[1", "{", "[[1]"}) EXPECT_EQ(loose(text, false), "nothing") << text;
  EXPECT_EQ(loose(std::string(100000, '[')), "nothing");
  EXPECT_EQ(loose(std::string(100000, '{')), "nothing");
}

TEST(LooseJson, AnyTextEnds) {
  Random random(7);
  const std::vector<std::string> parts = {"{", "}", "[", "]", "\"", "'", ":",  ",",    "\\",   "u",
                                          "a", "1", ".", "-", "e",  " ", "\n", "true", "\xFF", "\\ud800"};
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (int64_t n = random.integer(0, 16); n > 0; --n) text += random.pick(parts);
    if (const auto value = parse_loose_json(text)) EXPECT_FALSE(value->dump().empty()) << text;
  }
}

const std::vector<Json>& tools() {
  static const std::vector<Json> made = {
      parse_json(
          R"({"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}, "s": {"type": "string"}}}})",
          "tools")
          .value()};
  return made;
}

std::string shown(const std::optional<std::vector<ToolCall>>& calls) {
  if (!calls) return "nothing";
  std::string out;
  for (const ToolCall& call : *calls) out += call.name + call.arguments.dump();
  return out;
}

TEST(ToolFormats, ReadsEveryFamilys) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"name": "f", "arguments": {"a": 1}})", R"(f{"a":1})"},
      {R"({"name": "f", "parameters": {"a": 1}})", R"(f{"a":1})"},
      {R"({"type": "function", "function": {"name": "f", "arguments": "{\"a\": 1}"}})", R"(f{"a":1})"},
      {R"({"function": "f", "parameters": {}})", "f{}"},
      {R"({"name": "f"})", "f{}"},
      {R"({"name": "f", "arguments": ""})", "f{}"},
      {R"({"name": "f", "arguments": null})", "f{}"},
      {R"([{"name": "f", "arguments": {}}, {"name": "g", "arguments": {"x": [1]}}])", R"(f{}g{"x":[1]})"},
      {"{\"name\": \"f\"}\n{\"name\": \"g\"}", "f{}g{}"},
      {R"({"name": "f"}; {"name": "g"})", "f{}g{}"},
      {R"({'name': 'f', 'arguments': {'a': True}})", R"(f{"a":true})"},
      {R"({"name": "f", "arguments": {"a": 1})", R"(f{"a":1})"},
      {"```json\n{\"name\": \"f\"}\n```", "f{}"},
      {"f(a=1, s=\"x y\")", R"(f{"a":1,"s":"x y"})"},
      {"f(1, 'x')", R"(f{"a":1,"s":"x"})"},
      {"print(f(a=[1, {'k': None}]))", R"(f{"a":[1,{"k":null}]})"},
      {"[f(a=1), g()]", R"(f{"a":1}g{})"},
      {"f(a=1)\ng()", R"(f{"a":1}g{})"},
      {"brave_search.call(query=\"rain\")", R"(brave_search{"query":"rain"})"},
      {"<function=f>\n<parameter=a>\n12\n</parameter>\n<parameter=s>\n12\n</parameter>\n</function>",
       R"(f{"a":12,"s":"12"})"},
      {"<function=f>{\"a\": 1}</function>", R"(f{"a":1})"},
      {"<function=f></function><function=g></function>", "f{}g{}"},
  };
  for (const auto& [text, expected] : cases)
    EXPECT_EQ(shown(parse_any_calls(text, tools())), expected) << text;
}

TEST(ToolFormats, TextIsNoCall) {
  for (const char* text : {"",
                           " ",
                           "hello",
                           "{}",
                           "[]",
                           "{\"a\": 1}",
                           "{\"name\": 5}",
                           "{\"name\": \"a b\"}",
                           "{\"name\": \"f\", \"arguments\": [1]}",
                           "{\"name\": \"f\", \"arguments\": \"text\"}",
                           "{\"name\": \"f\"} and more",
                           "f",
                           "f(",
                           "f(a=)",
                           "f(a=1",
                           "f(a=1) then",
                           "f(1, 2, 3)",
                           "g(1)",
                           "f(a=1, a=2)",
                           "1f()",
                           "<function=f>",
                           "<function=>{}</function>",
                           "<function=a b></function>",
                           "<function=f><parameter=a>1</function>",
                           "<b>",
                           "```",
                           "```json\n```",
                           "[f(a=1)",
                           "{\"function\": {\"function\": {\"function\": {\"name\": \"f\"}}}}"}) {
    if (std::string_view(text) == "<function=f>") continue;
    EXPECT_EQ(shown(parse_any_calls(text, tools())), "nothing") << text;
  }
}

TEST(ToolFormats, AnyTextEnds) {
  Random random(9);
  const std::vector<std::string> parts = {"{",
                                          "}",
                                          "[",
                                          "]",
                                          "\"name\"",
                                          "\"f\"",
                                          ":",
                                          ",",
                                          "f(",
                                          ")",
                                          "a=",
                                          "1",
                                          "<function=f>",
                                          "<parameter=a>",
                                          "</parameter>",
                                          "</function>",
                                          "```",
                                          "\n",
                                          "print(",
                                          "'",
                                          "\xFF"};
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (int64_t n = random.integer(0, 14); n > 0; --n) text += random.pick(parts);
    if (const auto calls = parse_any_calls(text, tools())) EXPECT_FALSE(calls->empty()) << text;
  }
}

}  // namespace
}  // namespace melete
