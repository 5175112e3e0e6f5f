// The modes where the caller gives tools: over the Muse format and over chat templates.
#include <gtest/gtest.h>

#include "agent/assistant.h"
#include "agent/scripted_run.h"
#include "text/template_format.h"
#include "text/tool_markup.h"

namespace melete {
namespace {

using Kind = ToolChoice::Kind;

constexpr const char* kThinks =
    "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% if not enable_thinking %}<think>\n\n</think>\n\n{% endif "
    "%}{% endif %}";

std::string muse_call(const std::string& name, const Json& arguments) {
  return cat(" to=", name, "<|message|>", tool_call_text(name, arguments));
}

std::string tagged_call(const std::string& name, const Json& arguments) {
  return cat("<tool_call>\n", spaced_json(Json{{"name", name}, {"arguments", arguments}}), "\n</tool_call>");
}

std::string shown(const std::vector<IssuedCall>& calls) {
  std::string all;
  for (const IssuedCall& call : calls) all += call_line(call.name, call.arguments) + ";";
  return all;
}

const std::string kNext = "<|eom|><|start|>assistant";

class ToolModeTest : public ::testing::Test, public ScriptedRun {
 protected:
  ToolModeTest() {
    request.conversation.tools = {
        parse_json(
            R"({"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "integer"},
                       "with": {"type": "string"}}, "required": ["at"]}})",
            "tools")
            .value(),
        Json{{"name", "now"}}};
  }
  ~ToolModeTest() override { EXPECT_EQ(engine.pages_in_use(), 0); }

  void use_template(const char* chat_template) {
    ChatSource source;
    source.chat_template = chat_template;
    source.eos = *small_tokenizer()->special_id("<|eot|>");
    format = make_template_format(source, small_tokenizer(), "test").value();
  }

  void hold(ToolChoice choice) {
    request.tool_choice = std::move(choice);
    const auto source = held_call_grammar(request.conversation.tools, request.tool_choice);
    ASSERT_TRUE(source.ok()) << source.error().message;
    request.grammar = Grammar::compile(*source, std::make_shared<const Vocabulary>(*small_tokenizer(),
                                                                                   format->stop_tokens()))
                          .value();
  }

  Answer answer(const std::string& mode) {
    auto made = run(mode);
    EXPECT_TRUE(made.ok()) << made.error().message;
    return made.ok() ? *made : Answer();
  }

  std::string lines() const {
    std::string all;
    for (const Event& event : kept.events)
      if (event.kind != "meter") all += to_line(event);
    return all;
  }
};

TEST_F(ToolModeTest, InstantLetsAMuseModelCall) {
  engine.write(muse_call("look", {{"at", 3}, {"with", "5"}}) + "<|eot|>");
  const Answer made = answer("instant");
  EXPECT_TRUE(engine.prompts[0].ends_with("<|start|>assistant")) << engine.prompts[0];
  EXPECT_NE(engine.prompts[0].find("\"look\", \"now\", \"user\""), std::string::npos) << engine.prompts[0];
  EXPECT_EQ(shown(made.tool_calls), R"(look({"at":3,"with":"5"});)");
  EXPECT_EQ(made.finish, "tool_calls");
  EXPECT_EQ(made.text, "");
  EXPECT_EQ(made.usage.reasoning_tokens, 0);
  const auto calls = kept.of("agent.tool_call");
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].data["id"], made.tool_calls[0].id);
  EXPECT_EQ(calls[0].data["arguments"].dump(), R"({"at":3,"with":"5"})");
  for (const char* kind : {"agent.finished", "run.completed"}) {
    EXPECT_EQ(kept.of(kind)[0].data["finish"], "tool_calls");
    EXPECT_EQ(kept.of(kind)[0].data["tool_calls"][0]["name"], "look");
  }
}

