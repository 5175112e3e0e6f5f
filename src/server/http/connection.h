// Connection: one client, its requests one after another. Of HttpServer's thread.
#pragma once

#include <array>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>
#include <set>
#include <string>

#include "server/http/access_record.h"
#include "server/http/http_server.h"
#include "server/http/socket.h"

namespace melete {

class Connection;

// What the connections of a server share.
struct HttpShared {
  const HttpOptions& options;
  HttpApplication& application;
  std::shared_ptr<asio::io_context> io;
  asio::ssl::context* tls;  // null: plain
  std::set<std::shared_ptr<Connection>> connections = {};
  HttpCounts counts = {};
  size_t bodies_bytes = 0;
  bool stopping = false;
  std::function<void()> emptied = {};  // called when the last connection ends while stopping
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(TcpSocket socket, std::string client, HttpShared& shared);

  void start();
  // Between two requests, or not through with the head of one: it can be closed for another client's sake.
  bool can_yield() const { return idle_ || in_head_; }
  std::chrono::steady_clock::time_point last_active() const { return last_active_; }
  // Closes after the answer under way, or at once.
  void finish();
  void abort();

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Deadline = std::chrono::steady_clock::time_point;
  enum class Read { whole, refused, closed };
  // How an answer ends.
  struct Ending {
    bool is_head = false, keeps_alive = false;
  };

  Task<void> run();
  Task<void> read_all();
  Task<bool> serve_one();
  Task<bool> serve(Parser& parser);
  Task<Read> read_head(Parser& parser);
  Task<Read> read_body(Parser& parser);
  Task<bool> wait_for_bytes(Deadline deadline);
  Task<void> refuse(int status, std::string message);
  std::optional<HttpResponse> refusal_of(Exchange& exchange);
  Task<bool> refuse_body(Parser& parser, HttpResponse response, const ExchangeState& state, Ending ending);
  Task<bool> answer(ExchangePtr exchange, std::shared_ptr<ExchangeState> state, Ending ending);
  Task<bool> answer_with(ExchangeState& state, Ending ending);
  Task<bool> stream(ExchangeState& state, ExchangeState::Output output, Ending ending);
  ExchangeState::Writer direct_writer(Ending ending);
  Task<bool> write_rest();
  std::string chunk_of(std::string_view events) const;
  Task<bool> write_response(HttpResponse response, Ending ending);
  Task<bool> write(std::string_view bytes);
  void count_written(size_t bytes);
  Task<void> take_turns();
  Task<void> wait_until(Deadline deadline);
  Task<void> linger();
  HttpRequest head_of(const Parser& parser) const;
  HttpResponse failure() const;
  error_code put(Parser& parser);
  Task<Read> refuse_parse(error_code error, std::string path);
  std::function<void()> waker();
  void disarm() { ++armed_; }
  bool is_gone() const { return eof_ || aborted_; }
  void arm(std::chrono::milliseconds limit);
  void log(const ExchangeState* state);

  Socket socket_;
  const std::string client_;
  HttpShared& shared_;
  const HttpLimits& limits_;
  std::string buffer_;                       // received, not parsed
  std::array<char, 16 << 10> incoming_;      // what read_all() reads into
  Timer changed_;                            // cancelled when something happened that run() may wait for
  Timer room_;                               // cancelled when read_all() may go on
  Timer watchdog_;                           // closes the socket when the client takes nothing
  std::shared_ptr<ExchangeState> exchange_;  // of the answer under way
  HttpHeaders extra_;                        // headers of each answer: x-request-id and the origin's
  std::string request_id_;
  AccessRecord record_;  // of the answer under way
  // What direct_writer() did: of this thread while the exchange has no writer.
  struct {
    size_t bytes = 0;
    std::string rest;
  } direct_;
  Deadline last_write_;  // so of both
  size_t body_charge_ = 0;
  uint64_t body_limit_ = 0;  // of the request under way
  uint64_t armed_ = 0;       // counts arm(), so that a late alarm is told apart
  bool speaks_1_1_ = true, is_new_ = true;
  bool idle_ = true, in_head_ = false, eof_ = false, aborted_ = false, finishing_ = false, discard_ = false;
  std::chrono::steady_clock::time_point last_active_ = std::chrono::steady_clock::now();
};

}  // namespace melete
