#include "server/api/tokenize.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "server/api/test_api_server.h"

namespace melete {
namespace {

TEST_F(ApiServerTest, TokensOfATextJoinToItsBytes) {
  const uint16_t port = start(kThought);
  const std::string text = "Four é🙂 <|eot|>\n\tx";
  const Json answer = ask(port, {{"model", "tiny"}, {"text", text}}, 200, "/v1/tokenize");
  std::string joined;
  bool has_part = false;
  for (const Json& token : answer["tokens"]) {
    const std::string bytes = *decode_base64(token["bytes"].get<std::string>());
    if (token["text"].is_null())
      has_part = true;
    else
      EXPECT_EQ(token["text"], bytes);
    joined += bytes;
    EXPECT_FALSE(small_tokenizer()->is_special(token["id"].get<int32_t>()))
        << "text never makes a special token";
  }
  EXPECT_EQ(joined, text);
  EXPECT_TRUE(has_part) << "of a character";
  EXPECT_TRUE(ask(port, {{"model", "tiny"}, {"text", "x"}}, 200, "/v1/tokenize")["tokens"].size() == 1);
}

TEST_F(ApiServerTest, TokenizeSaysWhatIsWrong) {
  const uint16_t port = start(kThought);
  const auto wrong = [&](const Json& body, int status) {
    return ask(port, body, status, "/v1/tokenize")["error"]["param"];
  };
  EXPECT_EQ(wrong({{"text", "x"}}, 400), "model");
  EXPECT_EQ(wrong({{"model", "tiny"}}, 400), "text");
  EXPECT_EQ(wrong({{"model", "tiny"}, {"text", 5}}, 400), "text");
  EXPECT_EQ(wrong({{"model", "none"}, {"text", "x"}}, 404), "model");
  EXPECT_EQ(wrong({{"model", "tiny"}, {"text", std::string(kMaxTokenizedBytes + 1, 'x')}}, 400), "text");
  EXPECT_EQ(wrong({{"model", "tiny"}, {"text", "x"}, {"more", 1}}, 400), "more");
}

}  // namespace
}  // namespace melete
