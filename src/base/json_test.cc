#include "base/json.h"

#include <gtest/gtest.h>

namespace melete {
namespace {

TEST(ParseJson, EqualsTheLibrarysOwnParser) {
  for (const char* text :
       {"null", "true", "-7", "18446744073709551615", "2.5", "\"\\u00fc\\n\"", "[]", "{}", "[1,[2,{}],\"x\"]",
        R"({"b":1,"a":{"z":[{"q":null}],"y":false}})", R"({"b":1,"a":2,"b":{"c":3}})", " [ 1 , 2 ] "}) {
    const auto parsed = parse_json(text, "test");
    ASSERT_TRUE(parsed.ok()) << text << parsed.error().message;
    EXPECT_EQ(parsed->dump(), Json::parse(text).dump()) << text;
  }
}

TEST(ParseJson, ManyKeysKeepTheirOrderAndTakeLinearTime) {
  // 300,000 keys would take hours of comparisons with each before it.
  std::string text = "{";
  for (int i = 0; i < 300000; ++i) text += cat(i ? "," : "", "\"key ", i, "\":", i);
  text += ",\"key 7\":-1,\"key 299999\":-2}";
  const auto parsed = parse_json(text, "test");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  ASSERT_EQ(parsed->size(), 300000u);
  EXPECT_EQ(parsed->begin().key(), "key 0");
  EXPECT_EQ((*parsed)["key 7"], -1);
  EXPECT_EQ(std::prev(parsed->end()).key(), "key 299999");
  EXPECT_EQ(std::prev(parsed->end()).value(), -2);
}

TEST(ParseJson, HostileTextIsAnErrorThatNamesItsSource) {
  const auto message = [](std::string_view text) {
    const auto parsed = parse_json(text, "hostile.json");
    return parsed.ok() ? std::string() : parsed.error().message;
  };
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[1,]"), std::string("{\"a\":}"), std::string("{} {}"),
        std::string("\"\xff\""), std::string("nul"), std::string("1e999"), std::string("{1:2}"),
        std::string("[\0]", 3)})
    EXPECT_NE(message(text).find("[hostile.json] must be valid JSON"), std::string::npos) << text;
  EXPECT_NE(message(std::string(10'000'000, '[')).find("nesting must be at most 128"), std::string::npos);
  EXPECT_EQ(message(std::string(128, '[') + std::string(128, ']')), "");
  EXPECT_NE(message(std::string(129, '[') + std::string(129, ']')), "");
}

}  // namespace
}  // namespace melete
