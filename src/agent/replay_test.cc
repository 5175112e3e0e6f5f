#include "agent/replay.h"

#include <gtest/gtest.h>

#include "agent/scripted_run.h"

namespace melete {
namespace {

const std::string kThought = "I count to four." + kToAnswer + "There are four of them.<|eot|>";

class ReplayTest : public ::testing::Test {
 protected:
  ReplayTest() : chat_(make_chat_format({}, small_tokenizer(), "test").value(), MediaLimits{}) {
    request_.conversation.messages.push_back({Role::user, "", {TextPart{"how many?", false}}, true});
    request_.num_agents = 3;
    request_.seed = 7;
  }

  Result<Answer> run(const std::string& mode, const Request& request, EventSink& sink, bool asks = false) {
    ScriptedEngine engine(small_tokenizer());
    for (const std::string& script : scripts_) engine.write(script);
    EventLog log({&sink});
    if (asks) log.put(-1, "run.request", 0, run_record(request, {}, {{"model", {{"identity", "x"}}}}));
    Services services{engine, chat_.format()};
    return run_mode(mode, request, services, log);
  }
  std::vector<Event> log_of(const std::string& mode) {
    KeepEvents kept;
    EXPECT_TRUE(run(mode, request_, kept, true).ok());
    return kept.events;
  }
  ReplayReport again(const std::vector<Event>& log) {
    const auto runs = runs_of(log);
    EXPECT_EQ(runs.size(), 1u);
    auto report = replay(runs.at(0), {}, chat_,
                         [this](const std::string& mode, const Request& request, EventSink& sink) {
                           asked_ = request;
                           return run(mode, request, sink);
                         });
    EXPECT_TRUE(report.ok()) << report.error().message;
    return *report;
  }

