// HttpServer: HTTP/1.1 on one thread, plain or with TLS; knows nothing of what it serves.
//
// Keep-alive and pipelining; server-sent events with pings and back-pressure; each connection within
// HttpLimits, so that nobody holds memory, a thread or another's answer by being slow. A client that closes
// its side while an answer is made has gone: the answer is told so at once (Exchange::on_gone).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "server/http/exchange.h"
#include "server/http/origin_check.h"

namespace melete {

struct HttpLimits {
  size_t max_head_bytes = 32 << 10;
  size_t max_body_bytes = size_t{64} << 20;
  size_t max_bodies_bytes = size_t{512} << 20;  // of all connections together
  size_t max_connections = 1024;
  size_t max_pending_bytes = 256 << 10;    // of a stream, for a slow reader
  std::chrono::milliseconds head{10'000};  // from the first byte of a request, and for a TLS handshake
  std::chrono::milliseconds body{120'000};
  std::chrono::milliseconds idle{75'000};   // between requests
  std::chrono::milliseconds write{30'000};  // without a byte taken
  std::chrono::milliseconds ping{15'000};   // silence of a stream until a comment is sent
};

struct HttpOptions {
  std::string host = "127.0.0.1";  // an address, or localhost
  uint16_t port = 8080;            // 0: any
  std::string certificate, key;    // PEM files; both or none
  OriginPolicy origins;
  HttpLimits limits;
  // One JSON object a request, on the server's thread; null: none.
  std::function<void(const Json&)> access_log;
};

struct HttpCounts {
  int64_t connections = 0, requests = 0, refused_connections = 0;
  int64_t bytes_in = 0, bytes_out = 0;
  int64_t open_connections = 0, open_streams = 0;
};

class HttpServer {
 public:
  // Binds and listens. The application outlives the server. Errors: invalid_argument (no such address, a
  // broken certificate or key), unavailable (the port is taken).
  static Result<std::unique_ptr<HttpServer>> bind(const HttpOptions& options, HttpApplication& application);
  // Serves from now on.
  void start();
  // As stop(0).
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  uint16_t port() const;
  std::string url() const;  // "http://127.0.0.1:8080"
  HttpCounts counts() const;

  // Takes no more requests, lets the answers under way end, for so long at most, and returns when all
  // connections are closed.
  void stop(std::chrono::milliseconds grace);

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Whether an address is only reachable from this machine: 127.x.x.x, ::1 or localhost.
bool is_loopback(const std::string& host);

}  // namespace melete
