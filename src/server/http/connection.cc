#include "server/http/connection.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>

#include "base/log.h"
#include "server/http/request_id.h"

namespace melete {

namespace http = boost::beast::http;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr milliseconds kLinger{1000};
constexpr const char kPing[] = ": ping\n\n", kEventStream[] = "text/event-stream";

}  // namespace

Connection::Connection(asio::ip::tcp::socket socket, std::string client, HttpShared& shared)
    : socket_(std::move(socket), shared.tls),
      client_(std::move(client)),
      shared_(shared),
      limits_(shared.options.limits),
      changed_(socket_.executor()),
      room_(socket_.executor()),
      watchdog_(socket_.executor()) {}

void Connection::start() {
  asio::co_spawn(socket_.executor(), run(), [self = shared_from_this()](std::exception_ptr failure) {
    self->abort();
    self->shared_.connections.erase(self);
    if (self->shared_.stopping && self->shared_.connections.empty()) self->shared_.emptied();
    if (!failure) return;
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& e) {
      log_error("[connection ", self->client_, "] ", e.what());
    }
  });
}

void Connection::finish() {
  finishing_ = true;
  changed_.cancel();
}

void Connection::abort() {
  aborted_ = true;
  if (exchange_) exchange_->set_gone();
  socket_.close();
  disarm();
  watchdog_.cancel();
  changed_.cancel();
  room_.cancel();
}

// Closes the connection unless disarm() comes first.
void Connection::arm(milliseconds limit) {
  watchdog_.expires_after(limit);
  watchdog_.async_wait([weak = weak_from_this(), number = ++armed_](error_code error) {
    const auto self = weak.lock();
    if (self && !error && self->armed_ == number) self->abort();
  });
}

asio::awaitable<void> Connection::run() {
  arm(limits_.head);
  const error_code failed = co_await socket_.handshake();
  disarm();
  if (failed) co_return;
  asio::co_spawn(
      socket_.executor(), [self = shared_from_this()] { return self->read_all(); }, asio::detached);
  while (co_await serve_one()) {
  }
  co_await linger();
}

// The only reader: so that a client that goes away is noticed while its answer is made, and what it sends
// ahead is kept, within bounds.
asio::awaitable<void> Connection::read_all() {
  while (!aborted_) {
    if (buffer_.size() >= limits_.max_head_bytes + incoming_.size()) {
      room_.expires_at(Clock::time_point::max());
      co_await room_.async_wait(kToken);
      continue;
    }
    const auto [error, size] = co_await socket_.read_some(asio::buffer(incoming_));
    if (aborted_) break;
    if (error) {
      eof_ = true;
      if (exchange_) exchange_->set_gone();
      changed_.cancel();
      break;
    }
    shared_.counts.bytes_in += static_cast<int64_t>(size);
    if (!discard_) buffer_.append(incoming_.data(), size);
    changed_.cancel();
  }
}

asio::awaitable<void> Connection::wait_until(Deadline deadline) {
  changed_.expires_at(deadline);
  co_await changed_.async_wait(kToken);
}

// More bytes than now. False: none came in time, or none will come.
asio::awaitable<bool> Connection::wait_for_bytes(Deadline deadline) {
  const size_t before = buffer_.size();
  while (buffer_.size() == before && !is_gone() && !(idle_ && finishing_) && Clock::now() < deadline)
    co_await wait_until(deadline);
  co_return buffer_.size() > before;
}

// Feeds what was received, at most up to the end of the head.
error_code Connection::put(Parser& parser) {
  const bool in_head = !parser.is_header_done();
  while (!buffer_.empty() && !parser.is_done()) {
    error_code error;
    const size_t taken = parser.put(asio::buffer(buffer_), error);
    buffer_.erase(0, taken);
    room_.cancel();
    if (error == http::error::need_more) break;
    if (error) return error;
    if (taken == 0 || (in_head && parser.is_header_done())) break;
  }
  return {};
}

asio::awaitable<Connection::Read> Connection::refuse_parse(error_code error, std::string path) {
  record_.target = std::move(path);
  if (error == http::error::body_limit)
    co_await refuse(413,
                    fmt::format("the body must have at most {} bytes; send less", limits_.max_body_bytes));
  else if (error == http::error::header_limit)
    co_await refuse(431, fmt::format("the head must have at most {} bytes; send fewer or shorter headers",
                                     limits_.max_head_bytes));
  else
    co_await refuse(400, fmt::format("the request must be HTTP/1.1, got: {}", error.message()));
  co_return Read::refused;
}

asio::awaitable<Connection::Read> Connection::read_head(Parser& parser) {
  const Deadline patience = Clock::now() + (std::exchange(is_new_, false) ? limits_.head : limits_.idle);
  if (buffer_.empty() && !co_await wait_for_bytes(patience)) co_return Read::closed;
  in_head_ = std::exchange(idle_, false);
  record_.begin = Clock::now();
  const Deadline deadline = record_.begin + limits_.head;
  while (true) {
    if (const error_code error = put(parser)) {
      co_return co_await refuse_parse(error, path_of(parser.get().target()));
    }
    if (parser.is_header_done()) co_return Read::whole;
    if (co_await wait_for_bytes(deadline)) continue;
    if (is_gone()) co_return Read::closed;
    co_await refuse(408, "the head must come in time; send it at once");
    co_return Read::refused;
  }
}

