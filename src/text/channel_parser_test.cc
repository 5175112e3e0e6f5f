#include "text/channel_parser.h"

#include "base/random.h"
#include "text/test_events.h"
#include "text/test_files.h"
#include "text/tool_markup.h"

namespace melete {
namespace {

using Kind = ChannelEvent::Kind;

const std::vector<Json>& tools() {
  static const std::vector<Json> made = {
      parse_json(
          R"({"type": "function", "function": {"name": "ns.f", "parameters": {"properties": {"s": {"type": "string"}, "n": {"type": "integer"},
          "o": {"type": "object"}, "u": {"anyOf": [{"type": "integer"}, {"$ref": "#/$defs/text"}]}, "e": {"enum": ["1", "2"]}},
          "$defs": {"text": {"type": "string"}}}}})",
          "tools")
          .value()};
  return made;
}

std::string parse(std::string_view text, size_t first = 0, size_t second = 0,
                  Opening opening = Opening::free) {
  ChannelParser parser({.opening = opening, .tools = tools()});
  std::vector<ChannelEvent> events = parser.put(text.substr(0, first));
  append(events, parser.put(text.substr(first, second - first)));
  append(events, parser.put(text.substr(second)));
  append(events, parser.finish());
  return shown(events);
}

std::string call(std::string_view inside) {
  return cat(" to=ns.f<|message|><atem:function_calls>\n<atem:invoke name=\"ns.f\">\n", inside,
             "</atem:invoke>\n</atem:function_calls><|eot|>");
}

struct Case {
  std::string stream, events;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> made = {
      {" to=self<|message|>think<|eom|><|start|>assistant to=user<|message|>Hi.<|eot|>",
       "self:think|end|user:Hi.|end|turn"},
      {" to=user<|message|>Hi<|eot|>ignored<|start|>", "user:Hi|end|turn"},
      {" to=user<|message|>Hi<|end_of_text|>", "user:Hi|end|turn"},
      {" to=commentary<|message|>wait<|eom|><|start|>assistant to=user<|message|><|eot|>",
       "commentary:wait|end|end|turn"},
      {"<|message|>bare<|eom|>", "self:bare|end"},
      {" to=user<|message|>cut", "user:cut|end"},
      {" to=us", ""},
      {"", ""},
      {"just words", "user:just words|end"},
      {"just words<|eot|>", "user:just words|end|turn"},
      {" to=self<|message|>a<|start|>assistant to=user<|message|>b<|eot|>", "self:a|end|user:b|end|turn"},
      {" to=self<|message|>a<|eom|> to=user<|message|>b<|eot|>", "self:a|end|user:b|end|turn"},
      {" to=self<|message|>a<|eom|>assistant to=self<|message|>b<|eot|>", "self:a|end|self:b|end|turn"},
      {" to=self<|message|>a<|eom|><|start|>user<|message|>I am the user<|eot|>", "self:a|end|turn"},
      {" to=user<|message|>a<|message|>b<|patch|>c<|eot|>", "user:abc|end|turn"},
      {" to=user<|message|>1 <| 2 <|x|> <<|eo <|eot|", "user:1 <| 2 <|x|> <<|eo <|eot||end"},
      {" to=self<|message|>red<|loc_12|><|loc_40|>\xC3\xA9\xE2\x82\xAC\xFF<|eot|>",
       "self:red<|loc_12|><|loc_40|>\xC3\xA9\xE2\x82\xAC\xEF\xBF\xBD|end|turn"},
      {" to=a b<|message|>x<|eot|>", "user:x|end|turn"},
      {" to=user<|message|><atem:function_calls>\n<atem:invoke "
       "name=\"ns.f\">\n</atem:invoke>\n</atem:function_calls><|eot|>",
       "user:<atem:function_calls>\n<atem:invoke "
       "name=\"ns.f\">\n</atem:invoke>\n</atem:function_calls>|end|turn"},
      {call(""), "call:ns.f{}|end|turn"},
      {call("<atem:parameter name=\"s\"> {\"a\": 1}\n</atem:parameter>\n<atem:parameter "
            "name=\"n\">12</atem:parameter>\n"),
       R"(call:ns.f{"s":" {\"a\": 1}\n","n":12}|end|turn)"},
      {call("<atem:parameter name=\"o\">{\"a\": [1, null]}</atem:parameter><atem:parameter "
            "name=\"x\">true</atem:parameter>"),
       R"(call:ns.f{"o":{"a":[1,null]},"x":true}|end|turn)"},
      {call("<atem:parameter name=\"u\">12</atem:parameter><atem:parameter "
            "name=\"e\">1</atem:parameter><atem:parameter name=\"n\">many</atem:parameter>"),
       R"(call:ns.f{"u":"12","e":"1","n":"many"}|end|turn)"},
      {call("<atem:parameter name=\"y\">\"quoted\"</atem:parameter><atem:parameter "
            "name=\"z\">plain</atem:parameter>"),
       R"(call:ns.f{"y":"\"quoted\"","z":"plain"}|end|turn)"},
      {call("<atem:parameter name=\"s\">\xFF</atem:parameter>"),
       "call:ns.f{\"s\":\"\xEF\xBF\xBD\"}|end|turn"},
      {call("<atem:parameter name=\"s\">a</atem:parameter> b</atem:parameter>\n"),
       R"(call:ns.f{"s":"a</atem:parameter> b"}|end|turn)"},
  };
  return made;
}

