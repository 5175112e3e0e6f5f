#include "remote/remote_model.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "agent/scripted_run.h"
#include "remote/fake_server.h"
#include "remote/remote_form.h"
#include "remote/remote_picture.h"

namespace melete {
namespace {

using Reply = FakeServer::Reply;

Reply refusal(const std::string& message) {
  return {400, "application/json", Json{{"error", message}}.dump()};
}

// What probes are answered; questions go to `answer`.
FakeServer::Answer server_with(const std::set<std::string>& abilities, FakeServer::Answer answer) {
  return [=](const std::string& path, const Json& body) -> Reply {
    if (path == "/v1/models")
      return {200, "application/json", R"({"data":[{"id":"other"},{"id":"org/m.gguf"}]})"};
    if (body.value("stream", false)) return answer(path, body);
    const auto can = [&](const char* what) { return abilities.count(what) > 0; };
    if (body.contains("tools") && !can("tools")) return refusal("no tools");
    if (body["messages"][0]["content"].is_array() && !can("vision")) return refusal("no pictures");
    Json choice = {{"message", {{"content", "Hi"}}}};
    if (body.contains("logprobs") && can("log_probs"))
      choice["logprobs"] = {{"content", {{{"top_logprobs", Json::array({{{"logprob", -1}}})}}}}};
    if (can("reasons") && !body.contains("chat_template_kwargs"))
      choice["message"]["reasoning_content"] = "hm";
    return {200, "application/json", Json{{"choices", Json::array({choice})}}.dump()};
  };
}

class RemoteModelTest : public ::testing::Test {
 protected:
  RemoteModelTest() {
    request_.conversation.messages.push_back({Role::user, "", {TextPart{"how many?", false}}, true});
  }

  std::shared_ptr<const RemoteModel> connect(const FakeServer& server, const std::string& id = "org/m.gguf") {
    auto model = RemoteModel::connect({server.url(), id, "secret"});
    EXPECT_TRUE(model.ok()) << model.error().message;
    return *model;
  }
  Result<Answer> ask(const RemoteModel& model, const std::string& mode) {
    EventLog log({&kept_});
    return model.answer(mode, request_, log);
  }

  Request request_;
  KeepEvents kept_;
};

const FakeServer::Answer kNoAnswer = [](const std::string&, const Json&) -> Reply {
  return {500, "text/plain", "no"};
};

TEST_F(RemoteModelTest, FindsOutWhatTheServerTakes) {
  FakeServer poor(server_with({}, kNoAnswer));
  const RemoteAbilities few = connect(poor)->abilities();
  EXPECT_FALSE(few.tools || few.vision || few.reasons || few.log_probs);
  EXPECT_TRUE(few.reasoning_off.is_null());
  for (const std::string& request : poor.requests())
    EXPECT_NE(request.find("Authorization: Bearer secret"), std::string::npos) << request;
  FakeServer rich(server_with({"tools", "vision", "reasons", "log_probs"}, kNoAnswer));
  const RemoteAbilities all = connect(rich)->abilities();
  EXPECT_TRUE(all.tools && all.vision && all.reasons && all.log_probs);
  EXPECT_EQ(all.reasoning_off, Json({{"chat_template_kwargs", {{"enable_thinking", false}}}}));
}

TEST_F(RemoteModelTest, NamesTheModelsThatAreThere) {
  FakeServer server(server_with({}, kNoAnswer));
  EXPECT_EQ(connect(server, "")->name(), "other");
  const auto missing = RemoteModel::connect({server.url(), "third", ""});
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().kind, ErrorKind::not_found);
  EXPECT_NE(missing.error().message.find("other, org/m.gguf"), std::string::npos);
}

TEST_F(RemoteModelTest, AServerThatIsNoneIsAnError) {
  for (const Reply& reply :
       {Reply{200, "text/html", "<html>"}, Reply{404, "text/plain", "nothing"}, Reply{200, "", "{}"}}) {
    FakeServer server([&](const std::string&, const Json&) { return reply; });
    const auto model = RemoteModel::connect({server.url(), "", ""});
    ASSERT_FALSE(model.ok());
    EXPECT_EQ(model.error().kind, ErrorKind::unavailable);
  }
  EXPECT_EQ(RemoteModel::connect({"http://127.0.0.1:1/v1", "", ""}).error().kind, ErrorKind::unavailable);
  EXPECT_EQ(RemoteModel::connect({"file:///etc/passwd", "", ""}).error().kind, ErrorKind::invalid_argument);
}

TEST_F(RemoteModelTest, ThinkingTellsAsItComesAndAddsUp) {
  FakeServer server(server_with({"reasons"}, [](const std::string&, const Json& body) {
    EXPECT_EQ(body["model"], "org/m.gguf");
    EXPECT_EQ(body["messages"], Json::parse(R"([{"role":"user","content":"how many?"}])"));
    EXPECT_EQ(body["max_tokens"], 256 + reasoning_budget(Effort::medium));
    EXPECT_FALSE(body.contains("chat_template_kwargs"));
    return FakeServer::stream(
        {{{"reasoning_content", "I count."}}, {{"content", "Fo"}}, {{"content", "ur."}}});
  }));
  const auto model = connect(server);
  const auto answer = ask(*model, "thinking");
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->text, "Four.");
  EXPECT_EQ(answer->reasoning, "I count.");
  EXPECT_EQ(answer->finish, "stop");
  EXPECT_EQ(answer->usage.prompt_tokens, 11);
  EXPECT_EQ(answer->usage.reasoning_tokens + answer->usage.answer_tokens, 7);
  EXPECT_EQ(kept_.text("answer"), "Four.");
  EXPECT_EQ(kept_.text("reasoning"), "I count.");
  EXPECT_EQ(kept_.events.front().kind, "run.started");
  EXPECT_EQ(kept_.events.back().kind, "run.completed");
}

