#include "server/http/http_server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "server/http/test_client.h"

namespace melete {
namespace {

using std::chrono::milliseconds;

// Says what it was asked; a test puts its own handler in its place.
class Echo : public HttpApplication {
 public:
  void handle(ExchangePtr exchange) override {
    std::unique_lock lock(mutex_);
    const auto act = act_;
    lock.unlock();
    if (act) return act(std::move(exchange));
    const HttpRequest& request = exchange->request;
    HttpResponse response;
    response.body = request.method + " " + request.path + " " + request.query + " " + request.body;
    exchange->respond(std::move(response));
  }
  HttpResponse refuse(std::string_view path, int status, const std::string& message) override {
    return {status, message, "text/plain", {}};
  }
  void act(std::function<void(ExchangePtr)> act) {
    const std::lock_guard lock(mutex_);
    act_ = std::move(act);
  }

 private:
  std::mutex mutex_;
  std::function<void(ExchangePtr)> act_;
};

class HttpServerTest : public ::testing::Test {
 protected:
  uint16_t start() {
    options_.port = 0;
    options_.access_log = [this](const Json& line) {
      const std::lock_guard lock(mutex_);
      lines_.push_back(line);
    };
    auto server = HttpServer::bind(options_, echo_);
    EXPECT_TRUE(server.ok()) << server.error().message;
    server_ = std::move(server).value();
    server_->start();
    return server_->port();
  }
  std::vector<Json> log() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  // What the handler hands over, on the test's thread.
  ExchangePtr handed_over() { return exchange_.get_future().get(); }
  void hand_over() {
    echo_.act([this](ExchangePtr exchange) { exchange_.set_value(std::move(exchange)); });
  }