  ChatModel chat_;
  Request request_, asked_;
  std::vector<std::string> scripts_ = std::vector<std::string>(8, kThought);
};

TEST_F(ReplayTest, EveryModeComesOutEqual) {
  for (const char* mode : {"thinking", "contemplating"}) {
    const ReplayReport report = again(log_of(mode));
    EXPECT_TRUE(report.equal) << report.difference;
    EXPECT_GT(report.bytes, 30);
    EXPECT_EQ(report.seed, 7u);
  }
  scripts_.assign(8, "Four.<|eot|>");
  EXPECT_TRUE(again(log_of("instant")).equal);
}

TEST_F(ReplayTest, TheFirstDifferenceIsNamed) {
  const auto log = log_of("thinking");
  scripts_.assign(8, "I count to five." + kToAnswer + "There are four of them.<|eot|>");
  const ReplayReport report = again(log);
  EXPECT_FALSE(report.equal);
  EXPECT_TRUE(report.difference.starts_with("agent 0, reasoning, byte 12: ")) << report.difference;
}

TEST_F(ReplayTest, WhatAnAgentDoesMoreIsADifference) {
  const auto log = log_of("contemplating");
  scripts_[1] = "I count to four." + kToAnswer + "There are four of them!<|eot|>";
  EXPECT_FALSE(again(log).equal);
}

// Whether the vote is over before or after an agent's last token is a matter of time.
TEST_F(ReplayTest, AnAgentStoppedInOneOfTheRunsMakesNoDifference) {
  const auto event = [](int32_t agent, const std::string& kind, Json data) {
    Event e;
    e.agent = agent;
    e.kind = kind;
    e.data = std::move(data);
    return e;
  };
  const Event first = event(0, "agent.delta", {{"channel", "answer"}, {"text", "4"}});
  const auto ending = [&](int tokens) {
    return std::vector<Event>{event(-1, "meter", {{"answer_tokens", tokens}}),
                              event(-1, "run.completed", {{"answer", "4"}})};
  };
  std::vector<Event> whole{first, event(1, "agent.delta", {{"channel", "answer"}, {"text", "4"}}),
                           event(1, "agent.finished", {{"finish", "stop"}})};
  std::vector<Event> stopped{first, event(1, "agent.killed", {{"reason", "vote"}})};
  for (const Event& e : ending(2)) whole.push_back(e);
  for (const Event& e : ending(1)) stopped.push_back(e);
  EXPECT_EQ(compare_runs(whole, stopped).difference, "");
  EXPECT_EQ(compare_runs(stopped, whole).difference, "");
  EXPECT_TRUE(compare_runs(whole, stopped).equal && compare_runs(stopped, whole).equal);
  // Without one that was stopped it counts.
  std::vector<Event> other(whole);
  other[3].data["answer_tokens"] = 3;
  EXPECT_FALSE(compare_runs(whole, other).equal);
}

TEST_F(ReplayTest, HowTextIsCutDoesntCount) {
  auto log = log_of("thinking");
  auto joined = log;
  for (size_t i = 1; i < joined.size();) {
    const bool goes_on = joined[i].kind == "agent.delta" && joined[i - 1].kind == "agent.delta" &&
                         joined[i].data["channel"] == joined[i - 1].data["channel"];
    if (goes_on) {
      joined[i - 1].data["text"] =
          joined[i - 1].data["text"].get<std::string>() + joined[i].data["text"].get<std::string>();
      joined.erase(joined.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
  ASSERT_LT(joined.size(), log.size());
  EXPECT_TRUE(compare_runs(log, joined).equal);
}

TEST_F(ReplayTest, TheRecordIsTheWholeRequest) {
  request_.effort = Effort::high;
  request_.temperature = 0.3;
  request_.top_k = 5;
  request_.max_answer_tokens = 99;
  request_.delta = 0.05;
  request_.parallel_calls = false;
  request_.tool_choice = {ToolChoice::Kind::none};
  request_.conversation.system = "Be short.";
  request_.conversation.tools = {Json{{"name", "look"}}};
  request_.conversation.messages.insert(request_.conversation.messages.begin(),
                                        {Role::assistant, "look", {TextPart{"{}", true}}, false});
  again(log_of("thinking"));
  EXPECT_EQ(run_record(asked_, {}, nullptr), run_record(request_, {}, nullptr));
  EXPECT_EQ(asked_.conversation.messages[0].recipient, "look");
  EXPECT_FALSE(asked_.conversation.messages[0].ends_turn);
}

TEST_F(ReplayTest, ALogWithoutItsRequestIsRefused) {
  KeepEvents kept;
  ASSERT_TRUE(run("thinking", request_, kept).ok());
  const auto runs = runs_of(kept.events);
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(origin_of(runs[0]).error().kind, ErrorKind::corrupt);
  auto log = log_of("thinking");
  log[0].data["request"].erase("messages");
  const auto broken = replay(log, {}, chat_, [](const auto&, const auto&, auto&) { return Answer(); });
  EXPECT_EQ(broken.error().kind, ErrorKind::corrupt);
}

TEST_F(ReplayTest, ACutRunIsRunAndComparedAsFarAsItWent) {
  request_.stop_requested = [steps = 0]() mutable { return ++steps > 4; };
  const auto log = log_of("thinking");
  ASSERT_EQ(log.back().data["finish"], "cancelled");
  const ReplayReport report = again(log);
  EXPECT_TRUE(report.equal) << report.difference;
  EXPECT_EQ(report.cut, "cancelled");
  EXPECT_GT(report.bytes, 2);
  EXPECT_TRUE(asked_.stop_requested);
  scripts_.assign(8, "You count to four." + kToAnswer + "There are four of them.<|eot|>");
  EXPECT_FALSE(again(log).equal);
}

TEST_F(ReplayTest, RunsThatHaventEndedAreLeftOut) {
  auto log = log_of("thinking");
  const auto second = log_of("contemplating");
  log.insert(log.end(), second.begin(), second.end() - 1);
  EXPECT_EQ(runs_of(log).size(), 1u);
}

}  // namespace
}  // namespace melete
