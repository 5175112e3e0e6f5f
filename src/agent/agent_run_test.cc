#include "agent/agent_run.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "agent/scripted_run.h"

namespace melete {
namespace {

class AgentRunTest : public ::testing::Test, public ScriptedRun {
 protected:
  std::unique_ptr<AgentRun> spawn(Opening opening, int64_t max_reasoning_tokens = 0) {
    Prompt prompt;
    prompt.tokens = small_tokenizer()->encode("prompt");
    AgentPlan plan;
    plan.id = 3;
    plan.opening = opening;
    plan.max_reasoning_tokens = max_reasoning_tokens;
    return std::make_unique<AgentRun>(Services{engine, *format}, request, plan,
                                      engine.prefill(prompt).value(), log);
  }

  Status finish(AgentRun& agent) {
    for (int i = 0; i < 1000 && !agent.done(); ++i) {
      engine.step();
      MELETE_RETURN_IF_ERROR(agent.advance());
    }
    return ok_status();
  }
};

TEST_F(AgentRunTest, AnswersAndStopsAtTheEndOfTheTurn) {
  engine.write("73.<|eot|>never read");
  const auto agent = spawn(Opening::answer);
  ASSERT_TRUE(finish(*agent).ok());
  EXPECT_EQ(agent->answer(), "73.");
  EXPECT_EQ(agent->finish(), "stop");
  EXPECT_EQ(agent->answer_tokens(), 4);
  EXPECT_EQ(engine.pages_in_use(), 0);
  EXPECT_EQ(kept.text("answer", 3), "73.");
  EXPECT_EQ(kept.events.front().kind, "agent.spawned");
  EXPECT_EQ(kept.events.back().kind, "agent.finished");
  EXPECT_EQ(kept.events.back().data["answer"], "73.");
}

TEST_F(AgentRunTest, ReasoningThatEndsByItselfLeavesTheAnswerItsWholeBudget) {
  // 3 digits of reasoning in a budget of 4: the answer is longer than what is left of it.
  engine.write("123" + kToAnswer + "98765432<|eot|>");
  request.max_answer_tokens = 20;
  const auto agent = spawn(Opening::reasoning, 4);
  ASSERT_TRUE(finish(*agent).ok());
  EXPECT_EQ(agent->reasoning(), "123");
  EXPECT_EQ(agent->answer(), "98765432");
  EXPECT_EQ(agent->finish(), "stop");
  EXPECT_EQ(agent->forced_tokens(), 0);
  EXPECT_TRUE(engine.appended.empty());
}

TEST_F(AgentRunTest, SpentBudgetClosesTheReasoningAndAsksForTheAnswer) {
  engine.write("1234567890");
  engine.write("7<|eot|>");
  const auto agent = spawn(Opening::reasoning, 4);
  ASSERT_TRUE(finish(*agent).ok());
  EXPECT_EQ(agent->reasoning(), "1234");
  EXPECT_EQ(agent->reasoning_tokens(), 4);
  EXPECT_EQ(agent->answer(), "7");
  ASSERT_EQ(engine.appended, std::vector<std::string>{kToAnswer});
  EXPECT_EQ(agent->forced_tokens(), 3);
  EXPECT_EQ(kept.of("agent.closed").size(), 1u);
  ASSERT_EQ(engine.samplings.size(), 2u);
  EXPECT_NE(engine.samplings[0].stream, engine.samplings[1].stream);
}

TEST_F(AgentRunTest, BudgetThatEndsInsideAHeaderIsNoReasonToCloseTwice) {
  engine.write("1234" + kToAnswer + "7<|eot|>");
  const auto agent = spawn(Opening::reasoning, 5);  // spent at <|eom|>
  ASSERT_TRUE(finish(*agent).ok());
  EXPECT_EQ(agent->answer(), "7");
  EXPECT_TRUE(engine.appended.empty());
}

TEST_F(AgentRunTest, StreamsDifferBetweenAgentsAndClosings) {
  std::vector<uint64_t> streams;
  for (int32_t id = 0; id < 4; ++id) {
    engine.write("123456");
    engine.write("7<|eot|>");
    AgentPlan plan;
    plan.id = id;
    plan.opening = Opening::reasoning;
    plan.max_reasoning_tokens = 2;
    Prompt prompt;
    prompt.tokens = {30};
    AgentRun agent({engine, *format}, request, plan, engine.prefill(prompt).value(), log);
    ASSERT_TRUE(finish(agent).ok());
  }
  for (const Sampling& sampling : engine.samplings) streams.push_back(sampling.stream);
  std::sort(streams.begin(), streams.end());
  EXPECT_EQ(std::unique(streams.begin(), streams.end()) - streams.begin(), 8);
}

TEST_F(AgentRunTest, LongAnswersAreCutAtTheirBudget) {
  engine.write("1234567890");
  request.max_answer_tokens = 3;
  const auto agent = spawn(Opening::answer);
  ASSERT_TRUE(finish(*agent).ok());
  EXPECT_EQ(agent->answer(), "123");
  EXPECT_EQ(agent->finish(), "length");
}

TEST_F(AgentRunTest, TheAnswerEndsWithItsMessage) {
  engine.write("7" + kToAnswer + "8<|eot|>");
  const auto agent = spawn(Opening::answer);
  ASSERT_TRUE(finish(*agent).ok());
  EXPECT_EQ(agent->answer(), "7");
  EXPECT_EQ(agent->finish(), "stop");
}

TEST_F(AgentRunTest, MarksAreEventsAndDeltasAddUpToTheText) {
  engine.write("red box<|loc_10|><|loc_20|><|loc_30|><|loc_40|>" + kToAnswer +
               "dot<|loc_01|><|loc_02|><|eot|>");
  const auto agent = spawn(Opening::reasoning, 50);
  ASSERT_TRUE(finish(*agent).ok());
  const auto marks = kept.of("mark.added");
  ASSERT_EQ(marks.size(), 2u);
  EXPECT_EQ(
      marks[0].data.dump(),
      R"({"kind":"box","label":"red box","at":[105,205,305,405],"text_bytes":7,"channel":"reasoning"})");
  EXPECT_EQ(marks[1].data.dump(),
            R"({"kind":"point","label":"dot","at":[15,25],"text_bytes":3,"channel":"answer"})");
  EXPECT_EQ(agent->marks().size(), 2u);
  EXPECT_EQ(kept.text("reasoning", 3), agent->reasoning());
  EXPECT_EQ(kept.text("answer", 3), "dot");
  EXPECT_EQ(agent->answer(), "dot<|loc_01|><|loc_02|>");
  EXPECT_EQ(answer_of(*agent).text, R"([{"x":15,"y":25}])");
  EXPECT_EQ(answer_of(*agent).raw, agent->answer());
}

TEST_F(AgentRunTest, HeldBackTextComesOutAtTheEnd) {
  engine.write("a<|eot|>");
  engine.scripts.back().tokens.insert(engine.scripts.back().tokens.begin() + 1,
                                      small_tokenizer()->encode("<").front());
  const auto agent = spawn(Opening::answer);
  ASSERT_TRUE(finish(*agent).ok());
  EXPECT_EQ(agent->answer(), "a<");
  EXPECT_EQ(kept.text("answer", 3), "a<");
}

TEST_F(AgentRunTest, KillReleasesAndKeepsWhatWasWritten) {
  engine.write("123456");
  const auto agent = spawn(Opening::answer);
  engine.step();
  engine.step();
  agent->kill("decided");
  EXPECT_EQ(engine.pages_in_use(), 0);
  EXPECT_TRUE(agent->done());
  EXPECT_EQ(agent->answer(), "12");
  EXPECT_EQ(agent->finish(), "cancelled");
  agent->kill("again");
  EXPECT_EQ(kept.of("agent.killed").size(), 1u);
  EXPECT_TRUE(agent->advance().ok());
}

TEST_F(AgentRunTest, HurryClosesOnce) {
  engine.write("123456");
  engine.write("9<|eot|>");
  const auto agent = spawn(Opening::reasoning, 100);
  engine.step();
  ASSERT_TRUE(agent->hurry("deadline").ok());
  ASSERT_TRUE(agent->hurry("deadline").ok());
  ASSERT_TRUE(finish(*agent).ok());
  EXPECT_EQ(agent->reasoning(), "1");
  EXPECT_EQ(agent->answer(), "9");
  EXPECT_EQ(engine.appended.size(), 1u);
}

TEST_F(AgentRunTest, ReasoningIsCutSoThatTheAnswerFitsTheContext) {
  engine.context = 60;
  engine.write(std::string(60, '1'));
  engine.write("7<|eot|>");
  request.max_answer_tokens = 10;
  const auto agent = spawn(Opening::reasoning, 1000);
  ASSERT_TRUE(finish(*agent).ok());
  EXPECT_EQ(agent->answer(), "7");
  EXPECT_EQ(agent->finish(), "stop");
}

TEST_F(AgentRunTest, NoRoomToCloseIsAnError) {
  engine.write("123456");
  engine.append_error = "full";
  const auto agent = spawn(Opening::reasoning, 2);
  const Status status = finish(*agent);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind, ErrorKind::exhausted);
  EXPECT_TRUE(agent->done());
  EXPECT_EQ(agent->finish(), "exhausted");
  EXPECT_EQ(engine.pages_in_use(), 0);
}

class ThrowingSink : public EventSink {
 public:
  void put(const Event& event) override {
    if (event.kind == "agent.delta") throw std::runtime_error("the pipe broke");
  }
};

TEST_F(AgentRunTest, ASinkThatThrowsEndsTheRunWithAnError) {
  ThrowingSink throwing;
  KeepEvents after;
  Services services{engine, *format};
  for (const char* mode : {"instant", "thinking", "contemplating"}) {
    request.num_agents = 2;
    kept.events.clear();
    EventLog broken_log({&kept, &throwing, &after});
    for (int i = 0; i < 2; ++i) engine.write("12<|eot|>");
    const auto answer = run_mode(mode, request, services, broken_log);
    ASSERT_FALSE(answer.ok()) << mode;
    EXPECT_EQ(answer.error().kind, ErrorKind::unavailable);
    EXPECT_NE(answer.error().message.find("the pipe broke"), std::string::npos) << answer.error().message;
    EXPECT_EQ(kept.events.back().kind, "run.failed");
    EXPECT_EQ(engine.pages_in_use(), 0);
    engine.scripts.clear();
  }
}

TEST_F(AgentRunTest, AGrammarBeginsWithTheAnswer) {
  request.max_answer_tokens = 20;
  request.grammar =
      Grammar::compile({GrammarKind::regex, "[0-9]+"},
                       std::make_shared<const Vocabulary>(*small_tokenizer(), format->stop_tokens()))
          .value();
  engine.write("123<|eom|>never read");
  engine.write("98<|eot|>");
  const auto agent = spawn(Opening::reasoning, 40);
  ASSERT_TRUE(finish(*agent).ok());
  EXPECT_EQ(agent->reasoning(), "123");
  EXPECT_EQ(agent->answer(), "98");
  EXPECT_EQ(agent->finish(), "stop");
  // The model has written <|eom|> itself.
  ASSERT_EQ(engine.appended.size(), 1u);
  EXPECT_EQ(engine.appended[0], "<|start|>assistant to=user<|message|>");
  ASSERT_EQ(engine.samplings.size(), 2u);
  EXPECT_EQ(engine.samplings[0].constraint, nullptr);
  ASSERT_NE(engine.samplings[1].constraint, nullptr);
  const auto mask_holder = engine.samplings[1].constraint->clone();
  const auto mask = mask_holder->mask();
  const auto allows = [&](int32_t id) { return (mask[static_cast<size_t>(id) / 32] >> (id % 32) & 1) != 0; };
  EXPECT_TRUE(allows(small_tokenizer()->encode("7").at(0)));
  EXPECT_FALSE(allows(small_tokenizer()->encode("x").at(0)));
  EXPECT_FALSE(allows(format->stop_tokens().at(0)));
}

TEST_F(AgentRunTest, AGrammarHoldsWhereReasoningIsCutOrSwitchedOff) {
  request.grammar =
      Grammar::compile({GrammarKind::regex, "[0-9]+"},
                       std::make_shared<const Vocabulary>(*small_tokenizer(), format->stop_tokens()))
          .value();
  engine.write("12345678");
  engine.write("98<|eot|>");
  const auto cut = spawn(Opening::reasoning, 4);
  ASSERT_TRUE(finish(*cut).ok());
  EXPECT_EQ(engine.appended.at(0), kToAnswer);
  ASSERT_NE(engine.samplings.at(1).constraint, nullptr);
  engine.write("5<|eot|>");
  const auto instant = spawn(Opening::answer);
  ASSERT_TRUE(finish(*instant).ok());
  EXPECT_NE(engine.samplings.at(2).constraint, nullptr);
}

}  // namespace
}  // namespace melete
