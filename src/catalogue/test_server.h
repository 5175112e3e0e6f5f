// A small HTTP server on this machine for tests: fixed files, ranges, redirects, connections that break.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"

namespace melete {

class TestServer {
 public:
  struct File {
    std::string body, etag;
    std::string redirect;      // another address instead of the body
    int64_t break_after = -1;  // bytes of the body after which the connection closes
  };

  TestServer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* general = reinterpret_cast<sockaddr*>(&address);
    MELETE_CHECK(::bind(listener_, general, size) == 0 && ::listen(listener_, 16) == 0);
    MELETE_CHECK(::getsockname(listener_, general, &size) == 0);
    url_ = cat("http://127.0.0.1:", ntohs(address.sin_port));
    thread_ = std::thread([this] { serve(); });
  }
  ~TestServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  const std::string& url() const { return url_; }
  void put(const std::string& path, File file) {
    const std::lock_guard lock(mutex_);
    files_[path] = std::move(file);
  }
  // The requests so far, with their headers, and the bytes of bodies sent.
  std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  int64_t bytes_sent() const { return bytes_sent_; }

 private:
  void serve() {
    for (int connection; (connection = ::accept(listener_, nullptr, nullptr)) >= 0; ::close(connection))
      answer(connection);
  }

  void answer(int connection) {
    std::string request;
    char buffer[4096];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const ssize_t n = ::read(connection, buffer, sizeof buffer);
      if (n <= 0) return;
      request.append(buffer, static_cast<size_t>(n));
    }
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    const size_t begin = request.find(' ') + 1;
    const auto found = files_.find(request.substr(begin, request.find(' ', begin) - begin));
    if (found == files_.end()) return send(connection, "HTTP/1.1 404 No\r\nContent-Length: 4\r\n", "none");
    const File& file = found->second;
    if (!file.redirect.empty())
      return send(connection,
                  "HTTP/1.1 302 There\r\nContent-Length: 0\r\nLocation: " + file.redirect + "\r\n", "");
    size_t from = 0;
    const size_t range = request.find("Range: bytes=");
    const bool same = request.find("If-Range: " + file.etag + "\r\n") != std::string::npos;
    if (range != std::string::npos && same) from = std::stoul(request.substr(range + 13));
    if (from > file.body.size()) return send(connection, "HTTP/1.1 416 No\r\nContent-Length: 0\r\n", "");
    const std::string rest = file.body.substr(from);
    send(connection,
         cat(from > 0 ? "HTTP/1.1 206 Part" : "HTTP/1.1 200 OK", "\r\nContent-Length: ", rest.size(),
             "\r\nETag: ", file.etag, "\r\n"),
         file.break_after >= 0 ? rest.substr(0, static_cast<size_t>(file.break_after)) : rest);
  }

  void send(int connection, const std::string& head, const std::string& body) {
    const std::string all = head + "Connection: close\r\n\r\n" + body;
    for (size_t sent = 0; sent < all.size();) {
      const ssize_t n = ::send(connection, all.data() + sent, all.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) return;
      sent += static_cast<size_t>(n);
    }
    bytes_sent_ += static_cast<int64_t>(body.size());
  }

  int listener_;
  std::string url_;
  std::thread thread_;
  std::mutex mutex_;
  std::map<std::string, File> files_;
  std::vector<std::string> requests_;
  std::atomic<int64_t> bytes_sent_ = 0;
};

}  // namespace melete
