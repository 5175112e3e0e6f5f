// `melete invite add|list|revoke`: codes with which others make accounts of their own.
#include "cli/account_command_options.h"
#include "cli/command.h"
#include "server/accounts/invitations.h"

namespace melete {
namespace {

class InviteAddCommand : public Command {
 public:
  CommandInfo info() const override {
    return {"invite add",
            "make an invitation code; it is shown once",
            "Whoever has it makes an account of the given role and quota, and gets an API key.",
            {"invite add --label friends --uses 5 --expires-days 14 --tokens-per-day 50000"}};
  }
  void declare(CLI::App& app) override {
    app.add_option("--label", spec_.label, "whom it is for");
    app.add_option("--role", role_, "of the accounts: user or admin")
        ->check(CLI::IsMember({"user", "admin"}))
        ->capture_default_str();
    app.add_option("--uses", spec_.uses, "how many accounts it makes")->capture_default_str();
    app.add_option("--url", url_,
                   "the server's address: a link for the browser is printed instead of the code");
    quota_.declare(app);
    data_.declare(app);
  }
  Result<int> run() override {
    if (!url_.empty() && !url_.starts_with("http://") && !url_.starts_with("https://"))
      return invalid_argument("[--url] must be an address such as https://melete.example, got ", url_,
                              "; add https://");
    while (url_.ends_with('/')) url_.pop_back();
    MELETE_ASSIGN_OR_RETURN(const auto store, data_.open());
    Accounts accounts(store->database());
    spec_.role = *parse_user_role(role_);
    spec_.quota = quota_.quota();
    spec_.expires_ms = quota_.expires_ms();
    MELETE_ASSIGN_OR_RETURN(const NewInvitation invitation,
                            Invitations(store->database(), accounts).add(kLocalOwner, spec_));
    Json json = to_json(invitation.info);
    json["code"] = invitation.code;
    const std::string link = url_ + "/#/invitation/" + invitation.code;
    if (!url_.empty()) json["link"] = link;
    data_.print(json, {{url_.empty() ? invitation.code : link}});
    return 0;
  }

 private:
  std::string role_ = "user", url_;
  InvitationSpec spec_;
  QuotaOptions quota_;
  DataOptions data_;
};

class InviteListCommand : public Command {
 public:
  CommandInfo info() const override {
    return {"invite list",
            "list invitations and the uses that are left",
            {},
            {"invite list", "invite list --json"}};
  }
  void declare(CLI::App& app) override { data_.declare(app); }
  Result<int> run() override {
    MELETE_ASSIGN_OR_RETURN(const auto store, data_.open());
    Accounts accounts(store->database());
    MELETE_ASSIGN_OR_RETURN(const std::vector<InvitationInfo> list,
                            Invitations(store->database(), accounts).list());
    Json json = Json::array();
    std::vector<std::vector<std::string>> rows = {
        {"ID", "LABEL", "ROLE", "USES LEFT", "STATE", "EXPIRES (UTC)", "REQUESTS/DAY", "TOKENS/DAY"}};
    for (const InvitationInfo& invitation : list) {
      json.push_back(to_json(invitation));
      const bool expired = invitation.expires_ms && *invitation.expires_ms <= system_time_ms();
      rows.push_back({invitation.id, invitation.label, name_of(invitation.role),
                      std::to_string(invitation.uses_left),
                      invitation.revoked_ms ? "revoked"
                      : expired             ? "expired"
                                            : "valid",
                      time_text(invitation.expires_ms), limit_text(invitation.quota.requests_per_day),
                      limit_text(invitation.quota.tokens_per_day)});
    }
    data_.print(json, rows);
    return 0;
  }

 private:
  DataOptions data_;
};

class InviteRevokeCommand : public Command {
 public:
  CommandInfo info() const override {
    return {"invite revoke",
            "end an invitation; accounts made with it stay",
            {},
            {"invite revoke inv_0a1b2c3d4e5f"}};
  }
  void declare(CLI::App& app) override {
    app.add_option("id", id_, "the invitation's id, as `melete invite list` shows it")->required();
    data_.declare(app);
  }
  Result<int> run() override {
    MELETE_ASSIGN_OR_RETURN(const auto store, data_.open());
    Accounts accounts(store->database());
    MELETE_RETURN_IF_ERROR(Invitations(store->database(), accounts).revoke(id_));
    data_.print({{"id", id_}, {"revoked", true}}, {{"revoked " + id_}});
    return 0;
  }

 private:
  std::string id_;
  DataOptions data_;
};

MELETE_REGISTER_COMMAND(InviteAddCommand);
MELETE_REGISTER_COMMAND(InviteListCommand);
MELETE_REGISTER_COMMAND(InviteRevokeCommand);

}  // namespace
}  // namespace melete
