// Exchange: one request and the answer to it, from a handler's side; on any thread.
//
// A handler gets a shared pointer and answers once: respond(), or begin_stream() and then put() and
// end_stream(), or begin_stream() with a source that is asked for more when there is room. Letting go of the
// last pointer without an answer answers 500, or cuts the stream. The connection's side is ExchangeState.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "server/accounts/caller.h"
#include "server/http/message.h"

namespace melete {

class Charge;
struct Route;

// What both sides share. Safe to use from any thread.
class ExchangeState {
 public:
  // Appends what there is to send now, not too much at once; true: that was all of it. Called on the
  // connection's thread: it must not block.
  using Source = std::function<bool(std::string& bytes)>;
  // Writes the bytes of a stream on the thread that puts them; false: not all, and the connection writes the
  // rest. Called one at a time; it must not block, nor call this.
  using Writer = std::function<bool(std::string_view bytes)>;

  // wake: called after something came to write; must not block. max_pending_bytes: what a stream holds for a
  // slow reader before put() waits.
  ExchangeState(std::function<void()> wake, size_t max_pending_bytes)
      : wake_(std::move(wake)), max_pending_bytes_(max_pending_bytes) {}

  // The connection's side: what there is to write now.
  struct Output {
    std::optional<HttpResponse> response;  // the whole answer
    std::optional<HttpHeaders> stream;     // a stream begins, with these headers
    std::string bytes;                     // of the stream
    bool ended = false;                    // the stream is whole
    bool abandoned = false;                // nobody is going to answer any more
  };
  // `writer`: if nothing came, it gets what comes, until the next take().
  Output take(Writer writer = nullptr);
  // The stream begins now, with these headers, if the handler allows it and hasn't answered.
  std::optional<HttpHeaders> begin_early();
  // Nobody reads any more: put() is false from now on, and those who wait or listen are told.
  void set_gone();
  Json notes() const;

 private:
  friend class Exchange;

  bool try_respond(HttpResponse response);
  void begin_stream(HttpHeaders headers, Source source);
  void allow_stream(HttpHeaders headers);
  bool put(std::string bytes);
  void end_stream();
  void wake();
  void abandon();
  void note(const std::string& name, Json value);
  bool gone() const;
  void on_gone(std::function<void()> act);
  void changed(std::unique_lock<std::mutex>& lock);

  const std::function<void()> wake_;
  const size_t max_pending_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable room_;
  Output output_;
  bool answered_ = false, streams_ = false, gone_ = false, finished_ = false;
  bool woken_ = true;  // the connection is going to look, as it does by itself when it has called the handler
  std::optional<HttpHeaders> early_headers_;  // of a stream that may begin early
  std::function<void()> act_;
  std::shared_ptr<Source> source_;
  Writer writer_;  // only while there is nothing in output_
  Json notes_ = Json::object();
};

class Exchange {
 public:
  Exchange(HttpRequest received, std::shared_ptr<ExchangeState> state)
      : request(std::move(received)), state_(std::move(state)) {}
  ~Exchange() { state_->abandon(); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  HttpRequest request;  // of the handler, which may take its body away
  // What let it in, before its body was read: all set when a handler is called.
  const Route* route = nullptr;
  size_t max_body_bytes = SIZE_MAX;  // which its body may have, if that is less than the server's own limit
  Caller caller;
  std::shared_ptr<Charge> charge;  // where answers are made; else null

  // A member of the access log's line. Never what people wrote.
  void note(const std::string& name, Json value) { state_->note(name, std::move(value)); }

  void respond(HttpResponse response);
  void respond(int status, const Json& body, HttpHeaders headers = {});
  // False, and nothing happens, if a stream has begun.
  bool try_respond(HttpResponse response) { return state_->try_respond(std::move(response)); }

  // Status 200, and text/event-stream if the headers name no other Content-Type. Nothing happens if it has
  // begun, or the answer was whole already.
  void begin_stream(HttpHeaders headers = {});
  // The same, of what `source` gives each time that the client can take more, until it says that that was
  // all. The stream keeps `exchange` until then, and lets go of both when the client goes away.
  static void begin_stream(const std::shared_ptr<Exchange>& exchange, HttpHeaders headers,
                           ExchangeState::Source source);
  // The source has more to give.
  void wake() { state_->wake(); }
  // A stream is going to come: it may begin by itself, with these headers and a ping, when nothing has come
  // for long.
  void allow_stream(HttpHeaders headers = {}) { state_->allow_stream(std::move(headers)); }
  // Sends event_text()s. Waits while the reader is too far behind. False: nobody reads any more, or the
  // stream has ended.
  bool put(std::string events) { return state_->put(std::move(events)); }
  void end_stream();

  // The client has closed its side or the connection has failed; an answer would reach nobody.
  bool gone() const { return state_->gone(); }
  // Calls `act` once, from the connection's thread, when the client goes away before the answer is whole; at
  // once if it has. It must not block, nor own this exchange. The last one given counts.
  void on_gone(std::function<void()> act) { state_->on_gone(std::move(act)); }

 private:
  std::shared_ptr<ExchangeState> state_;
};

using ExchangePtr = std::shared_ptr<Exchange>;

// What a server serves. All are called on the server's thread and must not block.
class HttpApplication {
 public:
  virtual ~HttpApplication() = default;
  // Of a request whose body is still to be read: the answer, if its head is enough for that. Else handle() is
  // next, unless the client goes away.
  virtual std::optional<HttpResponse> admit(Exchange&) { return std::nullopt; }
  virtual void handle(ExchangePtr exchange) = 0;
  // The answer to what the transport itself refuses: a body that is too large, a broken head. `path` may be
  // empty. `message` is a sentence for people.
  virtual HttpResponse refuse(std::string_view path, int status, const std::string& message) = 0;
};

}  // namespace melete
