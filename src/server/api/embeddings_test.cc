#include "server/api/embeddings.h"

#include <gtest/gtest.h>

#include <cstring>

#include "server/api/content.h"
#include "server/api/test_api_server.h"

namespace melete {
namespace {

std::string wrong(const Json& body) {
  std::optional<ApiError> problem;
  EXPECT_FALSE(parse_embeddings_request(body, problem)) << body.dump();
  return problem ? problem->param + " " + problem->code : "";
}

TEST(EmbeddingsRequest, TakesTextsAndTokens) {
  const auto inputs = [](const Json& input) {
    std::optional<ApiError> problem;
    const auto request = parse_embeddings_request({{"model", "m"}, {"input", input}}, problem);
    std::string all;
    for (const auto& one : request->inputs) {
      all += one.path + "=" + one.text;
      for (const int32_t id : one.tokens) all += cat("#", id);
      all += ";";
    }
    return all;
  };
  EXPECT_EQ(inputs("a"), "input=a;");
  EXPECT_EQ(inputs({"a", "b"}), "input[0]=a;input[1]=b;");
  EXPECT_EQ(inputs({1, 2}), "input=#1#2;");
  EXPECT_EQ(inputs({{1, 2}, {3, 4}}), "input[0]=#1#2;input[1]=#3#4;");
}

TEST(EmbeddingsRequest, SaysWhereAndWhatIsWrong) {
  const auto with = [](const Json& input) { return Json{{"model", "m"}, {"input", input}}; };
  EXPECT_EQ(wrong({{"model", "m"}}), "input missing_required_parameter");
  EXPECT_EQ(wrong(with("")), "input invalid_value");
  EXPECT_EQ(wrong(with(Json::array())), "input invalid_value");
  EXPECT_EQ(wrong(with({"a", 1})), "input[1] invalid_type");
  EXPECT_EQ(wrong(with(Json::array({1, -1}))), "input[1] invalid_type");
  EXPECT_EQ(wrong(with(std::vector<std::string>(257, "a"))), "input invalid_value");
  Json body = with("a");
  body["encoding_format"] = "hex";
  EXPECT_EQ(wrong(body), "encoding_format invalid_value");
}

TEST(Base64, EncodesWhatItDecodes) {
  for (const char* text : {"", "a", "ab", "abc", "abcd", "\xfb\xff\x01"})
    EXPECT_EQ(decode_base64(encode_base64(text)), text);
  EXPECT_EQ(encode_base64("ab"), "YWI=");
}

TEST_F(ApiServerTest, EmbeddingsComeInOrderAndBothEncodings) {
  const uint16_t port = start_engine();
  const auto embed = [&](const Json& more, int status = 200) {
    Json request = {{"model", "tiny"}, {"input", {"one text", "another", "one text"}}};
    request.update(more);
    return ask(port, request, status, "/v1/embeddings");
  };
  const Json floats = embed(Json::object());
  ASSERT_EQ(floats["data"].size(), 3u);
  const auto first = floats["data"][0]["embedding"].get<std::vector<float>>();
  double square = 0;
  for (const float x : first) square += static_cast<double>(x) * static_cast<double>(x);
  EXPECT_NEAR(square, 1, 1e-5);
  EXPECT_EQ(floats["data"][2]["index"], 2);
  EXPECT_EQ(floats["data"][2]["embedding"], floats["data"][0]["embedding"]);
  EXPECT_NE(floats["data"][1]["embedding"], floats["data"][0]["embedding"]);
  EXPECT_GT(floats["usage"]["prompt_tokens"], 0);
  const Json encoded = embed({{"encoding_format", "base64"}});
  const auto bytes = decode_base64(encoded["data"][0]["embedding"].get<std::string>());
  ASSERT_EQ(bytes->size(), first.size() * sizeof(float));
  EXPECT_EQ(std::memcmp(bytes->data(), first.data(), bytes->size()), 0);
  EXPECT_EQ(embed({{"dimensions", first.size()}})["data"].size(), 3u);
  EXPECT_EQ(embed({{"dimensions", 3}}, 400)["error"]["param"], "dimensions");
  EXPECT_EQ(embed({{"model", "gpt"}}, 404)["error"]["code"], "model_not_found");
  EXPECT_EQ(embed({{"input", {1 << 30, 2}}}, 400)["error"]["param"], "input");
  EXPECT_EQ(embed({{"input", std::string(50'000, 'x')}}, 400)["error"]["code"], "context_length_exceeded");
}

}  // namespace
}  // namespace melete
