// the load of `./dev bench server`: a server with scripted answers in a process of its own, and its clients
//
// usage: bench_server_load streams MODEL STREAMS SECONDS TOKENS_A_SECOND together|spread
//        bench_server_load requests MODEL|:PORT PATH SECONDS CONNECTIONS
// MODEL gives tokenizer and chat format only. Prints one line of JSON. `streams`: each stream is a chat
// completion whose engine gives a token at fixed times, all streams at once ("together", as a batch does) or
// evenly spread; latency is from when the engine gives a token to when the client has its event. `requests`:
// GETs one after another on each connection, of a server of our own or of one that listens on PORT.
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "agent/chat_model.h"
#include "base/json.h"
#include "paced_engine.h"
#include "server/api/api_server.h"

namespace melete {
namespace {

// A server in a process of its own, so that its memory and time are its own.
class ServerProcess {
 public:
  ServerProcess(const std::string& model, const Plan& plan, Given& given) {
    std::string folder = (std::filesystem::temp_directory_path() / "melete_bench_XXXXXX").string();
    MELETE_CHECK(::mkdtemp(folder.data()) != nullptr, "no folder");
    folder_ = folder;
    int port[2];
    MELETE_CHECK(::pipe2(port, O_CLOEXEC) == 0, "no pipe");
    process_ = ::fork();
    if (process_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      serve(model, plan, given, folder_, port[1]);
    }
    ::close(port[1]);
    MELETE_CHECK(::read(port[0], &port_, sizeof port_) == sizeof port_, "the server didn't start");
    ::close(port[0]);
  }
  ~ServerProcess() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  uint16_t port() const { return port_; }
  double peak_mb() const {
    std::ifstream status(cat("/proc/", process_, "/status"));
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024;
    return 0;
  }
  double cpu_s() const {
    std::ifstream stat(cat("/proc/", process_, "/stat"));
    std::string word;
    double ticks = 0;
    for (int i = 1; i <= 15 && stat >> word; ++i)
      if (i >= 14) ticks += std::stod(word);
    return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }

 private:
  [[noreturn]] static void serve(const std::string& model, const Plan& plan, Given& given,
                                 const std::filesystem::path& folder, int tell) {
    const auto chat = ChatModel::load(model);
    if (!chat.ok()) std::fprintf(stderr, "bench server: %s\n", chat.error().message.c_str());
    MELETE_CHECK(chat.ok(), "no model");
    std::atomic<int64_t> next = 0;
    const auto connect = [&](const std::stop_token&) -> std::unique_ptr<Engine> {
      return std::make_unique<PacedEngine>(**chat, plan, next++, given);
    };
    std::vector<std::unique_ptr<ServedModel>> models;
    models.push_back(std::make_unique<ServedModel>("scripted", *chat,
                                                   ModelFacts{"scripted", 1 << 20, false, false}, connect,
                                                   [] { return EngineMetrics{}; }));
    ApiServerOptions options;
    options.http.port = 0;
    options.max_running = static_cast<int>(plan.streams);
    const auto store = Store::open(folder);
    MELETE_CHECK(store.ok(), "no store");
    auto server = ApiServer::start(options, ModelList(std::move(models)), **store);
    MELETE_CHECK(server.ok(), "no server");
    const uint16_t port = (*server)->http().port();
    MELETE_CHECK(::write(tell, &port, sizeof port) == sizeof port, "nobody listens");
    while (true) ::pause();
  }

