#include "bridges/commands.h"

#include <gtest/gtest.h>

#include "bridges/allow_list.h"

namespace melete {
namespace {

using Kind = BridgeCommand::Kind;

std::string read(const std::string& text) {
  const auto command = read_command(text, "@our_bot");
  if (!command) return "question";
  const char* const names[] = {"new", "mode", "stop", "help", "unknown"};
  return std::string(names[static_cast<int>(command->kind)]) + ":" + command->argument;
}

TEST(Commands, AreKnownByTheirFirstWord) {
  EXPECT_EQ(read("/new"), "new:");
  EXPECT_EQ(read("  !NEW \n"), "new:");
  EXPECT_EQ(read("/mode Thinking"), "mode:thinking");
  EXPECT_EQ(read("/mode@Our_Bot  contemplating "), "mode:contemplating");
  EXPECT_EQ(read("/stop"), "stop:");
  EXPECT_EQ(read("/start"), "help:");
}

TEST(Commands, LeaveQuestionsAlone) {
  for (const char* text : {"", "/", "new", "/usr/bin/env is what?", "/etc is what?", "!important",
                           "what is /new?", "/new@other_bot", "!"})
    EXPECT_EQ(read(text), "question") << text;
  EXPECT_EQ(read("/nwe"), "unknown:nwe");
}

TEST(Commands, HelpNamesEachOne) {
  for (const CommandHelp& command : chat_commands())
    EXPECT_NE(help_text().find("/" + command.name), std::string::npos) << command.name;
}

Incoming from(const std::string& id, const std::string& name) {
  Incoming message;
  message.sender = id;
  message.sender_name = name;
  return message;
}

TEST(AllowList, HasIdsAndNames) {
  const AllowList list({"42", "@Ann", "@bob:example.org"});
  EXPECT_TRUE(list.allows(from("42", "")));
  EXPECT_TRUE(list.allows(from("7", "@aNN")));
  EXPECT_TRUE(list.allows(from("@bob:example.org", "")));
  EXPECT_FALSE(list.allows(from("43", "@anna")));
  EXPECT_FALSE(list.allows(from("@BOB:example.org", "")));
  // Nobody becomes someone by their name at the service.
  EXPECT_FALSE(list.allows(from("7", "42")));
}

TEST(AllowList, EmptyIsNobody) {
  const AllowList list({});
  EXPECT_FALSE(list.allows(from("", "")));
  EXPECT_FALSE(list.allows(from("1", "@a")));
}

TEST(AllowList, SaysWhatAnEntryMustBe) {
  EXPECT_EQ(problem_of_telegram_user("123"), "");
  EXPECT_EQ(problem_of_telegram_user("@ann_1"), "");
  for (const char* wrong : {"", "ann", "@", "-5", "@a b", "*"})
    EXPECT_NE(problem_of_telegram_user(wrong), "") << wrong;
  EXPECT_EQ(problem_of_matrix_user("@ann:example.org:8448"), "");
  for (const char* wrong : {"", "ann", "@ann", "@:x", "@ann:", "@*:example.org"})
    EXPECT_NE(problem_of_matrix_user(wrong), "") << wrong;
}

}  // namespace
}  // namespace melete
