// `melete key add|list|revoke`: API keys.
#include "cli/account_command_options.h"
#include "cli/command.h"
#include "server/accounts/keys.h"

namespace melete {
namespace {

// A key's row, with what it has used today.
std::vector<std::string> row_of(const KeyInfo& key, const std::vector<UsageRow>& usage) {
  int64_t requests = 0, tokens = 0;
  for (const UsageRow& row : usage)
    if (row.key == key.id) requests += row.requests, tokens += row.tokens;
  const bool expired = key.expires_ms && *key.expires_ms <= system_time_ms();
  return {key.id,
          key.name,
          to_text(key.scopes),
          key.revoked_ms ? "revoked"
          : expired      ? "expired"
                         : "valid",
          time_text(key.expires_ms),
          cat(requests, "/", limit_text(key.quota.requests_per_day)),
          cat(tokens, "/", limit_text(key.quota.tokens_per_day))};
}

const std::vector<std::string> kHeading = {
    "ID", "NAME", "SCOPES", "STATE", "EXPIRES (UTC)", "REQUESTS TODAY", "TOKENS TODAY"};

void declare_user(CLI::App& app, std::string& user) {
  app.add_option("--user", user, "whose key")->capture_default_str();
}

class KeyAddCommand : public Command {
 public:
  CommandInfo info() const override {
    return {
        "key add",
        "make an API key; it is shown once",
        "Scopes: generate (answers, models), data (conversations, files, stored responses), admin (users, "
        "keys).",
        {"key add --name laptop", "key add --user ann --name app --expires-days 30 --tokens-per-day 100000"}};
  }
  void declare(CLI::App& app) override {
    declare_user(app, user_);
    app.add_option("--name", spec_.name, "what it is for");
    app.add_option("--scopes", scopes_, "generate, data, admin; several with commas")->capture_default_str();
    quota_.declare(app);
    data_.declare(app);
  }
  Result<int> run() override {
    MELETE_ASSIGN_OR_RETURN(const auto store, data_.open());
    MELETE_ASSIGN_OR_RETURN(const User user, Accounts(store->database()).find(user_));
    MELETE_ASSIGN_OR_RETURN(spec_.scopes, parse_scopes(scopes_));
    spec_.quota = quota_.quota();
    spec_.expires_ms = quota_.expires_ms();
    MELETE_ASSIGN_OR_RETURN(const NewKey key, Keys(store->database()).add(user.id, spec_));
    Json json = to_json(key.info);
    json["key"] = key.secret;
    data_.print(json, {{key.secret}});
    return 0;
  }

 private:
  std::string user_ = "local", scopes_ = "generate";
  KeySpec spec_;
  QuotaOptions quota_;
  DataOptions data_;
};

class KeyListCommand : public Command {
 public:
  CommandInfo info() const override {
    return {"key list",
            "list a user's API keys and their use today",
            {},
            {"key list", "key list --user ann --json"}};
  }
  void declare(CLI::App& app) override {
    declare_user(app, user_);
    data_.declare(app);
  }
  Result<int> run() override {
    MELETE_ASSIGN_OR_RETURN(const auto store, data_.open());
    MELETE_ASSIGN_OR_RETURN(const User user, Accounts(store->database()).find(user_));
    const Keys keys(store->database());
    MELETE_ASSIGN_OR_RETURN(const std::vector<KeyInfo> list, keys.list(user.id));
    MELETE_ASSIGN_OR_RETURN(const std::vector<UsageRow> usage,
                            keys.usage(user.id, system_time_ms() / kDayMs));
    Json json = {{"keys", Json::array()}, {"usage_today", Json::array()}};
    std::vector<std::vector<std::string>> rows = {kHeading};
    for (const KeyInfo& key : list) {
      json["keys"].push_back(to_json(key));
      rows.push_back(row_of(key, usage));
    }
    for (const UsageRow& row : usage) json["usage_today"].push_back(to_json(row));
    data_.print(json, rows);
    return 0;
  }

 private:
  std::string user_ = "local";
  DataOptions data_;
};

class KeyRevokeCommand : public Command {
 public:
  CommandInfo info() const override {
    return {"key revoke", "end an API key", {}, {"key revoke 0a1b2c3d4e5f"}};
  }
  void declare(CLI::App& app) override {
    app.add_option("id", id_, "the key's id, as `melete key list` shows it")->required();
    declare_user(app, user_);
    data_.declare(app);
  }
  Result<int> run() override {
    MELETE_ASSIGN_OR_RETURN(const auto store, data_.open());
    MELETE_ASSIGN_OR_RETURN(const User user, Accounts(store->database()).find(user_));
    MELETE_RETURN_IF_ERROR(Keys(store->database()).revoke(user.id, id_));
    data_.print({{"id", id_}, {"revoked", true}}, {{"revoked " + id_}});
    return 0;
  }

 private:
  std::string id_, user_ = "local";
  DataOptions data_;
};

MELETE_REGISTER_COMMAND(KeyAddCommand);
MELETE_REGISTER_COMMAND(KeyListCommand);
MELETE_REGISTER_COMMAND(KeyRevokeCommand);

}  // namespace
}  // namespace melete
