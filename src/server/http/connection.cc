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
using SteadyClock = std::chrono::steady_clock;

namespace {

constexpr milliseconds kLinger{1000};

}  // namespace

Connection::Connection(TcpSocket socket, std::string client, HttpShared& shared)
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

Task<void> Connection::run() {
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
Task<void> Connection::read_all() {
  while (!aborted_) {
    if (buffer_.size() >= limits_.max_head_bytes + incoming_.size()) {
      room_.expires_at(SteadyClock::time_point::max());
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

Task<void> Connection::wait_until(Deadline deadline) {
  changed_.expires_at(deadline);
  co_await changed_.async_wait(kToken);
}

// More bytes than now. False: none came in time, or none will come.
Task<bool> Connection::wait_for_bytes(Deadline deadline) {
  const size_t before = buffer_.size();
  while (buffer_.size() == before && !is_gone() && !(idle_ && finishing_) && SteadyClock::now() < deadline)
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

Task<Connection::Read> Connection::refuse_parse(error_code error, std::string path) {
  record_.target = std::move(path);
  if (error == http::error::body_limit)
    co_await refuse(413, fmt::format("the body must have at most {} bytes; send less", body_limit_));
  else if (error == http::error::header_limit)
    co_await refuse(431, fmt::format("the head must have at most {} bytes; send fewer or shorter headers",
                                     limits_.max_head_bytes));
  else
    co_await refuse(400, fmt::format("the request must be HTTP/1.1, got: {}", error.message()));
  co_return Read::refused;
}

Task<Connection::Read> Connection::read_head(Parser& parser) {
  const Deadline patience =
      SteadyClock::now() + (std::exchange(is_new_, false) ? limits_.head : limits_.idle);
  if (!buffer_.empty()) co_await take_turns();
  if (aborted_ || (buffer_.empty() && !co_await wait_for_bytes(patience))) co_return Read::closed;
  in_head_ = std::exchange(idle_, false);
  record_.begin = SteadyClock::now();
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

Task<Connection::Read> Connection::read_body(Parser& parser) {
  const Deadline deadline = SteadyClock::now() + limits_.body;
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

HttpRequest Connection::head_of(const Parser& parser) const {
  const auto& message = parser.get();
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
  request.client = client_;
  request.id = request_id(request.header("x-request-id"));
  return request;
}

// False: nothing more comes of this connection.
Task<bool> Connection::serve_one() {
  Parser parser;
  parser.header_limit(static_cast<uint32_t>(limits_.max_head_bytes));
  parser.body_limit(body_limit_ = limits_.max_body_bytes);
  idle_ = true;
  last_active_ = SteadyClock::now();
  extra_.clear();
  record_ = {};
  const Read head = co_await read_head(parser);
  in_head_ = false;
  const bool goes_on = head == Read::whole && co_await serve(parser);
  shared_.bodies_bytes -= std::exchange(body_charge_, 0);
  co_return goes_on && !aborted_;
}

// Nobody's body is read before the head has let them in.
Task<bool> Connection::serve(Parser& parser) {
  ++shared_.counts.requests;
  const auto state = std::make_shared<ExchangeState>(waker(), limits_.max_pending_bytes);
  auto exchange = std::make_shared<Exchange>(head_of(parser), state);
  const HttpRequest& head = exchange->request;
  record_.method = head.method;
  record_.target = path_of(parser.get().target());
  speaks_1_1_ = parser.get().version() >= 11;
  const Ending ending{parser.get().method() == http::verb::head, parser.keep_alive() && !finishing_};
  request_id_ = head.id;
  extra_ = origin_headers(head, shared_.options.origins);
  extra_.emplace_back("x-request-id", request_id_);
  std::optional<HttpResponse> refusal = refusal_of(*exchange);
  if (refusal) co_return co_await refuse_body(parser, *std::move(refusal), *state, ending);
  body_limit_ = std::min<uint64_t>(body_limit_, exchange->max_body_bytes);
  parser.body_limit(body_limit_);
  if (parser.content_length().value_or(0) > body_limit_) {
    co_await refuse_parse(http::error::body_limit, record_.target);
    co_return false;
  }
  if (!parser.is_done() && boost::beast::iequals(parser.get()[http::field::expect], "100-continue"))
    co_await write("HTTP/1.1 100 Continue\r\n\r\n");
  if (co_await read_body(parser) != Read::whole) co_return false;
  record_.body_bytes = static_cast<int64_t>(body_charge_);
  exchange->request.body = std::move(parser.get().body());
  const bool goes_on = co_await answer(std::move(exchange), state, ending);
  co_return goes_on&& ending.keeps_alive && !(eof_ && buffer_.empty());
}

// What the head alone is answered with, if that is all.
std::optional<HttpResponse> Connection::refusal_of(Exchange& exchange) {
  if (const std::string problem = origin_problem(exchange.request, shared_.options.origins); !problem.empty())
    return shared_.application.refuse(record_.target, 403, problem);
  try {
    return shared_.application.admit(exchange);
  } catch (const std::exception& e) {
    log_error("[request ", request_id_, "] ", e.what());
    return failure();
  }
}

// A body that is here already is passed over; one that isn't is not waited for.
Task<bool> Connection::refuse_body(Parser& parser, HttpResponse response, const ExchangeState& state,
                                   Ending ending) {
  ending.keeps_alive = ending.keeps_alive && !put(parser) && parser.is_done();
  finishing_ = finishing_ || !ending.keeps_alive;
  co_await write_response(std::move(response), ending);
  log(&state);
  co_return record_.whole&& ending.keeps_alive;
}

// Answers what no handler sees; the connection ends with it.
Task<void> Connection::refuse(int status, std::string message) {
  finishing_ = true;
  if (request_id_.empty()) request_id_ = request_id({});
  if (extra_.empty()) extra_.emplace_back("x-request-id", request_id_);
  co_await write_response(shared_.application.refuse(record_.target, status, message), {});
  log(nullptr);
}

// A client that still sends when the connection is closed would lose what was written last.
Task<void> Connection::linger() {
  if (is_gone()) co_return;
  discard_ = true;
  buffer_.clear();
  room_.cancel();
  socket_.finish_writing();
  const Deadline deadline = SteadyClock::now() + kLinger;
  while (!is_gone() && SteadyClock::now() < deadline) co_await wait_until(deadline);
}

// state: of the answer; null: no handler made it.
void Connection::log(const ExchangeState* state) {
  if (shared_.options.access_log)
    shared_.options.access_log(
        access_line(record_, request_id_, client_, state ? state->notes() : Json::object()));
}

}  // namespace melete
