// A server whose model is on another one: what clients of ours see of it.
#include <gtest/gtest.h>

#include "remote/fake_server.h"
#include "remote/remote_model.h"
#include "server/api/api_server.h"
#include "server/http/test_client.h"
#include "server/store/test_store.h"

namespace melete {
namespace {

using Reply = FakeServer::Reply;

// The remote says "Four of" and is gone.
Reply die_in_a_stream(const std::string&, const Json&) {
  Reply reply = FakeServer::stream({{{"content", "Four of"}}});
  reply.body.resize(reply.body.find("finish_reason") - 20);
  reply.is_cut = true;
  return reply;
}

class RemoteApiTest : public ::testing::Test {
 protected:
  // The remote takes pictures; `stream` answers questions.
  uint16_t start(FakeServer::Answer stream) {
    remote_ = std::make_unique<FakeServer>([stream](const std::string& path, const Json& body) -> Reply {
      if (path == "/v1/models") return {200, "application/json", R"({"data":[{"id":"org/far"}]})"};
      if (body.value("stream", false)) return stream(path, body);
      if (body.contains("tools")) return {400, "application/json", "{}"};
      return {200, "application/json", R"({"choices":[{"message":{"content":"Hi"}}]})"};
    });
    auto model = RemoteModel::connect({remote_->url(), "", ""});
    EXPECT_TRUE(model.ok()) << model.error().message;
    std::vector<std::unique_ptr<ServedModel>> models;
    models.push_back(std::make_unique<ServedModel>("far", *std::move(model)));
    ApiServerOptions options;
    options.http.port = 0;
    server_.reset();  // the former one, which uses the store
    store_ = Store::open(folder_.path() / "data").value();
    auto server = ApiServer::start(options, ModelList(std::move(models)), *store_);
    EXPECT_TRUE(server.ok()) << server.error().message;
    server_ = std::move(server).value();
    return server_->http().port();
  }
  static Json question(const std::string& model, const Json& content, bool stream = false) {
    return {{"model", model}, {"stream", stream}, {"messages", {{{"role", "user"}, {"content", content}}}}};
  }
  static TestClient::Answer post(uint16_t port, const Json& body) {
    TestClient client(port);
    client.post("/v1/chat/completions", body.dump());
    return client.read_answer();
  }

