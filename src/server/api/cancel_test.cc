// A client that goes away frees a real engine, wherever its question is.
#include <gtest/gtest.h>

#include <thread>

#include "server/api/test_api_server.h"

namespace melete {
namespace {

class CancelTest : public ApiServerTest {
 protected:
  // The engine's thread waits between two steps for `go_on` once so many tokens of prompts are computed.
  void pause_at(int64_t prefilled) {
    engine_->post([this, prefilled](SpanEngine& engine) {
      if (engine.metrics().prefilled_tokens < prefilled) return pause_at(prefilled);
      paused_.set_value();
      go_on_.get_future().wait();
    });
  }

  std::promise<void> paused_, go_on_;
};

TEST_F(CancelTest, APromptThatIsComputedEndsAtItsNextPiece) {
  for (const bool stream : {false, true}) {
    EngineLimits limits;
    limits.rows_alone = 1;
    const uint16_t port = start_engine(limits);
    pause_at(5);
    TestClient client(port);
    const std::string question(900, 'x');
    client.post(
        "/v1/chat/completions",
        body("tiny", {{"stream", stream}, {"messages", {{{"role", "user"}, {"content", question}}}}}).dump());
    paused_.get_future().wait();
    client.close();
    while (server_->http().counts().open_connections > 0) std::this_thread::yield();
    go_on_.set_value();
    while (server_->num_answering() > 0) std::this_thread::yield();
    const EngineMetrics metrics = engine_->metrics();
    // The step that was about to begin, and no other.
    EXPECT_LE(metrics.prefilled_tokens, 6);
    EXPECT_EQ(metrics.queued + metrics.prefilling + metrics.running, 0);
    EXPECT_EQ(metrics.pages, 0);
    server_.reset();
    engine_.reset();
    paused_ = {};
    go_on_ = {};
  }
}

TEST_F(CancelTest, AnAnswerThatIsWrittenEndsAtItsNextToken) {
  const uint16_t port = start_engine({});
  TestClient client(port);
  client.post(
      "/v1/chat/completions",
      body("melete-instant",
           {{"stream", true}, {"temperature", 2}, {"max_tokens", 1900}, {"melete", {{"events", true}}}})
          .dump());
  client.read_until("agent.delta");
  int64_t decoded = 0;
  pause_at(0);
  paused_.get_future().wait();
  client.close();
  while (server_->http().counts().open_connections > 0) std::this_thread::yield();
  engine_->post([&](SpanEngine& engine) { decoded = engine.metrics().decoded_tokens; });
  go_on_.set_value();
  while (server_->num_answering() > 0) std::this_thread::yield();
  const EngineMetrics metrics = engine_->metrics();
  EXPECT_LE(metrics.decoded_tokens, decoded + 1);
  EXPECT_EQ(metrics.running, 0);
  EXPECT_EQ(metrics.pages, 0);
}

}  // namespace
}  // namespace melete
