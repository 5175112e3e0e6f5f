// The modes over models whose conversations are a chat template.
#include <gtest/gtest.h>

#include "agent/scripted_run.h"
#include "text/template_format.h"

namespace melete {
namespace {

constexpr const char* kThinks =
    "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% if not enable_thinking %}<think>\n\n</think>\n\n{% endif "
    "%}{% endif %}";
constexpr const char* kAnswers =
    "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{% if add_generation_prompt "
    "%}[assistant]{% endif %}";

class TemplateModeTest : public ::testing::Test, public ScriptedRun {
 protected:
  ~TemplateModeTest() override { EXPECT_EQ(engine.pages_in_use(), 0); }

  Result<Answer> run_with(const char* chat_template, const std::string& mode) {
    ChatSource source;
    source.chat_template = chat_template;
    source.eos = *small_tokenizer()->special_id("<|eot|>");
    format = make_template_format(source, small_tokenizer(), "test").value();
    return run(mode);
  }
};

TEST_F(TemplateModeTest, InstantSwitchesReasoningOff) {
  engine.write("7<|eot|>");
  const auto answer = run_with(kThinks, "instant");
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->text, "7");
  EXPECT_EQ(engine.prompts[0], "[user]how many?[assistant]<think>\n\n</think>\n\n");
  EXPECT_EQ(answer->finish, "stop");
}

TEST_F(TemplateModeTest, ThinkingReasonsAndAnswers) {
  engine.write("one\ntwo\n</think>\n\n7<|eot|>");
  const auto answer = run_with(kThinks, "thinking");
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(engine.prompts[0], "[user]how many?[assistant]<think>\n");
  EXPECT_EQ(answer->reasoning, "one\ntwo");
  EXPECT_EQ(answer->text, "7");
  EXPECT_EQ(kept.text("reasoning"), "one\ntwo");
}

TEST_F(TemplateModeTest, SpentReasoningIsClosed) {
  engine.write(std::string(500, '1'));
  engine.write("7<|eot|>");
  request.max_reasoning_tokens = 40;
  const auto answer = run_with(kThinks, "thinking");
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->usage.reasoning_tokens, 40);
  ASSERT_EQ(engine.appended.size(), 1u);
  EXPECT_EQ(engine.appended[0], "\n</think>\n\n");
  EXPECT_EQ(answer->text, "7");
}

TEST_F(TemplateModeTest, ModelsThatDontReasonAnswerInEveryMode) {
  for (const char* mode : {"instant", "thinking"}) {
    engine.write("7<|eot|>");
    const auto answer = run_with(kAnswers, mode);
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(answer->text, "7");
    EXPECT_EQ(answer->reasoning, "");
    EXPECT_EQ(engine.prompts.back(), "[user]how many?[assistant]");
  }
}

TEST_F(TemplateModeTest, ContemplatingVotesOverAnswers) {
  request.num_agents = 3;
  for (const char* text : {"7", "8", "7"}) engine.write(std::string(text) + "<|eot|>");
  const auto answer = run_with(kAnswers, "contemplating");
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->text, "7");
}

TEST_F(TemplateModeTest, ToolCallsAreEvents) {
  request.conversation.tools = {Json{{"name", "look"}}};
  engine.write("<tool_call>\n{\"name\": \"look\", \"arguments\": {\"at\": 3}}\n</tool_call><|eot|>");
  const auto answer = run_with(kAnswers, "instant");
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  const auto calls = kept.of("agent.tool_call");
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].data["name"], "look");
  EXPECT_EQ(calls[0].data["arguments"], (Json{{"at", 3}}));
  EXPECT_NE(engine.prompts[0].find("<tool_call>"), std::string::npos);
}

}  // namespace
}  // namespace melete