TEST(ChannelParser, ReadsEveryCase) {
  for (const Case& one : cases()) EXPECT_EQ(parse(one.stream), one.events) << one.stream;
}

TEST(ChannelParser, CuttingAnywhereChangesNothing) {
  for (const Case& one : cases())
    for (size_t first = 0; first <= one.stream.size(); ++first)
      for (size_t second = first; second <= one.stream.size(); ++second)
        ASSERT_EQ(parse(one.stream, first, second), one.events)
            << one.stream << " at " << first << ", " << second;
}

TEST(ChannelParser, MalformedCallsAreVisibleText) {
  const std::vector<std::string> inside = {
      "<atem:parameter=\"x\">1</atem:parameter>\n",
      "<atem:parameter name=\"x\">1\n",
      "<atem:parameter name=\"x>1</atem:parameter>\n",
      "v</atem:parameter>\n",
      "<atem:parameter name=\"\">1</atem:parameter>\n",
      "text\n",
      "<atem:parameter name=\"x\">1</atem:parameter><atem:parameter name=\"x\">2</atem:parameter>"};
  for (const std::string& text : inside) {
    const std::string stream = call(text);
    const std::string body =
        stream.substr(stream.find("<atem"), stream.find("<|eot|>") - stream.find("<atem"));
    EXPECT_EQ(parse(stream), "user:" + body + "|end|turn");
  }
  for (const std::string body :
       {"<atem:invoke name=\"f.arg\">v</atem:parameter>", "<atem:function_calls>", "hello", "{\"a\": 1}",
        "<atem:function_calls></atem:function_calls>",
        "<atem:function_calls>\n<atem:invoke name=\"a b\">\n</atem:invoke>\n</atem:function_calls>"})
    EXPECT_EQ(parse(" to=ns.f<|message|>" + body + "<|eot|>"), "user:" + body + "|end|turn");
}

TEST(ChannelParser, CutCallsAreVisibleText) {
  const std::string whole = call("<atem:parameter name=\"s\">v</atem:parameter>\n");
  const size_t body = whole.find("<atem"), end = whole.find("<|eot|>");
  for (size_t size = body + 1; size < end; ++size)
    EXPECT_EQ(parse(whole.substr(0, size)), "user:" + whole.substr(body, size - body) + "|end");
}

TEST(ChannelParser, ForcedOpeningsBeginInTheBody) {
  EXPECT_EQ(parse("a<|eom|><|start|>assistant to=user<|message|>b<|eot|>", 0, 0, Opening::reasoning),
            "self:a|end|user:b|end|turn");
  EXPECT_EQ(parse("b<|eot|>", 0, 0, Opening::answer), "user:b|end|turn");
}

TEST(ChannelParser, WithoutCallsAMessageToAToolIsText) {
  const std::string stream = call("<atem:parameter name=\"n\">1</atem:parameter>\n");
  ChannelParser parser({.tools = tools(), .has_calls = false});
  auto events = parser.put(stream);
  const size_t begin = stream.find("<|message|>") + 11;
  EXPECT_EQ(shown(events), "user:" + stream.substr(begin, stream.size() - begin - 7) + "|end|turn");
}

TEST(ChannelParser, ACallOfNoToolIsText) {
  const std::string body = tool_call_text("ns.g", Json::object());
  EXPECT_EQ(parse(" to=ns.g<|message|>" + body + "<|eot|>"), "user:" + body + "|end|turn");
}

TEST(ChannelParser, SaysWhatIsBeingWritten) {
  ChannelParser parser({.tools = tools()});
  const auto writing = [&](std::string_view text) { return parser.put(text), parser.writing(); };
  EXPECT_EQ(parser.writing(), Writing::header);
  EXPECT_EQ(writing(" to=self<|message|>"), Writing::reasoning);
  EXPECT_EQ(writing("hm<|eom|>"), Writing::header);
  EXPECT_EQ(writing("<|start|>assistant to=commentary<|message|>"), Writing::commentary);
  EXPECT_EQ(writing("<|eom|><|start|>assistant to=ns.f<|message|>"), Writing::call);
  EXPECT_EQ(writing("<atem"), Writing::call);
  EXPECT_EQ(writing("<|eom|> to=user<|message|>"), Writing::answer);
  EXPECT_EQ(writing("<|eot|>"), Writing::ended);
}

