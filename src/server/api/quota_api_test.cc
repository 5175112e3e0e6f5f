// What an answer costs its caller: as much as it used, whatever was kept for it, on every surface.
#include <gtest/gtest.h>

#include <thread>

#include "server/accounts/keys.h"
#include "server/accounts/quotas.h"
#include "server/api/test_api_server.h"

namespace melete {
namespace {

constexpr int64_t kLimit = 1'000'000;

class QuotaApiTest : public ApiServerTest {
 protected:
  // A key of its own, which is the only one that is used.
  void add_key(Quota quota = {{}, kLimit}) {
    Keys keys(store_->database());
    key_ = ok(keys.add(kLocalOwner, {"k", {Scope::generate, Scope::data}, quota, {}})).secret;
  }
  std::string head(const std::string& path, size_t bytes) const {
    return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + key_ +
           "\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n";
  }
  TestClient::Answer post(const std::string& path, const Json& body) const {
    TestClient client(server_->http().port());
    const std::string text = body.dump();
    client.send(head(path, text.size()) + text);
    return client.read_answer();
  }
  int64_t used() { return ok(Keys(store_->database()).usage(kLocalOwner)).at(0).tokens; }
  // That is left of the key's quota; what is still reserved is missing from it.
  int64_t left() {
    const Caller caller = ok(Keys(store_->database()).authenticate(key_));
    return *ok(Quotas(store_->database()).left(caller)).tokens;
  }

  std::string key_;
};

TEST_F(QuotaApiTest, ManyAgentsCostWhatTheyUsed) {
  start(kThought);
  add_key();
  const Json messages = {{{"role", "user"}, {"content", "how many?"}}};
  const Json agents = {{"agents", 8}};
  struct Surface {
    const char* path;
    Json body;
    std::vector<const char*> counts;
  };
  const std::vector<Surface> surfaces = {
      {"/v1/chat/completions",
       {{"messages", messages}},
       {"/usage/prompt_tokens", "/usage/completion_tokens"}},
      {"/v1/messages",
       {{"messages", messages}, {"max_tokens", 4096}},
       {"/usage/input_tokens", "/usage/output_tokens"}},
      {"/v1/responses", {{"input", "how many?"}}, {"/usage/input_tokens", "/usage/output_tokens"}}};
  int64_t before = 0;
  for (Surface surface : surfaces) {
    surface.body.update({{"model", "melete-contemplating"}, {"melete", agents}});
    const auto answer = post(surface.path, surface.body);
    ASSERT_EQ(answer.status(), 200) << answer.body;
    const Json told = Json::parse(answer.body);
    int64_t tokens = 0;
    for (const char* count : surface.counts) tokens += told.at(Json::json_pointer(count)).get<int64_t>();
    EXPECT_GT(tokens, 8) << answer.body;
    EXPECT_EQ(used() - before, tokens) << surface.path;
    EXPECT_EQ(left(), kLimit - used()) << surface.path << ": something is still reserved";
    before = used();
  }
}

TEST_F(QuotaApiTest, SoMuchIsKeptAsAllAgentsMayUse) {
  start(kThought);
  add_key({{}, 8 * 200});
  const Json messages = {{{"role", "user"}, {"content", "how many?"}}};
  const auto ask_for = [&](int agents) {
    return post("/v1/chat/completions", {{"model", "melete-contemplating"},
                                         {"messages", messages},
                                         {"max_tokens", 200},
                                         {"melete", {{"agents", agents}}}});
  };
  const auto refused = ask_for(8);
  EXPECT_EQ(refused.status(), 429) << refused.body;
  EXPECT_EQ(Json::parse(refused.body)["error"]["code"], "quota_exceeded");
  EXPECT_EQ(left(), 8 * 200) << "what is refused costs nothing";
  EXPECT_EQ(ask_for(4).status(), 200);
  EXPECT_GT(left(), 4 * 200);
}

TEST_F(QuotaApiTest, WhoGoesAwayPaysForWhatWasWritten) {
  start_engine({});
  add_key();
  Json body = ApiServerTest::body(
      "melete-instant",
      {{"stream", true}, {"temperature", 2}, {"max_tokens", 1900}, {"melete", {{"events", true}}}});
  TestClient client(server_->http().port());
  client.send(head("/v1/chat/completions", body.dump().size()) + body.dump());
  for (int i = 0; i < 5; ++i) client.read_until("agent.delta");
  client.close();
  while (server_->num_answering() > 0) std::this_thread::yield();
  EXPECT_GT(used(), 5);
  EXPECT_EQ(left(), kLimit - used());
}

TEST_F(QuotaApiTest, StrangersSendNoBodies) {
  options_.identify = true;
  const uint16_t port = start(kThought);
  for (const char* path : {"/v1/chat/completions", "/v1/responses", "/v1/messages", "/api/files"}) {
    TestClient client(port);
    client.send(std::string("POST ") + path +
                " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000000\r\n\r\n");
    EXPECT_EQ(client.read_answer().status(), 401) << path;
  }
  TestClient client(port);
  client.send("POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n");
  EXPECT_EQ(client.read_answer().status(), 413) << "who logs in is a stranger still";
}

}  // namespace
}  // namespace melete
