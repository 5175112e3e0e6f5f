#include "bridges/bridge_config.h"

#include <gtest/gtest.h>

#include "bridges/test_bridge.h"

namespace melete {
namespace {

class BridgeConfigTest : public ::testing::Test {
 protected:
  Result<BridgeSetup> read(const std::string& toml) {
    EXPECT_TRUE(write_file(folder_.path() / "bridge.toml", toml).ok());
    return read_bridge_setup(folder_.path() / "bridge.toml", [this](const char* name) -> const char* {
      const auto found = environment_.find(name);
      return found == environment_.end() ? nullptr : found->second.c_str();
    });
  }
  std::string problem(const std::string& toml) {
    const auto setup = read(toml);
    return setup.ok() ? "" : setup.error().message;
  }

  TestFolder folder_;
  std::map<std::string, std::string> environment_ = {{"MELETE_TELEGRAM_TOKEN", "1:from-environment"}};
};

TEST_F(BridgeConfigTest, TakesTheTokenFromAFileOrTheEnvironment) {
  ASSERT_TRUE(write_file(folder_.path() / "token", " 1:from_file\n").ok());
  const auto from_file = ok(read("service = 'telegram'\ntoken_file = 'token'\nallow = ['@ann', '42']\n"));
  EXPECT_EQ(from_file.token, "1:from_file");
  EXPECT_EQ(from_file.config.allow.size(), 2u);
  EXPECT_EQ(ok(read("service = 'telegram'")).token, "1:from-environment");
  EXPECT_TRUE(ok(read("service = 'telegram'")).config.allow.empty());
  EXPECT_NE(problem("service = 'matrix'\nurl = 'https://x.org'").find("MELETE_MATRIX_TOKEN"),
            std::string::npos);
  EXPECT_NE(problem("service = 'telegram'\ntoken_file = 'none'").find("none"), std::string::npos);
}

TEST_F(BridgeConfigTest, NeverRepeatsTheToken) {
  environment_["MELETE_TELEGRAM_TOKEN"] = "1:secret/../x";
  const std::string wrong = problem("service = 'telegram'");
  EXPECT_NE(wrong.find("the token must be"), std::string::npos);
  EXPECT_EQ(wrong.find("secret"), std::string::npos);
  EXPECT_NE(problem("service = 'telegram'\ntoken = '1:secret'").find("token_file"), std::string::npos);
}

TEST_F(BridgeConfigTest, SaysWhatIsWrong) {
  for (const auto& [toml, part] : std::map<std::string, std::string>{
           {"service = 'irc'", "telegram or matrix"},
           {"", "telegram or matrix"},
           {"service = 'matrix'", "homeserver's address"},
           {"service = 'telegram'\nurl = 'ftp://x.org'", "http or https"},
           {"service = 'telegram'\nurl = 'https://me@x.org'", "http or https"},
           {"service = 'telegram'\nallow = ['ann']", "\"@ann\""},
           {"service = 'telegram'\nallow = ['@ann:x.org']", "\"@ann\""},
           {"service = 'matrix'\nurl = 'https://x.org'\nallow = ['@ann']", "@ann:example.org"},
           {"service = 'telegram'\nmode = 'quick'", "instant, thinking"},
           {"service = 'telegram'\nmax_file_mb = 1000", "1 to 100"},
           {"service = 'telegram'\ndeadline_s = 0", "1 to 86400"}})
    EXPECT_NE(problem(toml).find(part), std::string::npos) << toml << "\n" << problem(toml);
}

class BridgesTest : public BridgeTest {};

TEST_F(BridgesTest, AreStartedWithTheirModelsAndAccounts) {
  const auto start = [&](const std::vector<BridgeSetup>& setups) {
    const auto bridges = Bridges::start(setups, folder_.path() / "data", models_, runners_, metrics_);
    return bridges.ok() ? "" : bridges.error().message;
  };
  BridgeSetup setup;
  setup.config.service = "telegram";
  setup.config.url = "http://127.0.0.1:1/";
  setup.token = "1:x";
  EXPECT_EQ(start({setup}), "");
  EXPECT_NE(start({setup, setup}).find("an account of its own"), std::string::npos);
  BridgeSetup other = setup;
  other.token = "2:x";
  other.config.model = "tiny";
  EXPECT_EQ(start({setup, other}), "");
  other.config.model = "huge";
  EXPECT_NE(start({setup, other}).find("huge"), std::string::npos);
}

TEST(RetryDelay, GrowsToAMinute) {
  using std::chrono::milliseconds;
  EXPECT_EQ(retry_delay(1, 0.5), milliseconds(1000));
  EXPECT_EQ(retry_delay(3, 0.5), milliseconds(4000));
  EXPECT_EQ(retry_delay(7, 0.5), milliseconds(60'000));
  EXPECT_EQ(retry_delay(1 << 30, 0.5), milliseconds(60'000));
  EXPECT_EQ(retry_delay(2, 0), milliseconds(1500));
  EXPECT_LT(retry_delay(2, 0.999), milliseconds(2500));
}

}  // namespace
}  // namespace melete