TEST_F(ToolModeTest, InstantStillAnswersAndNeverReasons) {
  engine.write(" to=user<|message|>7<|eot|>");
  Answer made = answer("instant");
  EXPECT_EQ(made.text, "7");
  EXPECT_EQ(made.finish, "stop");
  EXPECT_TRUE(made.tool_calls.empty());
  engine.write(" to=self<|message|>123456");
  engine.write("8<|eot|>");
  made = answer("instant");
  EXPECT_EQ(made.text, "8");
  EXPECT_EQ(made.reasoning, "");
  EXPECT_EQ(engine.appended, std::vector<std::string>{kToAnswer});
}

TEST_F(ToolModeTest, ReasoningThenCallsThatNoReasoningBudgetCuts) {
  const std::string with(300, 'x');
  engine.write("12" + kNext + muse_call("look", {{"at", 1}, {"with", with}}) + kNext +
               muse_call("now", Json::object()) + "<|eot|>");
  request.max_reasoning_tokens = 4;
  request.max_answer_tokens = 1000;
  const Answer made = answer("thinking");
  EXPECT_EQ(made.reasoning, "12");
  EXPECT_EQ(shown(made.tool_calls), R"(look({"at":1,"with":")" + with + R"("});now({});)");
  EXPECT_NE(made.tool_calls[0].id, made.tool_calls[1].id);
  EXPECT_EQ(made.finish, "tool_calls");
  EXPECT_LT(made.usage.reasoning_tokens, 20);
  EXPECT_GT(made.usage.answer_tokens, 100);
  EXPECT_TRUE(engine.appended.empty());
}

TEST_F(ToolModeTest, SpentReasoningLeavesTheChoice) {
  engine.write("1234567890");
  engine.write(muse_call("now", Json::object()) + "<|eot|>");
  request.max_reasoning_tokens = 4;
  Answer made = answer("thinking");
  EXPECT_EQ(shown(made.tool_calls), "now({});");
  EXPECT_EQ(engine.appended, std::vector<std::string>{kNext});
  // A model that goes on reasoning is asked for the answer.
  engine.appended.clear(), engine.samplings.clear();
  engine.write("1234567890");
  engine.write(" to=self<|message|>123");
  engine.write("7<|eot|>");
  made = answer("thinking");
  EXPECT_EQ(made.text, "7");
  EXPECT_EQ(made.reasoning, "1234");
  EXPECT_EQ(engine.appended, (std::vector<std::string>{kNext, kToAnswer}));
  ASSERT_EQ(engine.samplings.size(), 3u);
  EXPECT_NE(engine.samplings[1].stream, engine.samplings[2].stream);
  EXPECT_NE(engine.samplings[0].stream, engine.samplings[2].stream);
}

TEST_F(ToolModeTest, CommentaryIsNeitherReasoningNorAnswer) {
  engine.write("12" + kNext + " to=commentary<|message|>Let me see." + kNext +
               muse_call("now", Json::object()) + "<|eot|>");
  const Answer made = answer("thinking");
  EXPECT_EQ(made.reasoning, "12");
  EXPECT_EQ(made.commentary, "Let me see.");
  EXPECT_EQ(made.text, "");
  EXPECT_EQ(shown(made.tool_calls), "now({});");
  EXPECT_EQ(kept.text("commentary"), "Let me see.");
  EXPECT_EQ(kept.text("reasoning"), "12");
}

TEST_F(ToolModeTest, ACutCallIsNone) {
  for (const bool is_muse : {true, false}) {
    if (!is_muse) use_template(kThinks);
    const Json arguments = {{"at", 1}, {"with", std::string(90, 'x')}};
    engine.write(is_muse ? muse_call("look", arguments) : tagged_call("look", arguments));
    request.max_answer_tokens = 40;
    const Answer made = answer("instant");
    EXPECT_EQ(made.finish, "length");
    EXPECT_TRUE(made.tool_calls.empty());
    EXPECT_EQ(made.usage.answer_tokens, 40);
    EXPECT_TRUE(kept.of("agent.tool_call").empty());
  }
}

