#include "server/app/artifact_frame.h"

#include <gtest/gtest.h>

#include "server/api/test_server.h"
#include "server/http/test_client.h"

namespace melete {
namespace {

Asked frame_at(const char* host, const char* path = "/frame", const char* method = "GET") {
  ArtifactFrame frame;
  frame.set_app(8080, false);
  HttpRequest request;
  request.method = method;
  request.path = path;
  request.headers = {{"host", host}};
  return Asked(std::move(request), [&](ExchangePtr exchange) { frame.handle(std::move(exchange)); });
}

TEST(ArtifactFrame, LetsNothingOutAndOnlyTheAppIn) {
  const Asked page = frame_at("127.0.0.1:8081");
  ASSERT_EQ(page.status, 200);
  EXPECT_NE(page.body.find("<!doctype html>"), std::string::npos);
  EXPECT_EQ(page.header("Connection-Allowlist"), "()");
  const std::string policy = page.header("Content-Security-Policy");
  for (const char* has :
       {"default-src 'none'", "connect-src 'none'", "form-action 'none'", "frame-src 'none'",
        "worker-src 'none'", "base-uri 'none'", "sandbox allow-scripts;"})
    EXPECT_NE(policy.find(has), std::string::npos) << has;
  EXPECT_TRUE(policy.ends_with("; frame-ancestors http://127.0.0.1:8080"));
  for (const char* never : {"allow-same-origin", "https:", "*", "'self'"})
    EXPECT_EQ(policy.find(never), std::string::npos) << never;
  int64_t policies = 0;
  for (const auto& [name, value] : page.headers) policies += name == "Content-Security-Policy";
  EXPECT_EQ(policies, 1);
  EXPECT_TRUE(frame_at("[::1]:8081").header("Content-Security-Policy").ends_with("; frame-ancestors 'none'"));
}

TEST(ArtifactFrame, HasNothingElse) {
  for (const char* path : {"/", "/frame/", "/index.html", "/api/session", "/v1/models", "/metrics"})
    EXPECT_EQ(frame_at("127.0.0.1:8081", path).status, 404) << path;
  EXPECT_EQ(frame_at("127.0.0.1:8081", "/frame", "POST").status, 404);
}

TEST(ArtifactFrame, ListensBesideTheApp) {
  TestFolder folder;
  const auto store = ok(Store::open(folder.path() / "data"));
  ApiServerOptions options;
  options.http.port = 0;
  const auto server = ok(ApiServer::start(options, scripted_models("Four.<|eot|>"), *store));
  EXPECT_NE(server->artifacts().port(), server->http().port());
  TestClient client(server->artifacts().port());
  client.send("GET /frame HTTP/1.1\r\nHost: localhost:1\r\n\r\n");
  const auto answer = client.read_answer();
  EXPECT_EQ(answer.status(), 200);
  EXPECT_NE(answer.head.find(cat("frame-ancestors http://localhost:", server->http().port())),
            std::string::npos);
  TestClient stranger(server->artifacts().port());
  stranger.send("GET /frame HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  EXPECT_EQ(stranger.read_answer().status(), 403);
  // A port that was asked for by its number isn't replaced by another.
  options.artifacts_port = server->http().port();
  const auto other_folder = ok(Store::open(folder.path() / "other"));
  EXPECT_EQ(ApiServer::start(options, scripted_models("x"), *other_folder).error().kind,
            ErrorKind::unavailable);
}

}  // namespace
}  // namespace melete
