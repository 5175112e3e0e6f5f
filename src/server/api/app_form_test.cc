// Answers of the app that are held to a form and kept as a block of code.
#include <gtest/gtest.h>

#include "server/api/test_server.h"

namespace melete {
namespace {

class AppFormTest : public ScriptedServerTest {
 protected:
  Json question(const Json& more) {
    Json body = {{"model", "melete-instant"}, {"message", {{"content", "a plate"}}}};
    body.update(more);
    return body;
  }
  const Json form_ = {
      {"type", "json_schema"},
      {"json_schema",
       {{"schema", {{"properties", {{"title", {{"type", "string"}}}}}, {"required", {"title"}}}}}}};
};

TEST_F(AppFormTest, TheAnswerIsOfTheSchemaAndKeptAsABlock) {
  start("{\"title\": \"Lunch\"}<|eot|>");
  const std::string path =
      "/api/conversations/" + ask("POST", "/api/conversations", {{"title", "x"}})["id"].get<std::string>();
  const auto asked = raw("POST", path + "/answers",
                         question({{"response_format", form_}, {"fence", "artifact plate"}}).dump());
  EXPECT_EQ(asked.status, 200) << asked.body;
  const Json answer = ask("GET", path)["messages"][1];
  const std::string text = answer["content"], begin = "```artifact plate\n", end = "\n```";
  ASSERT_TRUE(text.starts_with(begin) && text.ends_with(end)) << text;
  const Json data = Json::parse(text.substr(begin.size(), text.size() - begin.size() - end.size()));
  EXPECT_TRUE(data["title"].is_string()) << text;
  EXPECT_EQ(answer["meta"]["fence"], "artifact plate");
  EXPECT_EQ(ask("GET", "/api/artifacts")["answers"].size(), 1u);
  const std::string id = answer["meta"]["answer"];
  EXPECT_EQ(ask("POST", "/api/answers/" + id + "/replay")["equal"], true);
}

TEST_F(AppFormTest, RefusesFormsAndFencesThatAreNone) {
  start();
  const std::string path = "/api/conversations/" +
                           ask("POST", "/api/conversations", {{"title", "x"}})["id"].get<std::string>() +
                           "/answers";
  const auto refused = [&](const Json& more) {
    return ask("POST", path, question(more), 400)["error"]["param"].get<std::string>();
  };
  EXPECT_EQ(refused({{"fence", "artifact plate"}}), "fence");
  EXPECT_EQ(refused({{"fence", "a`b"}, {"response_format", form_}}), "fence");
  EXPECT_EQ(refused({{"fence", "a\nb"}, {"response_format", form_}}), "fence");
  EXPECT_EQ(refused({{"response_format", {{"type", "page"}}}}), "response_format.type");
  Json wrong = form_;
  wrong["json_schema"]["schema"]["type"] = "thing";
  EXPECT_EQ(refused({{"response_format", wrong}}), "response_format.json_schema.schema");
}

}  // namespace
}  // namespace melete
