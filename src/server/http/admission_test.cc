// Who is let in is decided by the head of a request: nobody's body is read before.
#include <gtest/gtest.h>

#include "server/http/http_server.h"
#include "server/http/test_client.h"

namespace melete {
namespace {

// Lets in who sends x-who, and takes at most 10 bytes of whoever is new.
class Door : public HttpApplication {
 public:
  std::optional<HttpResponse> admit(Exchange& exchange) override {
    const std::string_view who = exchange.request.header("x-who");
    EXPECT_EQ(exchange.request.body, "");
    if (who == "new") exchange.max_body_bytes = 10;
    if (who == "broken") throw std::runtime_error("the door is broken");
    if (!who.empty()) return std::nullopt;
    exchange.note("refused", true);
    return HttpResponse{401, "who are you?", "text/plain", {}};
  }
  void handle(ExchangePtr exchange) override {
    exchange->respond({200, exchange->request.body, "text/plain", {}});
  }
  HttpResponse refuse(std::string_view, int status, const std::string& message) override {
    return {status, message, "text/plain", {}};
  }
};

class Admission : public ::testing::Test {
 protected:
  Admission() {
    HttpOptions options;
    options.port = 0;
    options.access_log = [this](const Json& line) { lines_.push_back(line); };
    server_ = HttpServer::bind(options, door_).value();
    server_->start();
  }
  static std::string head(const std::string& headers) {
    return "POST /x HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n";
  }

  Door door_;
  std::vector<Json> lines_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(Admission, AStrangersBodyIsNotWaitedFor) {
  for (const char* how : {"Content-Length: 60000000\r\n", "Transfer-Encoding: chunked\r\n",
                          "Content-Length: 5\r\nExpect: 100-continue\r\n"}) {
    TestClient client(server_->port());
    client.send(head(how));
    const auto answer = client.read_answer();
    EXPECT_EQ(answer.status(), 401) << how << answer.head;
    EXPECT_NE(answer.head.find("Connection: close"), std::string::npos) << answer.head;
    EXPECT_EQ(answer.body, "who are you?");
    client.half_close();
    EXPECT_TRUE(client.closed_by_server());
  }
  server_->stop(std::chrono::milliseconds(0));
  ASSERT_EQ(lines_.size(), 3u);
  EXPECT_EQ(lines_[0]["status"], 401);
  EXPECT_EQ(lines_[0]["refused"], true);
  EXPECT_EQ(lines_[0]["bytes_in"], 0);
}

TEST_F(Admission, OneThatIsHereAlreadyLeavesTheConnectionOpen) {
  TestClient client(server_->port());
  client.send(head("Content-Length: 5\r\n") + "words" + head("x-who: me\r\nContent-Length: 5\r\n") + "again");
  EXPECT_EQ(client.read_answer().status(), 401);
  const auto second = client.read_answer();
  EXPECT_EQ(second.status(), 200);
  EXPECT_EQ(second.body, "again");
}

TEST_F(Admission, WhoIsLetInMayBeHeldToALimitOfTheirOwn) {
  const auto answer = [&](const std::string& request) {
    TestClient client(server_->port());
    client.send(request);
    return client.read_answer();
  };
  EXPECT_EQ(answer(head("x-who: new\r\nContent-Length: 10\r\n") + "0123456789").body, "0123456789");
  const auto refused = answer(head("x-who: new\r\nContent-Length: 11\r\n"));
  EXPECT_EQ(refused.status(), 413);
  EXPECT_NE(refused.body.find("at most 10 bytes"), std::string::npos) << refused.body;
  const std::string chunks = "b\r\n0123456789a\r\n0\r\n\r\n";
  EXPECT_EQ(answer(head("x-who: new\r\nTransfer-Encoding: chunked\r\n") + chunks).status(), 413);
  EXPECT_EQ(answer(head("x-who: me\r\nTransfer-Encoding: chunked\r\n") + chunks).body, "0123456789a");
}

TEST_F(Admission, ADoorThatFailsIsAnErrorOfOurs) {
  TestClient client(server_->port());
  client.send(head("x-who: broken\r\n"));
  EXPECT_EQ(client.read_answer().status(), 500);
}

}  // namespace
}  // namespace melete