TEST_F(ToolModeTest, TheFirstCallAloneUnlessTheyMayBeParallel) {
  for (const bool is_muse : {true, false}) {
    if (!is_muse) use_template(kThinks);
    const auto write = [&] {
      const Json three = {{"at", 3}};
      engine.write(is_muse
                       ? muse_call("look", three) + kNext + muse_call("now", Json::object()) + "<|eot|>"
                       : tagged_call("look", three) + "\n" + tagged_call("now", Json::object()) + "<|eot|>");
    };
    write();
    request.parallel_calls = true;
    EXPECT_EQ(shown(answer("instant").tool_calls), R"(look({"at":3});now({});)");
    kept.events.clear();
    write();
    request.parallel_calls = false;
    const Answer made = answer("instant");
    EXPECT_EQ(shown(made.tool_calls), R"(look({"at":3});)");
    EXPECT_EQ(made.finish, "tool_calls");
    EXPECT_EQ(kept.of("agent.tool_call").size(), 1u);
  }
}

TEST_F(ToolModeTest, ACallMayFollowTheAnswerButNoSecondAnswer) {
  engine.write(" to=user<|message|>Wait." + kNext + muse_call("now", Json::object()) + "<|eot|>");
  Answer made = answer("instant");
  EXPECT_EQ(made.text, "Wait.");
  EXPECT_EQ(shown(made.tool_calls), "now({});");
  EXPECT_EQ(made.finish, "tool_calls");
  engine.write(" to=user<|message|>7" + kNext + " to=user<|message|>8<|eot|>");
  made = answer("instant");
  EXPECT_EQ(made.text, "7");
  EXPECT_EQ(made.finish, "stop");
}

TEST_F(ToolModeTest, LongNamesFitTheHeader) {
  const std::string name(60, 'a');
  request.conversation.tools = {Json{{"name", name}}};
  request.max_reasoning_tokens = 4;
  engine.write("123" + kNext + muse_call(name, Json::object()) + "<|eot|>");
  EXPECT_EQ(shown(answer("thinking").tool_calls), name + "({});");
  EXPECT_TRUE(engine.appended.empty());
}

TEST_F(ToolModeTest, TemplatesCallInsideTheAnswer) {
  use_template(kThinks);
  engine.write("hm\n</think>\n\nLet me see.\n" + tagged_call("look", {{"at", 3}}) + "<|eot|>");
  request.max_reasoning_tokens = 12;
  const Answer made = answer("thinking");
  EXPECT_EQ(made.reasoning, "hm");
  EXPECT_EQ(made.text, "Let me see.\n");
  EXPECT_EQ(shown(made.tool_calls), R"(look({"at":3});)");
  EXPECT_EQ(made.finish, "tool_calls");
}

TEST_F(ToolModeTest, ACallStraightAfterTheReasoningIsNotCutByItsBudget) {
  use_template(kThinks);
  const std::string with(200, 'x');
  engine.write("hm</think>" + tagged_call("look", {{"at", 3}, {"with", with}}) + "<|eot|>");
  request.max_reasoning_tokens = 12;
  request.max_answer_tokens = 1000;
  const Answer made = answer("thinking");
  EXPECT_EQ(shown(made.tool_calls), R"(look({"at":3,"with":")" + with + R"("});)");
  EXPECT_TRUE(engine.appended.empty());
}

TEST_F(ToolModeTest, NoneHidesTheToolsAndWhatIsWrittenIsText) {
  request.tool_choice = {Kind::none};
  const std::string call = tool_call_text("now", Json::object());
  engine.write("12" + kNext + " to=now<|message|>" + call + "<|eot|>");
  Answer made = answer("thinking");
  EXPECT_EQ(engine.prompts[0].find("now"), std::string::npos) << engine.prompts[0];
  EXPECT_EQ(made.text, call);
  EXPECT_TRUE(made.tool_calls.empty());
  EXPECT_EQ(made.finish, "stop");
  use_template(kThinks);
  engine.write(tagged_call("now", Json::object()) + "<|eot|>");
  made = answer("instant");
  EXPECT_EQ(engine.prompts[1].find("now"), std::string::npos) << engine.prompts[1];
  EXPECT_EQ(made.text, tagged_call("now", Json::object()));
}

