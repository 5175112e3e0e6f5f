// What is wanted of a run under way, and that its log gives the same run again.
#include <gtest/gtest.h>

#include "agent/replay.h"
#include "agent/scripted_run.h"

namespace melete {
namespace {

const std::string kLong(300, '1');

class SteerTest : public ::testing::Test {
 protected:
  SteerTest() : chat_(make_chat_format({}, small_tokenizer(), "test").value(), MediaLimits{}) {
    request_.conversation.messages.push_back({Role::user, "", {TextPart{"how many?", false}}, true});
    request_.num_agents = 4;
  }

  // Wants it before the step of that number, from 0.
  void want(Steer steer, int64_t before_step) { wishes_.emplace_back(before_step, std::move(steer)); }

  Result<Answer> run(const std::string& mode, Request request, EventSink& sink) {
    engine_.emplace(small_tokenizer());
    for (const std::string& script : scripts_) engine_->write(script);
    EventLog log({&sink});
    log.put(-1, "run.request", 0, run_record(request, {}, {{"model", {{"identity", "x"}}}}));
    Services services{*engine_, chat_.format()};
    return run_mode(mode, request, services, log);
  }

  Answer steered(const std::string& mode) {
    Request request = request_;
    request.steers = [this] {
      std::vector<Steer> now;
      for (const auto& [step, steer] : wishes_)
        if (step == engine_->num_steps) now.push_back(steer);
      return now;
    };
    kept_ = {};
    const auto answer = run(mode, request, kept_);
    EXPECT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(engine_->pages_in_use(), 0);
    return *answer;
  }

  // Again from the log alone.
  ReplayReport again() {
    const auto report = replay(kept_.events, {}, chat_,
                               [this](const std::string& mode, const Request& request, EventSink& sink) {
                                 return run(mode, request, sink);
                               });
    EXPECT_TRUE(report.ok());
    return *report;
  }
  void expect_replays() {
    const ReplayReport report = again();
    EXPECT_TRUE(report.equal) << report.difference;
  }

