// What a bridge's TOML file says, as `melete serve --bridge FILE` reads it.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bridges/bridge_host.h"

namespace melete {

struct BridgeConfig {
  std::string service;
  std::string url;
  std::string token_file;
  std::vector<std::string> allow;
  std::string model;
  std::string mode = kDefaultMode;
  std::string system;
  int64_t max_file_mb = 20;
  double deadline_s = 300;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("service", service, "telegram or matrix");
    field("url", url, "the service's address; needed for matrix, https://api.telegram.org if not given");
    field("token_file", token_file,
          "file with the account's token, relative to this one; MELETE_TELEGRAM_TOKEN or MELETE_MATRIX_TOKEN "
          "of the environment if not given");
    field("allow", allow, "who may ask: \"123456789\" or \"@ann\", for matrix \"@ann:example.org\"");
    field("model", model, "a model's id; the server's first if not given");
    field("mode", mode, "instant, thinking or contemplating, until a chat chooses another");
    field("system", system, "text that the model is told before each conversation");
    field("max_file_mb", max_file_mb, "the largest picture or voice note that is taken");
    field("deadline_s", deadline_s, "seconds until an answer must be there");
  }
  std::string problem() const;
};

struct BridgeSetup {
  BridgeConfig config;
  std::string token;
};

using ReadEnvironment = std::function<const char*(const char* name)>;

// Errors: those of read_config; invalid_argument (no token, or none that can be one; it is never in the
// message).
Result<BridgeSetup> read_bridge_setup(const std::filesystem::path& file, const ReadEnvironment& environment);

// The bridges of one server, until the end of this object.
class Bridges {
 public:
  // `data` is the data folder, of which the server is in charge. All outlive this object. Errors: those of
  // open_chat_database; not_found (a bridge's model); invalid_argument (two bridges with one account).
  static Result<std::unique_ptr<Bridges>> start(const std::vector<BridgeSetup>& setups,
                                                const std::filesystem::path& data, const ModelList& models,
                                                WorkerThreads& runners, ServerMetrics& metrics);

 private:
  Bridges(std::unique_ptr<Database> database, ChatAnswers answers)
      : database_(std::move(database)), answers_(std::move(answers)) {}

  const std::unique_ptr<Database> database_;
  const ChatAnswers answers_;
  std::vector<std::unique_ptr<BridgeHost>> hosts_;
};

}  // namespace melete
