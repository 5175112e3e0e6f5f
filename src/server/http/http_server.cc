#include "server/http/http_server.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <thread>

#include "base/log.h"
#include "server/http/connection.h"

namespace melete {

using asio::ip::tcp;

bool is_loopback(const std::string& host) {
  if (host == "localhost") return true;
  error_code error;
  const auto address = asio::ip::make_address(host, error);
  return !error && address.is_loopback();
}

namespace {

Result<tcp::endpoint> endpoint_of(const HttpOptions& options) {
  error_code error;
  const auto address =
      asio::ip::make_address(options.host == "localhost" ? "127.0.0.1" : options.host, error);
  if (error)
    return invalid_argument("[listen] must be an address such as 127.0.0.1 or ::1, or localhost, got ",
                            options.host, "; name the address to listen on");
  return tcp::endpoint(address, options.port);
}

Result<std::unique_ptr<asio::ssl::context>> tls_of(const HttpOptions& options) {
  if (options.certificate.empty() != options.key.empty())
    return invalid_argument("[tls] a certificate and its key must both be given, got only one; give both");
  if (options.certificate.empty()) return std::unique_ptr<asio::ssl::context>();
  auto tls = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  tls->set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
  error_code error;
  tls->use_certificate_chain_file(options.certificate, error);
  if (error)
    return invalid_argument("[", options.certificate,
                            "] must be a certificate chain in PEM, got: ", error.message(),
                            "; check the file");
  tls->use_private_key_file(options.key, asio::ssl::context::pem, error);
  if (error)
    return invalid_argument("[", options.key,
                            "] must be the certificate's private key in PEM, got: ", error.message(),
                            "; check the file");
  return tls;
}

std::string client_text(const TcpSocket& socket) {
  error_code error;
  const auto remote = socket.remote_endpoint(error);
  return error ? "gone" : cat(remote.address().to_string(), ":", remote.port());
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(const HttpOptions& options, HttpApplication& application, std::unique_ptr<asio::ssl::context> tls)
      : options_(options),
        tls_(std::move(tls)),
        shared_{options_, application, std::make_shared<asio::io_context>(1), tls_.get()},
        no_room_(no_room(application)),
        acceptor_(shared_.io->get_executor()),
        grace_(shared_.io->get_executor()) {
    shared_.emptied = [this] { grace_.cancel(); };
  }

  ~Impl() { stop(std::chrono::milliseconds(0)); }

  Status bind(const tcp::endpoint& endpoint) {
    error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error)
      return unavailable("[listen] ", options_.host, ":", endpoint.port(),
                         " must be free, got: ", error.message(),
                         "; choose another with --listen, or end what listens there");
    port_ = acceptor_.local_endpoint().port();
    return ok_status();
  }

  void start() {
    asio::co_spawn(shared_.io->get_executor(), accept_all(), asio::detached);
    thread_ = std::thread([this] { shared_.io->run(); });
  }

  void stop(std::chrono::milliseconds grace) {
    if (!thread_.joinable()) return;
    asio::post(*shared_.io, [this, grace] {
      error_code ignored;
      acceptor_.close(ignored);
      shared_.stopping = true;
      for (const auto& connection : std::set(shared_.connections)) connection->finish();
      grace_.expires_after(grace);
      grace_.async_wait([this](error_code error) {
        if (error) return;
        for (const auto& connection : std::set(shared_.connections)) connection->abort();
      });
      if (shared_.connections.empty()) grace_.cancel();
    });
    thread_.join();
  }

  HttpCounts counts() {
    if (!thread_.joinable()) return shared_.counts;
    if (thread_.get_id() == std::this_thread::get_id()) return now();
    std::promise<HttpCounts> counts;
    asio::post(*shared_.io, [&] { counts.set_value(now()); });
    return counts.get_future().get();
  }

  const HttpOptions& options() const { return options_; }
  uint16_t port() const { return port_; }

 private:
  HttpCounts now() {
    HttpCounts counts = shared_.counts;
    counts.open_connections = static_cast<int64_t>(shared_.connections.size());
    return counts;
  }

  Task<void> accept_all() {
    while (acceptor_.is_open()) {
      auto [error, socket] = co_await acceptor_.async_accept(kToken);
      if (!acceptor_.is_open()) break;
      if (error) {
        // Out of descriptors, perhaps: those that are open must end first.
        Timer pause(shared_.io->get_executor(), std::chrono::milliseconds(50));
        co_await pause.async_wait(kToken);
        continue;
      }
      admit(std::move(socket));
    }
  }

  void admit(TcpSocket socket) {
    ++shared_.counts.connections;
    error_code ignored;
    if (shared_.connections.size() >= options_.limits.max_connections && !make_room()) {
      ++shared_.counts.refused_connections;
      if (!tls_) socket.write_some(asio::buffer(no_room_), ignored);
      return;
    }
    socket.set_option(tcp::no_delay(true), ignored);
    std::string client = client_text(socket);
    auto connection = std::make_shared<Connection>(std::move(socket), std::move(client), shared_);
    shared_.connections.insert(connection);
    connection->start();
  }

  // Closes what has waited longest for a request or the rest of its head. False: all are busy.
  bool make_room() {
    std::shared_ptr<Connection> oldest;
    for (const auto& connection : shared_.connections)
      if (connection->can_yield() && (!oldest || connection->last_active() < oldest->last_active()))
        oldest = connection;
    if (!oldest) return false;
    oldest->abort();
    shared_.connections.erase(oldest);
    return true;
  }

  static std::string no_room(HttpApplication& application) {
    HttpResponse response =
        application.refuse("", 503, "as many connections are open as there may be; try again soon");
    return response_head(503, response.content_type, response.headers,
                         static_cast<int64_t>(response.body.size()), false) +
           response.body;
  }

  const HttpOptions options_;
  std::unique_ptr<asio::ssl::context> tls_;
  HttpShared shared_;
  const std::string no_room_;  // what a client gets for whom there is no room
  asio::basic_socket_acceptor<tcp, Executor> acceptor_;
  Timer grace_;
  uint16_t port_ = 0;
  std::thread thread_;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::bind(const HttpOptions& options,
                                                     HttpApplication& application) {
  MELETE_ASSIGN_OR_RETURN(const tcp::endpoint endpoint, endpoint_of(options));
  MELETE_ASSIGN_OR_RETURN(auto tls, tls_of(options));
  auto impl = std::make_unique<Impl>(options, application, std::move(tls));
  MELETE_RETURN_IF_ERROR(impl->bind(endpoint));
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

void HttpServer::start() { impl_->start(); }

uint16_t HttpServer::port() const { return impl_->port(); }

std::string HttpServer::url() const {
  const HttpOptions& options = impl_->options();
  const bool is_v6 = options.host.find(':') != std::string::npos;
  return cat(options.certificate.empty() ? "http://" : "https://", is_v6 ? "[" : "", options.host,
             is_v6 ? "]" : "", ":", impl_->port());
}

HttpCounts HttpServer::counts() const { return impl_->counts(); }

void HttpServer::stop(std::chrono::milliseconds grace) { impl_->stop(grace); }

}  // namespace melete
