#include "cli/ask_command_options.h"

#include <gtest/gtest.h>

#include "agent/scripted_engine.h"
#include "base/file.h"
#include "text/template_format.h"
#include "text/test_files.h"

namespace melete {
namespace {

// A model of another family, as its files describe it; or a Muse model.
Assistant assistant_of(const SamplingAdvice& advice, bool muse = false) {
  ChatSource source;
  source.chat_template = "{% for m in messages %}{{ m.content }}{% endfor %}";
  auto tokenizer = small_tokenizer();
  auto format =
      muse ? make_chat_format({}, tokenizer, "test") : make_template_format(source, tokenizer, "test");
  return Assistant(std::make_unique<ScriptedEngine>(tokenizer), std::move(format).value(), {}, advice);
}

Request chosen(const AskOptions& options, const Assistant& assistant) {
  Request request = options.request().value();
  options.choose_sampling(assistant, request);
  return request;
}

TEST(ChooseSampling, AMuseModelIsSampledAsItsModeDoes) {
  const Request request = chosen({}, assistant_of({0.9, 0.5, 0.1, 7}, /*muse=*/true));
  EXPECT_LT(request.temperature, 0);
  EXPECT_EQ(request.top_p, 1);
}

TEST(ChooseSampling, AnotherModelIsSampledAsItsFilesAdvise) {
  const Request request = chosen({}, assistant_of({0.6, 0.8, std::nullopt, 20}));
  EXPECT_EQ(request.temperature, 0.6);
  EXPECT_EQ(request.top_p, 0.8);
  EXPECT_EQ(request.min_p, 0);
  EXPECT_EQ(request.top_k, 20);
}

TEST(ChooseSampling, WithoutAdviceItIsAsOtherProgramsDo) {
  const Request request = chosen({}, assistant_of({}));
  EXPECT_EQ(request.temperature, 0.7);
  EXPECT_EQ(request.top_p, 0.95);
  EXPECT_EQ(request.min_p, 0.05);
}

TEST(ChooseSampling, TheCatalogueKnowsWhatTheFilesDoNotSay) {
  AskOptions options;
  options.model = "smollm2";
  EXPECT_EQ(chosen(options, assistant_of({})).temperature, 0.2);
  EXPECT_EQ(chosen(options, assistant_of({1.5, {}, {}, {}})).temperature, 1.5);
}

TEST(ChooseSampling, OptionsStandAboveAdvice) {
  AskOptions options;
  options.top_p = 0.4;
  EXPECT_EQ(chosen(options, assistant_of({0.6, 0.8, {}, {}})).top_p, 0.4);
  options.temperature = 0;
  const Request greedy = chosen(options, assistant_of({0.6, 0.8, 0.3, 20}));
  EXPECT_EQ(greedy.temperature, 0);
  EXPECT_EQ(greedy.min_p, 0);
}

class ToolOptions : public ::testing::Test {
 protected:
  ToolOptions() {
    std::string name = (std::filesystem::temp_directory_path() / "melete_tools_XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~ToolOptions() override { std::filesystem::remove_all(folder_); }

  // Options with a file of this text.
  AskOptions with(const char* text, std::string choice = {}) {
    AskOptions options;
    options.tools = (folder_ / "tools.json").string();
    options.tool_choice = std::move(choice);
    EXPECT_TRUE(write_file(options.tools, text).ok());
    return options;
  }

  static void expect_refused(const AskOptions& options, const std::string& part) {
    const auto request = options.request();
    ASSERT_FALSE(request.ok()) << part;
    EXPECT_NE(request.error().message.find(part), std::string::npos) << request.error().message;
  }

  std::filesystem::path folder_;
};

TEST_F(ToolOptions, TheFileIsAListOfDefinitions) {
  const char* good = R"([{"name": "f"}, {"type": "function", "function": {"name": "g"}}])";
  const Request request = with(good).request().value();
  EXPECT_EQ(request.conversation.tools.size(), 2u);
  EXPECT_EQ(request.tool_choice.kind, ToolChoice::Kind::automatic);
  EXPECT_EQ(with(good, "none").request()->tool_choice.kind, ToolChoice::Kind::none);
  EXPECT_EQ(with(good, "required").request()->tool_choice.kind, ToolChoice::Kind::required);
  EXPECT_EQ(with(good, "g").request()->tool_choice.name, "g");
  expect_refused(with(good, "h"), "[tool_choice] must name one of the tools, got h");
  expect_refused(with("{\"name\": \"f\"}"), "must hold a list of tools, got object");
  expect_refused(with("[{}]"), "[tools[0]] must have a name");
  expect_refused(with("[}"), "tools.json");
  AskOptions nowhere;
  nowhere.tools = (folder_ / "none.json").string();
  expect_refused(nowhere, "none.json");
}

TEST_F(ToolOptions, ACallThatMustComeIsHeld) {
  auto assistant = assistant_of({});
  const AskOptions options = with(R"([{"name": "f"}])", "required");
  Request request = options.request().value();
  ASSERT_TRUE(options.add_grammar(assistant, request).ok());
  ASSERT_NE(request.grammar, nullptr);
  EXPECT_TRUE(request.grammar->matches(R"({"name": "f", "arguments": {}})"));
  AskOptions both = options;
  both.regex = "a";
  expect_refused(both, "[--tool-choice] must be auto or none beside --schema");
  expect_refused(with(R"([{"name": "f", "parameters": {"not": {}}}])", "f"),
                 "[tools[0].parameters] [schema]");
}

}  // namespace
}  // namespace melete