TEST_F(ToolModeTest, HeldTextBecomesTheCallInEveryFormat) {
  for (const bool is_muse : {true, false}) {
    if (!is_muse) use_template(kThinks);
    hold({Kind::required});
    kept.events.clear(), engine.samplings.clear();
    engine.write("12" + std::string(is_muse ? "<|eom|>" : "</think>"));
    engine.write("{\"name\": \"look\", \"arguments\": {\"at\": 3}}<|eot|>");
    const Answer made = answer("thinking");
    EXPECT_NE(engine.prompts.back().find("now"), std::string::npos);
    EXPECT_EQ(made.reasoning, "12");
    EXPECT_EQ(made.text, "");
    EXPECT_EQ(shown(made.tool_calls), R"(look({"at":3});)");
    EXPECT_EQ(made.finish, "tool_calls");
    ASSERT_EQ(engine.samplings.size(), 2u);
    EXPECT_EQ(engine.samplings[0].constraint, nullptr);
    EXPECT_NE(engine.samplings[1].constraint, nullptr);
    EXPECT_EQ(kept.text("tool_call"), "{\"at\": 3}");
    EXPECT_EQ(kept.text("answer"), "");
    for (const Event& event : kept.of("agent.delta"))
      if (event.data["channel"] == "tool_call") {
        EXPECT_EQ(event.data["name"], "look");
        EXPECT_EQ(event.data["id"], made.tool_calls[0].id);
      }
    ASSERT_EQ(kept.of("agent.tool_call").size(), 1u);
    EXPECT_EQ(kept.of("agent.tool_call")[0].data["id"], made.tool_calls[0].id);
  }
}

TEST_F(ToolModeTest, AHeldCallThatIsCutIsNone) {
  hold({Kind::named, "look"});
  engine.write("{\"name\": \"look\", \"arguments\": {\"at\": 333333333333333333333333333");
  request.stop_requested = [this] { return engine.num_steps >= 12; };
  const Answer made = answer("instant");
  EXPECT_EQ(made.finish, "cancelled");
  EXPECT_EQ(made.text, "");
  EXPECT_TRUE(made.tool_calls.empty());
}

TEST_F(ToolModeTest, AFormOfTheAnswerStandsBesideCalls) {
  request.grammar =
      Grammar::compile({GrammarKind::regex, "[0-9]+"},
                       std::make_shared<const Vocabulary>(*small_tokenizer(), format->stop_tokens()))
          .value();
  request.max_answer_tokens = 200;
  engine.write("12" + kNext + muse_call("now", Json::object()) + "<|eot|>");
  Answer made = answer("thinking");
  EXPECT_EQ(shown(made.tool_calls), "now({});");
  EXPECT_EQ(made.finish, "tool_calls");
  engine.samplings.clear();
  engine.write("12" + kToAnswer + "never read");
  engine.write("98<|eot|>");
  made = answer("thinking");
  EXPECT_EQ(made.text, "98");
  EXPECT_TRUE(engine.appended.empty());
  ASSERT_EQ(engine.samplings.size(), 2u);
  EXPECT_EQ(engine.samplings[0].constraint, nullptr);
  EXPECT_NE(engine.samplings[1].constraint, nullptr);
  // A call that is none can't be held to the form.
  engine.write("12" + kNext + " to=now<|message|>no call<|eot|>");
  made = answer("thinking");
  EXPECT_EQ(made.finish, "blocked");
  EXPECT_EQ(made.text, "");
  EXPECT_EQ(made.commentary, "no call");
}

