#include "agent/assistant.h"

#include <gtest/gtest.h>

#include "agent/scripted_run.h"
#include "agent/test_model.h"

namespace melete {
namespace {

class AssistantTest : public ::testing::Test {
 protected:
  AssistantTest() {
    limits_.max_image_tokens = 4;
    assistant_ =
        std::make_unique<Assistant>(std::make_unique<ScriptedEngine>(small_tokenizer()),
                                    make_chat_format({}, small_tokenizer(), "test").value(), limits_);
  }

  static std::string text(const Message& message) {
    std::string all;
    for (const MessagePart& part : message.parts)
      all += std::holds_alternative<TextPart>(part) ? std::get<TextPart>(part).text : "(medium)";
    return all;
  }

  MediaLimits limits_;
  std::unique_ptr<Assistant> assistant_;
};

TEST_F(AssistantTest, UserMessagesHaveTheLayoutOfTheTrainingData) {
  const Part table = std::string("a,b\n1,2\n\n"), other = std::string("{}\r\n");
  const Part image = Image{56, 56, std::vector<uint8_t>(56 * 56 * 3, 200)};
  EXPECT_EQ(text(*assistant_->chat().user_message({}, "Why?")), "Why?");
  EXPECT_EQ(text(*assistant_->chat().user_message({table}, "Sum?")), "a,b\n1,2\n\nSum?");
  const auto mixed = assistant_->chat().user_message({table, image, other}, "Sum?");
  ASSERT_TRUE(mixed.ok()) << mixed.error().message;
  EXPECT_EQ(text(*mixed), "(medium)a,b\n1,2\n\n{}\n\nSum?");
  EXPECT_EQ(mixed->role, Role::user);
  EXPECT_EQ(mixed->parts.size(), 2u);
  EXPECT_FALSE(std::get<TextPart>(mixed->parts[1]).trusted);
}

TEST_F(AssistantTest, MediaAreScaledToTheModelsLimits) {
  const auto message =
      assistant_->chat().user_message({Image{560, 560, std::vector<uint8_t>(560 * 560 * 3, 9)}}, "?");
  ASSERT_TRUE(message.ok()) << message.error().message;
  EXPECT_EQ(std::get<std::shared_ptr<const Media>>(message->parts[0])->num_tokens(), 4);
  EXPECT_FALSE(assistant_->chat().user_message({Image{}}, "?").ok());
}

TEST_F(AssistantTest, AnswersComeBackAsTheModelWroteThem) {
  Answer answer;
  answer.raw = "box<|loc_10|><|loc_20|> and <|eot|> or <|loc_1|>";
  Conversation conversation;
  conversation.messages = {{Role::user, "", {TextPart{"?", false}}, true}, to_messages(answer).at(0)};
  const auto prompt = render(conversation, *small_tokenizer(), Opening::none);
  ASSERT_TRUE(prompt.ok());
  std::vector<int32_t> special;
  for (const int32_t id : prompt->tokens)
    if (small_tokenizer()->is_special(id)) special.push_back(id);
  EXPECT_EQ(small_tokenizer()->decode(special),
            "<|begin_of_text|><|start|>user<|message|><|eot|><|start|>assistant "
            "to=user<|message|><|loc_10|><|loc_20|><|eot|>");
  EXPECT_NE(small_tokenizer()->decode(prompt->tokens).find(answer.raw), std::string::npos);
  answer.raw.clear();
  ASSERT_EQ(to_messages(answer).size(), 1u);
  EXPECT_EQ(to_messages(answer)[0].parts.size(), 1u);
  EXPECT_TRUE(to_messages(answer)[0].ends_turn);
}

TEST_F(AssistantTest, TheTextBeforeACallIsKept) {
  Answer made;
  made.raw = "Let me see.\n";
  made.tool_calls = {{"id", "now", Json::object()}};
  const auto messages = to_messages(made);
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(std::get<TextPart>(messages[0].parts.at(0)).text, "Let me see.");
  EXPECT_FALSE(messages[0].ends_turn);
  EXPECT_EQ(messages[1].recipient, "now");
  EXPECT_TRUE(messages[1].ends_turn);
}

TEST_F(AssistantTest, JsonHoldsMarksVotesAndCounts) {
  Answer answer;
  answer.text = "7";
  answer.finish = "stop";
  answer.marks = {{TextMark::Kind::box, "cat", {1, 2, 3, 4}, 0}, {TextMark::Kind::point, "dot", {5, 6}, 0}};
  answer.votes = {{"7", 2}};
  const Json json = to_json(answer, "contemplating", 9);
  EXPECT_EQ(json["marks"].dump(),
            R"([{"label":"cat","x_min":1,"y_min":2,"x_max":3,"y_max":4},{"label":"dot","x":5,"y":6}])");
  EXPECT_EQ(json["vote"]["counts"].dump(), R"([{"answer":"7","votes":2}])");
  EXPECT_EQ(json["seed"], 9);
}

TEST(Assistant, LoadsAModelFolderWithItsLimits) {
  const TestModel model;
  const auto assistant = Assistant::load(model.folder(), 1);
  ASSERT_TRUE(assistant.ok()) << assistant.error().message;
  EXPECT_EQ((*assistant)->chat().limits().max_image_tokens, 16);
  ASSERT_TRUE(write_file(model.folder() / "processor_config.json", "{").ok());
  const auto broken = Assistant::load(model.folder(), 1);
  ASSERT_FALSE(broken.ok());
  EXPECT_NE(broken.error().message.find("processor_config.json"), std::string::npos)
      << broken.error().message;
}

// The same seed gives the same log, whatever runs beside it and with however many threads.
TEST(Assistant, ContemplatingIsAFunctionOfTheSeed) {
  const TestModel model;
  std::vector<std::string> logs;
  for (const int threads : {1, 2}) {
    const auto assistant = Assistant::load(model.folder(), threads);
    ASSERT_TRUE(assistant.ok()) << assistant.error().message;
    Request request;
    request.num_agents = 3;
    request.seed = 5;
    request.max_reasoning_tokens = 12;
    request.max_answer_tokens = 6;
    request.conversation.messages.push_back(*(*assistant)->chat().user_message({}, "What is 2 + 3?"));
    KeepEvents kept;
    EventLog log({&kept});
    Services services = (*assistant)->services();
    ASSERT_TRUE(run_mode("contemplating", request, services, log).ok());
    EXPECT_EQ(services.engine.pages_in_use(), 0);
    logs.emplace_back();
    for (const Event& event : kept.events)
      if (event.kind != "meter") logs.back() += to_line(event);
  }
  EXPECT_EQ(logs[0], logs[1]);
  EXPECT_GT(logs[0].size(), 500u);
}

TEST(Assistant, LoadNamesWhatIsMissing) {
  const auto none = Assistant::load("/no/such/folder");
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().kind, ErrorKind::not_found);
  EXPECT_NE(none.error().message.find("/no/such/folder"), std::string::npos);
}

}  // namespace
}  // namespace melete
