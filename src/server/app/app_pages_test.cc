#include "server/app/app_pages.h"

#include <gtest/gtest.h>

#include <set>

#include "server/api/test_server.h"

namespace melete {
namespace {

HttpRequest get(std::string path, HttpHeaders headers = {}) {
  HttpRequest request;
  request.method = "GET";
  request.path = std::move(path);
  request.headers = std::move(headers);
  return request;
}

class AppPages : public ::testing::Test {
 protected:
  AppPages()
      : router_(
            [](std::string_view, const HttpProblem& problem) {
              return HttpResponse{problem.status, problem.message};
            },
            [](const Route&, Exchange&) { return std::nullopt; }) {
    add_app_pages(router_, place_);
  }
  ArtifactsPlace place_{8081, false};
  Router router_;
};

TEST_F(AppPages, ThePageNamesOnlyFilesThatAreThere) {
  const Asked page(router_, get("/"));
  ASSERT_EQ(page.status, 200);
  EXPECT_EQ(page.header("Cache-Control"), "no-cache");
  EXPECT_EQ(page.header("Content-Encoding"), "");
  size_t named = 0;
  for (size_t at = page.body.find("=\"/"); at != std::string::npos; at = page.body.find("=\"/", at + 1)) {
    const std::string path = page.body.substr(at + 2, page.body.find('"', at + 2) - at - 2);
    const Asked file(router_, get(path, {{"accept-encoding", "gzip"}}));
    EXPECT_EQ(file.status, 200) << path;
    EXPECT_NE(file.header("Cache-Control").find("immutable"), std::string::npos);
    ++named;
  }
  EXPECT_GE(named, 3u);
  EXPECT_EQ(page.body.find("http://"), std::string::npos) << "no other host is asked";
  EXPECT_EQ(page.body.find("https://"), std::string::npos);
  EXPECT_EQ(page.body.find("<style"), std::string::npos) << "nothing is inline";
}

TEST_F(AppPages, PolicyAllowsNothingInlineAndNoOtherHost) {
  const std::string policy = Asked(router_, get("/")).header("Content-Security-Policy");
  EXPECT_NE(policy.find("default-src 'none'"), std::string::npos);
  EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos);
  EXPECT_NE(policy.find("require-trusted-types-for 'script'"), std::string::npos);
  for (const char* never : {"unsafe", "http:", "https:", "*"})
    EXPECT_EQ(policy.find(never), std::string::npos) << never;
}

TEST_F(AppPages, FramesHoldNothingButArtifacts) {
  const auto policy_at = [&](const char* host) {
    return Asked(router_, get("/", {{"host", host}})).header("Content-Security-Policy");
  };
  EXPECT_TRUE(policy_at("Melete.example:8080").ends_with("; frame-src http://melete.example:8081"));
  EXPECT_TRUE(policy_at("127.0.0.1").ends_with("; frame-src http://127.0.0.1:8081"));
  for (const char* host : {"", "[::1]:8080", "a;script-src *", "a b", "a'b"})
    EXPECT_TRUE(policy_at(host).ends_with("; frame-src 'none'")) << host;
  place_.secure = true;
  EXPECT_TRUE(policy_at("localhost:8080").ends_with("; frame-src https://localhost:8081"));
  place_.port = 0;
  EXPECT_TRUE(policy_at("localhost:8080").ends_with("; frame-src 'none'"));
}

TEST_F(AppPages, SendsCompressedOnlyToWhoTakesIt) {
  const auto encoding = [&](const char* accepted) {
    const Asked page(router_, get("/", {{"accept-encoding", accepted}}));
    const bool is_text = page.body.starts_with("<!doctype html>");
    EXPECT_EQ(is_text, page.header("Content-Encoding").empty());
    return page.header("Content-Encoding");
  };
  EXPECT_EQ(encoding("gzip, deflate, br"), "gzip");
  EXPECT_EQ(encoding("br, GZIP;q=0.2"), "gzip");
  EXPECT_EQ(encoding("*"), "gzip");
  EXPECT_EQ(encoding("br"), "");
  EXPECT_EQ(encoding("gzip;q=0"), "");
  EXPECT_EQ(encoding("gzip; q=0.0, br"), "");
}

TEST_F(AppPages, WhatKeepsTheAppIsAskedForAnewAndBoundAsThePageIs) {
  const Asked page(router_, get("/")), keeper(router_, get("/sw.js"));
  ASSERT_EQ(keeper.status, 200);
  EXPECT_EQ(keeper.header("Cache-Control"), "no-cache");
  EXPECT_EQ(keeper.header("Content-Security-Policy"), page.header("Content-Security-Policy"));
  EXPECT_EQ(keeper.header("Service-Worker-Allowed"), "");
}

TEST_F(AppPages, AnswersWithNothingToWhoHasIt) {
  const std::string etag = Asked(router_, get("/")).header("ETag");
  ASSERT_FALSE(etag.empty());
  const Asked again(router_, get("/", {{"if-none-match", etag}}));
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
  EXPECT_EQ(Asked(router_, get("/", {{"if-none-match", "\"1-2\""}})).status, 200);
}

TEST_F(AppPages, KnowsTypesAndWhatIsntThere) {
  std::set<std::string> types;
  for (const WebFile& file : web_files()) {
    const HttpResponse response = page_response(file, get("/"), "");
    const Asked got(router_, get(cat("/", file.path == "index.html" ? "" : file.path)));
    if (file.path == "frame.html") {
      EXPECT_EQ(got.status, 404) << "what runs anything is on another origin only";
      continue;
    }
    ASSERT_EQ(got.status, 200) << file.path;
    EXPECT_NE(response.content_type, "application/octet-stream") << file.path;
    types.insert(response.content_type);
    if (file.is_gzip) EXPECT_EQ(gunzip(file.bytes), got.body) << file.path;
  }
  EXPECT_GE(types.size(), 6u);
  for (const char* path :
       {"/frame.html", "/frame", "/assets/none.js", "/assets/..", "/assets/index.html", "/index.html"})
    EXPECT_EQ(Asked(router_, get(path)).status, 404) << path;
}

TEST(Gunzip, RefusesWhatIsBroken) {
  const WebFile& file = web_files().front();
  ASSERT_TRUE(file.is_gzip || web_files().back().is_gzip);
  const std::string_view bytes = file.is_gzip ? file.bytes : web_files().back().bytes;
  EXPECT_TRUE(gunzip(bytes));
  EXPECT_FALSE(gunzip(bytes.substr(0, bytes.size() - 9)));
  EXPECT_FALSE(gunzip("plain text"));
  EXPECT_FALSE(gunzip(""));
}

}  // namespace
}  // namespace melete
