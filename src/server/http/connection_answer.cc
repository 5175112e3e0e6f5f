// Connection's second half: how an answer is made and written.
#include <fmt/compile.h>

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
    if (!output.bytes.empty() && !ending.is_head) writes = co_await write(chunk_of(output.bytes));
    if (!writes || output.ended || output.abandoned || is_gone()) break;
    const Deadline ping = last_write_ + limits_.ping;
    output = state.take(direct_writer(ending));
    if (!output.bytes.empty() || output.ended || output.abandoned) {
      co_await take_turns();
      continue;
    }
    co_await wait_until(ping);
    output = state.take();
    writes = co_await write_rest();
    if (output.bytes.empty() && !output.ended && !output.abandoned && !is_gone() && is_events &&
        Deadline::clock::now() >= last_write_ + limits_.ping)
      output.bytes = kPing;
  }
  --shared_.counts.open_streams;
  if (writes && output.ended && speaks_1_1_ && !ending.is_head) writes = co_await write("0\r\n\r\n");
  record_.whole = writes && output.ended;
  co_return record_.whole&& speaks_1_1_;
}

std::string Connection::chunk_of(std::string_view events) const {
  if (!speaks_1_1_) return std::string(events);
  return fmt::format(FMT_COMPILE("{:x}\r\n{}\r\n"), events.size(), events);
}

// Where nothing is to be written before it, a token leaves on the thread it came on: to wake this one for it
// would take as long as to write it, and on a machine whose cores all compute much longer.
ExchangeState::Writer Connection::direct_writer(Ending ending) {
  if (ending.is_head || socket_.has_tls()) return nullptr;
  return [this](std::string_view events) {
    std::string chunk = chunk_of(events);
    const size_t size = socket_.write_now(chunk);
    direct_.bytes += size;
    direct_.rest = chunk.substr(size);
    last_write_ = Deadline::clock::now();
    return direct_.rest.empty();
  };
}

// What direct_writer() left.
Task<bool> Connection::write_rest() {
  count_written(std::exchange(direct_.bytes, 0));
  const std::string rest = std::exchange(direct_.rest, {});
  if (rest.empty()) co_return true;
  co_return co_await write(rest);
}

// What there is room for goes at once, the rest when the client has taken something.
Task<bool> Connection::write(std::string_view bytes) {
  if (record_.first_byte == Deadline()) record_.first_byte = Deadline::clock::now();
  size_t size = socket_.write_now(bytes);
  while (true) {
    count_written(size);
    bytes.remove_prefix(size);
    last_write_ = Deadline::clock::now();
    if (bytes.empty() || aborted_) co_return bytes.empty();
    arm(limits_.write);
    error_code error;
    std::tie(error, size) = co_await socket_.write_some(asio::buffer(bytes));
    disarm();
    if (error) {
      eof_ = true;
      co_return false;
    }
  }
}

void Connection::count_written(size_t bytes) {
  record_.bytes += static_cast<int64_t>(bytes);
  shared_.counts.bytes_out += static_cast<int64_t>(bytes);
}

// What could go on at once lets the other connections go first.
Task<void> Connection::take_turns() {
  co_await asio::post(socket_.executor(), asio::use_awaitable_t<Executor>());
}

}  // namespace melete
