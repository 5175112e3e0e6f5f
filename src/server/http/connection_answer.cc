// Connection's second half: how an answer is made and written.
#include <fmt/format.h>

#include <boost/asio/post.hpp>

#include "base/log.h"
#include "server/http/connection.h"

namespace melete {
namespace {

constexpr const char kPing[] = ": ping\n\n", kEventStream[] = "text/event-stream";

}  // namespace

std::function<void()> Connection::waker() {
  return [weak = weak_from_this(), io = shared_.io] {
    asio::post(*io, [weak] {
      if (const auto self = weak.lock()) self->changed_.cancel();
    });
  };
}

HttpResponse Connection::failure() const {
  return shared_.application.refuse(
      record_.target, 500,
      "something went wrong here; the server's log has the details under " + request_id_);
}

Task<bool> Connection::answer(ExchangePtr exchange, std::shared_ptr<ExchangeState> state, Ending ending) {
  exchange_ = state;
  if (eof_) state->set_gone();
  try {
    shared_.application.handle(std::move(exchange));
  } catch (const std::exception& e) {
    log_error("[request ", request_id_, "] ", e.what());
  }
  const bool goes_on = co_await answer_with(*state, ending);
  exchange_.reset();
  state->set_gone();
  log(state.get());
  co_return goes_on;
}

Task<bool> Connection::answer_with(ExchangeState& state, Ending ending) {
  Deadline silence = Deadline::clock::now() + limits_.ping;
  while (true) {
    ExchangeState::Output output = state.take();
    if (output.response) co_return co_await write_response(*std::move(output.response), ending);
    if (output.stream) co_return co_await stream(state, std::move(output), ending);
    if (output.abandoned) co_return co_await write_response(failure(), ending);
    if (is_gone()) co_return false;
    if (Deadline::clock::now() >= silence && (output.stream = state.begin_early())) {
      output.bytes = kPing;
      co_return co_await stream(state, std::move(output), ending);
    }
    co_await wait_until(silence = Deadline::clock::now() + limits_.ping);
  }
}

Task<bool> Connection::write_response(HttpResponse response, Ending ending) {
  record_.status = response.status;
  HttpHeaders headers = std::move(response.headers);
  headers.insert(headers.end(), extra_.begin(), extra_.end());
  std::string bytes = response_head(response.status, response.content_type, headers,
                                    static_cast<int64_t>(response.body.size()), ending.keeps_alive);
  if (!ending.is_head) bytes += response.body;
  record_.whole = co_await write(bytes);
  co_return record_.whole;
}

Task<bool> Connection::stream(ExchangeState& state, ExchangeState::Output output, Ending ending) {
  record_.status = 200;
  record_.is_stream = true;
  HttpHeaders headers = *std::move(output.stream);
  std::string type = take_header(headers, "Content-Type");
  if (type.empty()) type = kEventStream;
  const bool is_events = type == kEventStream;
  if (is_events) headers.emplace_back("X-Accel-Buffering", "no");
  headers.insert(headers.end(), extra_.begin(), extra_.end());
  std::string head = response_head(200, type, headers, -1, ending.keeps_alive && speaks_1_1_);
  if (!speaks_1_1_) head.replace(head.find("Transfer-Encoding: chunked\r\n"), 28, "");
  ++shared_.counts.open_streams;
  bool writes = co_await write(head);
  while (writes) {
    if (!output.bytes.empty() && !ending.is_head) writes = co_await write_events(output.bytes);
    if (!writes || output.ended || output.abandoned || is_gone()) break;
    const Deadline ping = Deadline::clock::now() + limits_.ping;
    output = state.take();
    if (!output.bytes.empty() || output.ended || output.abandoned) {
      co_await take_turns();
      continue;
    }
    co_await wait_until(ping);
    output = state.take();
    if (output.bytes.empty() && !output.ended && !output.abandoned && !is_gone() && is_events &&
        Deadline::clock::now() >= ping)
      output.bytes = kPing;
  }
  --shared_.counts.open_streams;
  if (writes && output.ended && speaks_1_1_ && !ending.is_head) writes = co_await write("0\r\n\r\n");
  record_.whole = writes && output.ended;
  co_return record_.whole&& speaks_1_1_;
}

Task<bool> Connection::write_events(std::string_view events) {
  if (!speaks_1_1_) co_return co_await write(events);
  const std::string chunk = fmt::format("{:x}\r\n{}\r\n", events.size(), events);
  co_return co_await write(chunk);
}

// What there is room for goes at once, the rest when the client has taken something.
Task<bool> Connection::write(std::string_view bytes) {
  if (record_.first_byte == Deadline()) record_.first_byte = Deadline::clock::now();
  auto [error, size] = socket_.write_now(asio::buffer(bytes));
  while (true) {
    if (error && error != asio::error::would_block) {
      eof_ = true;
      co_return false;
    }
    record_.bytes += static_cast<int64_t>(size);
    shared_.counts.bytes_out += static_cast<int64_t>(size);
    bytes.remove_prefix(size);
    if (bytes.empty() || aborted_) co_return bytes.empty();
    arm(limits_.write);
    std::tie(error, size) = co_await socket_.write_some(asio::buffer(bytes));
    disarm();
  }
}

// What could go on at once lets the other connections go first.
Task<void> Connection::take_turns() {
  co_await asio::post(socket_.executor(), asio::use_awaitable_t<Executor>());
}

}  // namespace melete
