#include "agent/mode.h"

#include <gtest/gtest.h>

#include <limits>

#include "agent/scripted_run.h"

namespace melete {
namespace {

class ModeTest : public ::testing::Test, public ScriptedRun {
 protected:
  ~ModeTest() override { EXPECT_EQ(engine.pages_in_use(), 0); }

  void write_agents(const std::vector<std::string>& answers) {
    for (const std::string& answer : answers) engine.write("12" + kToAnswer + answer + "<|eot|>");
    request.num_agents = static_cast<int>(answers.size());
  }

  std::string lines() const {
    std::string all;
    for (const Event& event : kept.events)
      if (event.kind != "meter") all += to_line(event);
    return all;
  }
};

TEST_F(ModeTest, InstantAnswersWithoutReasoning) {
  engine.write("7<|eot|>");
  const auto answer = run("instant");
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->text, "7");
  EXPECT_EQ(answer->reasoning, "");
  EXPECT_EQ(answer->finish, "stop");
  EXPECT_EQ(answer->usage.answer_tokens, 2);
  ASSERT_EQ(engine.prompts.size(), 1u);
  EXPECT_TRUE(engine.prompts[0].ends_with("<|start|>assistant to=user<|message|>")) << engine.prompts[0];
  EXPECT_EQ(engine.prompts[0].find("strength"), std::string::npos);
  EXPECT_EQ(engine.samplings[0].temperature, 0);
  EXPECT_EQ(kept.events.front().kind, "run.started");
  EXPECT_EQ(kept.events.back().kind, "run.completed");
  for (size_t i = 0; i < kept.events.size(); ++i) EXPECT_EQ(kept.events[i].seq, i);
}

TEST_F(ModeTest, ThinkingReasonsWithinTheEffortsBudget) {
  for (const auto& [effort, budget] : {std::pair(Effort::low, 96), std::pair(Effort::high, 384)}) {
    engine.write(std::string(500, '1'));
    engine.write("7<|eot|>");
    request.effort = effort;
    const auto answer = run("thinking");
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(answer->usage.reasoning_tokens, budget);
    EXPECT_EQ(answer->usage.forced_tokens, 3);
    EXPECT_EQ(answer->text, "7");
    EXPECT_TRUE(engine.prompts.back().ends_with("<|start|>assistant to=self<|message|>"));
  }
}

TEST_F(ModeTest, ContemplatingSharesOnePrefillAndCountsInTheAgentsOrder) {
  // Agent 0 finishes last: no vote is counted before its own.
  write_agents({"8", "7", "7"});
  engine.scripts[0] = {small_tokenizer()->encode_trusted("123456789" + kToAnswer + "8<|eot|>"), 1};
  const auto answer = run("contemplating");
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->text, "7");
  EXPECT_EQ(engine.prompts.size(), 1u);
  EXPECT_EQ(engine.num_forks, 2);
  const auto votes = kept.of("vote.updated");
  ASSERT_EQ(votes.size(), 3u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(votes[static_cast<size_t>(i)].agent, i);
  EXPECT_EQ(votes[0].data["counts"].dump(), R"({"8":1})");
  EXPECT_EQ(votes[2].data["counts"].dump(), R"({"8":1,"7":2})");
  ASSERT_EQ(answer->votes.size(), 2u);
  EXPECT_EQ(answer->votes[1].votes, 2);
  EXPECT_EQ(kept.of("decision")[0].data["rule"], "complete");
  for (const Sampling& sampling : engine.samplings) EXPECT_EQ(sampling.temperature, 0.7);
}

TEST_F(ModeTest, TheMostConfidentAgentOfTheLeaderAnswers) {
  write_agents({"7", "seven", "8"});
  engine.scripts[1].confidence = 3;
  engine.scripts[2].confidence = 9;
  const auto answer = run("contemplating");
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->agent, 1);
  EXPECT_EQ(answer->text, "seven");
}

TEST_F(ModeTest, ALockedVoteKillsTheAgentsThatStillWork) {
  write_agents({"7", "7", "7", "8", "8"});
  for (const size_t slow : {3, 4})
    engine.scripts[slow] = {small_tokenizer()->encode_trusted(std::string(300, '1')), 1};
  request.delta = 0.01;
  const auto answer = run("contemplating");
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->text, "7");
  EXPECT_EQ(answer->finish, "stop");
  EXPECT_FALSE(answer->certified);
  EXPECT_EQ(kept.of("decision")[0].data["rule"], "locked");
  EXPECT_EQ(kept.of("agent.killed").size(), 2u);
}

TEST_F(ModeTest, ACertifiedVoteStopsEarly) {
  // Five unanimous votes certify at 2 / 0.2 (vote_test), with six of eleven not counted yet: nothing is
  // locked.
  write_agents(std::vector<std::string>(11, "7"));
  for (size_t i = 5; i < 11; ++i)
    engine.scripts[i] = {small_tokenizer()->encode_trusted(std::string(300, '1')), 1};
  request.delta = 0.2;
  const auto answer = run("contemplating");
  ASSERT_TRUE(answer.ok());
  EXPECT_TRUE(answer->certified);
  EXPECT_EQ(kept.of("decision")[0].data["rule"], "certified");
  EXPECT_EQ(kept.of("agent.killed").size(), 6u);
}

TEST_F(ModeTest, OneAgentContemplatesToo) {
  write_agents({"7"});
  const auto answer = run("contemplating");
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->text, "7");
  EXPECT_EQ(engine.num_forks, 0);
}

