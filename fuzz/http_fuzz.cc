// Any bytes from a client: the real transport and router answer them, in whole answers only, and close.
//
// The first byte chooses in which pieces the rest is sent.
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "base/json.h"
#include "server/http/http_server.h"
#include "server/http/router.h"

namespace {

using melete::ExchangePtr;

melete::HttpResponse error_answer(std::string_view, const melete::HttpProblem& problem) {
  return {problem.status, melete::Json{{"error", problem.message}}.dump(
                              -1, ' ', false, melete::Json::error_handler_t::replace)};
}

std::optional<melete::HttpProblem> let_in(const melete::Route& route, melete::Exchange& exchange) {
  MELETE_CHECK(exchange.request.body.empty(), "the body is read before its sender is known");
  if (route.access == melete::Access::admin) return melete::HttpProblem{401, "who are you?"};
  return std::nullopt;
}

// Small limits, so that small inputs reach them.
melete::HttpServer& server() {
  static melete::Router router(error_answer, let_in);
  static const auto running = [] {
    router.add(
        {"GET", "/things/{id}", melete::Access::anyone, "says the name", [](const ExchangePtr& exchange) {
           exchange->respond(200, {{"id", exchange->request.parameters.at("id")}});
         }});
    router.add({"POST", "/echo", melete::Access::anyone, "says the body", [](const ExchangePtr& exchange) {
                  exchange->respond({200, exchange->request.body, "text/plain"});
                }});
    router.add({"POST", "/stream", melete::Access::anyone, "streams it", [](const ExchangePtr& exchange) {
                  exchange->begin_stream();
                  for (const char c : exchange->request.body)
                    if (!exchange->put(melete::event_text("", std::to_string(c)))) return;
                  exchange->end_stream();
                }});
    router.add({"POST", "/closed", melete::Access::admin, "lets nobody in",
                [](const ExchangePtr&) { MELETE_CHECK(false, "nobody may be here"); }});
    router.add({"GET", "/nothing", melete::Access::anyone, "never answers", [](const ExchangePtr&) {}});
    melete::HttpOptions options;
    options.port = 0;
    options.limits.max_head_bytes = 1024;
    options.limits.max_body_bytes = 512;
    options.limits.max_pending_bytes = 1 << 20;
    auto bound = melete::HttpServer::bind(options, router);
    MELETE_CHECK(bound.ok(), bound.error().message);
    (*bound)->start();
    return std::move(bound).value();
  }();
  return *running;
}

int connect_to(uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  // libFuzzer's alarm may strike while the call waits, and a call that was interrupted can't be made again.
  sigset_t alarm, before;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  ::pthread_sigmask(SIG_BLOCK, &alarm, &before);
  const int connected = ::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address);
  MELETE_CHECK(connected == 0, std::strerror(errno));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return socket;
}

// What the server says to the bytes, until it closes.
std::string answers_to(std::string_view bytes, size_t piece) {
  const int socket = connect_to(server().port());
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size())))
    if (::send(socket, bytes.data(), std::min(piece, bytes.size()), MSG_NOSIGNAL) <= 0) break;
  ::shutdown(socket, SHUT_WR);
  std::string answers;
  char buffer[4096];
  pollfd waiting{socket, POLLIN, 0};
  while (true) {
    MELETE_CHECK(TEMP_FAILURE_RETRY(::poll(&waiting, 1, 5'000)) > 0, "the connection stays open");
    const ssize_t size = TEMP_FAILURE_RETRY(::recv(socket, buffer, sizeof buffer, 0));
    if (size <= 0) break;
    answers.append(buffer, static_cast<size_t>(size));
  }
  ::close(socket);
  return answers;
}

// Answers stand one behind the other; the last may be cut, since the client has gone.
void check_answers(std::string_view answers) {
  while (!answers.empty()) {
    static constexpr std::string_view kBegin = "HTTP/1.1 ";
    MELETE_CHECK(answers.substr(0, kBegin.size()) == kBegin.substr(0, answers.size()), answers);
    const size_t head = answers.find("\r\n\r\n");
    if (head == std::string_view::npos) return;
    const size_t length = answers.substr(0, head).find("Content-Length: ");
    if (length == std::string_view::npos) {  // "100 Continue", chunks, or for HTTP/1.0 all until the end
      const bool is_stream = answers.substr(0, head).find("chunked") != std::string_view::npos;
      if (!is_stream && !answers.starts_with("HTTP/1.1 100 ")) return;
      const size_t end = is_stream ? answers.find("\r\n0\r\n\r\n", head) : head - 3;
      if (end == std::string_view::npos) return;
      answers.remove_prefix(end + 7);
      continue;
    }
    const size_t body = std::stoul(std::string(answers.substr(length + 16, 20)));
    answers.remove_prefix(std::min(answers.size(), head + 4 + body));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t piece = data[0] < 128 ? bytes.size() : 1 + bytes.size() / (data[0] - 126u);
  const std::string answers = answers_to(bytes, piece);
  // The answer to HEAD names a length without a body.
  if (bytes.find("HEAD") == std::string_view::npos) check_answers(answers);
  return 0;
}