asio::awaitable<Connection::Read> Connection::read_body(Parser& parser) {
  const Deadline deadline = Clock::now() + limits_.body;
  while (true) {
    if (const error_code error = put(parser)) {
      co_return co_await refuse_parse(error, record_.target);
    }
    const size_t grown = parser.get().body().size() - body_charge_;
    shared_.bodies_bytes += grown;
    body_charge_ += grown;
    if (shared_.bodies_bytes > limits_.max_bodies_bytes) {
      co_await refuse(503, "too many large requests are under way; try again soon");
      co_return Read::refused;
    }
    if (parser.is_done()) co_return Read::whole;
    if (co_await wait_for_bytes(deadline)) continue;
    if (is_gone()) co_return Read::closed;
    co_await refuse(408, "the body must come in time; send it faster, or less of it");
    co_return Read::refused;
  }
}

asio::awaitable<Connection::Read> Connection::read_request(Parser& parser) {
  const Read head = co_await read_head(parser);
  in_head_ = false;
  if (head != Read::whole) co_return head;
  record_.method = std::string(parser.get().method_string());
  record_.target = path_of(parser.get().target());
  speaks_1_1_ = parser.get().version() >= 11;
  if (!parser.is_done() && boost::beast::iequals(parser.get()[http::field::expect], "100-continue"))
    co_await write("HTTP/1.1 100 Continue\r\n\r\n");
  const Read body = co_await read_body(parser);
  record_.body_bytes = static_cast<int64_t>(body_charge_);
  co_return body;
}

HttpRequest Connection::make_request(Parser& parser) {
  auto message = parser.release();
  HttpRequest request;
  request.method = std::string(message.method_string());
  const std::string_view target(message.target().data(), message.target().size());
  const size_t question = target.find('?');
  if (question != std::string_view::npos) request.query = std::string(target.substr(question + 1));
  if (!decode_path(target.substr(0, question), request.path)) request.path.clear();
  for (const auto& field : message) {
    std::string name(field.name_string());
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    request.headers.emplace_back(std::move(name), std::string(field.value()));
  }
  request.body = std::move(message.body());
  request.client = client_;
  request.id = request_id(request.header("x-request-id"));
  return request;
}

// False: nothing more comes of this connection.
asio::awaitable<bool> Connection::serve_one() {
  Parser parser;
  parser.header_limit(static_cast<uint32_t>(limits_.max_head_bytes));
  parser.body_limit(limits_.max_body_bytes);
  idle_ = true;
  last_active_ = Clock::now();
  extra_.clear();
  record_ = {};
  const Read read = co_await read_request(parser);
  bool goes_on = false;
  if (read == Read::whole) {
    ++shared_.counts.requests;
    bool keep_alive = parser.keep_alive() && !finishing_;
    const bool is_head = parser.get().method() == http::verb::head;
    HttpRequest request = make_request(parser);
    request_id_ = request.id;
    extra_ = origin_headers(request, shared_.options.origins);
    extra_.emplace_back("x-request-id", request.id);
    if (const std::string problem = origin_problem(request, shared_.options.origins); !problem.empty()) {
      co_await refuse(403, problem);
    } else {
      goes_on = co_await answer(std::move(request), is_head, keep_alive);
    }
    goes_on = goes_on && keep_alive && !(eof_ && buffer_.empty());
  }
  shared_.bodies_bytes -= std::exchange(body_charge_, 0);
  co_return goes_on && !aborted_;
}

std::function<void()> Connection::waker() {
  return [weak = weak_from_this(), io = shared_.io] {
    asio::post(*io, [weak] {
      if (const auto self = weak.lock()) self->changed_.cancel();
    });
  };
}

asio::awaitable<bool> Connection::answer(HttpRequest request, bool is_head, bool keep_alive) {
  const auto state = std::make_shared<ExchangeState>(waker(), limits_.max_pending_bytes);
  exchange_ = state;
  if (eof_) state->set_gone();
  try {
    shared_.application.handle(std::make_shared<Exchange>(std::move(request), state));
  } catch (const std::exception& e) {
    log_error("[request ", request_id_, "] ", e.what());
  }
  const bool goes_on = co_await answer_with(*state, is_head, keep_alive);
  exchange_.reset();
  state->set_gone();
  log(record_, state->notes());
  co_return goes_on;
}