TEST_F(ModeTest, AStopGivesTheBestAnswerSoFar) {
  write_agents({"7", "7", "8"});
  engine.scripts[2] = {small_tokenizer()->encode_trusted(std::string(300, '1')), 1};
  engine.scripts[0] = engine.scripts[2];
  request.stop_requested = [this] { return engine.num_steps >= 20; };
  const auto answer = run("contemplating");
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->finish, "cancelled");
  EXPECT_EQ(answer->text, "7");
  EXPECT_EQ(answer->agent, 1);
  EXPECT_EQ(kept.of("decision")[0].data["rule"], "cancelled");
  EXPECT_EQ(kept.events.back().kind, "run.completed");
}

TEST_F(ModeTest, AStoppedSingleAgentKeepsWhatItWrote) {
  engine.write("123456789");
  request.stop_requested = [this] { return engine.num_steps >= 3; };
  auto answer = run("instant");
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->text, "123");
  EXPECT_EQ(answer->finish, "cancelled");
  engine.num_steps = 0;
  engine.write("12<|eot|>");  // complete at the very step of the stop
  answer = run("instant");
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->finish, "stop");
}

TEST_F(ModeTest, ADeadlineEndsEveryMode) {
  request.deadline_s = 1e-9;
  request.num_agents = 2;
  for (const char* mode : {"instant", "thinking", "contemplating"}) {
    engine.scripts.clear();
    for (int i = 0; i < 4; ++i) engine.write("123456789");
    const auto answer = run(mode);
    ASSERT_TRUE(answer.ok()) << mode;
    EXPECT_EQ(answer->finish, "deadline") << mode;
    EXPECT_EQ(kept.events.back().kind, "run.completed");
  }
}

TEST_F(ModeTest, EngineErrorsEndWithRunFailed) {
  const auto fails = [this](const std::string& mode) {
    const auto answer = run(mode);
    EXPECT_FALSE(answer.ok());
    EXPECT_EQ(kept.events.back().kind, "run.failed");
    EXPECT_EQ(kept.events.back().data["kind"], "exhausted");
    EXPECT_EQ(engine.pages_in_use(), 0);
  };
  engine.prefill_error = "the prompt is too long";
  for (const char* mode : {"instant", "thinking", "contemplating"}) fails(mode);
  engine.prefill_error.clear();
  engine.fork_error = "no pages";
  fails("contemplating");
  engine.fork_error.clear();
  engine.append_error = "full";
  request.max_reasoning_tokens = 2;
  request.num_agents = 2;
  for (const char* mode : {"thinking", "contemplating"}) {
    engine.scripts.clear();
    for (int i = 0; i < 2; ++i) engine.write("123456");
    fails(mode);
  }
}

TEST_F(ModeTest, AnAgentWithoutRoomAbstains) {
  write_agents({"7", "7", "7"});
  engine.scripts[0] = {small_tokenizer()->encode_trusted(std::string(30, '1')), 1};
  engine.append_error = "full";
  request.max_reasoning_tokens = 6;
  const auto answer = run("contemplating");
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->text, "7");
  EXPECT_EQ(answer->votes[0].votes, 2);
}

TEST_F(ModeTest, TheSameSeedGivesTheSameLog) {
  std::string first;
  for (int round = 0; round < 2; ++round) {
    kept.events.clear();
    log = EventLog({&kept});
    write_agents({"7", "8", "7", "9"});
    ASSERT_TRUE(run("contemplating").ok());
    if (round == 0) first = lines();
  }
  EXPECT_EQ(lines(), first);
}

TEST_F(ModeTest, BadRequestsAreRefusedBeforeAnyWork) {
  const auto refuses = [this](ErrorKind kind, const std::string& part) {
    const auto answer = run("contemplating");
    ASSERT_FALSE(answer.ok()) << part;
    EXPECT_EQ(answer.error().kind, kind);
    EXPECT_NE(answer.error().message.find(part), std::string::npos) << answer.error().message;
    EXPECT_TRUE(kept.events.empty());
    EXPECT_TRUE(engine.prompts.empty());
  };
  const Request good = request;
  const auto with = [&](auto change, const char* part) {
    request = good;
    change(request);
    refuses(ErrorKind::invalid_argument, part);
  };
  with([](Request& r) { r.num_agents = 0; }, "[agents]");
  with([](Request& r) { r.num_agents = 257; }, "[agents]");
  with([](Request& r) { r.temperature = std::numeric_limits<double>::quiet_NaN(); }, "[temperature]");
  with([](Request& r) { r.top_p = 1.5; }, "[top_p]");
  with([](Request& r) { r.min_p = -1; }, "[min_p]");
  with([](Request& r) { r.top_k = -1; }, "[top_k]");
  with([](Request& r) { r.max_answer_tokens = 0; }, "[max_tokens]");
  with([](Request& r) { r.delta = 0; }, "[delta]");
  with([](Request& r) { r.conversation.messages.clear(); }, "[messages]");
  request = good;
  const auto unknown = run("pondering");
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().kind, ErrorKind::not_found);
  EXPECT_NE(unknown.error().message.find("contemplating, instant, thinking"), std::string::npos);
}

TEST_F(ModeTest, AnotherFirstStreamMovesEveryAgents) {
  for (int i = 0; i < 3; ++i) engine.write("hm" + kToAnswer + "7<|eot|>");
  request.num_agents = 3;
  request.first_stream = 512;
  ASSERT_TRUE(run("contemplating").ok());
  ASSERT_EQ(engine.samplings.size(), 3u);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(engine.samplings[i].stream, 512 + 2 * i);
}

}  // namespace
}  // namespace melete