  HttpOptions options_;
  Echo echo_;
  std::promise<ExchangePtr> exchange_;
  std::mutex mutex_;
  std::vector<Json> lines_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersOneAfterAnotherOnAConnection) {
  TestClient client(start());
  client.get("/a%20b?x=1");
  EXPECT_EQ(client.read_answer().body, "GET /a b x=1 ");
  client.post("/c", "words");
  const auto answer = client.read_answer();
  EXPECT_EQ(answer.body, "POST /c  words");
  EXPECT_NE(answer.head.find("Connection: keep-alive"), std::string::npos);
  client.get("/d", "Connection: close\r\n");
  EXPECT_EQ(client.read_answer().body, "GET /d  ");
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(HttpServerTest, PipelinedRequestsAreAnsweredInOrder) {
  TestClient client(start());
  std::string all;
  for (int i = 0; i < 50; ++i)
    all += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc";
  client.send(all);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(client.read_answer().body, "POST /" + std::to_string(i) + "  abc");
}

TEST_F(HttpServerTest, RequestsMayComeInAnyPieces) {
  TestClient client(start());
  const std::string request =
      "POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  for (const char c : request) client.send(std::string(1, c));
  EXPECT_EQ(client.read_answer().body, "POST /x  abcde");
}

TEST_F(HttpServerTest, WhatIsNoRequestIsRefused) {
  const uint16_t port = start();
  for (const char* bytes :
       {"hello\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nHost localhost\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -4\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    TestClient client(port);
    client.send(bytes);
    EXPECT_EQ(client.read_answer().status(), 400) << bytes;
    EXPECT_TRUE(client.closed_by_server()) << bytes;
  }
}

TEST_F(HttpServerTest, LimitsOnSizesHold) {
  options_.limits.max_head_bytes = 1000;
  options_.limits.max_body_bytes = 100;
  const uint16_t port = start();
  TestClient head(port);
  head.get("/", "X: " + std::string(2000, 'x') + "\r\n");
  EXPECT_EQ(head.read_answer().status(), 431);
  TestClient endless(port);
  endless.send("GET / HTTP/1.1\r\nX: " + std::string(5000, 'x'));
  EXPECT_EQ(endless.read_answer().status(), 431);
  TestClient announced(port);
  announced.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 101\r\n\r\n");
  EXPECT_EQ(announced.read_answer().status(), 413);
  TestClient chunked(port);
  chunked.send("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nc8\r\n" +
               std::string(200, 'x') + "\r\n0\r\n\r\n");
  EXPECT_EQ(chunked.read_answer().status(), 413);
  TestClient fits(port);
  fits.post("/", std::string(100, 'x'));
  EXPECT_EQ(fits.read_answer().status(), 200);
}

TEST_F(HttpServerTest, BodiesOfAllTogetherHaveALimit) {
  options_.limits.max_bodies_bytes = 1000;
  const uint16_t port = start();
  TestClient first(port);
  first.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 800\r\n\r\n" + std::string(700, 'x'));
  // Refused as soon as the server has read what the first sent.
  int status = 0;
  for (int attempt = 0; attempt < 10000 && status != 503; ++attempt) {
    TestClient second(port);
    second.post("/", std::string(800, 'x'));
    status = static_cast<int>(second.read_answer().status());
  }
  EXPECT_EQ(status, 503);
  first.send(std::string(100, 'x'));
  EXPECT_EQ(first.read_answer().status(), 200);
}

TEST_F(HttpServerTest, SlowClientsAreSentAway) {
  options_.limits.head = milliseconds(100);
  options_.limits.body = milliseconds(100);
  options_.limits.idle = milliseconds(100);
  const uint16_t port = start();
  TestClient head(port), body(port), silent(port), idle(port);
  head.send("GET / HTTP/1.1\r\nHo");
  body.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc");
  idle.get("/");
  EXPECT_EQ(idle.read_answer().status(), 200);
  EXPECT_EQ(head.read_answer().status(), 408);
  EXPECT_EQ(body.read_answer().status(), 408);
  EXPECT_TRUE(silent.closed_by_server());
  EXPECT_TRUE(idle.closed_by_server());
}

TEST_F(HttpServerTest, AClientThatAsksFirstIsToldToGoOn) {
  TestClient client(start());
  client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  EXPECT_EQ(client.read_answer().body, "POST /  abc");
}

TEST_F(HttpServerTest, StreamsEventsAndKeepsTheConnection) {
  hand_over();
  TestClient client(start());
  client.get("/");
  ExchangePtr exchange = handed_over();
  exchange->begin_stream({{"X-More", "yes"}});
  EXPECT_NE(client.read_until("\r\n\r\n").find("Content-Type: text/event-stream"), std::string::npos);
  EXPECT_TRUE(exchange->put(event_text("", "one")));
  EXPECT_EQ(client.read_until("\n\n\r\n"), "b\r\ndata: one\n\n\r\n");
  EXPECT_TRUE(exchange->put(event_text("name", "two")));
  exchange->end_stream();
  EXPECT_FALSE(exchange->put("three"));
  EXPECT_NE(client.read_until("0\r\n\r\n").find("event: name\ndata: two\n\n"), std::string::npos);
  echo_.act(nullptr);
  client.get("/again");
  EXPECT_EQ(client.read_answer().body, "GET /again  ");
}

TEST_F(HttpServerTest, ASilentStreamIsKeptAlive) {
  options_.limits.ping = milliseconds(20);
  hand_over();
  TestClient client(start());
  client.get("/");
  const ExchangePtr exchange = handed_over();
  exchange->begin_stream();
  client.read_until(": ping\n\n");
  EXPECT_EQ(client.read_until(": ping\n\n").substr(0, 2), "\r\n");
  exchange->end_stream();
}

TEST_F(HttpServerTest, ASlowReaderWaitsForItselfOnlyAndIsCutOff) {
  options_.limits.max_pending_bytes = 1000;
  options_.limits.write = milliseconds(1000);
  hand_over();
  const uint16_t port = start();
  TestClient slow(port, /*receive_bytes=*/4096);
  slow.get("/");
  const ExchangePtr exchange = handed_over();
  exchange->begin_stream();
  auto put_all = std::async(std::launch::async, [&] {
    int64_t count = 0;
    while (exchange->put(std::string(10'000, 'x'))) ++count;
    return count;
  });
  echo_.act(nullptr);
  TestClient quick(port);
  for (int i = 0; i < 20; ++i) {
    quick.get("/");
    EXPECT_EQ(quick.read_answer().status(), 200);
  }
  EXPECT_LT(put_all.get(), 2'000);  // buffers of the system are all that it fills
  EXPECT_TRUE(exchange->gone());
}

TEST_F(HttpServerTest, AClientThatGoesAwayIsNoticed) {
  for (const bool half : {false, true}) {
    for (const bool streams : {false, true}) {
      exchange_ = {};
      hand_over();
      TestClient client(start());
      client.get("/");
      const ExchangePtr exchange = handed_over();
      if (streams) {
        exchange->begin_stream();
        client.read_until("\r\n\r\n");
      }
      std::promise<void> gone;
      exchange->on_gone([&] { gone.set_value(); });
      EXPECT_FALSE(exchange->gone());
      half ? client.half_close() : client.close();
      EXPECT_EQ(gone.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
      EXPECT_TRUE(exchange->gone());
      bool told = false;
      exchange->on_gone([&] { told = true; });
      EXPECT_TRUE(told);
    }
  }
}

TEST_F(HttpServerTest, ARequestThatEndsWithItsConnectionIsAnswered) {
  TestClient client(start());
  client.send("GET /1 HTTP/1.1\r\nHost: localhost\r\n\r\nGET /2 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  client.half_close();
  EXPECT_EQ(client.read_answer().body, "GET /1  ");
  EXPECT_EQ(client.read_answer().body, "GET /2  ");
}

TEST_F(HttpServerTest, AHandlerThatFailsIsAnError) {
  const uint16_t port = start();
  echo_.act([](const ExchangePtr& exchange) { MELETE_CHECK(false, "broken"); });
  TestClient thrown(port);
  thrown.get("/", "X-Request-Id: mine-1\r\n");
  const auto answer = thrown.read_answer();
  EXPECT_EQ(answer.status(), 500);
  EXPECT_NE(answer.head.find("x-request-id: mine-1\r\n"), std::string::npos);
  EXPECT_NE(answer.body.find("mine-1"), std::string::npos);
  echo_.act([](const ExchangePtr& exchange) {});
  TestClient dropped(port);
  dropped.get("/");
  EXPECT_EQ(dropped.read_answer().status(), 500);
  echo_.act([](const ExchangePtr& exchange) {
    exchange->begin_stream();
    exchange->put("data: half\n\n");
  });
  TestClient cut(port);
  cut.get("/");
  const std::string all = cut.read_all();
  EXPECT_NE(all.find("half"), std::string::npos);
  EXPECT_EQ(all.find("0\r\n\r\n"), std::string::npos);
}

TEST_F(HttpServerTest, StrangersPagesAreRefused) {
  options_.origins.origins = {"https://app.example"};
  const uint16_t port = start();
  const auto status = [&](const std::string& headers) {
    TestClient client(port);
    client.send("GET / HTTP/1.1\r\n" + headers + "\r\n");
    return client.read_answer().status();
  };
  EXPECT_EQ(status("Host: 127.0.0.1:8080\r\n"), 200);
  EXPECT_EQ(status("Host: evil.example\r\n"), 403);
  EXPECT_EQ(status("Host: localhost\r\nOrigin: http://evil.example\r\n"), 403);
  EXPECT_EQ(status("Host: localhost:1\r\nOrigin: http://localhost:1\r\n"), 200);
  TestClient allowed(port);
  allowed.get("/", "Origin: https://app.example\r\n");
  EXPECT_NE(allowed.read_answer().head.find("Access-Control-Allow-Origin: https://app.example\r\n"),
            std::string::npos);
}

TEST_F(HttpServerTest, ConnectionsHaveALimitAndIdleOnesMakeRoom) {
  options_.limits.max_connections = 2;
  hand_over();
  const uint16_t port = start();
  TestClient busy(port);
  busy.get("/");
  const ExchangePtr exchange = handed_over();
  echo_.act(nullptr);
  TestClient idle(port);
  idle.get("/");
  EXPECT_EQ(idle.read_answer().status(), 200);
  TestClient third(port);
  third.get("/");
  EXPECT_EQ(third.read_answer().status(), 200);
  EXPECT_TRUE(idle.closed_by_server());
  exchange->respond(200, {});
  EXPECT_EQ(busy.read_answer().status(), 200);
}

TEST_F(HttpServerTest, StoppingFinishesWhatIsUnderWay) {
  hand_over();
  const uint16_t port = start();
  TestClient busy(port), idle(port);
  busy.get("/");
  const ExchangePtr exchange = handed_over();
  std::thread stopper([&] { server_->stop(std::chrono::seconds(20)); });
  EXPECT_TRUE(idle.closed_by_server());
  EXPECT_FALSE(exchange->gone());
  exchange->respond(200, {{"late", true}});
  EXPECT_EQ(busy.read_answer().body, "{\"late\":true}");
  busy.close();
  stopper.join();
  EXPECT_FALSE(TestClient(port).connected());
}

TEST_F(HttpServerTest, StoppingAtOnceCutsAnswers) {
  hand_over();
  TestClient busy(start());
  busy.get("/");
  const ExchangePtr exchange = handed_over();
  server_->stop(milliseconds(0));
  EXPECT_TRUE(exchange->gone());
  server_.reset();
  exchange->respond(200, {});  // harmless, however late
}

TEST_F(HttpServerTest, TheLogHasALineARequest) {
  echo_.act([](const ExchangePtr& exchange) {
    exchange->note("model", "tiny");
    exchange->respond(404, {{"no", 1}});
  });
  const uint16_t port = start();
  TestClient client(port);
  client.send(
      "POST /x?secret=1 HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: a b\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_EQ(client.read_answer().status(), 404);
  server_->stop(milliseconds(0));
  ASSERT_EQ(log().size(), 1u);
  const Json line = log()[0];
  EXPECT_EQ(line["path"], "/x");
  EXPECT_EQ(line["status"], 404);
  EXPECT_EQ(line["bytes_in"], 3);
  EXPECT_EQ(line["model"], "tiny");
  EXPECT_EQ(line["id"].get<std::string>().substr(0, 4), "req_");
  EXPECT_FALSE(line.contains("cut"));
}

TEST_F(HttpServerTest, AnAddressThatIsTakenIsAnError) {
  options_.port = start();
  const auto second = HttpServer::bind(options_, echo_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().kind, ErrorKind::unavailable);
  options_.host = "melete.example";
  EXPECT_EQ(HttpServer::bind(options_, echo_).error().kind, ErrorKind::invalid_argument);
  options_.host = "127.0.0.1";
  options_.certificate = "/nowhere.pem";
  EXPECT_EQ(HttpServer::bind(options_, echo_).error().kind, ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace melete
