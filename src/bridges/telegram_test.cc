// A bot, against a fake of the service in this process: what people see.
#include <gtest/gtest.h>

#include "bridges/test_telegram.h"

namespace melete {
namespace {

TEST_F(TelegramTest, AnswersText) {
  run();
  service_.say_text("how many?");
  const auto sent = service_.wait_for(1, "There are four of them, as far as I can see.");
  EXPECT_EQ(sent[0].chat, 42);
  EXPECT_FALSE(sent[0].body.contains("parse_mode"));
  EXPECT_EQ(sent[0].body["link_preview_options"]["is_disabled"], true);
  EXPECT_NE(talk_.prompts.at(0).find("how many?"), std::string::npos);
  EXPECT_GE(service_.num_typing(), 1);
  // The token is in no other place than the address.
  for (const std::string& request : service_.requests())
    EXPECT_EQ(request.find(kTelegramToken, request.find("\r\n")), std::string::npos);
}

TEST_F(TelegramTest, RemembersTheConversationUntilNew) {
  run();
  service_.ask("how many?", "four");
  service_.ask("are you sure?", "four");
  EXPECT_NE(talk_.prompts.at(1).find("how many?"), std::string::npos);
  EXPECT_NE(talk_.prompts.at(1).find("as far as I can see"), std::string::npos);
  service_.ask("hello", "four", 43);  // another chat knows nothing of it
  EXPECT_EQ(talk_.prompts.at(2).find("how many?"), std::string::npos);
  service_.ask("/new", "new conversation");
  service_.ask("and now?", "four");
  EXPECT_EQ(talk_.prompts.at(3).find("how many?"), std::string::npos);
  stop();
  EXPECT_EQ(folder_bytes(folder_.path()).find("are you sure?"), std::string::npos) << "/new must erase";
}

TEST_F(TelegramTest, ChoosesTheMode) {
  run();
  service_.ask("/mode@our_bot", "The mode is instant");
  service_.ask("/mode quick", "no such mode");
  service_.ask("/mode thinking", "mode thinking");
  talk_.script = "I count to four.<|eom|><|start|>assistant to=user<|message|>There are four of them.";
  EXPECT_EQ(service_.ask("how many?", "There are four of them.").text.find("I count"), std::string::npos);
  EXPECT_NE(talk_.prompts.at(0).find("Reasoning strength"), std::string::npos);
  service_.ask("/help", "/stop");
  service_.ask("/hlep", "I don't know /hlep");
}

TEST_F(TelegramTest, SeesPicturesAndHearsVoiceNotes) {
  service_.put_file("p1", picture());
  service_.put_file("v1", sound());
  run();
  service_.say({{"photo", {{{"file_id", "p1"}, {"width", 9}, {"height", 9}}, {{"file_id", "p0"}}}},
                {"caption", "what is it?"}});
  service_.wait_for(1, "four");
  service_.say({{"voice", {{"file_id", "v1"}}}});
  service_.wait_for(2, "four");
  service_.say_text("and both?");
  service_.wait_for(3, "four");
  EXPECT_EQ(talk_.num_media, (std::vector<size_t>{1, 2, 2}));
  EXPECT_NE(talk_.prompts.at(0).find("what is it?"), std::string::npos);
}

TEST_F(TelegramTest, RefusesFilesThatAreTooLargeOrBroken) {
  options_.max_file_bytes = 1 << 20;
  service_.put_file("large", std::string((1 << 20) + 1, 'x'));
  service_.put_file("broken", "GIF89a" + std::string(1000, '\xFF'));
  run();
  service_.say({{"voice", {{"file_id", "x"}, {"file_size", 30'000'000}}}});
  service_.wait_for(1, "too large for me; I take up to 1 MB");
  service_.say({{"voice", {{"file_id", "large"}}}});
  service_.wait_for(2, "too large for me");
  service_.say({{"photo", {{{"file_id", "broken"}}}}});
  service_.wait_for(3, "can't be read");
  service_.say({{"sticker", {{"file_id", "s"}}}});
  service_.wait_for(4, "I take text, pictures and voice notes");
  service_.say({{"video", {{"file_id", "s"}}}, {"caption", "what is it?"}});
  service_.wait_for(5, "I take text, pictures and voice notes");
  EXPECT_EQ(talk_.num_asked(), 0u);
  for (const std::string& request : service_.requests())
    EXPECT_EQ(request.find("\"file_id\":\"x\""), std::string::npos) << "a file known to be too large is left";
}

TEST_F(TelegramTest, TellsStrangersOnce) {
  run();
  for (int i = 0; i < 3; ++i) service_.say_text("let me in", 66);
  service_.wait_for(1, "Your id here is 66");
  service_.say_text("hello");
  service_.wait_for(2, "four");
  service_.say_text("please?", 66);
  service_.say_text("hello again");
  const auto sent = service_.wait_for(3, "four");
  int refusals = 0;
  for (const auto& message : sent) refusals += message.text.find("Your id here is 66") != std::string::npos;
  EXPECT_EQ(refusals, 1);
  EXPECT_EQ(talk_.num_asked(), 2u);
}

TEST_F(TelegramTest, SplitsLongAnswers) {
  for (int i = 0; i < 160; ++i) talk_.script += cat(" Line ", i, " of what was counted.\n");
  run();
  service_.say_text("how many?");
  const auto sent = service_.wait_for(2, "Line 159 of");
  std::string all;
  for (const auto& message : sent) {
    EXPECT_LE(message.text.size(), 4096u);
    all += message.text + " ";
  }
  EXPECT_NE(all.find("Line 0 of"), std::string::npos);
  for (int i = 0; i + 1 < 160; ++i)
    ASSERT_LT(all.find(cat("Line ", i, " of")), all.find(cat("Line ", i + 1, " of")));
}

TEST_F(TelegramTest, ShowsTheAnswerAsItGrows) {
  pause_answers();
  run();
  service_.say_text("how many?");
  talk_.wait_until_paused();
  const auto begun = service_.wait_for(1, "There are four");
  EXPECT_LT(begun[0].text.size(), talk_.script.size());
  talk_.go_on();
  const auto sent = service_.wait_for(1, talk_.script);
  EXPECT_GE(sent[0].edits, 1);
}

TEST_F(TelegramTest, StopsAtOnce) {
  pause_answers();
  run();
  service_.say_text("/stop");
  service_.wait_for(1, "nothing to stop");
  service_.say_text("how many?");
  talk_.wait_until_paused();
  service_.wait_for(2, "There are four");
  service_.say_text("a question that waits");
  service_.say_text("/stop");
  const auto sent = service_.wait_for(3, "Stopped.");
  EXPECT_LT(sent[1].text.size(), talk_.script.size());
  EXPECT_EQ(talk_.num_asked(), 1u);
  EXPECT_TRUE(is_done(kTelegramAccount));
}

}  // namespace
}  // namespace melete
