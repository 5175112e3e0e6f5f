// For tests of bridges: models that follow a script and keep what they were asked, time that passes at once,
// and the part that fakes of the services share.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/scripted_engine.h"
#include "bridges/bridge_host.h"
#include "remote/fake_server.h"
#include "server/store/test_store.h"
#include "text/test_files.h"

namespace melete {

// What the scripted models were asked, and where their answers stop until they may go on.
struct ModelTalk {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> prompts;
  std::vector<size_t> num_media;  // of each prompt
  std::string script = "There are four of them, as far as I can see.";
  int64_t pause_at = -1;  // tokens
  bool is_paused = false, may_go_on = false;

  size_t num_asked() {
    const std::lock_guard lock(mutex);
    return prompts.size();
  }
  void wait_until_paused() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return is_paused; });
  }
  void go_on() {
    const std::lock_guard lock(mutex);
    may_go_on = true;
    changed.notify_all();
  }
};

class TalkingEngine : public ScriptedEngine {
 public:
  TalkingEngine(ModelTalk& talk, std::stop_token stop)
      : ScriptedEngine(small_tokenizer()), talk_(talk), stop_(std::move(stop)) {
    const std::lock_guard lock(talk.mutex);
    for (int i = 0; i < 16; ++i) write(talk.script + "<|eot|>");
  }
  Result<SequenceId> prefill(const Prompt& prompt) override {
    const std::lock_guard lock(talk_.mutex);
    talk_.prompts.push_back(small_tokenizer()->decode(prompt.tokens));
    talk_.num_media.push_back(prompt.media.size());
    return ScriptedEngine::prefill(prompt);
  }
  bool step() override {
    std::unique_lock lock(talk_.mutex);
    if (num_steps == talk_.pause_at) {
      talk_.is_paused = true;
      talk_.changed.notify_all();
      const std::stop_callback wake(stop_, [&] { talk_.changed.notify_all(); });
      while (!talk_.may_go_on && !stop_.stop_requested())
        talk_.changed.wait_for(lock, std::chrono::milliseconds(10));
    }
    lock.unlock();
    return ScriptedEngine::step();
  }

 private:
  ModelTalk& talk_;
  const std::stop_token stop_;
};

// One model, "tiny", that sees and hears.
inline ModelList talking_models(ModelTalk& talk) {
  auto chat =
      std::make_shared<ChatModel>(make_chat_format({}, small_tokenizer(), "test").value(), MediaLimits{});
  std::vector<std::unique_ptr<ServedModel>> models;
  models.push_back(std::make_unique<ServedModel>(
      "tiny", chat, ModelFacts{"muse_spark", 4096, true, true},
      [&talk](std::stop_token stop) -> std::unique_ptr<Engine> {
        return std::make_unique<TalkingEngine>(talk, std::move(stop));
      },
      [] { return EngineMetrics{}; }));
  return ModelList(std::move(models));
}

// Waits end at once and are noted.
struct QuickTime {
  std::mutex mutex;
  ServiceTime::Point now = std::chrono::steady_clock::now();
  std::vector<std::chrono::milliseconds> waits;

  ServiceTime time() {
    return {[this] {
              const std::lock_guard lock(mutex);
              return now;
            },
            [this](ServiceTime::Point until, const std::stop_token&) {
              const std::lock_guard lock(mutex);
              waits.push_back(std::chrono::ceil<std::chrono::milliseconds>(until - now));
              now = std::max(now, until);
            }};
  }
  bool has_waited(std::chrono::milliseconds time) {
    const std::lock_guard lock(mutex);
    return std::find(waits.begin(), waits.end(), time) != waits.end();
  }
};

// A service on this machine. What it does is under one lock, and whoever waits for it is woken.
class FakeService {
 public:
  using Reply = FakeServer::Reply;

  virtual ~FakeService() = default;
  std::string url() const { return server_->url(); }

