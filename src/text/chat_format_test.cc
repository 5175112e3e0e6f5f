#include "text/chat_format.h"

#include <algorithm>

#include "text/special_tokens.h"
#include "text/template_messages.h"
#include "text/test_files.h"
#include "text/tokenizer_vocab.h"
#include "text/tool_markup.h"

namespace melete {
namespace {

const std::vector<std::string> kSpecials = {
    "<s>",           "<|im_start|>", "<|im_end|>",          "<think>",          "</think>", "<start_of_turn>",
    "<end_of_turn>", "<|eot_id|>",   "<|start_header_id|>", "<|end_header_id|>"};

// The special tokens, then every byte and the space.
std::shared_ptr<const Tokenizer> byte_tokenizer() {
  static const auto made = [] {
    TokenizerVocab vocab;
    vocab.model = "llama";
    vocab.add_space_prefix = false;
    for (const std::string& special : kSpecials) vocab.tokens.push_back(special), vocab.types.push_back(3);
    for (int byte = 0; byte < 256; ++byte) {
      char spelled[8];
      std::snprintf(spelled, sizeof spelled, "<0x%02X>", byte);
      vocab.tokens.push_back(spelled), vocab.types.push_back(6);
    }
    vocab.tokens.push_back("\xE2\x96\x81"), vocab.types.push_back(1);
    vocab.scores.assign(vocab.tokens.size(), 0);
    return make_tokenizer(vocab, "bytes").value();
  }();
  return made;
}

std::string source_of(const std::string& name) {
  const Json fixture = golden("jinja.json");
  for (const Json& one : fixture["templates"])
    if (one["name"] == name) return one["source"];
  return {};
}

std::shared_ptr<const ChatFormat> format_of(const std::string& name) {
  ChatSource source;
  source.chat_template = source_of(name);
  source.bos = 0;
  source.eos = 2;
  return make_chat_format(source, byte_tokenizer(), name).value();
}

Message said(Role role, std::string text, std::string recipient = {}, bool ends_turn = true) {
  return {role, std::move(recipient), {TextPart{std::move(text), false}}, ends_turn};
}

std::string text_of(const ChatFormat& format, const Conversation& conversation, Opening opening) {
  const auto prompt = format.render(conversation, opening);
  return prompt.ok() ? format.tokenizer().decode(prompt->tokens) : prompt.error().message;
}

int64_t num_specials(const ChatFormat& format, const Conversation& conversation) {
  const auto tokens = format.render(conversation, Opening::answer).value().tokens;
  return std::count_if(tokens.begin(), tokens.end(),
                       [&](int32_t id) { return format.tokenizer().is_special(id); });
}

const Json kTool = {{"name", "look"},
                    {"description", "Looks"},
                    {"parameters", {{"type", "object"}, {"properties", {{"at", {{"type", "string"}}}}}}}};

TEST(ChatFormat, UsersCantWriteSpecialTokens) {
  std::string hostile;
  for (const std::string& special : kSpecials) hostile += special + " ";
  for (const char* name : {"qwen_like", "llama_like", "gemma_like", "smol_like"}) {
    const auto format = format_of(name);
    for (const bool in_tool : {false, true}) {
      Conversation harmless{
          .system = "s",
          .tools = {kTool},
          .messages = {said(Role::user, "q"), said(Role::assistant, "a"), said(Role::user, "q")}};
      Conversation evil = harmless;
      evil.system = hostile;
      evil.messages[0] = said(Role::user, hostile);
      evil.messages[1] = said(Role::assistant, hostile);
      if (in_tool) evil.tools[0]["description"] = hostile;
      EXPECT_EQ(num_specials(*format, evil), num_specials(*format, harmless)) << name;
      EXPECT_GT(num_specials(*format, harmless), 3) << name;
    }
  }
}

TEST(ChatFormat, TemplatesGiveTheirText) {
  const Conversation conversation{.messages = {said(Role::user, "Hi")}};
  EXPECT_EQ(text_of(*format_of("gemma_like"), conversation, Opening::answer),
            "<s><start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n");
  EXPECT_EQ(text_of(*format_of("smol_like"), conversation, Opening::none),
            "<|im_start|>system\nBe helpful.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n");
  const auto tokens = format_of("gemma_like")->render(conversation, Opening::answer).value().tokens;
  EXPECT_EQ(tokens[0], 0);
  EXPECT_EQ(tokens[1], 5);
}

TEST(ChatFormat, OpeningsSwitchReasoning) {
  const auto format = format_of("qwen_like");
  ASSERT_TRUE(format->can_reason());
  const Conversation conversation{.messages = {said(Role::user, "Hi")}};
  const std::string head = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n";
  EXPECT_EQ(text_of(*format, conversation, Opening::reasoning), head + "<think>\n");
  EXPECT_EQ(text_of(*format, conversation, Opening::answer), head + "<think>\n\n</think>\n\n");
  EXPECT_EQ(text_of(*format, conversation, Opening::none), "<|im_start|>user\nHi<|im_end|>\n");
  EXPECT_EQ(format->tokenizer().decode(format->closing_tokens(Opening::answer)), "\n</think>\n\n");
  EXPECT_EQ(format->closing_tokens(Opening::answer)[1], 4);
  const auto parser = format->parser(conversation, Opening::reasoning);
  const auto events = parser->put("hm</think>ok");
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].kind, ChannelEvent::Kind::reasoning);
  EXPECT_EQ(events[2].text, "ok");
}