  TestFolder folder_;
  std::unique_ptr<FakeServer> remote_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<ApiServer> server_;
};

TEST_F(RemoteApiTest, AnswersInTheModes) {
  const uint16_t port = start([](const std::string&, const Json&) {
    return FakeServer::stream({{{"content", "Four."}}});
  });
  for (const char* model : {"far", "melete-thinking", "melete-contemplating"}) {
    const auto answer = post(port, question(model, "how many?"));
    ASSERT_EQ(answer.status(), 200) << answer.body;
    EXPECT_EQ(Json::parse(answer.body)["choices"][0]["message"]["content"], "Four.");
  }
}

TEST_F(RemoteApiTest, TellsWhatTheRemoteTakes) {
  const uint16_t port = start([](const std::string&, const Json&) {
    return FakeServer::stream({{{"content", "Four."}}});
  });
  TestClient client(port);
  client.get("/v1/models/far");
  const Json can = Json::parse(client.read_answer().body)["capabilities"];
  EXPECT_EQ(can["tools"], false);
  EXPECT_EQ(can["logprobs"], false);
  EXPECT_EQ(can["input"], Json::array({"text", "image"}));
}

TEST_F(RemoteApiTest, AKeptResponseSaysThatItCannotBeReplayed) {
  const uint16_t port = start([](const std::string&, const Json&) {
    return FakeServer::stream({{{"content", "Four."}}});
  });
  TestClient client(port);
  client.post("/v1/responses", Json{{"model", "far"}, {"input", "how many?"}}.dump());
  const Json kept = Json::parse(client.read_answer().body);
  EXPECT_EQ(kept["output"][0]["content"][0]["text"], "Four.") << kept;
  client.post("/v1/responses/" + kept.value("id", "") + "/replay", "");
  const auto replayed = client.read_answer();
  EXPECT_EQ(replayed.status(), 409) << replayed.body;
  EXPECT_NE(replayed.body.find("another server"), std::string::npos) << replayed.body;
}

TEST_F(RemoteApiTest, PicturesGoAsTheyCame) {
  std::string sent;
  const uint16_t port = start([&](const std::string&, const Json& body) {
    sent = body["messages"][0]["content"][0]["image_url"]["url"];
    return FakeServer::stream({{{"content", "Red."}}});
  });
  const std::string picture =
      "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAADgAAAA4CAIAAAAn5KxJAAAAQ0lEQVR42u3OQQkAAAgEsIty/"
      "ZMYy4cphMECLNO+EFFR"
      "UVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFR0bNW4KK1OMgvZAAAAABJRU5ErkJggg==";
  const Json parts = Json::array({{{"type", "text"}, {"text", "Which colour?"}},
                                  {{"type", "image_url"}, {"image_url", {{"url", picture}}}}});
  const auto answer = post(port, question("melete-instant", parts));
  ASSERT_EQ(answer.status(), 200) << answer.body;
  EXPECT_EQ(sent, picture);
}

TEST_F(RemoteApiTest, ARemoteThatDiesInAStreamEndsItWithAnError) {
  const uint16_t port = start(die_in_a_stream);
  TestClient client(port);
  client.post("/v1/chat/completions", question("melete-instant", "how many?", true).dump());
  const std::string all = client.read_until("0\r\n\r\n");
  EXPECT_NE(all.find("Four of"), std::string::npos) << all;
  const size_t error = all.find("data: {\"error\":");
  ASSERT_NE(error, std::string::npos) << all;
  const Json told = Json::parse(all.substr(error + 6, all.find("\n\n", error) - error - 6));
  EXPECT_NE(told["error"]["message"].get<std::string>().find("[remote]"), std::string::npos);
}

TEST_F(RemoteApiTest, ARemoteThatTalksNonsenseIsAnError) {
  for (const std::string& said : {std::string("<html>busy</html>"), std::string("data: {\"choices\": 3}\n\n"),
                                  std::string("data: \xff\xfe\n\n"), std::string(200'000, '[')}) {
    const uint16_t port = start([said](const std::string&, const Json&) -> Reply {
      return {200, "text/event-stream", said};
    });
    for (const char* model : {"melete-instant", "melete-contemplating"}) {
      const auto answer = post(port, question(model, "how many?"));
      EXPECT_EQ(answer.status(), 503) << answer.body;
      EXPECT_EQ(Json::parse(answer.body)["error"]["type"], "server_error") << answer.body;
    }
  }
}

// What is kept of answers whose remote dies says so.
TEST_F(RemoteApiTest, TheStoreKnowsThatARemoteDied) {
  const uint16_t port = start(die_in_a_stream);
  TestClient client(port);
  client.post("/api/conversations", "{}");
  const std::string id = Json::parse(client.read_answer().body)["id"];
  client.post("/api/conversations/" + id + "/answers", R"({"message":{"content":"how many?"}})");
  client.read_until("0\r\n\r\n");
  client.get("/api/conversations/" + id);
  const Json meta = Json::parse(client.read_answer().body)["messages"][1]["meta"];
  EXPECT_EQ(meta["status"], "failed");
  EXPECT_NE(meta["error"].get<std::string>().find("[remote"), std::string::npos) << meta;
  client.post("/v1/responses", R"({"model":"far","input":"how many?","stream":true})");
  const std::string all = client.read_until("0\r\n\r\n");
  EXPECT_NE(all.find("event: response.failed"), std::string::npos) << all;
  const size_t at = all.find("\"id\":\"resp_") + 6;
  client.get("/v1/responses/" + all.substr(at, all.find('"', at) - at));
  EXPECT_EQ(Json::parse(client.read_answer().body)["status"], "failed");
}

TEST_F(RemoteApiTest, WhatTheRemoteRefusesIsAnErrorOfOurShape) {
  const uint16_t port = start([](const std::string&, const Json&) -> Reply {
    return {429, "application/json", R"({"error":{"message":"too busy"}})"};
  });
  const auto answer = post(port, question("melete-contemplating", "how many?"));
  EXPECT_EQ(answer.status(), 429);
  EXPECT_NE(Json::parse(answer.body)["error"]["message"].get<std::string>().find("too busy"),
            std::string::npos);
}

}  // namespace
}  // namespace melete
