// A connected socket, plain or with TLS, for coroutines. Only the http folder's .cc files include it: Boost
// is slow to compile.
#pragma once

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

namespace melete {

namespace asio = boost::asio;
using boost::system::error_code;

// A server's thread runs one io_context. Asio's usual types would look up at each step what executor they are
// on, which takes as long as the steps themselves.
using Executor = asio::io_context::executor_type;
template <class T>
using Task = asio::awaitable<T, Executor>;
using TcpSocket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;
// Errors are values.
inline constexpr auto kToken = asio::as_tuple(asio::use_awaitable_t<Executor>());

class Socket {
 public:
  // tls: null for a plain one.
  Socket(TcpSocket socket, asio::ssl::context* tls) : plain_(std::move(socket)) {
    if (tls) tls_.emplace(plain_, *tls);
  }

  Task<error_code> handshake() {
    if (!tls_) co_return error_code();
    auto [error] = co_await tls_->async_handshake(asio::ssl::stream_base::server, kToken);
    co_return error;
  }

  Task<std::pair<error_code, size_t>> read_some(asio::mutable_buffer buffer) {
    if (tls_) {
      auto [error, size] = co_await tls_->async_read_some(buffer, kToken);
      co_return std::pair(error, size);
    }
    auto [error, size] = co_await plain_.async_read_some(buffer, kToken);
    co_return std::pair(error, size);
  }

  bool has_tls() const { return tls_.has_value(); }

  // How many of the bytes are written without waiting: none with TLS, nor where writing fails, which
  // write_some() tells of. On any thread, while no other writes or closes.
  size_t write_now(std::string_view bytes) {
    const ssize_t size =
        tls_ ? 0 : ::send(plain_.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return size > 0 ? static_cast<size_t>(size) : 0;
  }

  Task<std::pair<error_code, size_t>> write_some(asio::const_buffer buffer) {
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
  Executor executor() { return plain_.get_executor(); }

 private:
  TcpSocket plain_;
  std::optional<asio::ssl::stream<TcpSocket&>> tls_;
};

}  // namespace melete
