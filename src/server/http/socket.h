// A connected socket, plain or with TLS, for coroutines. Only the http folder's .cc files include it: Boost
// is slow to compile.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <utility>

namespace melete {

namespace asio = boost::asio;
using boost::system::error_code;

class Socket {
 public:
  // tls: null for a plain one.
  Socket(asio::ip::tcp::socket socket, asio::ssl::context* tls) : plain_(std::move(socket)) {
    if (tls) tls_.emplace(plain_, *tls);
  }

  asio::awaitable<error_code> handshake() {
    if (!tls_) co_return error_code();
    auto [error] = co_await tls_->async_handshake(asio::ssl::stream_base::server, kToken);
    co_return error;
  }

  asio::awaitable<std::pair<error_code, size_t>> read_some(asio::mutable_buffer buffer) {
    if (tls_) {
      auto [error, size] = co_await tls_->async_read_some(buffer, kToken);
      co_return std::pair(error, size);
    }
    auto [error, size] = co_await plain_.async_read_some(buffer, kToken);
    co_return std::pair(error, size);
  }

  asio::awaitable<std::pair<error_code, size_t>> write_some(asio::const_buffer buffer) {
    if (tls_) {
      auto [error, size] = co_await tls_->async_write_some(buffer, kToken);
      co_return std::pair(error, size);
    }
    auto [error, size] = co_await plain_.async_write_some(buffer, kToken);
    co_return std::pair(error, size);
  }

  // No more bytes to the client, which may still send.
  void finish_writing() {
    error_code ignored;
    plain_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  }
  void close() {
    error_code ignored;
    plain_.close(ignored);
  }
  asio::any_io_executor executor() { return plain_.get_executor(); }

 private:
  static constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

  asio::ip::tcp::socket plain_;
  std::optional<asio::ssl::stream<asio::ip::tcp::socket&>> tls_;
};

}  // namespace melete
