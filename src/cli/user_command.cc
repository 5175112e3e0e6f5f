// `melete user add|list|remove|password`: who may use the server.
#include <iostream>

#include "cli/account_command_options.h"
#include "cli/command.h"

namespace melete {
namespace {

std::vector<std::vector<std::string>> rows_of(const std::vector<User>& users) {
  std::vector<std::vector<std::string>> rows = {
      {"NAME", "ROLE", "PASSWORD", "REQUESTS/DAY", "TOKENS/DAY", "SINCE (UTC)"}};
  for (const User& user : users)
    rows.push_back({user.name, name_of(user.role), user.has_password ? "yes" : "no",
                    limit_text(user.quota.requests_per_day), limit_text(user.quota.tokens_per_day),
                    time_text(user.created_ms)});
  return rows;
}

class UserAddCommand : public Command {
 public:
  CommandInfo info() const override {
    return {"user add",
            "add a user of the server",
            "The password is asked for, or read from stdin if that is no terminal.",
            {"user add ann", "user add build-robot --no-password --tokens-per-day 100000"}};
  }

  void declare(CLI::App& app) override {
    app.add_option("name", name_, "letters, digits, '.', '_' and '-'")->required();
    app.add_option("--role", role_, "user or admin")
        ->check(CLI::IsMember({"user", "admin"}))
        ->capture_default_str();
    app.add_flag("--no-password", no_password_, "the user can't log in, only use keys");
    quota_.declare(app, false);
    data_.declare(app);
  }

  Result<int> run() override {
    MELETE_ASSIGN_OR_RETURN(const auto store, data_.open());
    std::optional<std::string> password;
    if (!no_password_) {
      MELETE_ASSIGN_OR_RETURN(password, read_new_password(name_));
    }
    Accounts accounts(store->database());
    MELETE_ASSIGN_OR_RETURN(const User user,
                            accounts.add(name_, *parse_user_role(role_), password, quota_.quota()));
    data_.print(to_json(user), rows_of({user}));
    return 0;
  }

 private:
  std::string name_, role_ = "user";
  bool no_password_ = false;
  QuotaOptions quota_;
  DataOptions data_;
};

class UserListCommand : public Command {
 public:
  CommandInfo info() const override {
    return {"user list", "list the users of the server", {}, {"user list", "user list --json"}};
  }
  void declare(CLI::App& app) override { data_.declare(app); }
  Result<int> run() override {
    MELETE_ASSIGN_OR_RETURN(const auto store, data_.open());
    MELETE_ASSIGN_OR_RETURN(const std::vector<User> users, Accounts(store->database()).list());
    Json json = Json::array();
    for (const User& user : users) json.push_back(to_json(user));
    data_.print(json, rows_of(users));
    return 0;
  }

 private:
  DataOptions data_;
};

class UserRemoveCommand : public Command {
 public:
  CommandInfo info() const override {
    return {"user remove",
            "delete a user with all conversations, files and keys",
            "Nothing of it is left in the data folder. Export it first if it may be wanted.",
            {"user remove ann --yes"}};
  }
  void declare(CLI::App& app) override {
    app.add_option("name", name_, "the user")->required();
    app.add_flag("--yes", yes_, "don't ask");
    data_.declare(app);
  }
  Result<int> run() override {
    MELETE_ASSIGN_OR_RETURN(const auto store, data_.open());
    Accounts accounts(store->database());
    MELETE_ASSIGN_OR_RETURN(const User user, accounts.find(name_));
    if (!yes_) {
      std::cerr << "Delete " << user.name << " with everything that is theirs? [y/N] " << std::flush;
      std::string answer;
      std::getline(std::cin, answer);
      if (answer != "y" && answer != "yes") return cancelled("[user remove] nothing was deleted");
    }
    MELETE_RETURN_IF_ERROR(accounts.remove(user.id));
    MELETE_ASSIGN_OR_RETURN(const bool erased, store->erase_garbage());
    data_.print(
        {{"name", user.name}, {"removed", true}, {"erased", erased}},
        {{"removed " + user.name + (erased ? "" : "; its bytes are erased when no other program reads")}});
    return 0;
  }

 private:
  std::string name_;
  bool yes_ = false;
  DataOptions data_;
};

class UserPasswordCommand : public Command {
 public:
  CommandInfo info() const override {
    return {
        "user password",
        "set a user's password and end its sessions",
        "The user \"local\", whose data a server without logins keeps, can log in once it has a password.",
        {"user password ann", "user password local"}};
  }
  void declare(CLI::App& app) override {
    app.add_option("name", name_, "the user")->required();
    data_.declare(app);
  }
  Result<int> run() override {
    MELETE_ASSIGN_OR_RETURN(const auto store, data_.open());
    Accounts accounts(store->database());
    MELETE_ASSIGN_OR_RETURN(const User user, accounts.find(name_));
    MELETE_ASSIGN_OR_RETURN(const std::string password, read_new_password(user.name));
    MELETE_RETURN_IF_ERROR(accounts.set_password(user.id, password));
    MELETE_ASSIGN_OR_RETURN(const User changed, accounts.get(user.id));
    data_.print(to_json(changed), rows_of({changed}));
    return 0;
  }

 private:
  std::string name_;
  DataOptions data_;
};

MELETE_REGISTER_COMMAND(UserAddCommand);
MELETE_REGISTER_COMMAND(UserListCommand);
MELETE_REGISTER_COMMAND(UserPasswordCommand);
MELETE_REGISTER_COMMAND(UserRemoveCommand);

}  // namespace
}  // namespace melete