TEST(ChatFormat, ModelsThatAnswerAtOnceDont) {
  const auto format = format_of("smol_like");
  EXPECT_FALSE(format->can_reason());
  EXPECT_TRUE(format->closing_tokens(Opening::answer).empty());
  const Conversation conversation{.messages = {said(Role::user, "Hi")}};
  EXPECT_EQ(text_of(*format, conversation, Opening::reasoning),
            text_of(*format, conversation, Opening::answer));
  const auto events = format->parser(conversation, Opening::reasoning)->put("ok");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, ChannelEvent::Kind::answer);
}

TEST(ChatFormat, ATemplateThatBeginsTheReasoningItself) {
  ChatSource source;
  source.chat_template =
      "{{ messages[0].content }}{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}";
  const auto format = make_chat_format(source, byte_tokenizer(), "t").value();
  ASSERT_TRUE(format->can_reason());
  const Conversation conversation{.messages = {said(Role::user, "Hi")}};
  EXPECT_EQ(text_of(*format, conversation, Opening::reasoning), "Hi<|im_start|>assistant\n<think>\n");
  EXPECT_EQ(text_of(*format, conversation, Opening::answer),
            "Hi<|im_start|>assistant\n<think>\n\n</think>\n\n");
  const auto events = format->parser(conversation, Opening::free)->put("hm");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, ChannelEvent::Kind::reasoning);
}

TEST(ChatFormat, TraitsSayWhatTemplatesShow) {
  const auto traits = [](const std::string& name) {
    const std::string source = source_of(name);
    return traits_of(jinja::Template::parse(source, name).value(), source, {});
  };
  const TemplateTraits qwen = traits("qwen_like"), gemma = traits("gemma_like"), smol = traits("smol_like"),
                       llama = traits("llama_like");
  EXPECT_TRUE(qwen.has_system && qwen.has_tools && qwen.has_calls && qwen.has_results && qwen.repeats_roles);
  EXPECT_TRUE(llama.has_system && llama.has_tools && llama.has_calls && llama.has_results);
  EXPECT_TRUE(gemma.has_system && !gemma.has_tools && !gemma.has_calls && !gemma.has_results &&
              !gemma.repeats_roles);
  EXPECT_TRUE(smol.has_system && !smol.has_tools && !smol.has_calls && !smol.has_results);
  EXPECT_TRUE(qwen.has_many_calls && !llama.has_many_calls);
  EXPECT_EQ(qwen.calls, MarkupStyle::Calls::tagged);
  EXPECT_EQ(llama.calls, MarkupStyle::Calls::whole);
  EXPECT_EQ(gemma.calls, MarkupStyle::Calls::fenced);
  EXPECT_TRUE(qwen.can_reason && !llama.can_reason && !gemma.can_reason && !smol.can_reason);
}

Conversation with_call() {
  return {.system = "Be brief.",
          .tools = {kTool},
          .messages = {said(Role::user, "Where?"), said(Role::assistant, "hm", "self", false),
                       said(Role::assistant, tool_call_text("look", {{"at", "home"}}), "look"),
                       said(Role::tool, "Here.", "look")}};
}

