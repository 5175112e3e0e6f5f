// One thread serves all: who always has more to do may not keep it from the others.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <string>
#include <thread>

#include "server/http/http_server.h"
#include "server/http/test_client.h"

namespace melete {
namespace {

class Turns : public HttpApplication, public ::testing::Test {
 public:
  void handle(ExchangePtr exchange) override {
    ++num_handled_;
    handle_(exchange);
  }
  HttpResponse refuse(std::string_view, int status, const std::string& message) override {
    return {status, message, "text/plain", {}};
  }

 protected:
  void start(std::function<void(const ExchangePtr&)> handle) {
    handle_ = std::move(handle);
    HttpOptions options;
    options.port = 0;
    server_ = HttpServer::bind(options, *this).value();
    server_->start();
  }

  std::function<void(const ExchangePtr&)> handle_;
  int num_handled_ = 0;  // of the server's thread
  std::unique_ptr<HttpServer> server_;
};

TEST_F(Turns, RequestsSentAheadDoNotHoldOthersUp) {
  constexpr int kAhead = 500;
  std::unique_ptr<TestClient> other;
  std::atomic<int> before_other = 0;
  start([&](const ExchangePtr& exchange) {
    if (exchange->request.path == "/other") before_other = num_handled_;
    if (!other) {  // all of the first client's requests are here
      other = std::make_unique<TestClient>(server_->port());
      other->get("/other");
    }
    exchange->respond({200, "here", "text/plain", {}});
  });
  TestClient first(server_->port());
  std::string all;
  for (int i = 0; i < kAhead; ++i) all += "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
  first.send(all);
  for (int i = 0; i < kAhead; ++i) EXPECT_EQ(first.read_answer().body, "here");
  EXPECT_EQ(other->read_answer().body, "here");
  EXPECT_LT(before_other, 50);
}

TEST_F(Turns, AStreamThatAlwaysHasMoreDoesNotHoldOthersUp) {
  start([&](const ExchangePtr& exchange) {
    if (exchange->request.path == "/other") return exchange->respond({200, "here", "text/plain", {}});
    Exchange::begin_stream(exchange, {}, [](std::string& bytes) {
      bytes += "x";
      return false;
    });
  });
  TestClient endless(server_->port());
  endless.get("/");
  std::jthread reader([&] {
    while (!endless.read_until("\r\n").empty()) {
    }
  });
  for (int i = 0; i < 20; ++i) {
    TestClient other(server_->port());
    other.get("/other");
    EXPECT_EQ(other.read_answer().body, "here");
  }
  server_->stop(std::chrono::milliseconds(0));
}

TEST_F(Turns, AStreamGoesOnWhileTheServersThreadIsHeldUp) {
  ExchangePtr streaming;
  std::promise<void> held_up, go_on;
  start([&](const ExchangePtr& exchange) {
    if (exchange->request.path == "/stream") {
      exchange->begin_stream();
      streaming = exchange;
      return;
    }
    held_up.set_value();
    go_on.get_future().wait();
    exchange->respond({200, "here", "text/plain", {}});
  });
  TestClient reader(server_->port()), other(server_->port());
  reader.get("/stream");
  reader.read_until("\r\n\r\n");
  other.get("/other");
  held_up.get_future().wait();
  EXPECT_TRUE(streaming->put("data: 1\n\n"));
  EXPECT_EQ(reader.read_until("\n\n"), "9\r\ndata: 1\n\n");
  go_on.set_value();
  EXPECT_EQ(other.read_answer().body, "here");
  streaming->end_stream();
  EXPECT_EQ(reader.read_until("0\r\n\r\n"), "\r\n0\r\n\r\n");
}

TEST_F(Turns, AReaderThatFallsBehindGetsAllInOrder) {
  std::promise<ExchangePtr> begun;
  start([&](const ExchangePtr& exchange) {
    exchange->begin_stream();
    begun.set_value(exchange);
  });
  TestClient reader(server_->port(), /*receive_bytes=*/4096);
  reader.send("GET / HTTP/1.0\r\nHost: localhost\r\n\r\n");  // an answer without chunks
  reader.read_until("\r\n\r\n");
  std::string sent;
  std::jthread writer([&, exchange = begun.get_future().get()] {
    for (int i = 0; i < 200; ++i) {
      const std::string piece = std::to_string(i) + std::string(50'000, static_cast<char>('a' + i % 26));
      exchange->put(piece);
      sent += piece;
    }
    exchange->end_stream();
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // behind by all that the system holds
  const std::string received = reader.read_all();
  writer.join();
  EXPECT_EQ(received.size(), sent.size());
  EXPECT_TRUE(received == sent);
}

}  // namespace
}  // namespace melete
