#include "bridges/bridge_config.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/config.h"
#include "base/file.h"
#include "base/log.h"
#include "bridges/matrix.h"
#include "bridges/telegram.h"
#include "text/scan.h"

namespace melete {
namespace {

constexpr const char* kTelegramUrl = "https://api.telegram.org";
constexpr uint64_t kMaxTokenBytes = 4096;

bool is_http_url(const std::string& url) {
  const std::string lower = lower_ascii(url);
  const bool has_scheme = lower.starts_with("https://") || lower.starts_with("http://");
  return has_scheme && url.find_first_of(" \t\r\n?#@") == std::string::npos && url.size() > 9;
}

// The token goes to this machine, or encrypted.
bool is_safe_way(const std::string& url) {
  const std::string lower = lower_ascii(url);
  for (const char* local : {"http://127.", "http://localhost", "http://[::1]"})
    if (lower.starts_with(local)) return true;
  return lower.starts_with("https://");
}

// It becomes a part of addresses and headers.
bool can_be_token(const std::string& token, const std::string& service) {
  if (token.empty()) return false;
  if (service == "telegram")
    return lower_ascii(token).find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_:") ==
           std::string::npos;
  return std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

Result<std::string> read_token(const BridgeConfig& config, const std::filesystem::path& file,
                               const ReadEnvironment& environment) {
  const char* variable = config.service == "telegram" ? "MELETE_TELEGRAM_TOKEN" : "MELETE_MATRIX_TOKEN";
  if (config.token_file.empty()) {
    const char* token = environment(variable);
    if (token != nullptr && *token != 0) return std::string(token);
    return invalid_argument("[", file.string(),
                            "] the account's token must be given, got none; name a file with "
                            "token_file, or set ",
                            variable);
  }
  const std::filesystem::path path = file.parent_path() / config.token_file;
  MELETE_ASSIGN_OR_RETURN(const std::string token, read_file(path, kMaxTokenBytes));
  std::error_code ignored;
  using std::filesystem::perms;
  const perms mode = std::filesystem::status(path, ignored).permissions();
  if ((mode & (perms::group_read | perms::others_read)) != perms::none)
    log_warn("[", path.string(), "] others on this machine can read the token; chmod 600 changes that");
  return token;
}

std::unique_ptr<Bridge> make_bridge(const BridgeSetup& setup) {
  const BridgeConfig& config = setup.config;
  std::string url = config.url.empty() ? kTelegramUrl : config.url;
  while (url.ends_with("/")) url.pop_back();
  if (!is_safe_way(url))
    log_warn("[", config.service, "] the token travels unencrypted to ", url, "; use an https address");
  return config.service == "telegram" ? make_telegram_bridge(url, setup.token)
                                      : make_matrix_bridge(url, setup.token);
}

BridgeHost::Options host_options(const BridgeConfig& config) {
  BridgeHost::Options options;
  options.allow = AllowList(config.allow);
  options.model = config.model;
  options.mode = config.mode;
  options.system = config.system;
  options.max_file_bytes = config.max_file_mb << 20;
  options.deadline_s = config.deadline_s;
  return options;
}

}  // namespace

std::string BridgeConfig::problem() const {
  if (service != "telegram" && service != "matrix")
    return cat("service must be telegram or matrix, got \"", service, "\"");
  if (url.empty() && service == "matrix") return "url must be the homeserver's address, got none";
  if (!url.empty() && !is_http_url(url))
    return cat("url must be an http or https address without ?, # and @, got \"", url, "\"");
  for (const std::string& entry : allow) {
    const std::string wrong =
        service == "telegram" ? problem_of_telegram_user(entry) : problem_of_matrix_user(entry);
    if (!wrong.empty()) return wrong;
  }
  const auto is_mode = [&](const char* name) { return mode == name; };
  if (std::none_of(std::begin(kChatModes), std::end(kChatModes), is_mode))
    return cat("mode must be instant, thinking or contemplating, got \"", mode, "\"");
  if (max_file_mb < 1 || max_file_mb > 100) return cat("max_file_mb must be 1 to 100, got ", max_file_mb);
  if (!(deadline_s >= 1 && deadline_s <= 86'400))
    return cat("deadline_s must be 1 to 86400, got ", deadline_s);
  return {};
}

Result<BridgeSetup> read_bridge_setup(const std::filesystem::path& file, const ReadEnvironment& environment) {
  BridgeSetup setup;
  MELETE_ASSIGN_OR_RETURN(setup.config, read_config<BridgeConfig>(file));
  MELETE_ASSIGN_OR_RETURN(std::string token, read_token(setup.config, file, environment));
  token = std::string(trimmed(token));
  if (!can_be_token(token, setup.config.service))
    return invalid_argument("[", file.string(), "] the token must be one line of what the service gave, got ",
                            token.size(), " other bytes; copy it again");
  setup.token = std::move(token);
  return setup;
}

Result<std::unique_ptr<Bridges>> Bridges::start(const std::vector<BridgeSetup>& setups,
                                                const std::filesystem::path& data, const ModelList& models,
                                                WorkerThreads& runners, ServerMetrics& metrics) {
  const ChatAnswers answers(models, runners, metrics);
  for (size_t i = 0; i < setups.size(); ++i) {
    MELETE_RETURN_IF_ERROR(answers.check_model(setups[i].config.model));
    for (size_t k = 0; k < i; ++k)
      if (setups[k].token == setups[i].token && setups[k].config.service == setups[i].config.service)
        return invalid_argument("[--bridge] each must have an account of its own, got one of ",
                                setups[i].config.service, " twice; leave one out");
  }
  MELETE_ASSIGN_OR_RETURN(auto database, open_chat_database(data / "bridges.db"));
  std::unique_ptr<Bridges> bridges(new Bridges(std::move(database), answers));
  for (const BridgeSetup& setup : setups)
    bridges->hosts_.push_back(std::make_unique<BridgeHost>(make_bridge(setup), bridges->answers_,
                                                           *bridges->database_, host_options(setup.config)));
  return bridges;
}

}  // namespace melete
