// A server on this machine that answers as the test says, with our own HTTP folder's client in mind: one
// thread a connection, scripted bytes, and breaks where it is told to.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/json.h"

namespace melete {

class FakeServer {
 public:
  struct Reply {
    int status = 200;
    std::string type = "application/json", body;
    bool is_cut = false;  // the connection closes before the end of what was promised
  };
  // path, and the body as JSON (null for a GET); on several threads.
  using Answer = std::function<Reply(const std::string& path, const Json& body)>;

  explicit FakeServer(Answer answer)
      : answer_(std::move(answer)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* general = reinterpret_cast<sockaddr*>(&address);
    MELETE_CHECK(::bind(listener_, general, size) == 0 && ::listen(listener_, 64) == 0);
    MELETE_CHECK(::getsockname(listener_, general, &size) == 0);
    url_ = cat("http://127.0.0.1:", ntohs(address.sin_port), "/v1");
    accepting_ = std::thread([this] {
      for (int socket; (socket = ::accept(listener_, nullptr, nullptr)) >= 0;)
        serving_.emplace_back([this, socket] { serve(socket); });
    });
  }
  ~FakeServer() {
    ::shutdown(listener_, SHUT_RDWR);
    accepting_.join();
    for (std::thread& thread : serving_) thread.join();
    ::close(listener_);
  }
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  const std::string& url() const { return url_; }
  // Requests so far, with their heads.
  std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

  // The stream of chunks with these deltas, its end included.
  static Reply stream(const std::vector<Json>& deltas, const std::string& finish = "stop") {
    std::string body;
    for (const Json& delta : deltas) body += event({{"choices", {{{"index", 0}, {"delta", delta}}}}});
    body += event({{"choices", {{{"index", 0}, {"delta", Json::object()}, {"finish_reason", finish}}}}});
    const Json usage = {{"prompt_tokens", 11}, {"completion_tokens", 7}};
    body += event({{"choices", Json::array()}, {"usage", usage}}) + "data: [DONE]\n\n";
    return {200, "text/event-stream", body};
  }
  static std::string event(const Json& data) { return "data: " + data.dump() + "\n\n"; }

 private:
  void serve(int socket) {
    std::string request;
    char buffer[4096];
    size_t head = std::string::npos, length = 0;
    while (head == std::string::npos || request.size() < head + 4 + length) {
      const ssize_t n = ::read(socket, buffer, sizeof buffer);
      if (n <= 0) break;
      request.append(buffer, static_cast<size_t>(n));
      head = request.find("\r\n\r\n");
      const size_t at = request.find("Content-Length: ");
      if (at != std::string::npos && at < head) length = std::stoul(request.substr(at + 16));
    }
    if (head != std::string::npos) {
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      const size_t begin = request.find(' ') + 1;
      const std::string path = request.substr(begin, request.find(' ', begin) - begin);
      const Reply reply = answer_(path, length ? Json::parse(request.substr(head + 4)) : Json());
      const std::string answer = cat("HTTP/1.1 ", reply.status, " As told\r\nContent-Type: ", reply.type,
                                     "\r\nContent-Length: ", reply.body.size() + (reply.is_cut ? 1000 : 0),
                                     "\r\nConnection: close\r\n\r\n", reply.body);
      size_t sent = 0;
      while (sent < answer.size()) {
        const ssize_t n = ::send(socket, answer.data() + sent, answer.size() - sent, MSG_NOSIGNAL);
        if (n <= 0) break;
        sent += static_cast<size_t>(n);
      }
    }
    ::close(socket);
  }

  const Answer answer_;
  const int listener_;
  std::string url_;
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::vector<std::thread> serving_;
  std::thread accepting_;
};

}  // namespace melete