TEST_F(ToolModeTest, AgentsVoteOnTheirCalls) {
  const std::vector<Json> arguments = {{{"at", 4}}, {{"at", 3}, {"with", "a"}}, {{"with", "a"}, {"at", 3}}};
  for (const Json& one : arguments) engine.write("12" + kNext + muse_call("look", one) + "<|eot|>");
  engine.write("12" + kToAnswer + "4<|eot|>");
  engine.scripts[2].confidence = 3;
  request.num_agents = 4;
  const Answer made = answer("contemplating");
  EXPECT_EQ(made.agent, 2);
  EXPECT_EQ(shown(made.tool_calls), R"(look({"with":"a","at":3});)");
  EXPECT_EQ(made.finish, "tool_calls");
  ASSERT_EQ(made.votes.size(), 3u);
  EXPECT_EQ(made.votes[1].key, R"(look({"at":3,"with":"a"}))");
  EXPECT_EQ(made.votes[1].votes, 2);
}

TEST_F(ToolModeTest, TheNextTurnSeesCallsAndResults) {
  request.conversation.tools.resize(1);
  request.max_answer_tokens = 1000;
  const std::string calls =
      muse_call("look", {{"at", 3}, {"with", "5"}}) + kNext + muse_call("look", {{"at", 4}});
  engine.write("12" + kNext + " to=commentary<|message|>Wait." + kNext + calls + "<|eot|>");
  const Answer made = answer("thinking");
  for (Message& message : to_messages(made)) request.conversation.messages.push_back(std::move(message));
  for (const char* result : {"red", "<|eot|>"})
    request.conversation.messages.push_back({Role::tool, "look", {TextPart{result, false}}, true});
  engine.write("7" + kToAnswer + "Red.<|eot|>");
  EXPECT_EQ(answer("thinking").text, "Red.");
  const std::string& prompt = engine.prompts.back();
  EXPECT_TRUE(prompt.ends_with(
      "how many?<|eot|><|start|>assistant to=commentary<|message|>Wait." + kNext + calls +
      "<|eot|><|start|>tool look<|message|><tool_output "
      "name=\"look\">\nred\n</tool_output><|eot|><|start|>tool "
      "look<|message|><tool_output name=\"look\">\n<|eot|>\n</tool_output><|eot|><|start|>assistant "
      "to=self<|message|>"))
      << prompt;
}

TEST_F(ToolModeTest, ReplaysAreEqual) {
  std::string first, id;
  for (int round = 0; round < 2; ++round) {
    kept.events.clear();
    log = EventLog({&kept});
    engine.write(muse_call("now", Json::object()) + "<|eot|>");
    const Answer made = answer("instant");
    if (round == 0) first = lines(), id = made.tool_calls.at(0).id;
  }
  EXPECT_EQ(lines(), first);
  // The next turn's ids are others.
  request.conversation.messages.push_back({Role::tool, "now", {TextPart{"noon", false}}, true});
  engine.write(muse_call("now", Json::object()) + "<|eot|>");
  EXPECT_NE(answer("instant").tool_calls.at(0).id, id);
}

TEST_F(ToolModeTest, BadRequestsAreRefused) {
  const auto refuses = [this](const std::string& start) {
    const auto made = run("instant");
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().kind, ErrorKind::invalid_argument);
    EXPECT_TRUE(made.error().message.starts_with(start)) << made.error().message;
    EXPECT_TRUE(engine.prompts.empty());
  };
  request.tool_choice = {Kind::required};
  refuses("[tool_choice] must come with the grammar");
  request.tool_choice = {Kind::named, "see"};
  refuses("[tool_choice] must name one of the tools");
  hold({Kind::required});
  request.tool_choice = {};
  use_template(kThinks);
  refuses("[tools] must not stand beside a form");
  request.conversation.tools.push_back(Json{{"name", "look"}});
  refuses("[tools[2]] must have a name of its own");
}

}  // namespace
}  // namespace melete
