// A plain client that sends what it is told, byte by byte if need be: for tests.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>

namespace melete {

class TestClient {
 public:
  explicit TestClient(uint16_t port, int receive_bytes = 0)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_bytes > 0) ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~TestClient() { close(); }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  bool connected() const { return connected_; }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }
  void get(const std::string& path, const std::string& headers = "") {
    send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n");
  }
  void post(const std::string& path, const std::string& body) {
    send("POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body);
  }

  // Everything up to and with `end`; less if the server closes or nothing comes for 20 s.
  std::string read_until(std::string_view end) {
    size_t found;
    while ((found = received_.find(end)) == std::string::npos && receive()) {
    }
    const size_t size = found == std::string::npos ? received_.size() : found + end.size();
    std::string out = received_.substr(0, size);
    received_.erase(0, size);
    return out;
  }
  // The head of one answer, and its body by Content-Length.
  struct Answer {
    std::string head, body;
    int status() const { return head.size() > 12 ? std::stoi(head.substr(9, 3)) : 0; }
  };
  Answer read_answer() {
    Answer answer;
    answer.head = read_until("\r\n\r\n");
    const size_t at = answer.head.find("Content-Length: ");
    if (at == std::string::npos) return answer;
    const size_t length = std::stoul(answer.head.substr(at + 16));
    while (received_.size() < length && receive()) {
    }
    answer.body = received_.substr(0, length);
    received_.erase(0, length);
    return answer;
  }
  std::string read_all() { return read_until(std::string(1, '\0') + "never"); }
  bool closed_by_server() { return read_all().empty() && closed_; }

  void half_close() { ::shutdown(socket_, SHUT_WR); }
  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }

 private:
  bool receive() {
    pollfd waiting{socket_, POLLIN, 0};
    if (::poll(&waiting, 1, 20'000) <= 0) return false;
    char buffer[4096];
    const ssize_t n = ::recv(socket_, buffer, sizeof buffer, 0);
    closed_ = n <= 0;
    if (n > 0) received_.append(buffer, static_cast<size_t>(n));
    return n > 0;
  }

  int socket_;
  bool connected_ = false, closed_ = false;
  std::string received_;
};

}  // namespace melete