  // The next answers to calls whose address has this in it, before the usual ones.
  void answer_next(const std::string& what, std::vector<Reply> replies) {
    const std::lock_guard lock(mutex_);
    for (Reply& reply : replies) instead_[what].push_back(std::move(reply));
  }
  std::vector<std::string> requests() { return server_->requests(); }

 protected:
  void start() {
    server_ = std::make_unique<FakeServer>([this](const std::string& path, const Json& body) {
      std::unique_lock lock(mutex_);
      for (auto& [what, replies] : instead_)
        if (path.find(what) != std::string::npos && !replies.empty()) {
          Reply reply = std::move(replies.front());
          replies.pop_front();
          return reply;
        }
      Reply reply = answer(path, body, lock);
      changed_.notify_all();
      return reply;
    });
  }
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      is_closing_ = true;
      changed_.notify_all();
    }
    server_.reset();
  }
  virtual Reply answer(const std::string& path, const Json& body, std::unique_lock<std::mutex>& lock) = 0;
  // Until it is true, or it takes too long.
  template <class Condition>
  bool wait(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), condition);
  }
  // A long poll: until there is something, or for a moment.
  template <class Condition>
  void linger(std::unique_lock<std::mutex>& lock, Condition condition) {
    changed_.wait_for(lock, std::chrono::milliseconds(100), [&] { return is_closing_ || condition(); });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_closing_ = false;

 private:
  std::map<std::string, std::deque<Reply>> instead_;
  std::unique_ptr<FakeServer> server_;
};

// A data folder, models, and a bridge that can be started again.
class BridgeTest : public ::testing::Test {
 protected:
  BridgeTest() : models_(talking_models(talk_)), answers_(models_, runners_, metrics_) {
    options_.mode = "instant";
    options_.edit_pace = std::chrono::hours(1);  // answers come whole
    options_.tick_pace = std::chrono::milliseconds(1);
    options_.time = quick_.time();
    database_ = ok(open_chat_database(folder_.path() / "bridges.db"));
  }
  void TearDown() override { stop(); }  // before the service goes
  void start(std::unique_ptr<Bridge> bridge) {
    host_ = std::make_unique<BridgeHost>(std::move(bridge), answers_, *database_, options_);
  }
  void stop() { host_.reset(); }
  size_t num_in_inbox(const std::string& account) {
    return ok(ok(ChatStore::open(*database_, account))->inbox()).size();
  }

  // All that was taken is answered and sent.
  bool is_done(const std::string& account) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (num_in_inbox(account) > 0)
      if (std::chrono::steady_clock::now() > deadline) return false;
    return true;
  }
  // Answers stop when three quarters are written, which is shown.
  void pause_answers() {
    options_.edit_pace = std::chrono::milliseconds(1);
    talk_.pause_at = static_cast<int64_t>(small_tokenizer()->encode_trusted(talk_.script).size()) * 3 / 4;
  }

  static std::string picture() {
    return *read_file(std::filesystem::path(MELETE_SOURCE_DIR) / "testdata/media/photo.png");
  }
  // Half a second of a tone, 8 kHz, 16 bits.
  static std::string sound() {
    const auto number = [](uint32_t value, int bytes) {
      std::string text;
      for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> 8 * i & 0xFF);
      return text;
    };
    std::string samples;
    for (uint32_t i = 0; i < 4000; ++i) samples += number(i % 16 < 8 ? 8000 : 57536, 2);
    const auto size = static_cast<uint32_t>(samples.size());
    return "RIFF" + number(36 + size, 4) + "WAVEfmt " + number(16, 4) + number(1, 2) + number(1, 2) +
           number(8000, 4) + number(16000, 4) + number(2, 2) + number(16, 2) + "data" + number(size, 4) +
           samples;
  }

  TestFolder folder_;
  QuickTime quick_;
  ModelTalk talk_;
  ModelList models_;
  ServerMetrics metrics_;
  WorkerThreads runners_{4, 16};
  ChatAnswers answers_;
  std::unique_ptr<Database> database_;
  BridgeHost::Options options_;
  std::unique_ptr<BridgeHost> host_;
};

}  // namespace melete
