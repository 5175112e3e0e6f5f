#include "cli/program.h"

#include <gtest/gtest.h>

#include "cli/option_table.h"

namespace melete {
namespace {

std::vector<std::string> greeted;

class GreetCommand : public Command {
 public:
  CommandInfo info() const override {
    return {"say hello", "greet somebody", "Politely.", {"say hello Ada"}};
  }
  void declare(CLI::App& app) override {
    app.add_option("name", name_, "whom")->required();
    app.add_option("--times", times_, "how often")->capture_default_str();
    app.add_option("--style", style_, "how")->check(CLI::IsMember({"warm", "cool"}));
  }
  Result<int> run() override {
    if (times_ < 0) return exhausted("[say hello] times must be positive, got ", times_, "; give more");
    MELETE_CHECK(times_ != 99, "ninety-nine");
    for (int i = 0; i < times_; ++i) greeted.push_back(name_);
    return times_ == 3 ? 42 : 0;
  }

 private:
  std::string name_, style_;
  int times_ = 1;
};
MELETE_REGISTER_COMMAND(GreetCommand);

struct Outcome {
  int code;
  std::string out, err;
};

Outcome run(std::vector<const char*> words) {
  words.insert(words.begin(), "demo");
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int code = run_program({"demo", "a test"}, static_cast<int>(words.size()), words.data());
  return {code, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

TEST(Program, RunsTheCommandAndReturnsItsCode) {
  greeted.clear();
  EXPECT_EQ(run({"say", "hello", "Ada", "--times", "3"}).code, 42);
  EXPECT_EQ(greeted, (std::vector<std::string>{"Ada", "Ada", "Ada"}));
}

TEST(Program, AnErrorIsPrintedAndItsKindIsTheExitCode) {
  const Outcome outcome = run({"say", "hello", "Ada", "--times", "-1"});
  EXPECT_EQ(outcome.code, 4);
  EXPECT_EQ(outcome.err, "demo: [say hello] times must be positive, got -1; give more\n");
}

TEST(Program, ABugExits70AndSaysSo) {
  const Outcome outcome = run({"say", "hello", "Ada", "--times", "99"});
  EXPECT_EQ(outcome.code, 70);
  EXPECT_NE(outcome.err.find("this is a bug in demo"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("ninety-nine"), std::string::npos) << outcome.err;
}

TEST(Program, WrongUsageExits2AndNamesTheNearest) {
  const Outcome command = run({"sey"});
  EXPECT_EQ(command.code, 2);
  EXPECT_EQ(command.err, "demo: unknown argument 'sey'; did you mean 'say'?; see demo --help\n");
  const Outcome option = run({"say", "hello", "Ada", "--tims", "2"});
  EXPECT_EQ(option.code, 2);
  EXPECT_EQ(option.err,
            "demo: unknown option '--tims'; did you mean '--times'?; see demo say hello --help\n");
  const Outcome missing = run({"say", "hello"});
  EXPECT_EQ(missing.code, 2);
  EXPECT_NE(missing.err.find("name is required"), std::string::npos) << missing.err;
  EXPECT_EQ(run({}).code, 2);
}

TEST(Program, HelpGoesToStdoutWithExamples) {
  const Outcome outcome = run({"say", "hello", "--help"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_NE(outcome.out.find("greet somebody"), std::string::npos);
  EXPECT_NE(outcome.out.find("demo say hello Ada"), std::string::npos) << outcome.out;
}

TEST(OptionTable, HoldsWhatWasDeclared) {
  const OptionTable table = option_table(Program({"demo", "a test"}));
  ASSERT_EQ(table.commands.size(), 3u);
  const CommandRow& row = table.commands[2];
  EXPECT_EQ(row.name, "say hello");
  ASSERT_EQ(row.options.size(), 4u);
  EXPECT_TRUE(row.options[1].positional && row.options[1].required);
  EXPECT_EQ(row.options[2].names, std::vector<std::string>{"--times"});
  EXPECT_EQ(row.options[2].default_text, "1");
  EXPECT_EQ(row.options[3].choices, (std::vector<std::string>{"warm", "cool"}));
}

TEST(OptionTable, FindsWhatADocumentGetsWrong) {
  const OptionTable table = option_table(Program({"demo", "a test"}));
  EXPECT_EQ(unknown_in(table, {"say", "hello", "Ada", "--times=2"}), "");
  EXPECT_EQ(unknown_in(table, {"--version"}), "");
  EXPECT_EQ(unknown_in(table, {"sing"}), "no command 'sing'");
  EXPECT_EQ(unknown_in(table, {"say", "hello", "--loud"}), "'say hello' has no option --loud");
}

TEST(Completion, ManPageAndShellsKnowEveryOption) {
  const std::string man = run({"man"}).out;
  EXPECT_NE(man.find(".SS demo say hello\ngreet somebody.\n"), std::string::npos) << man;
  EXPECT_NE(man.find("\\-\\-style\\fR warm|cool"), std::string::npos) << man;
  const std::string bash = run({"completion", "bash"}).out;
  EXPECT_NE(bash.find("'say') words='hello'"), std::string::npos) << bash;
  EXPECT_NE(bash.find("'say hello') words='-h --help --times --style'"), std::string::npos) << bash;
  EXPECT_NE(bash.find("'say hello --style') COMPREPLY=($(compgen -W 'warm cool'"), std::string::npos) << bash;
}

}  // namespace
}  // namespace melete