asio::awaitable<bool> Connection::answer_with(ExchangeState& state, bool is_head, bool keep_alive) {
  Deadline silence = Clock::now() + limits_.ping;
  while (true) {
    ExchangeState::Output output = state.take();
    if (output.response) co_return co_await write_response(*std::move(output.response), is_head, keep_alive);
    if (output.stream) co_return co_await stream(state, std::move(output), is_head, keep_alive);
    if (output.abandoned)
      co_return co_await write_response(
          shared_.application.refuse(
              record_.target, 500,
              "something went wrong here; the server's log has the details under " + request_id_),
          is_head, keep_alive);
    if (is_gone()) co_return false;
    if (Clock::now() >= silence && (output.stream = state.begin_early())) {
      output.bytes = kPing;
      co_return co_await stream(state, std::move(output), is_head, keep_alive);
    }
    co_await wait_until(silence = Clock::now() + limits_.ping);
  }
}

asio::awaitable<bool> Connection::write_response(HttpResponse response, bool is_head, bool keep_alive) {
  record_.status = response.status;
  HttpHeaders headers = std::move(response.headers);
  headers.insert(headers.end(), extra_.begin(), extra_.end());
  std::string bytes = response_head(response.status, response.content_type, headers,
                                    static_cast<int64_t>(response.body.size()), keep_alive);
  if (!is_head) bytes += response.body;
  record_.whole = co_await write(bytes);
  co_return record_.whole;
}

asio::awaitable<bool> Connection::stream(ExchangeState& state, ExchangeState::Output output, bool is_head,
                                         bool keep_alive) {
  record_.status = 200;
  record_.is_stream = true;
  HttpHeaders headers = *std::move(output.stream);
  std::string type = take_header(headers, "Content-Type");
  if (type.empty()) type = kEventStream;
  const bool is_events = type == kEventStream;
  if (is_events) headers.emplace_back("X-Accel-Buffering", "no");
  headers.insert(headers.end(), extra_.begin(), extra_.end());
  std::string head = response_head(200, type, headers, -1, keep_alive && speaks_1_1_);
  if (!speaks_1_1_) head.replace(head.find("Transfer-Encoding: chunked\r\n"), 28, "");
  ++shared_.counts.open_streams;
  bool writes = co_await write(head);
  while (writes) {
    if (!output.bytes.empty() && !is_head) writes = co_await write_events(output.bytes);
    if (!writes || output.ended || output.abandoned || is_gone()) break;
    const Deadline ping = Clock::now() + limits_.ping;
    output = state.take();
    if (!output.bytes.empty() || output.ended || output.abandoned) continue;
    co_await wait_until(ping);
    output = state.take();
    if (output.bytes.empty() && !output.ended && !output.abandoned && !is_gone() && is_events &&
        Clock::now() >= ping)
      output.bytes = kPing;
  }
  --shared_.counts.open_streams;
  if (writes && output.ended && speaks_1_1_ && !is_head) writes = co_await write("0\r\n\r\n");
  record_.whole = writes && output.ended;
  co_return record_.whole&& speaks_1_1_;
}

asio::awaitable<bool> Connection::write_events(std::string_view events) {
  if (!speaks_1_1_) co_return co_await write(events);
  const std::string chunk = fmt::format("{:x}\r\n{}\r\n", events.size(), events);
  co_return co_await write(chunk);
}

asio::awaitable<bool> Connection::write(std::string_view bytes) {
  if (record_.first_byte == Clock::time_point()) record_.first_byte = Clock::now();
  while (!bytes.empty() && !aborted_) {
    arm(limits_.write);
    const auto [error, size] = co_await socket_.write_some(asio::buffer(bytes));
    disarm();
    if (error) {
      eof_ = true;
      co_return false;
    }
    record_.bytes += static_cast<int64_t>(size);
    shared_.counts.bytes_out += static_cast<int64_t>(size);
    bytes.remove_prefix(size);
  }
  co_return bytes.empty();
}

// Answers what no handler sees; the connection ends with it.
asio::awaitable<void> Connection::refuse(int status, std::string message) {
  finishing_ = true;
  if (request_id_.empty()) request_id_ = request_id({});
  if (extra_.empty()) extra_.emplace_back("x-request-id", request_id_);
  co_await write_response(shared_.application.refuse(record_.target, status, message), false, false);
  log(record_, Json::object());
}

// A client that still sends when the connection is closed would lose what was written last.
asio::awaitable<void> Connection::linger() {
  if (is_gone()) co_return;
  discard_ = true;
  buffer_.clear();
  room_.cancel();
  socket_.finish_writing();
  const Deadline deadline = Clock::now() + kLinger;
  while (!is_gone() && Clock::now() < deadline) co_await wait_until(deadline);
}

void Connection::log(const Record& record, const Json& notes) {
  if (!shared_.options.access_log) return;
  const auto ms = [&](Clock::time_point until) {
    return std::chrono::duration<double, std::milli>(until - record.begin).count();
  };
  Json line = {{"time", time_text()},           {"id", request_id_},         {"client", client_},
               {"method", record.method},       {"path", record.target},     {"status", record.status},
               {"bytes_in", record.body_bytes}, {"bytes_out", record.bytes}, {"ms", ms(Clock::now())}};
  if (record.is_stream) line["first_byte_ms"] = ms(record.first_byte);
  if (!record.whole) line["cut"] = true;
  line.update(notes);
  shared_.options.access_log(line);
}

}  // namespace melete