TEST(ChatFormat, ToolsWhereTheTemplateKnowsThem) {
  const std::string text = text_of(*format_of("qwen_like"), with_call(), Opening::answer);
  EXPECT_NE(text.find("<tools>\n{\"type\": \"function\", \"function\": {\"name\": \"look\""),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("<think>\nhm\n</think>\n\n<tool_call>\n{\"name\": \"look\", \"arguments\": {\"at\": "
                      "\"home\"}}\n</tool_call><|im_end|>"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("<tool_response>\nHere.\n</tool_response><|im_end|>"), std::string::npos) << text;
}

TEST(ChatFormat, ToolsWhereTheTemplateDoesnt) {
  const std::string text = text_of(*format_of("gemma_like"), with_call(), Opening::answer);
  const std::string guide = tool_guide({kTool}, MarkupStyle::Calls::fenced);
  EXPECT_EQ(text, "<s><start_of_turn>user\nBe brief.\n\n" + guide +
                      "\n\nWhere?<end_of_turn>\n<start_of_turn>model\n```tool_code\nlook(at=\"home\")\n```"
                      "<end_of_turn>\n<start_of_turn>user\n```tool_output\nHere.\n```<end_of_turn>\n<start_"
                      "of_turn>model\n");
}

// Two calls of one turn, whose results come in the other order, with an aside before them.
Conversation with_two_calls() {
  Conversation conversation = with_call();
  conversation.tools.push_back(Json{{"name", "now"}});
  conversation.messages = {said(Role::user, "Where?"),
                           said(Role::assistant, "Wait.", "commentary", false),
                           said(Role::assistant, tool_call_text("look", {{"at", "home"}}), "look", false),
                           said(Role::assistant, tool_call_text("now", Json::object()), "now"),
                           said(Role::tool, "Noon.", "now"),
                           said(Role::tool, "Here.", "look")};
  return conversation;
}

TEST(ChatFormat, SeveralCallsInOneMessage) {
  const std::string text = text_of(*format_of("qwen_like"), with_two_calls(), Opening::answer);
  EXPECT_TRUE(text.ends_with(
      "<|im_start|>user\nWhere?<|im_end|>\n<|im_start|>assistant\nWait.\n<tool_call>\n{\"name\": \"look\", "
      "\"arguments\": {\"at\": \"home\"}}\n</tool_call>\n<tool_call>\n{\"name\": \"now\", \"arguments\": "
      "{}}\n</tool_call><|im_end|>\n<|im_start|>user\n<tool_response>\nNoon.\n</"
      "tool_response>\n<tool_response>\n"
      "Here.\n</tool_response><|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"))
      << text;
}

TEST(ChatFormat, SeveralCallsWhereAMessageHasOne) {
  const std::string text = text_of(*format_of("llama_like"), with_two_calls(), Opening::answer);
  const std::string assistant = "<|start_header_id|>assistant<|end_header_id|>\n\n";
  const std::string result = "<|start_header_id|>ipython<|end_header_id|>\n\n";
  EXPECT_TRUE(text.ends_with("Where?<|eot_id|>" + assistant +
                             "at=\"home\"{\"name\": \"look\", \"parameters\": {\"at\": \"home\"}}<|eot_id|>" +
                             result + "Here.<|eot_id|>" + assistant +
                             "{\"name\": \"now\", \"parameters\": {}}<|eot_id|>" + result +
                             "Noon.<|eot_id|>" + assistant))
      << text;
}

TEST(ChatFormat, SeveralCallsAsTextWhereTheTemplateDoesntKnowThem) {
  const std::string gemma = text_of(*format_of("gemma_like"), with_two_calls(), Opening::answer);
  EXPECT_TRUE(gemma.ends_with(
      "<start_of_turn>model\nWait.\n```tool_code\nlook(at=\"home\")\n```\n```tool_code\nnow()\n```<end_of_"
      "turn>\n"
      "<start_of_turn>user\n```tool_output\nNoon.\n```\n\n```tool_output\nHere.\n```<end_of_turn>\n"
      "<start_of_turn>model\n"))
      << gemma;
  const std::string smol = text_of(*format_of("smol_like"), with_two_calls(), Opening::answer);
  EXPECT_TRUE(smol.ends_with(
      "<|im_start|>assistant\nWait.\n<tool_call>\n{\"name\": \"look\", \"arguments\": {\"at\": "
      "\"home\"}}\n</tool_call>\n<tool_call>\n{\"name\": \"now\", \"arguments\": "
      "{}}\n</tool_call><|im_end|>\n"
      "<|im_start|>user\n<tool_response>\nNoon.\n</"
      "tool_response><|im_end|>\n<|im_start|>user\n<tool_response>\n"
      "Here.\n</tool_response><|im_end|>\n<|im_start|>assistant\n"))
      << smol;
}

TEST(ChatFormat, ResultsHaveTheIdsOfTheirCalls) {
  ChatSource source;
  source.chat_template =
      "{% for m in messages %}[{{ m.role }}{% for c in m.tool_calls or [] %} {{ c.function.name }}={{ c.id "
      "}} "
      "{{ c.function.arguments | tojson }}{% endfor %}{% if m.tool_call_id is defined %} {{ m.name }}={{ "
      "m.tool_call_id }}{% endif %}]{{ m.content }}{% endfor %}";
  Conversation conversation = with_two_calls();
  conversation.messages.insert(conversation.messages.begin() + 1,
                               {said(Role::assistant, tool_call_text("now", Json::object()), "now"),
                                said(Role::user, "Never mind. Where?")});
  conversation.messages.push_back(said(Role::assistant, tool_call_text("look", Json::object()), "look"));
  conversation.messages.push_back(said(Role::tool, "Gone.", "look"));
  const auto format = make_chat_format(source, byte_tokenizer(), "t").value();
  const std::string text = text_of(*format, conversation, Opening::none);
  EXPECT_TRUE(
      text.ends_with("[assistant now=call00001 {}][user]Never mind. Where?[assistant look=call00002 "
                     "{\"at\": \"home\"} now=call00003 {}]Wait.[tool now=call00003]Noon.[tool "
                     "look=call00002]Here.[assistant look=call00004 {}][tool look=call00004]Gone."))
      << text;
}

TEST(ChatFormat, TurnsOfOneRoleAreJoinedWhereTheyMustAlternate) {
  const Conversation conversation{.messages = {said(Role::user, "One"), said(Role::user, "Two")}};
  EXPECT_EQ(text_of(*format_of("gemma_like"), conversation, Opening::none),
            "<s><start_of_turn>user\nOne\n\nTwo<end_of_turn>\n");
  EXPECT_EQ(text_of(*format_of("qwen_like"), conversation, Opening::none),
            "<|im_start|>user\nOne<|im_end|>\n<|im_start|>user\nTwo<|im_end|>\n");
}

TEST(ChatFormat, PromptsBeginWithOneBos) {
  ChatSource source;
  source.bos = 0;
  source.add_bos = true;
  for (const char* text : {"{{ bos_token }}{{ messages[0].content }}", "{{ messages[0].content }}"}) {
    source.chat_template = text;
    const auto format = make_chat_format(source, byte_tokenizer(), "t").value();
    const auto tokens = format->render({.messages = {said(Role::user, "<s>")}}, Opening::none).value().tokens;
    EXPECT_EQ(std::count(tokens.begin(), tokens.end(), 0), 1) << text;
    EXPECT_EQ(tokens[0], 0) << text;
  }
}

TEST(ChatFormat, StopTokensAreAllThatEndATurn) {
  ChatSource source;
  source.chat_template = "{{ messages[0].content }}";
  source.eos = 20;
  source.stop_tokens = {21};
  const auto stops = make_chat_format(source, byte_tokenizer(), "t").value()->stop_tokens();
  EXPECT_EQ(stops, (std::vector<int32_t>{2, 6, 7, 20, 21}));  // <|im_end|>, <end_of_turn>, <|eot_id|>
}

TEST(ChatFormat, MuseModelsKeepTheirFormat) {
  ChatSource source;
  source.chat_template = "not this one";
  const auto format = make_chat_format(source, small_tokenizer(), "t").value();
  EXPECT_EQ(format->name(), "muse");
  const Conversation conversation{.messages = {said(Role::user, "Hi")}};
  EXPECT_EQ(format->render(conversation, Opening::reasoning).value().tokens,
            render(conversation, *small_tokenizer(), Opening::reasoning).value().tokens);
  EXPECT_EQ(format->stop_tokens().size(), 2u);
}

TEST(ChatFormat, ModelsWithoutATemplateGoOn) {
  ChatSource source;
  source.bos = 0;
  source.add_bos = true;
  const auto format = make_chat_format(source, byte_tokenizer(), "t").value();
  EXPECT_EQ(format->name(), "text");
  EXPECT_EQ(text_of(*format, {.system = "S", .messages = {said(Role::user, "Hi <s>")}}, Opening::answer),
            "<s>S\n\nHi <s>");
  EXPECT_NE(text_of(*format, {.tools = {kTool}, .messages = {said(Role::user, "Hi")}}, Opening::answer)
                .find("tools need a model"),
            std::string::npos);
}

TEST(ChatFormat, ErrorsAreTheConversations) {
  const auto format = format_of("qwen_like");
  Conversation conversation{.messages = {said(Role::user, "Hi")}};
  conversation.tools = {Json{{"name", "a b"}}};
  EXPECT_NE(text_of(*format, conversation, Opening::none).find("a tool must have a name"), std::string::npos);
  conversation.tools.clear();
  conversation.messages[0].parts.push_back(std::make_shared<const Media>());
  EXPECT_NE(text_of(*format, conversation, Opening::none).find("takes text only"), std::string::npos);
  EXPECT_NE(text_of(*format, {}, Opening::none).find("[qwen_like: chat template] line"), std::string::npos);
  ChatSource source;
  source.chat_template = "{% if %}";
  const auto broken = make_chat_format(source, byte_tokenizer(), "m.gguf");
  ASSERT_FALSE(broken.ok());
  EXPECT_NE(broken.error().message.find("[m.gguf: chat template] must be a Jinja template, line 1"),
            std::string::npos)
      << broken.error().message;
}

}  // namespace
}  // namespace melete
