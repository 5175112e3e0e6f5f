#include "agent/tool_use.h"

#include <gtest/gtest.h>

#include "text/test_files.h"

namespace melete {
namespace {

using Kind = ToolChoice::Kind;

Json json_of(std::string_view text) { return parse_json(text, "test").value(); }

std::vector<Json> two_tools() {
  return {json_of(R"({"type": "function", "function": {"name": "look", "parameters": {"type": "object",
                     "properties": {"at": {"type": "integer"}}, "required": ["at"]}}})"),
          json_of(R"({"name": "now"})")};
}

std::string error_of(const std::vector<Json>& tools, const ToolChoice& choice = {}) {
  const Status status = check_tools(tools, choice);
  return status.ok() ? "" : status.error().message;
}

void expect_starts(const std::string& message, const std::string& start) {
  EXPECT_TRUE(message.starts_with(start)) << message;
}

TEST(ToolUse, BadDefinitionsSayWhere) {
  EXPECT_EQ(error_of(two_tools()), "");
  EXPECT_EQ(error_of({}), "");
  const auto with = [](const char* text) {
    std::vector<Json> tools = two_tools();
    tools.push_back(json_of(text));
    return error_of(tools);
  };
  expect_starts(with("{}"), "[tools[2]] must have a name");
  expect_starts(with("7"), "[tools[2]] must have a name");
  expect_starts(with(R"({"function": {"description": "x"}})"), "[tools[2]] must have a name");
  expect_starts(with(R"({"name": "a b"})"), "[tools[2]] must have a name");
  expect_starts(with(R"({"name": "user"})"), "[tools[2]] must not have the name of a recipient, got user");
  expect_starts(with(R"({"name": "look"})"), "[tools[2]] must have a name of its own, got look");
  expect_starts(with(R"({"name": "f", "parameters": [1]})"), "[tools[2].parameters] must be");
  expect_starts(with(R"({"name": "f", "parameters": {"type": "string"}})"), "[tools[2].parameters.type]");
  EXPECT_EQ(with(R"({"name": "f", "parameters": null})"), "");
}

TEST(ToolUse, ChoicesNameToolsThatAreThere) {
  EXPECT_EQ(error_of(two_tools(), {Kind::named, "now"}), "");
  expect_starts(error_of(two_tools(), {Kind::named, "f"}), "[tool_choice] must name one of the tools, got f");
  expect_starts(error_of({}, {Kind::required}), "[tool_choice] must be automatic or none without tools");
  EXPECT_EQ(error_of({}, {Kind::none}), "");
}

class HeldCalls : public ::testing::Test {
 protected:
  static std::shared_ptr<const Grammar> grammar(const std::vector<Json>& tools, const ToolChoice& choice) {
    static const auto vocabulary =
        std::make_shared<const Vocabulary>(*small_tokenizer(), std::vector<int32_t>{1});
    const auto source = held_call_grammar(tools, choice);
    EXPECT_TRUE(source.ok()) << source.error().message;
    const auto made = Grammar::compile(*source, vocabulary);
    EXPECT_TRUE(made.ok()) << made.error().message;
    return *made;
  }
};

TEST_F(HeldCalls, AreOfTheToolsThatMayBeCalled) {
  const auto any = grammar(two_tools(), {Kind::required});
  EXPECT_TRUE(any->matches(R"({"name": "look", "arguments": {"at": 3}})"));
  EXPECT_TRUE(any->matches(R"({"name":"now","arguments":{}})"));
  EXPECT_FALSE(any->matches(R"({"name": "now", "arguments": {"at": 3}})"));
  EXPECT_FALSE(any->matches(R"({"name": "look", "arguments": {}})"));
  EXPECT_FALSE(any->matches(R"({"name": "look", "arguments": {"at": "3"}})"));
  EXPECT_FALSE(any->matches(R"({"name": "see", "arguments": {}})"));
  EXPECT_FALSE(any->matches(R"({"name": "now"})"));
  const auto one = grammar(two_tools(), {Kind::named, "now"});
  EXPECT_TRUE(one->matches(R"({"name": "now", "arguments": {}})"));
  EXPECT_FALSE(one->matches(R"({"name": "look", "arguments": {"at": 3}})"));
}