  std::filesystem::path folder_;  // of the data
  pid_t process_ = 0;
  uint16_t port_ = 0;
};

// A connected socket that doesn't block when it is read.
int connect_to(uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  MELETE_CHECK(::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0,
               "nobody listens on ", port);
  return socket;
}

void send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    MELETE_CHECK(sent > 0, "the server closed the connection");
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

double percentile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  const auto at =
      values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// Calls read(i), which may exchange socket i, for each that has something, until it has been false for all.
template <typename Read>
void poll_all(const std::vector<int>& sockets, const Read& read) {
  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  const auto watch = [&](size_t i) {
    epoll_event wanted{EPOLLIN, {.u64 = i}};
    ::epoll_ctl(poll, EPOLL_CTL_ADD, sockets[i], &wanted);
  };
  for (size_t i = 0; i < sockets.size(); ++i) watch(i);
  std::array<epoll_event, 64> events;
  for (size_t open = sockets.size(); open > 0;) {
    const int count = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), 30'000);
    MELETE_CHECK(count > 0, "the server is silent");
    for (int e = 0; e < count; ++e) {
      const size_t i = events[static_cast<size_t>(e)].data.u64;
      const int before = sockets[i];
      if (read(i)) {
        if (sockets[i] != before) watch(i);
        continue;
      }
      ::epoll_ctl(poll, EPOLL_CTL_DEL, sockets[i], nullptr);
      --open;
    }
  }
  ::close(poll);
}

// What one stream brought: takes HTTP's chunks apart, then events, then the text in them.
class StreamReader {
 public:
  // False: the stream has ended. `arrived` is called with each letter's number.
  template <typename Arrived>
  bool put(std::string_view bytes, const Arrived& arrived) {
    raw_ += bytes;
    if (!in_body_) {
      const size_t end = raw_.find("\r\n\r\n");
      if (end == std::string::npos) return true;
      MELETE_CHECK(raw_.starts_with("HTTP/1.1 200"), raw_);
      raw_.erase(0, end + 4);
      in_body_ = true;
    }
    while (true) {
      const size_t line = raw_.find("\r\n");
      if (line == std::string::npos) return true;
      const size_t size = std::stoul(raw_, nullptr, 16);
      if (raw_.size() < line + 2 + size + 2) return true;
      events_.append(raw_, line + 2, size);
      raw_.erase(0, line + 2 + size + 2);
      read_events(arrived);
      if (size == 0) return false;
    }
  }
  const std::string& text() const { return text_; }
  bool is_whole() const { return stopped_ && done_; }

 private:
  template <typename Arrived>
  void read_events(const Arrived& arrived) {
    for (size_t end; (end = events_.find("\n\n")) != std::string::npos; events_.erase(0, end + 2)) {
      const std::string_view event = std::string_view(events_).substr(0, end);
      static constexpr std::string_view kContent = "\"content\":\"";
      done_ = event == "data: [DONE]";
      if (event.find("\"finish_reason\":\"stop\"") != std::string_view::npos) stopped_ = true;
      const size_t at = event.find(kContent);
      if (at == std::string_view::npos) continue;
      const std::string_view content = event.substr(at + kContent.size());
      const size_t before = text_.size();
      text_ += content.substr(0, content.find('"'));
      if (head_ == 0 && text_.find(". ") != std::string::npos) head_ = text_.find(". ") + 2;
      if (head_ == 0) continue;
      for (size_t letter = std::max(before, head_); letter < text_.size(); ++letter)
        arrived(std::stoll(text_), static_cast<int64_t>(letter - head_));
    }
  }

