#include "server/http/router.h"

#include <gtest/gtest.h>

#include "server/http/origin_check.h"
#include "server/http/request_id.h"

namespace melete {
namespace {

// What a router answers, without a network.
HttpResponse ask(Router& router, const std::string& method, const std::string& path) {
  const auto state = std::make_shared<ExchangeState>([] {}, 1000);
  HttpRequest request;
  request.method = method;
  request.path = path;
  router.handle(std::make_shared<Exchange>(std::move(request), state));
  return state->take().response.value_or(HttpResponse{-1, "", "", {}});
}

class RouterTest : public ::testing::Test {
 protected:
  RouterTest()
      : router_(
            [](std::string_view path, const HttpProblem& problem) {
              return HttpResponse{
                  problem.status, problem.message + " at " + std::string(path), "text/plain", {}};
            },
            [this](const Route& route, Exchange&) -> std::optional<HttpProblem> {
              if (route.access == Access::admin) return HttpProblem{401, "who are you?"};
              return std::nullopt;
            }) {
    const auto say = [](const std::string& word) {
      return [word](const ExchangePtr& exchange) {
        std::string all = word;
        for (const auto& [name, value] : exchange->request.parameters) all += " " + name + "=" + value;
        exchange->respond({200, all, "text/plain", {}});
      };
    };
    router_.add({"GET", "/things", Access::data, "all", say("all")});
    router_.add({"GET", "/things/{id}", Access::data, "one", say("one")});
    router_.add({"DELETE", "/things/{id}", Access::data, "no more", say("gone")});
    router_.add({"GET", "/secrets", Access::admin, "all secrets", say("secrets")});
    router_.add({"GET", "/things/{id}/parts/{part}", Access::data, "part", say("part")});
  }
  Router router_;
};

TEST_F(RouterTest, FindsTheRouteByItsTemplate) {
  EXPECT_EQ(ask(router_, "GET", "/things").body, "all");
  EXPECT_EQ(ask(router_, "HEAD", "/things").body, "all");
  EXPECT_EQ(ask(router_, "GET", "/things/a b").body, "one id=a b");
  EXPECT_EQ(ask(router_, "DELETE", "/things/7").body, "gone id=7");
  EXPECT_EQ(ask(router_, "GET", "/things/7/parts/x").body, "part id=7 part=x");
}

TEST_F(RouterTest, WhatIsNotInTheTableIsAnError) {
  for (const char* path : {"", "/", "/thing", "/things/", "/things/7/", "/things/7/parts", "//things"})
    EXPECT_EQ(ask(router_, "GET", path).status, 404) << path;
  const HttpResponse wrong = ask(router_, "POST", "/things/7");
  EXPECT_EQ(wrong.status, 405);
  ASSERT_EQ(wrong.headers.size(), 1u);
  EXPECT_EQ(wrong.headers[0].second, "GET, HEAD, DELETE");
}

TEST_F(RouterTest, TheGateStandsBeforeEveryRoute) {
  const HttpResponse refused = ask(router_, "GET", "/secrets");
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.body, "who are you? at /secrets");
  ASSERT_EQ(refused.headers.size(), 1u);
  EXPECT_EQ(refused.headers[0].first, "WWW-Authenticate");
}

TEST_F(RouterTest, OptionsSaysWhatAPathTakes) {
  const HttpResponse options = ask(router_, "OPTIONS", "/things/7");
  EXPECT_EQ(options.status, 204);
  ASSERT_EQ(options.headers.size(), 1u);
  EXPECT_EQ(options.headers[0].second, "GET, HEAD, DELETE");
  EXPECT_EQ(ask(router_, "OPTIONS", "/nothing").status, 404);
}

TEST(Message, PathsAreDecodedOnce) {
  std::string path;
  EXPECT_TRUE(decode_path("/a%2Fb%2525", path));
  EXPECT_EQ(path, "/a/b%25");
  for (const char* bad : {"", "a", "/%", "/%2", "/%zz", "/%00"}) EXPECT_FALSE(decode_path(bad, path)) << bad;
}

TEST(Message, AHeaderCannotBeginAnother) {
  const std::string head = response_head(200, "text/plain", {{"X", "a\r\nSet-Cookie: b"}}, 0, true);
  EXPECT_EQ(head.find("\r\nSet-Cookie"), std::string::npos);
}

TEST(OriginCheck, OnlyNamesThatNoStrangerHas) {
  const auto allows = [](const std::string& host, const std::string& origin,
                         const OriginPolicy& policy = {}) {
    HttpRequest request;
    request.headers = {{"host", host}};
    if (!origin.empty()) request.headers.emplace_back("origin", origin);
    return origin_problem(request, policy).empty();
  };
  for (const char* host :
       {"localhost", "LOCALHOST:80", "127.0.0.1:8080", "192.168.1.4", "[::1]:8080", "a.localhost"})
    EXPECT_TRUE(allows(host, "")) << host;
  for (const char* host : {"", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example",
                           "notlocalhost", ".localhost", "1.2.3.4a"})
    EXPECT_FALSE(allows(host, "")) << host;
  EXPECT_TRUE(allows("Box.Lan:8080", "", {{"box.lan"}, {}}));
  EXPECT_TRUE(allows("localhost:80", "http://localhost:80"));
  for (const char* origin : {"null", "http://localhost:81", "http://evil.example", "localhost:80"})
    EXPECT_FALSE(allows("localhost:80", origin)) << origin;
  EXPECT_TRUE(allows("localhost", "https://app.example", {{}, {"https://app.example"}}));
  EXPECT_FALSE(allows("localhost", "http://app.example", {{}, {"https://app.example"}}));
}

TEST(RequestId, OnlyPlainOnesAreKept) {
  EXPECT_EQ(request_id("abc-1.2:3_4"), "abc-1.2:3_4");
  for (const std::string& bad :
       {std::string(), std::string(129, 'a'), std::string("a b"), std::string("a\n")}) {
    const std::string made = request_id(bad);
    EXPECT_EQ(made.substr(0, 4), "req_");
    EXPECT_EQ(made.size(), 28u);
    EXPECT_NE(made, request_id(bad));
  }
}

}  // namespace
}  // namespace melete