TEST_F(HeldCalls, ReferencesPointIntoTheToolsOwnSchema) {
  const std::vector<Json> tools = {
      json_of(R"({"name": "now"})"),
      json_of(R"({"name": "put", "parameters": {"type": "object", "required": ["tree", "$ref"],
                  "properties": {"tree": {"$ref": "#/$defs/node"}, "$ref": {"enum": ["#/$defs/node"]},
                                 "default": {"$ref": "#/$defs/leaf"}},
                  "$defs": {"node": {"anyOf": [{"$ref": "#/$defs/leaf"}, {"type": "array", "items": {"$ref": "#/$defs/node"}}]},
                            "leaf": {"type": "integer"}}}})"),
      json_of(R"({"name": "any", "parameters": {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "string"}],
                  "$defs": {"a": {"properties": {"x": {"type": "null"}}}}}})")};
  const auto any = grammar(tools, {Kind::required});
  EXPECT_TRUE(any->matches(
      R"({"name": "put", "arguments": {"tree": [1, [2]], "$ref": "#/$defs/node", "default": 7}})"));
  EXPECT_FALSE(
      any->matches(R"({"name": "put", "arguments": {"tree": ["a"], "$ref": "#/$defs/node", "default": 7}})"));
  EXPECT_FALSE(any->matches(
      R"({"name": "put", "arguments": {"tree": 1, "$ref": "#/$defs/1/$defs/node", "default": 7}})"));
  EXPECT_TRUE(any->matches(R"({"name": "any", "arguments": {"x": null}})"));
  EXPECT_FALSE(any->matches(R"({"name": "any", "arguments": "text"})"));
}

TEST_F(HeldCalls, ArgumentsAreObjectsWhateverTheSchemaSays) {
  const auto any = grammar({json_of(R"({"name": "f", "parameters": {}})")}, {Kind::required});
  EXPECT_TRUE(any->matches(R"({"name": "f", "arguments": {"x": [1]}})"));
  EXPECT_FALSE(any->matches(R"({"name": "f", "arguments": 3})"));
}

TEST_F(HeldCalls, WhatNoGrammarTakesIsNamedWithItsPlace) {
  std::vector<Json> tools = two_tools();
  tools.push_back(json_of(
      R"({"name": "f", "parameters": {"type": "object", "properties": {"x": {"type": "object", "patternProperties": {}}}}})"));
  const auto source = held_call_grammar(tools, {Kind::required});
  ASSERT_FALSE(source.ok());
  EXPECT_EQ(source.error().kind, ErrorKind::invalid_argument);
  expect_starts(source.error().message, "[tools[2].parameters] [schema]");
  EXPECT_NE(source.error().message.find("patternProperties"), std::string::npos) << source.error().message;
  EXPECT_NE(source.error().message.find("#/properties/x"), std::string::npos) << source.error().message;
  EXPECT_TRUE(held_call_grammar(tools, {Kind::named, "look"}).ok());
  EXPECT_FALSE(held_call_grammar(tools, {Kind::named, "see"}).ok());
}

TEST_F(HeldCalls, ArgumentsStreamHoweverTheTextIsCut) {
  const std::string arguments = R"({ "name": "b\"}{", "list": [{}, {"x": "]"}] })";
  const std::string text = "{ \"name\" : \"look.at\",\n \"arguments\": " + arguments + "\n}";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    HeldCall call;
    std::string streamed = call.put(text.substr(0, cut));
    if (!streamed.empty()) EXPECT_EQ(call.name(), "look.at");
    streamed += call.put(text.substr(cut));
    EXPECT_EQ(streamed, arguments) << cut;
    EXPECT_EQ(call.name(), "look.at");
  }
}

TEST_F(HeldCalls, OnlyWholeOnesAreCalls) {
  const auto call = parse_held_call(R"( {"name": "f", "arguments": {"a": 1}} )");
  ASSERT_TRUE(call);
  EXPECT_EQ(call->name, "f");
  EXPECT_EQ(call->arguments.dump(), R"({"a":1})");
  for (const char* text :
       {"", "{", R"({"name": "f"})", R"({"name": "f", "arguments": [1]})", R"({"name": 1, "arguments": {}})",
        R"([{"name": "f", "arguments": {}}])", R"({"name": "f", "arguments": {"a": 1})"})
    EXPECT_FALSE(parse_held_call(text)) << text;
}

TEST(ToolUse, KeysAreCanonical) {
  const auto key = [](std::vector<std::pair<const char*, const char*>> calls) {
    std::vector<IssuedCall> issued;
    for (const auto& [name, arguments] : calls) issued.push_back({"id", name, json_of(arguments)});
    return calls_key(issued);
  };
  EXPECT_EQ(key({{"f", R"({"b": 2, "a": {"d": 1, "c": 3}})"}}), R"(f({"a":{"c":3,"d":1},"b":2}))");
  EXPECT_EQ(key({{"f", R"({"a": 2.0})"}}), key({{"f", R"({"a": 2})"}}));
  EXPECT_EQ(key({{"f", "{}"}, {"g", "{}"}}), key({{"g", "{}"}, {"f", "{}"}}));
  EXPECT_NE(key({{"f", R"({"a": [1, 2]})"}}), key({{"f", R"({"a": [2, 1]})"}}));
  EXPECT_NE(key({{"f", R"({"a": "X"})"}}), key({{"f", R"({"a": "x"})"}}));
  EXPECT_NE(key({{"f", R"({"a": "2"})"}}), key({{"f", R"({"a": 2})"}}));
  EXPECT_NE(key({{"f", "{}"}, {"f", "{}"}}), key({{"f", "{}"}}));
  EXPECT_EQ(key({}), "");
}

TEST(ToolUse, IdsAreFunctionsOfTheRun) {
  const std::string id = call_id(1, 2, 3);
  EXPECT_EQ(id, call_id(1, 2, 3));
  EXPECT_EQ(id.size(), 21u);
  EXPECT_TRUE(id.starts_with("call_"));
  for (const std::string& other : {call_id(2, 2, 3), call_id(1, 3, 3), call_id(1, 2, 4)})
    EXPECT_NE(id, other);
}

}  // namespace
}  // namespace melete