  std::string raw_, events_, text_;
  size_t head_ = 0;  // bytes before the letters; 0: not there yet
  bool in_body_ = false, stopped_ = false, done_ = false;
};

Json run_streams(const std::string& model, const Plan& plan) {
  Given given(plan);
  const ServerProcess server(model, plan, given);
  const Json body = {{"model", "melete-instant"},
                     {"stream", true},
                     {"max_completion_tokens", plan.tokens + 100},
                     {"messages", {{{"role", "user"}, {"content", "Say the alphabet."}}}}};
  std::vector<int> sockets;
  for (int64_t i = 0; i < plan.streams; ++i) {
    sockets.push_back(connect_to(server.port()));
    const std::string text = body.dump();
    send_all(sockets.back(), cat("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                                 "application/json\r\nContent-Length: ",
                                 text.size(), "\r\n\r\n", text));
  }
  std::vector<StreamReader> readers(sockets.size());
  std::vector<double> latencies_ms;
  latencies_ms.reserve(static_cast<size_t>(plan.streams * plan.tokens));
  std::array<char, 1 << 16> buffer;
  const double cpu_before = server.cpu_s();
  poll_all(sockets, [&](size_t i) {
    const ssize_t size = ::recv(sockets[i], buffer.data(), buffer.size(), 0);
    if (size <= 0) return false;
    const int64_t arrived_ns = now_ns();
    return readers[i].put({buffer.data(), static_cast<size_t>(size)}, [&](int64_t stream, int64_t token) {
      if (token < plan.tokens)
        latencies_ms.push_back(static_cast<double>(arrived_ns - given.at(stream, token)) * 1e-6);
    });
  });
  std::string expected;
  for (int64_t token = 0; token < plan.tokens; ++token) expected += letter(token);
  int64_t broken = 0;
  for (const StreamReader& reader : readers)
    broken += !reader.is_whole() || reader.text().substr(reader.text().find(' ') + 1) != expected;
  const auto tokens = static_cast<double>(latencies_ms.size());
  return {{"streams", plan.streams},
          {"tokens", latencies_ms.size()},
          {"missing_tokens", plan.streams * plan.tokens - static_cast<int64_t>(latencies_ms.size())},
          {"broken_streams", broken},
          {"p50_ms", percentile(latencies_ms, 0.5)},
          {"p99_ms", percentile(latencies_ms, 0.99)},
          {"max_ms", percentile(latencies_ms, 1)},
          {"peak_mb", server.peak_mb()},
          {"server_us_a_token", (server.cpu_s() - cpu_before) / tokens * 1e6}};
}

Json run_requests(uint16_t port, const std::string& path, double seconds, int64_t connections) {
  const std::string request = cat("GET ", path, " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  std::vector<int> sockets;
  for (int64_t i = 0; i < connections; ++i) sockets.push_back(connect_to(port));
  std::vector<std::string> received(sockets.size());
  std::array<char, 1 << 16> buffer;
  int64_t answers = 0, bytes = 0;
  const auto begin = SteadyClock::now();
  const auto end = begin + std::chrono::duration<double>(seconds);
  for (const int socket : sockets) send_all(socket, request);
  int64_t reconnections = 0;
  const auto reconnect = [&](size_t i) {
    const int closed = sockets[i];
    sockets[i] = connect_to(port);  // before the other is closed, so that it is another number
    ::close(closed);
    ++reconnections;
  };
  poll_all(sockets, [&](size_t i) {
    const ssize_t size = ::recv(sockets[i], buffer.data(), buffer.size(), 0);
    MELETE_CHECK(size > 0, "the server closed the connection without an answer");
    received[i].append(buffer.data(), static_cast<size_t>(size));
    const size_t head = received[i].find("\r\n\r\n"), length = received[i].find("Content-Length: ");
    if (head == std::string::npos) return true;
    MELETE_CHECK(received[i].starts_with("HTTP/1.1 200") && length < head, received[i].substr(0, 200));
    if (received[i].size() < head + 4 + std::stoul(received[i].substr(length + 16))) return true;
    bytes += static_cast<int64_t>(received[i].size());
    ++answers;
    // Some servers, llama-server among them, serve a limited number of requests on a connection.
    const bool closes = received[i].find("Connection: close") < head;
    received[i].clear();
    if (SteadyClock::now() >= end) return false;
    if (closes) reconnect(i);
    send_all(sockets[i], request);
    return true;
  });
  const double spent = std::chrono::duration<double>(SteadyClock::now() - begin).count();
  return {{"requests_a_second", static_cast<double>(answers) / spent},
          {"bytes", bytes / answers},
          {"reconnections", reconnections}};
}

int run(const std::vector<std::string>& arguments) {
  const auto number = [&](size_t i) { return std::stod(arguments.at(i)); };
  if (arguments.size() == 6 && arguments[0] == "streams") {
    Plan plan;
    plan.streams = std::stoll(arguments[2]);
    plan.tokens_per_s = number(4);
    plan.tokens = static_cast<int64_t>(number(3) * plan.tokens_per_s);
    plan.together = arguments[5] == "together";
    std::printf("%s\n", run_streams(arguments[1], plan).dump().c_str());
    return 0;
  }
  if (arguments.size() == 5 && arguments[0] == "requests") {
    Plan plan;
    Given given(plan);
    std::unique_ptr<ServerProcess> own;
    if (arguments[1][0] != ':') own = std::make_unique<ServerProcess>(arguments[1], plan, given);
    const uint16_t port = own ? own->port() : static_cast<uint16_t>(std::stoi(arguments[1].substr(1)));
    std::printf("%s\n", run_requests(port, arguments[2], number(3), std::stoll(arguments[4])).dump().c_str());
    return 0;
  }
  std::fprintf(stderr, "usage: bench_server_load streams|requests ..., see ./dev bench server\n");
  return 2;
}

}  // namespace
}  // namespace melete

int main(int argc, char** argv) { return melete::run({argv + 1, argv + argc}); }