  ChatModel chat_;
  Request request_;
  std::vector<std::string> scripts_;
  std::vector<std::pair<int64_t, Steer>> wishes_;
  std::optional<ScriptedEngine> engine_;
  KeepEvents kept_;
};

std::string votes_for(const std::string& text) { return "12" + kToAnswer + text + "<|eot|>"; }

TEST_F(SteerTest, AnswerNowEndsTheReasoning) {
  for (const int64_t tokens : {0, 5}) {
    scripts_ = {kLong, "7<|eot|>"};
    if (tokens == 0) request_.max_reasoning_tokens = 100;
    wishes_.clear();
    want({Steer::Kind::answer}, tokens);
    const Answer answer = steered("thinking");
    EXPECT_EQ(answer.text, "7");
    EXPECT_EQ(answer.finish, "stop");
    EXPECT_EQ(answer.usage.reasoning_tokens, tokens);
    ASSERT_EQ(kept_.of("agent.closed").size(), 1u);
    EXPECT_EQ(kept_.of("agent.closed")[0].data["by"], "user");
    EXPECT_EQ(kept_.of("agent.closed")[0].token_index, tokens);
    expect_replays();
  }
}

TEST_F(SteerTest, WithoutItsTokenARunIsNotTheSame) {
  scripts_ = {kLong, "7<|eot|>"};
  want({Steer::Kind::answer}, 5);
  steered("thinking");
  for (Event& event : kept_.events)
    if (event.kind == "agent.closed") event.token_index = 9;
  EXPECT_FALSE(again().equal);
}

TEST_F(SteerTest, AnswerNowChangesNothingOnceTheAnswerHasBegun) {
  scripts_ = {"1" + kToAnswer + "7 and more<|eot|>"};
  want({Steer::Kind::answer}, 6);
  EXPECT_EQ(steered("thinking").text, "7 and more");
  EXPECT_TRUE(kept_.of("agent.closed").empty());
}

TEST_F(SteerTest, AllAgentsAnswerAndVote) {
  scripts_ = {kLong, votes_for("8"), kLong, kLong, "7<|eot|>", "7<|eot|>", "7<|eot|>"};
  want({Steer::Kind::answer}, 20);
  const Answer answer = steered("contemplating");
  EXPECT_EQ(answer.text, "7");
  EXPECT_EQ(kept_.of("agent.closed").size(), 3u);
  EXPECT_EQ(answer.votes.size(), 2u);
  EXPECT_TRUE(kept_.of("decision")[0].data["rule"] == "complete" ||
              kept_.of("decision")[0].data["rule"] == "locked");
  expect_replays();
}

TEST_F(SteerTest, OneAgentAnswers) {
  scripts_ = {votes_for("7"), kLong, votes_for("7"), votes_for("8"), "8<|eot|>"};
  want({Steer::Kind::answer, 1}, 12);
  steered("contemplating");
  ASSERT_EQ(kept_.of("agent.closed").size(), 1u);
  EXPECT_EQ(kept_.of("agent.closed")[0].agent, 1);
  expect_replays();
}

TEST_F(SteerTest, AKilledAgentAbstains) {
  scripts_ = {kLong, votes_for("7"), votes_for("7"), votes_for("8")};
  want({Steer::Kind::kill, 0}, 20);
  want({Steer::Kind::kill, 9}, 20);
  const Answer answer = steered("contemplating");
  EXPECT_EQ(answer.text, "7");
  EXPECT_EQ(answer.votes[0].votes, 2);
  ASSERT_EQ(kept_.of("agent.killed").size(), 1u);
  EXPECT_EQ(kept_.of("agent.killed")[0].data["reason"], "user");
  EXPECT_EQ(kept_.of("agent.killed")[0].token_index, 20);
  expect_replays();
}

TEST_F(SteerTest, WhenAllAreKilledTheMostConfidentIsHeard) {
  scripts_ = {"1" + kToAnswer + "7 apples and a pear", kLong};
  request_.num_agents = 2;
  want({Steer::Kind::kill, 0}, 12);
  want({Steer::Kind::kill, 1}, 12);
  const Answer answer = steered("contemplating");
  EXPECT_TRUE(answer.text.starts_with("7")) << answer.text;
  EXPECT_EQ(answer.finish, "cancelled");
  EXPECT_TRUE(answer.votes.empty());
  expect_replays();
}

TEST_F(SteerTest, ThePinnedAgentWinsAgainstTheMajority) {
  scripts_ = {kLong, votes_for("7"), std::string(40, '1') + kToAnswer + "8<|eot|>", votes_for("7")};
  want({Steer::Kind::pin, 2}, 20);
  want({Steer::Kind::pin, 1}, 25);  // one has been pinned
  const Answer answer = steered("contemplating");
  EXPECT_EQ(answer.text, "8");
  EXPECT_EQ(answer.agent, 2);
  EXPECT_EQ(answer.finish, "stop");
  EXPECT_FALSE(answer.certified);
  EXPECT_EQ(kept_.of("decision")[0].data["rule"], "pinned");
  EXPECT_EQ(kept_.of("agent.pinned").size(), 1u);
  ASSERT_EQ(kept_.of("agent.killed").size(), 1u);
  EXPECT_EQ(kept_.of("agent.killed")[0].data["reason"], "pinned");
  expect_replays();
}

TEST_F(SteerTest, AnAgentThatHasEndedIsPinnedAtOnce) {
  scripts_ = {kLong, votes_for("7"), kLong, kLong};
  want({Steer::Kind::pin, 1}, 20);
  EXPECT_EQ(steered("contemplating").text, "7");
  EXPECT_LE(engine_->num_steps, 21);
  expect_replays();
}

TEST_F(SteerTest, OnceTheVoteIsDecidedNothingIsPinned) {
  scripts_.assign(4, votes_for("7"));
  want({Steer::Kind::pin, 3}, 1000);
  EXPECT_EQ(steered("contemplating").finish, "stop");
  EXPECT_TRUE(kept_.of("agent.pinned").empty());
}

TEST_F(SteerTest, WhatIsWantedOfASingleAgent) {
  scripts_ = {"123456789"};
  want({Steer::Kind::pin, 0}, 2);
  want({Steer::Kind::kill, 0}, 3);
  const Answer answer = steered("instant");
  EXPECT_EQ(answer.text, "123");
  EXPECT_EQ(answer.finish, "cancelled");
  EXPECT_TRUE(kept_.of("agent.pinned").empty());
}

}  // namespace
}  // namespace melete