TEST_F(RemoteModelTest, InstantSwitchesReasoningOff) {
  FakeServer server(server_with({"reasons"}, [](const std::string&, const Json& body) {
    EXPECT_EQ(body["chat_template_kwargs"]["enable_thinking"], false);
    EXPECT_EQ(body["max_tokens"], 256);
    return FakeServer::stream({{{"content", "4"}}}, "length");
  }));
  const auto answer = ask(*connect(server), "instant");
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->finish, "length");
}

TEST_F(RemoteModelTest, ContemplatingVotesAndClosesWhatItNoLongerNeeds) {
  std::atomic<int> asked = 0;
  FakeServer server(server_with({}, [&](const std::string&, const Json& body) {
    const int number = asked++;
    EXPECT_GT(body["temperature"], 0);
    return FakeServer::stream({{{"content", number == 1 ? "Five" : "Four"}}});
  }));
  request_.num_agents = 5;
  const auto answer = ask(*connect(server), "contemplating");
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->text, "Four");
  int64_t votes = 0;
  for (const VoteCount& count : answer->votes) votes += count.votes;
  EXPECT_GE(votes, 3);
  std::set<std::string> seeds;
  size_t num_asked = 0;
  for (const std::string& request : server.requests()) {
    const size_t at = request.find("\"seed\":");
    if (at == std::string::npos) continue;
    seeds.insert(request.substr(at, request.find_first_of(",}", at) - at));
    ++num_asked;
  }
  EXPECT_GE(num_asked, 3u);
  EXPECT_EQ(seeds.size(), num_asked);
}

TEST_F(RemoteModelTest, AServerThatDiesInTheMiddleIsAnError) {
  FakeServer server(server_with({}, [](const std::string&, const Json&) {
    Reply reply = FakeServer::stream({{{"content", "Four of"}}});
    reply.body.resize(reply.body.find("finish_reason") - 20);
    reply.is_cut = true;
    return reply;
  }));
  const auto answer = ask(*connect(server), "instant");
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(kept_.events.back().kind, "run.failed");
  EXPECT_EQ(kept_.text("answer"), "Four of");
}

TEST_F(RemoteModelTest, OneAgentThatFailsAbstains) {
  std::atomic<int> asked = 0;
  FakeServer server(server_with({}, [&](const std::string&, const Json&) -> Reply {
    if (asked++ == 1) return {200, "text/event-stream", "data: nonsense\n\n"};
    return FakeServer::stream({{{"content", "Four"}}});
  }));
  request_.num_agents = 3;
  const auto answer = ask(*connect(server), "contemplating");
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->text, "Four");
}

TEST_F(RemoteModelTest, RefusalsKeepTheirKind) {
  const std::pair<int, ErrorKind> kinds[] = {{400, ErrorKind::invalid_argument},
                                             {401, ErrorKind::unavailable},
                                             {429, ErrorKind::exhausted},
                                             {500, ErrorKind::unavailable}};
  for (const auto& [status, kind] : kinds)
    for (const char* mode : {"instant", "contemplating"}) {
      FakeServer server(server_with({}, [status = status](const std::string&, const Json&) -> Reply {
        return {status, "application/json", R"({"error":{"message":"the reason"}})"};
      }));
      const auto answer = ask(*connect(server), mode);
      ASSERT_FALSE(answer.ok());
      EXPECT_EQ(answer.error().kind, kind) << status;
      EXPECT_NE(answer.error().message.find("the reason"), std::string::npos) << answer.error().message;
    }
}

