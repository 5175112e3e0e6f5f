#include "base/config.h"

#include <gtest/gtest.h>

#include <limits>

namespace melete {
namespace {

struct Inner {
  double rate = 0.5;
  std::string kind = "adamw";
  template <class Visitor>
  void visit(Visitor&& field) {
    field("rate", rate, "peak rate");
    field("kind", kind, "which one");
  }
  std::string problem() const { return rate > 0 ? "" : cat("rate must be positive, got ", rate); }
};

struct Stage {
  int64_t steps = 10;
  Inner inner;
  template <class Visitor>
  void visit(Visitor&& field) {
    field("steps", steps, "how many");
    field("inner", inner, "nested");
  }
};

struct Outer {
  bool flag = false;
  int32_t threads = 2;
  int64_t steps = 100;
  uint64_t seed = 0;
  float scale = 0.1f;
  std::string name = "a \"b\"\n\x7f";
  std::vector<int64_t> sizes = {1, 2};
  std::vector<double> weights = {0.1, 3};
  std::vector<std::string> tasks = {"x"};
  Inner optimizer;
  std::vector<Stage> stages;
  template <class Visitor>
  void visit(Visitor&& field) {
    field("flag", flag, "a flag");
    field("threads", threads, "threads");
    field("steps", steps, "steps");
    field("seed", seed, "seed");
    field("scale", scale, "scale");
    field("name", name, "name");
    field("sizes", sizes, "sizes");
    field("weights", weights, "weights");
    field("tasks", tasks, "tasks");
    field("optimizer", optimizer, "optimizer");
    field("stages", stages, "stages");
  }
};

std::string error_of(std::string_view toml, const std::vector<std::string>& overrides = {}) {
  const auto config = parse_config<Outer>(toml, overrides, "run.toml");
  return config.ok() ? "" : config.error().message;
}

TEST(Config, ReadsEveryKindOfField) {
  const auto config = parse_config<Outer>(R"(
flag = true
threads = 3
steps = 7
seed = 9
scale = 2
name = "n"
sizes = [4]
weights = [1, 2.5]
tasks = ["p", "q"]
[optimizer]
rate = 1
[[stages]]
steps = 1
[[stages]]
inner.kind = "muon"
)");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_TRUE(config->flag);
  EXPECT_EQ(config->threads, 3);
  EXPECT_EQ(config->steps, 7);
  EXPECT_EQ(config->seed, 9u);
  EXPECT_EQ(config->scale, 2.0f);
  EXPECT_EQ(config->name, "n");
  EXPECT_EQ(config->sizes, std::vector<int64_t>{4});
  EXPECT_EQ(config->weights, (std::vector<double>{1, 2.5}));
  EXPECT_EQ(config->tasks, (std::vector<std::string>{"p", "q"}));
  EXPECT_EQ(config->optimizer.rate, 1);
  EXPECT_EQ(config->optimizer.kind, "adamw");
  ASSERT_EQ(config->stages.size(), 2u);
  EXPECT_EQ(config->stages[0].steps, 1);
  EXPECT_EQ(config->stages[1].steps, 10);
  EXPECT_EQ(config->stages[1].inner.kind, "muon");
}

TEST(Config, OverridesReachTablesListsAndBareWords) {
  const auto config = parse_config<Outer>(
      "[[stages]]\nsteps = 1",
      {"optimizer.rate=2", "stages.0.inner.kind=muon", "name=plain", "flag=true", "sizes=[8,9]"});
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->optimizer.rate, 2);
  EXPECT_EQ(config->stages[0].inner.kind, "muon");
  EXPECT_EQ(config->name, "plain");
  EXPECT_TRUE(config->flag);
  EXPECT_EQ(config->sizes, (std::vector<int64_t>{8, 9}));
}

TEST(Config, RefusesWithTheFieldsNameAndLine) {
  EXPECT_EQ(error_of("\n[optimizer]\nrates = 1"),
            "[run.toml:3] unknown key 'optimizer.rates'; did you mean 'rate'?; known here: rate, kind");
  EXPECT_EQ(error_of("steps = 1.5"), "[run.toml:1] steps must be an integer, got 1.5; correct it");
  EXPECT_EQ(
      error_of("threads = 3000000000"),
      "[run.toml:1] threads must be an integer from -2147483648 to 2147483647, got 3000000000; correct it");
  EXPECT_EQ(error_of("scale = \"x\""), "[run.toml:1] scale must be a number, got 'x'; correct it");
  EXPECT_EQ(error_of("weights = [1, nan]"),
            "[run.toml:1] weights.1 must be a finite number, got nan; correct it");
  EXPECT_EQ(error_of("optimizer = 3"), "[run.toml:1] optimizer must be a table, got 3; correct it");
  EXPECT_EQ(error_of("seed = -1").substr(0, 38), "[run.toml:1] seed must be an integer f");
  EXPECT_EQ(error_of("[[stages]]\ninner.rate = -1"),
            "[run.toml] stages.0.inner: rate must be positive, got -1");
  EXPECT_NE(error_of("steps = ").find("[run.toml:1] must be TOML"), std::string::npos);
  EXPECT_NE(error_of("", {"steps"}).find("name=value"), std::string::npos);
  EXPECT_NE(error_of("", {"steps.x=1"}).find("steps must be an integer, got a table"), std::string::npos);
  EXPECT_NE(error_of("[[stages]]", {"stages.1.steps=1"}).find("[--set] stages.1.steps"), std::string::npos);
}

TEST(Config, TomlReadsBackToTheSameValues) {
  Outer original;
  original.weights = {0.1, 1e-300, 3};
  original.scale = 1.0f / 3;
  original.tasks = {"tab\t", "ünï", ""};
  original.stages = {Stage{5, {0.25, "sgd"}}, Stage{}};
  const auto again = parse_config<Outer>(to_toml(original));
  ASSERT_TRUE(again.ok()) << again.error().message << to_toml(original);
  EXPECT_EQ(to_toml(*again), to_toml(original));
  EXPECT_NE(to_toml(original).find("weights = [0.1, 1e-300, 3.0]"), std::string::npos) << to_toml(original);
  EXPECT_EQ(again->name, original.name);
  EXPECT_EQ(again->weights, original.weights);
  EXPECT_EQ(again->scale, original.scale);
  EXPECT_EQ(again->tasks, original.tasks);
  EXPECT_EQ(again->stages[0].inner.kind, "sgd");
}

TEST(Config, ExplainsEveryFieldWithItsDefault) {
  const std::string text = explain<Outer>();
  EXPECT_NE(text.find("optimizer.rate"), std::string::npos) << text;
  EXPECT_NE(text.find("stages.N.inner.kind"), std::string::npos) << text;
  EXPECT_NE(text.find("steps                100"), std::string::npos) << text;
  const Json json = schema<Outer>();
  EXPECT_EQ(json["properties"]["optimizer"]["properties"]["rate"]["default"], 0.5);
  EXPECT_EQ(json["properties"]["stages"]["items"]["properties"]["steps"]["type"], "integer");
  EXPECT_EQ(json["additionalProperties"], false);
}

}  // namespace
}  // namespace melete
