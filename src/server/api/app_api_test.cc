// The app's surface as the app uses it: conversations with branches, answers that are stored as they are made
// and can be followed again, files.
#include <gtest/gtest.h>

#include "base/process.h"
#include "server/api/test_server.h"

namespace melete {
namespace {

struct StreamEvent {
  std::string id, name;
  Json data;
};

std::vector<StreamEvent> events_of(std::string_view text) {
  std::vector<StreamEvent> events;
  while (!text.empty()) {
    std::string_view block = text.substr(0, text.find("\n\n"));
    text.remove_prefix(std::min(block.size() + 2, text.size()));
    StreamEvent event;
    while (!block.empty()) {
      const std::string_view line = block.substr(0, block.find('\n'));
      block.remove_prefix(std::min(line.size() + 1, block.size()));
      if (line.starts_with("id: ")) event.id = line.substr(4);
      if (line.starts_with("event: ")) event.name = line.substr(7);
      if (line.starts_with("data: ")) event.data = Json::parse(line.substr(6));
    }
    events.push_back(std::move(event));
  }
  return events;
}

class AppApiTest : public ScriptedServerTest {
 protected:
  AppApiTest() {
    options_.max_running = 4;
    options_.password_cost = {1, 8192};
  }
  std::string new_conversation() { return ask("POST", "/api/conversations", {{"title", "Fruit"}})["id"]; }
  std::vector<StreamEvent> answer(const std::string& conversation, Json question) {
    if (!question.contains("model")) question["model"] = "melete-thinking";
    const Asked asked = raw("POST", "/api/conversations/" + conversation + "/answers", question.dump());
    EXPECT_EQ(asked.status, 200) << asked.body;
    return events_of(asked.body);
  }
  static std::string endless() {
    std::string text;
    for (int i = 0; i < 20'000; ++i) text += "a ";
    return text + "<|eot|>";
  }
  // What endless() answers for long.
  static Json go_on() {
    return {{"model", "melete-instant"}, {"max_tokens", 3000}, {"message", {{"content", "go"}}}};
  }
  // The id of an answer that has begun to write.
  std::string under_way(const std::string& conversation, const Json& question = go_on()) {
    const auto state = std::make_shared<ExchangeState>([] {}, 1000);
    HttpRequest request;
    request.method = "POST";
    request.path = "/api/conversations/" + conversation + "/answers";
    request.body = question.dump();
    server_->router().handle(std::make_shared<Exchange>(std::move(request), state));
    std::string all;
    while (all.find("\"a") == std::string::npos) all += state->take().bytes;
    return events_of(all.substr(0, all.rfind("\n\n")))[1].data["meta"]["answer"];
  }
  // Its events when it has ended.
  std::vector<StreamEvent> all_of(const std::string& answer) {
    return events_of(raw("GET", "/api/answers/" + answer + "/events").body);
  }
};

// What the run's events of a kind say.
std::vector<Json> data_of(const std::vector<StreamEvent>& events, const std::string& kind) {
  std::vector<Json> found;
  for (const StreamEvent& event : events)
    if (event.name == "run" && event.data["kind"] == kind) found.push_back(event.data["data"]);
  return found;
}

TEST_F(AppApiTest, AnAnswerIsStreamedAndStored) {
  start();
  const std::string id = new_conversation();
  const auto events = answer(id, {{"message", {{"content", "how many?"}}}});
  ASSERT_GE(events.size(), 5u);
  EXPECT_EQ(events[0].name, "message");
  EXPECT_EQ(events[0].data["content"], "how many?");
  EXPECT_EQ(events[1].name, "answer");
  EXPECT_EQ(events[1].data["parent"], events[0].data["id"]);
  EXPECT_EQ(events[1].data["meta"]["status"], "running");
  std::string text;
  for (size_t i = 2; i + 1 < events.size(); ++i) {
    EXPECT_EQ(events[i].name, "run");
    EXPECT_EQ(events[i].id, std::to_string(i - 2));
    const Json& data = events[i].data["data"];
    if (events[i].data["kind"] == "agent.delta" && data["channel"] == "answer") text += data["text"];
  }
  EXPECT_EQ(text, "There are four of them.");
  const Json message = events.back().data["message"];
  EXPECT_EQ(events.back().name, "done");
  EXPECT_EQ(message["content"], "There are four of them.");
  EXPECT_EQ(message["meta"]["reasoning"], "I count to four.");
  const Json timings = message["meta"]["details"]["timings"];
  ASSERT_TRUE(timings.contains("reasoning_s")) << timings;
  EXPECT_GT(timings["reasoning_s"], 0.0);
  EXPECT_LT(timings["reasoning_s"], 60.0);
  EXPECT_EQ(message["meta"]["status"], "completed");
  const Json tree = ask("GET", "/api/conversations/" + id);
  ASSERT_EQ(tree["messages"].size(), 2u);
  EXPECT_EQ(tree["messages"][1], message);
  EXPECT_EQ(tree["active_leaf"], message["id"]);
  EXPECT_EQ(ask("GET", "/api/answers/" + message["meta"]["answer"].get<std::string>())["status"],
            "completed");
  const Json usage = ask("GET", "/api/usage")["usage"];
  ASSERT_EQ(usage.size(), 1u);
  EXPECT_EQ(usage[0]["requests"], 1);
  EXPECT_GT(usage[0]["tokens"], 5);
}

TEST_F(AppApiTest, WhatWasSaidBeforeIsTold) {
  start();
  const std::string id = new_conversation();
  ask("POST", "/api/conversations/" + id + "/messages", {{"role", "system"}, {"content", "Be brief."}});
  const auto first = answer(id, {{"message", {{"content", "how many?"}}}});
  const auto second = answer(id, {{"message", {{"content", "sure?"}}}});
  EXPECT_EQ(second[0].data["parent"], first.back().data["message"]["id"]) << "it follows what is shown";
  const auto tokens = [](const StreamEvent& done) {
    return done.data["message"]["meta"]["details"]["tokens"]["prompt"].get<int64_t>();
  };
  EXPECT_GT(tokens(second.back()), tokens(first.back()) + 5);
}

TEST_F(AppApiTest, AnsweringAgainAndEditingMakeBranches) {
  start();
  const std::string id = new_conversation(), path = "/api/conversations/" + id;
  const auto first = answer(id, {{"message", {{"content", "how many?"}}}});
  const std::string question = first[0].data["id"], said = first.back().data["message"]["id"];
  const auto again = answer(id, {{"to", question}});
  EXPECT_EQ(again[0].name, "answer");
  EXPECT_EQ(again[0].data["parent"], question);
  const Json edited = ask("PUT", path + "/messages/" + question, {{"content", "how few?"}});
  EXPECT_EQ(edited["parent"], nullptr);
  EXPECT_EQ(ask("GET", path)["messages"].size(), 4u);
  EXPECT_EQ(ask("PATCH", path, {{"show", said}})["active_leaf"], said);
  const Json fork = ask("POST", path + "/fork", {{"message", said}});
  EXPECT_EQ(fork["num_messages"], 2);
  EXPECT_EQ(ask("GET", "/api/search?q=how%20fe")["hits"][0]["message"], edited["id"]);
  ask("DELETE", path + "/messages/" + question, nullptr, 204);
  EXPECT_EQ(ask("GET", path)["messages"].size(), 1u);
  ask("DELETE", path, nullptr, 204);
  ask("GET", path, nullptr, 404);
  ask("GET", "/api/answers/" + first[1].data["meta"]["answer"].get<std::string>() + "/events", nullptr, 404);
}

TEST_F(AppApiTest, AnAnswerIsFollowedFromWhereOneWas) {
  std::promise<void> open;
  gate_ = open.get_future().share();
  start();
  const std::string id = new_conversation();
  // A reader who leaves before anything came: the answer goes on.
  const auto state = std::make_shared<ExchangeState>([] {}, 1000);
  HttpRequest request;
  request.method = "POST";
  request.path = "/api/conversations/" + id + "/answers";
  request.body = R"({"model":"melete-thinking","message":{"content":"how many?"}})";
  server_->router().handle(std::make_shared<Exchange>(std::move(request), state));
  std::string first;
  while (first.find("event: answer") == std::string::npos) first += state->take().bytes;
  state->set_gone();
  const std::string answer_id = events_of(first)[1].data["meta"]["answer"];
  EXPECT_EQ(ask("GET", "/api/answers/" + answer_id)["status"], "running");
  ask("POST", "/api/answers/" + answer_id + "/replay", nullptr, 409);
  open.set_value();
  const std::string path = "/api/answers/" + answer_id + "/events";
  const std::string all = raw("GET", path).body;  // perhaps while it is made
  const auto events = events_of(all);
  EXPECT_EQ(events.front().id, "0");
  EXPECT_EQ(events.back().name, "done");
  EXPECT_EQ(events.back().data["message"]["content"], "There are four of them.");
  EXPECT_EQ(raw("GET", path).body, all) << "the log has the same";
  EXPECT_EQ(events_of(raw("GET", path, "", {{"last-event-id", "2"}}).body).front().id, "3");
  EXPECT_EQ(events_of(raw("GET", path + "?after=4").body).front().id, "5");
  EXPECT_EQ(events_of(raw("GET", path + "?after=100000").body).front().name, "done");
}

TEST_F(AppApiTest, AnAnswerIsMadeAgainToTheByte) {
  start();
  const std::string id = new_conversation();
  answer(id, {{"message", {{"content", "how many?"}}}});
  for (const char* model : {"melete-instant", "melete-thinking", "melete-contemplating"}) {
    const auto events = answer(id, {{"model", model}, {"message", {{"content", "sure?"}}}});
    EXPECT_TRUE(data_of(events, "run.request").empty()) << "what was asked is no event of the app's";
    const std::string path = "/api/answers/" + events[1].data["meta"]["answer"].get<std::string>();
    const Json told = ask("POST", path + "/replay");
    EXPECT_EQ(told["equal"], true) << told;
    EXPECT_GT(told["bytes"], 20);
    EXPECT_EQ(told["object"], "answer.replay");
    EXPECT_EQ(told["answer_id"], events[1].data["meta"]["answer"]);
    EXPECT_TRUE(data_of(all_of(told["answer_id"]), "run.request").empty());
  }
  const Json response = ask("POST", "/v1/responses", {{"model", "melete-thinking"}, {"input", "how many?"}});
  const std::string kept = response["id"];
  EXPECT_EQ(ask("POST", "/v1/responses/" + kept + "/replay")["equal"], true);
  ask("POST", "/api/answers/" + kept + "/replay", nullptr, 404);
  start("Five.<|eot|>");
  const Json other = ask("POST", "/v1/responses/" + kept + "/replay");
  EXPECT_EQ(other["equal"], false) << other;
  EXPECT_NE(other["difference"].get<std::string>().find("there was"), std::string::npos) << other;
}

TEST_F(AppApiTest, AStoppedAnswerIsMadeAgainAsFarAsItWent) {
  start(endless());
  const std::string id = new_conversation();
  const std::string stopped = under_way(id);
  ask("POST", "/api/answers/" + stopped + "/stop", nullptr, 204);
  const auto events = all_of(stopped);
  const bool was_cut = events.back().data["message"]["meta"]["finish"] == "cancelled";
  const Json told = ask("POST", "/api/answers/" + stopped + "/replay");
  EXPECT_EQ(told["equal"], true) << told;
  EXPECT_EQ(told["cut"], was_cut ? Json("cancelled") : Json());
}

TEST_F(AppApiTest, ADeletedQuestionStopsItsAnswerAlone) {
  start(endless());
  const std::string id = new_conversation();
  Json first = go_on(), second = go_on();
  first["message"] = {{"content", "go"}, {"parent", nullptr}};
  second["message"] = {{"content", "and go"}, {"parent", nullptr}};
  const std::string gone = under_way(id, first), kept = under_way(id, second);
  std::string message;
  const Json tree = ask("GET", "/api/conversations/" + id);
  for (const Json& each : tree["messages"])
    if (each["content"] == "go") message = each["id"];
  ask("DELETE", "/api/conversations/" + id + "/messages/" + message, nullptr, 204);
  ask("GET", "/api/answers/" + gone, nullptr, 404);
  while (server_->num_answering() > 1) std::this_thread::yield();
  ask("POST", "/api/answers/" + kept + "/stop", nullptr, 204);
  EXPECT_EQ(all_of(kept).back().data["message"]["meta"]["status"], "completed");
}

TEST_F(AppApiTest, AStoppedAnswerKeepsWhatItHas) {
  start(endless());
  const std::string id = new_conversation();
  const std::string answer_id = under_way(id);
  ask("POST", "/api/answers/" + answer_id + "/stop", nullptr, 204);
  const auto events = all_of(answer_id);
  const Json message = events.back().data["message"];
  EXPECT_EQ(message["meta"]["finish"], "cancelled");
  EXPECT_TRUE(message["content"].get<std::string>().starts_with("a")) << message;
}

TEST_F(AppApiTest, AnAnswerIsSteered) {
  start(endless());
  const std::string id = new_conversation();
  const Json question = {
      {"message", {{"content", "go"}}}, {"max_tokens", 5}, {"melete", {{"budget_tokens", 1900}}}};
  Json asked = question;
  asked["model"] = "melete-thinking";
  const std::string thinking = under_way(id, asked);
  ask("POST", "/api/answers/" + thinking + "/steer", {{"action", "answer"}}, 204);
  auto events = all_of(thinking);
  ASSERT_EQ(data_of(events, "agent.closed").size(), 1u);
  EXPECT_EQ(data_of(events, "agent.closed")[0]["by"], "user");
  EXPECT_TRUE(events.back().data["message"]["content"].get<std::string>().starts_with("a"));

  asked["model"] = "melete-contemplating";
  asked["melete"]["agents"] = 3;
  const std::string contemplating = under_way(id, asked), steer = "/api/answers/" + contemplating + "/steer";
  ask("POST", steer, {{"action", "kill"}, {"agent", 0}}, 204);
  ask("POST", steer, {{"action", "pin"}, {"agent", 2}}, 204);
  ask("POST", steer, {{"action", "answer"}, {"agent", 2}}, 204);
  events = all_of(contemplating);
  const auto killed = data_of(events, "agent.killed");
  ASSERT_EQ(killed.size(), 2u);
  EXPECT_EQ(killed[0]["reason"], "user");
  EXPECT_EQ(killed[1]["reason"], "pinned");
  EXPECT_EQ(data_of(events, "decision").at(0)["rule"], "pinned");
  const Json details = events.back().data["message"]["meta"]["details"];
  EXPECT_EQ(data_of(events, "run.completed").at(0)["agent"], 2);
  EXPECT_GT(details["timings"]["cpu_s"], 0.0);
  EXPECT_GT(details["memory"]["peak_bytes"], 1 << 20);
  ask("POST", steer, {{"action", "answer"}}, 204);  // it is over: nothing happens
  EXPECT_EQ(ask("POST", steer, {{"action", "kill"}}, 400)["error"]["param"], "agent");
  EXPECT_EQ(ask("POST", steer, {{"action", "sing"}}, 400)["error"]["param"], "action");
  ask("POST", "/api/answers/ans_none/steer", {{"action", "answer"}}, 404);
}

TEST_F(AppApiTest, TextIsReadAloud) {
  start();
  const auto refused = [&](const Json& body) {
    return ask("POST", "/api/speech", body, 400)["error"]["param"];
  };
  EXPECT_EQ(refused({{"text", std::string(3001, 'x')}}), "text");
  EXPECT_EQ(refused({{"text", "hi"}, {"language", "../en"}}), "language");
  EXPECT_EQ(refused({{"text", "hi"}, {"language", "--help"}}), "language");
  EXPECT_EQ(refused({{"text", "hi"}, {"words_per_minute", 1}}), "words_per_minute");
  if (!find_program("espeak-ng").ok()) GTEST_SKIP() << "no espeak-ng";
  const Asked shorter = raw("POST", "/api/speech", R"({"text":"Four."})");
  ASSERT_EQ(shorter.status, 200) << shorter.body;
  EXPECT_EQ(shorter.body.substr(0, 4) + shorter.body.substr(8, 4), "RIFFWAVE");
  const Asked longer = raw("POST", "/api/speech", R"({"text":"Four apples, $(reboot) and <b>a pear</b>."})");
  EXPECT_GT(longer.body.size(), 2 * shorter.body.size());
  EXPECT_EQ(ask("POST", "/api/speech", {{"text", "hi"}, {"language", "xx-none"}}, 400)["error"]["type"],
            "invalid_request_error");
}

TEST_F(AppApiTest, NothingStaysOfWhatCannotBeAnswered) {
  std::promise<void> open;
  gate_ = open.get_future().share();
  start();
  const std::string id = new_conversation(), path = "/api/conversations/" + id;
  const auto refused = [&](const Json& question, int status) {
    return ask("POST", path + "/answers", question, status)["error"];
  };
  EXPECT_EQ(refused({{"model", "gpt"}, {"message", {{"content", "x"}}}}, 404)["code"], "model_not_found");
  EXPECT_EQ(refused({{"message", {{"content", Json::array({{{"type", "smell"}}})}}}}, 400)["param"],
            "message.content[0].type");
  EXPECT_EQ(refused({{"messages", "x"}, {"message", {{"content", "x"}}}}, 400)["param"], "messages");
  EXPECT_EQ(refused(Json::object(), 400)["param"], "message");
  refused({{"to", "msg_none"}}, 404);
  refused({{"message", {{"content", Json::array({{{"type", "file"}, {"file_id", "file_x"}}})}}}}, 404);
  refused({{"message", {{"content", std::string(90'000, 'x')}}}}, 400);
  EXPECT_EQ(ask("GET", path)["messages"].size(), 0u);
  open.set_value();
}

TEST_F(AppApiTest, FilesComeAndGoByTheirHash) {
  start();
  const std::string form =
      "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"k\xc3\xa4se\\\"1.html\"\r\n"
      "Content-Type: text/html\r\n\r\n<script>alert(1)</script>\r\n--XX--\r\n";
  const HttpHeaders type = {{"content-type", "multipart/form-data; boundary=XX"}};
  const Json file = Json::parse(raw("POST", "/api/files", form, type).body)["files"][0];
  EXPECT_EQ(file["name"], "k\xc3\xa4se\"1.html");
  EXPECT_EQ(file["bytes"], 25);
  const std::string id = file["id"];
  EXPECT_EQ(Json::parse(raw("POST", "/api/files", form, type).body)["files"][0]["id"], id);
  EXPECT_EQ(ask("GET", "/api/files")["files"].size(), 1u);
  const Asked bytes = raw("GET", "/api/files/" + id + "/content");
  EXPECT_EQ(bytes.body, "<script>alert(1)</script>");
  EXPECT_EQ(bytes.header("Content-Disposition"), "attachment; filename*=UTF-8''k%C3%A4se%221.html");
  EXPECT_NE(bytes.header("Content-Security-Policy").find("sandbox"), std::string::npos);
  const std::string conversation = new_conversation();
  const Json part = {{"type", "file"}, {"file_id", id}};
  const Json message =
      ask("POST", "/api/conversations/" + conversation + "/messages", {{"content", Json::array({part})}});
  EXPECT_EQ(message["files"], Json::array({id}));
  ask("DELETE", "/api/files/" + id, nullptr, 400);
  ask("DELETE", "/api/conversations/" + conversation, nullptr, 204);
  ask("GET", "/api/files/" + id, nullptr, 404);
  EXPECT_EQ(raw("POST", "/api/files", form, {{"content-type", "text/plain"}}).status, 400);
}

TEST_F(AppApiTest, ListsInPagesAndKeepsSettings) {
  start();
  for (int i = 0; i < 5; ++i) ask("POST", "/api/conversations", {{"title", std::to_string(i)}});
  std::string after, titles;
  for (int pages = 0; pages < 3; ++pages) {
    const Json page = ask("GET", "/api/conversations?limit=2" + after);
    for (const Json& each : page["conversations"]) titles += each["title"].get<std::string>();
    if (page["next"].is_string()) after = "&after=" + page["next"].get<std::string>();
  }
  EXPECT_EQ(titles, "43210");
  EXPECT_EQ(ask("GET", "/api/conversations?after=1.2", nullptr, 400)["error"]["param"], "after");
  EXPECT_EQ(ask("GET", "/api/conversations?limit=0", nullptr, 400)["error"]["param"], "limit");
  EXPECT_EQ(ask("GET", "/api/settings"), Json::object());
  ask("PUT", "/api/settings", {{"theme", "dark"}});
  EXPECT_EQ(ask("GET", "/api/settings")["theme"], "dark");
  ask("PUT", "/api/settings", Json::array(), 400);
  const std::string all = raw("GET", "/api/export").body;
  EXPECT_EQ(Json::parse(all)["conversations"].size(), 5u);
  EXPECT_EQ(Json::parse(raw("POST", "/api/import", all).body)["conversations"], 5);
  EXPECT_NE(raw("GET", "/api/export?format=html").body.find("<html"), std::string::npos);
}

TEST_F(AppApiTest, TheFirstKeyNeedsAPassword) {
  start();
  EXPECT_EQ(ask("POST", "/api/keys", {{"name", "laptop"}}, 409)["error"]["code"], "password_needed");
  EXPECT_EQ(ask("GET", "/api/session")["login_required"], false);
  const Asked set = raw("PUT", "/api/account/password", R"({"new_password":"correct horse"})");
  ASSERT_EQ(set.status, 200) << set.body;
  const std::string cookie = set.header("Set-Cookie");
  const HttpHeaders session = {{"cookie", cookie.substr(0, cookie.find(';'))},
                               {"x-csrf-token", Json::parse(set.body)["csrf_token"]}};
  ask("GET", "/api/account", nullptr, 401);
  EXPECT_EQ(raw("POST", "/api/keys", R"({"name":"laptop"})", session).status, 200);
  EXPECT_EQ(raw("DELETE", "/api/session", "", session).status, 204);
  EXPECT_EQ(raw("GET", "/api/account", "", session).status, 401);
  const HttpHeaders json = {{"content-type", "application/json"}};
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(raw("POST", "/api/session", R"({"name":"local","password":"wrong one"})", json).status, 401);
  const Asked late = raw("POST", "/api/session", R"({"name":"local","password":"correct horse"})", json);
  EXPECT_EQ(late.status, 429);
  EXPECT_GT(std::stoi(late.header("Retry-After")), 800);
}

}  // namespace
}  // namespace melete