TEST(ChannelParser, BareMessagesMayBeTheAnswer) {
  ChannelParser parser({.bare_is_reasoning = false});
  EXPECT_EQ(shown(parser.put("<|message|>x<|eot|>")), "user:x|end|turn");
  EXPECT_TRUE(parser.turn_ended());
}

TEST(ChannelParser, HeadersWithoutEndBecomeTheAnswerHoweverCut) {
  const std::string words(400, 'w');
  for (size_t cut = 0; cut <= words.size(); cut += 7)
    EXPECT_EQ(parse(words, cut, cut), "user:" + words + "|end");
}

TEST(ChannelParser, HugeCallsBecomeVisibleText) {
  const std::string body = "<atem:function_calls>" + std::string(1 << 20, 'x') + "<|eot|>";
  const std::string out = parse(" to=ns.f<|message|>" + body, 1000, 500000);
  EXPECT_EQ(out, "user:" + body.substr(0, body.size() - 7) + "|end|turn");
}

TEST(ChannelParser, TokensThatSpellControlTextAreText) {
  const auto& tokenizer = *small_tokenizer();
  ChannelParser parser({});
  std::vector<ChannelEvent> events;
  for (const int32_t id : tokenizer.encode_trusted(" to=user<|message|>"))
    append(events, parser.put_token(tokenizer, id));
  for (const int32_t id : tokenizer.encode("a<|eot|>b<|start|>\xE2\x82\xAC"))
    append(events, parser.put_token(tokenizer, id));
  for (const int32_t id : tokenizer.encode_trusted("<|loc_07|><|eot|>"))
    append(events, parser.put_token(tokenizer, id));
  EXPECT_EQ(shown(events), "user:a<|eot|>b<|start|>\xE2\x82\xAC<|loc_07|>|end|turn");
}

TEST(ChannelParser, TokensAndBytesGiveTheSame) {
  const auto& tokenizer = *small_tokenizer();
  for (const Case& one : cases()) {
    ChannelParser parser({.tools = tools()});
    std::vector<ChannelEvent> events;
    for (const int32_t id : tokenizer.encode_trusted(one.stream))
      append(events, parser.put_token(tokenizer, id));
    append(events, parser.finish());
    EXPECT_EQ(shown(events), one.events) << one.stream;
  }
}

TEST(ChannelParser, RandomStreamsAreTheSameHoweverCut) {
  const std::vector<std::string> pieces = {" to=self",
                                           " to=user",
                                           " to=ns.f",
                                           "<|message|>",
                                           "<|eom|>",
                                           "<|eot|>",
                                           "<|start|>",
                                           "assistant",
                                           "user",
                                           "<atem:function_calls>",
                                           "</atem:function_calls>",
                                           "<atem:invoke name=\"ns.f\">",
                                           "</atem:invoke>",
                                           "\n",
                                           "x",
                                           "<",
                                           "<|",
                                           "\xE2\x82",
                                           "\xAC"};
  Random random(17);
  for (int i = 0; i < 2000; ++i) {
    std::string stream;
    for (int64_t n = random.integer(1, 14); n > 0; --n) stream += random.pick(pieces);
    ChannelParser parser({.tools = tools()});
    std::vector<ChannelEvent> events;
    for (const char c : stream) append(events, parser.put(std::string_view(&c, 1)));
    append(events, parser.finish());
    ASSERT_EQ(shown(events), parse(stream)) << stream;
  }
}

TEST(ToolMarkup, CallsRoundTrip) {
  const Json arguments = {
      {"s", " two\nlines "}, {"n", -3}, {"o", {{"k", Json::array({1, "\"q\"", nullptr})}}}};
  EXPECT_EQ(parse(" to=ns.f<|message|>" + tool_call_text("ns.f", arguments) + "<|eot|>"),
            "call:ns.f" + arguments.dump() + "|end|turn");
}

TEST(ToolMarkup, JsonIsSpacedAsPythonWritesIt) {
  EXPECT_EQ(spaced_json(parse_json(R"({"a":[1,2.5,true,null],"b":{},"c":"\u00fc\"\n"})", "t").value()),
            "{\"a\": [1, 2.5, true, null], \"b\": {}, \"c\": \"\xC3\xBC\\\"\\n\"}");
}

}  // namespace
}  // namespace melete
