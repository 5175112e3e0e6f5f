// What breaks on the way in or below: each ends in a clear error in the API's shape, and the server goes on.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

#include <thread>

#include "base/base64.h"
#include "base/file.h"
#include "server/api/test_server.h"
#include "server/http/test_client.h"

namespace melete {
namespace {

using std::chrono::milliseconds;

class ApiFaults : public ScriptedServerTest {
 protected:
  uint16_t start() { return ScriptedServerTest::start("Four.<|eot|>"); }
  // The error of an answer in OpenAI's shape, and that the next request is served.
  Json error_of(const TestClient::Answer& answer, int status) {
    EXPECT_EQ(answer.status(), status) << answer.head << answer.body;
    const Json body = Json::parse(answer.body, nullptr, false);
    EXPECT_TRUE(body.is_object() && body.contains("error")) << answer.body;
    TestClient next(server_->http().port());
    next.get("/v1/models");
    EXPECT_EQ(next.read_answer().status(), 200);
    return body.is_object() ? body.value("error", Json()) : Json();
  }
};

const std::string kChat = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n";

TEST_F(ApiFaults, TooLargeOrTooSlow) {
  options_.http.limits.max_head_bytes = 1000;
  options_.http.limits.max_body_bytes = 1000;
  options_.http.limits.head = milliseconds(1000);
  options_.http.limits.body = milliseconds(1000);
  const uint16_t port = start();
  const auto refusal = [port](const std::string& bytes) {
    TestClient client(port);
    client.send(bytes);
    return client.read_answer();
  };
  const std::string much = "Content-Length: 1001\r\n\r\n";
  EXPECT_EQ(error_of(refusal(kChat + "X: " + std::string(2000, 'x') + "\r\n\r\n"), 431)["type"],
            "invalid_request_error");
  EXPECT_EQ(error_of(refusal(kChat + much), 413)["type"], "invalid_request_error");
  error_of(refusal(kChat.substr(0, 20)), 408);
  error_of(refusal(kChat + "Content-Length: 10\r\n\r\n{"), 408);
  const Json shape = Json::parse(refusal("POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n" + much).body);
  EXPECT_EQ(shape["type"], "error");
  EXPECT_EQ(shape["error"]["type"], "request_too_large");
}

TEST_F(ApiFaults, HalfClosedInTheMiddleOfARequest) {
  const uint16_t port = start();
  TestClient head(port), body(port);
  head.send(kChat.substr(0, 20));
  head.half_close();
  EXPECT_TRUE(head.closed_by_server());
  body.send(kChat + "Content-Length: 10\r\n\r\n{");
  body.half_close();
  EXPECT_TRUE(body.closed_by_server());
  TestClient next(port);
  next.get("/healthz");
  EXPECT_EQ(next.read_answer().status(), 200);
}

TEST_F(ApiFaults, WhatIsNoJson) {
  const uint16_t port = start();
  for (const char* path : {"/v1/chat/completions", "/api/conversations", "/api/settings"}) {
    const bool put = std::string(path) == "/api/settings";
    for (const std::string& bad : {std::string("{\"a\": \"\xff\xfe\"}"), std::string(100'000, '['),
                                   std::string("{\"a\": 1"), std::string("\0{}", 3)}) {
      TestClient client(port);
      client.send(cat(put ? "PUT " : "POST ", path,
                      " HTTP/1.1\r\nHost: localhost\r\nContent-Length: ", bad.size(), "\r\n\r\n", bad));
      EXPECT_EQ(error_of(client.read_answer(), 400)["code"], "invalid_json") << path;
    }
  }
  const std::string deep = cat(R"({"model":"tiny","messages":)", std::string(90'000, '['), "}");
  for (const char* route : {"/v1/responses", "/v1/embeddings", "/v1/tokenize", "/v1/messages"}) {
    TestClient client(port);
    client.post(route, deep);
    EXPECT_EQ(error_of(client.read_answer(), 400)["type"], "invalid_request_error") << route;
  }
  TestClient path(port);
  path.get("/api/conversations/%ff%fe");
  error_of(path.read_answer(), 404);
}

TEST_F(ApiFaults, SlowLorisMakesRoom) {
  options_.http.limits.max_connections = 3;
  const uint16_t port = start();
  TestClient a(port), b(port), c(port);
  for (TestClient* client : {&a, &b, &c}) client->send("GET /v1/models HTTP/1.1\r\nX");
  for (int i = 0; i < 10; ++i) {
    TestClient other(port);
    other.get("/v1/models");
    EXPECT_EQ(other.read_answer().status(), 200);
  }
  EXPECT_TRUE(a.closed_by_server());
}

TEST_F(ApiFaults, WhenAllConnectionsAreBusyOthersAreTold) {
  std::promise<void> open;
  gate_ = open.get_future().share();
  options_.http.limits.max_connections = 1;
  const uint16_t port = start();
  TestClient busy(port);
  busy.post("/v1/chat/completions", R"({"model":"tiny","messages":[{"role":"user","content":"hi"}]})");
  while (server_->num_answering() == 0) std::this_thread::yield();
  const std::string refused = TestClient(port).read_all();
  EXPECT_NE(refused.find("HTTP/1.1 503 Service Unavailable\r\n"), std::string::npos);
  EXPECT_NE(refused.find("\"error\":{"), std::string::npos);
  open.set_value();
  EXPECT_EQ(busy.read_answer().status(), 200);
}

TEST_F(ApiFaults, PagesThatAreAllowedMayAskBeforehand) {
  options_.http.origins.origins = {"https://app.example"};
  const uint16_t port = start();
  const auto preflight = [&](const std::string& origin) {
    TestClient client(port);
    client.send("OPTIONS /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nOrigin: " + origin +
                "\r\nAccess-Control-Request-Method: POST\r\n"
                "Access-Control-Request-Headers: authorization,content-type\r\n\r\n");
    return client.read_until("\r\n\r\n");
  };
  const std::string allowed = preflight("https://app.example");
  EXPECT_TRUE(allowed.starts_with("HTTP/1.1 204 ")) << allowed;
  EXPECT_NE(allowed.find("Access-Control-Allow-Origin: https://app.example\r\n"), std::string::npos);
  EXPECT_NE(allowed.find("Access-Control-Allow-Headers: authorization,content-type\r\n"), std::string::npos);
  EXPECT_EQ(allowed.find("Allow-Credentials"), std::string::npos) << "never with the session's cookie";
  EXPECT_TRUE(preflight("https://evil.example").starts_with("HTTP/1.1 403 "));
}

TEST_F(ApiFaults, EveryAnswerForbidsPagesToUseIt) {
  TestClient client(start());
  for (const char* path : {"/v1/models", "/healthz", "/nothing", "/api/settings"}) {
    client.get(path);
    const std::string head = client.read_answer().head;
    for (const char* line :
         {"Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n",
          "X-Content-Type-Options: nosniff\r\n", "Cross-Origin-Resource-Policy: same-origin\r\n"})
      EXPECT_NE(head.find(line), std::string::npos) << path << ": " << line;
  }
}

TEST_F(ApiFaults, StoppingEndsAnswersThatNobodyReads) {
  std::promise<void> open;
  gate_ = open.get_future().share();
  const uint16_t port = start();
  TestClient client(port);
  client.post("/api/conversations", "{}");
  const std::string id = Json::parse(client.read_answer().body)["id"];
  client.post("/api/conversations/" + id + "/answers", R"({"message":{"content":"hi"}})");
  client.read_until("event: answer");
  client.close();
  while (server_->num_answering() == 0) std::this_thread::yield();
  open.set_value();
  server_->stop(milliseconds(0));
  server_.reset();
  const auto tree = ok(store_->conversations(kLocalOwner).tree(id));
  ASSERT_EQ(tree.size(), 2u);
  EXPECT_EQ(tree[1].meta["status"], "completed") << "stored with what it had";
}

// As a full disk: every write beyond a size fails, in the whole process, until its end.
class FullDisk {
 public:
  FullDisk() : handler_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit full{1, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &full);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST_F(ApiFaults, AFullDiskIsAClearError) {
  const uint16_t port = start();
  TestClient client(port);
  client.post("/api/conversations", R"({"title":"kept"})");
  const std::string id = Json::parse(client.read_answer().body)["id"];
  std::vector<TestClient::Answer> answers;
  {
    const FullDisk full;
    for (const char* path : {"/messages", "/answers"}) {
      client.post("/api/conversations/" + id + path, std::string(path) == "/answers"
                                                         ? R"({"message":{"content":"hi"}})"
                                                         : R"({"content":"hi"})");
      answers.push_back(client.read_answer());
    }
    client.post("/v1/chat/completions", R"({"model":"tiny","messages":[{"role":"user","content":"hi"}]})");
    answers.push_back(client.read_answer());
    client.post("/v1/responses", R"({"model":"tiny","input":"hi"})");
    answers.push_back(client.read_answer());
  }
  for (const auto& answer : answers) {
    const Json error = error_of(answer, 503);
    EXPECT_EQ(error["type"], "server_error");
    EXPECT_NE(error["message"].get<std::string>().find("disk"), std::string::npos) << error;
  }
  client.get("/api/conversations/" + id);
  EXPECT_EQ(Json::parse(client.read_answer().body)["num_messages"], 0);
}

// A picture whose header promises more pixels than anyone may send.
TEST_F(ApiFaults, ALargePictureIsRefusedBeforeItIsUnpacked) {
  const uint16_t port = start();
  std::string png =
      ok(read_file(std::filesystem::path(MELETE_SOURCE_DIR) / "testdata/media/samples/rgb.png"));
  png.replace(16, 8, std::string("\0\1\0\0\0\1\0\0", 8));  // 65536 x 65536
  uLong check = crc32(0, reinterpret_cast<const Bytef*>(png.data()) + 12, 17);
  for (size_t i = 0; i < 4; ++i) png[29 + i] = static_cast<char>(check >> (24 - 8 * i) & 0xFF);
  const std::string data = encode_base64(png), url = "data:image/png;base64," + data;
  const auto refused = [&](const char* route, const Json& body) {
    TestClient client(port);
    client.post(route, body.dump());
    return error_of(client.read_answer(), 400);
  };
  const Json chat = {
      {{"role", "user"}, {"content", {{{"type", "image_url"}, {"image_url", {{"url", url}}}}}}}};
  const Json input = {{{"role", "user"}, {"content", {{{"type", "input_image"}, {"image_url", url}}}}}};
  const Json source = {{"type", "base64"}, {"media_type", "image/png"}, {"data", data}};
  const Json messages = {{{"role", "user"}, {"content", {{{"type", "image"}, {"source", source}}}}}};
  EXPECT_EQ(refused("/v1/chat/completions", {{"model", "tiny"}, {"messages", chat}})["param"],
            "messages[0].content[0]");
  EXPECT_EQ(refused("/v1/responses", {{"model", "tiny"}, {"input", input}})["param"], "input[0].content[0]");
  const Json error = refused("/v1/messages", {{"model", "tiny"}, {"max_tokens", 9}, {"messages", messages}});
  EXPECT_NE(error["message"].get<std::string>().find("messages[0].content[0]"), std::string::npos) << error;
}

// The disk fills up while an answer is made: its reader is told, and what couldn't be stored is when it can.
TEST_F(ApiFaults, ADiskThatFillsUpDuringAnAnswer) {
  std::promise<void> open;
  gate_ = open.get_future().share();
  const uint16_t port = start();
  TestClient client(port), reader(port);
  client.post("/api/conversations", "{}");
  const std::string id = Json::parse(client.read_answer().body)["id"];
  reader.post("/api/conversations/" + id + "/answers",
              R"({"model":"melete-instant","message":{"content":"hi"}})");
  reader.read_until("event: answer\n");
  while (server_->num_answering() == 0) std::this_thread::yield();
  std::string end;
  {
    const FullDisk full;
    open.set_value();
    reader.read_until("event: done\ndata: ");
    end = reader.read_until("\n\n");
  }
  const Json done = Json::parse(end);
  EXPECT_NE(done.value("error", Json()).dump().find("disk"), std::string::npos) << end;
  EXPECT_EQ(done["message"]["content"], "Four.") << "it is told nevertheless";
  const auto stored = [&] {
    client.get("/api/conversations/" + id);
    return Json::parse(client.read_answer().body)["messages"][1];
  };
  EXPECT_EQ(stored()["meta"]["status"], "running");
  const std::string answer = stored()["meta"]["answer"];
  client.get("/api/answers/" + answer);
  EXPECT_EQ(Json::parse(client.read_answer().body)["status"], "completed");
  EXPECT_EQ(stored()["content"], "Four.");
  EXPECT_EQ(stored()["meta"]["status"], "completed");
}

// Files can't be made any more, while the database is open already.
TEST_F(ApiFaults, AFolderThatIsTakenAwayIsAClearError) {
  const uint16_t port = start();
  namespace fs = std::filesystem;
  fs::remove_all(folder_.path() / "data/files");
  fs::remove_all(folder_.path() / "data/events");
  for (const char* name : {"files", "events"}) ok(write_file(folder_.path() / "data" / name, "no folder"));
  TestClient client(port);
  const std::string form = "--b\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\nabc\r\n--b--\r\n";
  client.send(
      cat("POST /api/files HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; "
          "boundary=b\r\nContent-Length: ",
          form.size(), "\r\n\r\n", form));
  error_of(client.read_answer(), 503);
  client.post("/api/conversations", "{}");
  const std::string id = Json::parse(client.read_answer().body)["id"];
  client.post("/api/conversations/" + id + "/answers", R"({"message":{"content":"hi"}})");
  error_of(client.read_answer(), 503);
  client.get("/api/conversations/" + id);
  EXPECT_EQ(Json::parse(client.read_answer().body)["num_messages"], 0) << "all or nothing";
}

}  // namespace
}  // namespace melete