TEST_F(RemoteModelTest, StopEndsTheRunWithWhatIsThere) {
  FakeServer server(server_with({}, [](const std::string&, const Json&) { return FakeServer::stream({}); }));
  request_.stop_requested = [] { return true; };
  const auto model = connect(server);
  const auto answer = ask(*model, "contemplating");
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->text, "");
}

TEST_F(RemoteModelTest, SendsPicturesToolsAndCalls) {
  FakeServer server(server_with({"tools", "vision"}, [](const std::string&, const Json& body) {
    EXPECT_EQ(body["messages"][0]["content"][0]["image_url"]["url"], "data:image/png;base64,AQID/w==");
    EXPECT_EQ(body["tools"][0]["function"]["name"], "add");
    EXPECT_EQ(body["tool_choice"], "required");
    return FakeServer::stream(
        {{{"tool_calls", {{{"index", 0}, {"function", {{"name", "add"}, {"arguments", "{\"a\":1}"}}}}}}}},
        "tool_calls");
  }));
  request_.conversation.messages[0].parts = {make_remote_picture("\x01\x02\x03\xff", "image/png"),
                                             TextPart{"what?"}};
  request_.conversation.tools = {{{"name", "add"}, {"parameters", {{"type", "object"}}}}};
  request_.tool_choice.kind = ToolChoice::Kind::required;
  const auto answer = ask(*connect(server), "instant");
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  ASSERT_EQ(answer->tool_calls.size(), 1u);
  EXPECT_EQ(answer->tool_calls[0].arguments, Json({{"a", 1}}));
  EXPECT_EQ(answer->finish, "tool_calls");
  EXPECT_EQ(kept_.of("agent.tool_call").size(), 1u);
}

TEST_F(RemoteModelTest, WhatTheServerCantTakeIsRefusedHere) {
  FakeServer server(server_with({}, kNoAnswer));
  const auto model = connect(server);
  request_.conversation.tools = {{{"name", "add"}}};
  EXPECT_EQ(ask(*model, "instant").error().kind, ErrorKind::invalid_argument);
  request_.conversation.tools.clear();
  request_.conversation.messages[0].parts = {make_remote_picture("x", "image/png")};
  EXPECT_EQ(ask(*model, "instant").error().kind, ErrorKind::invalid_argument);
}

TEST_F(RemoteModelTest, AnAnswerThatBreaksItsFormIsAnError) {
  FakeServer server(server_with({}, [](const std::string&, const Json& body) {
    EXPECT_EQ(body["response_format"]["json_schema"]["schema"]["type"], "object");
    return FakeServer::stream({{{"content", "Sure! {}"}}});
  }));
  const auto model = connect(server);
  const GrammarSource source{GrammarKind::json_schema, R"({"type":"object"})"};
  request_.grammar = make_remote_form(remote_chat(*model)->grammar(source).value(), source);
  EXPECT_EQ(ask(*model, "instant").error().kind, ErrorKind::corrupt);
}

TEST_F(RemoteModelTest, WhiteSpaceInAFormIsTheServersChoice) {
  const std::pair<const char*, bool> said[] = {{"{\n\t\"to\" : \"a \\\"  b\" ,\r\n \"n\"  :  12 }\n", true},
                                               {"{\"to\":\"a \\\"  b\",\"n\":12}", true},
                                               {"{\"to\":\"a \\\" b\",\"n\":12}", false},
                                               {"{\"to\":\"a \\\"  b\",\"n\":1 2}", false}};
  for (const auto& [text, holds] : said) {
    FakeServer server(server_with({}, [text = text](const std::string&, const Json&) {
      return FakeServer::stream({{{"content", text}}});
    }));
    const auto model = connect(server);
    const GrammarSource source{
        GrammarKind::json_schema,
        R"({"type":"object","properties":{"to":{"enum":["a \"  b"]},"n":{"type":"integer"}},"required":["to","n"]})"};
    request_.grammar = make_remote_form(remote_chat(*model)->grammar(source).value(), source);
    EXPECT_EQ(ask(*model, "instant").ok(), holds) << text;
  }
}

}  // namespace
}  // namespace melete
