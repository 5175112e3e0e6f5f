// The server over TLS, with a certificate that the test makes.
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include <filesystem>
#include <memory>

#include "server/http/http_server.h"
#include "server/http/test_client.h"
#include "server/store/test_store.h"

namespace melete {
namespace {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
template <class T, auto Free>
using Owner = std::unique_ptr<T, Freer<Free>>;

class Hello : public HttpApplication {
 public:
  void handle(ExchangePtr exchange) override { exchange->respond({200, "hello", "text/plain", {}}); }
  HttpResponse refuse(std::string_view, int status, const std::string& message) override {
    return {status, message, "text/plain", {}};
  }
};

class TlsTest : public ::testing::Test {
 protected:
  TlsTest() {
    Owner<EVP_PKEY, EVP_PKEY_free> key(EVP_EC_gen("P-256"));
    Owner<X509, X509_free> certificate(X509_new());
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* name = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"),
                               -1, -1, 0);
    X509_set_issuer_name(certificate.get(), name);
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    options_.certificate = folder_.path() / "cert.pem";
    options_.key = folder_.path() / "key.pem";
    std::FILE* file = std::fopen(options_.certificate.c_str(), "w");
    PEM_write_X509(file, certificate.get());
    std::fclose(file);
    file = std::fopen(options_.key.c_str(), "w");
    PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    options_.port = 0;
  }
  uint16_t start() {
    server_ = ok(HttpServer::bind(options_, hello_));
    server_->start();
    return server_->port();
  }
  // What the server answers to `request`, up to its end, and the protocol; "" if there is no handshake.
  std::string ask(uint16_t port, int highest, std::string* protocol = nullptr) {
    const int plain = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    EXPECT_EQ(::connect(plain, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    Owner<SSL_CTX, SSL_CTX_free> context(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_max_proto_version(context.get(), highest);
    SSL_CTX_load_verify_locations(context.get(), options_.certificate.c_str(), nullptr);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    Owner<SSL, SSL_free> tls(SSL_new(context.get()));
    SSL_set_fd(tls.get(), plain);
    std::string answer;
    if (SSL_connect(tls.get()) == 1) {
      if (protocol) *protocol = SSL_get_version(tls.get());
      const std::string request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
      SSL_write(tls.get(), request.data(), static_cast<int>(request.size()));
      char buffer[4096];
      for (int n; (n = SSL_read(tls.get(), buffer, sizeof buffer)) > 0;)
        answer.append(buffer, static_cast<size_t>(n));
    }
    tls.reset();
    ::close(plain);
    return answer;
  }

  TestFolder folder_;
  HttpOptions options_;
  Hello hello_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(TlsTest, AnswersOverTls) {
  const uint16_t port = start();
  EXPECT_EQ(server_->url().substr(0, 8), "https://");
  std::string protocol;
  for (int i = 0; i < 3; ++i) {
    const std::string answer = ask(port, TLS1_3_VERSION, &protocol);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("hello")) << answer;
  }
  EXPECT_EQ(protocol, "TLSv1.3");
  EXPECT_NE(ask(port, TLS1_2_VERSION), "");
  EXPECT_EQ(ask(port, TLS1_1_VERSION), "") << "too old to be safe";
}

TEST_F(TlsTest, WhoSpeaksNoTlsIsSentAway) {
  options_.limits.head = std::chrono::milliseconds(200);
  const uint16_t port = start();
  TestClient plain(port), silent(port);
  plain.get("/");
  EXPECT_EQ(plain.read_all().find("hello"), std::string::npos);
  EXPECT_TRUE(silent.closed_by_server()) << "a handshake has a time limit";
  EXPECT_NE(ask(port, TLS1_3_VERSION), "");
}

TEST_F(TlsTest, AKeyOfAnotherCertificateIsRefused) {
  const std::string certificate = options_.certificate;
  ok(write_file(options_.key, "no key"));
  const auto refused = HttpServer::bind(options_, hello_);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::invalid_argument);
  options_.key = "";
  EXPECT_EQ(HttpServer::bind(options_, hello_).error().kind, ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace melete
