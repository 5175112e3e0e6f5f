#include "server/accounts/invitations.h"

#include "server/store/rows.h"
#include "server/store/secret.h"
#include "text/utf8.h"

namespace melete {
namespace {

constexpr size_t kCodeBytes = 18;  // 144 bits, 24 characters
constexpr int64_t kMaxUses = 1'000'000;
constexpr const char* kInvitation =
    "SELECT id, label, role, uses_left, requests_per_day, tokens_per_day, created_ms, expires_ms, revoked_ms "
    "FROM "
    "invitations";
constexpr const char* kUsable = "uses_left > 0 AND revoked_ms IS NULL AND coalesce(expires_ms, ?2 + 1) > ?2";

InvitationInfo invitation_of(const Statement& row) {
  return {row.text(0),
          row.text(1),
          parse_user_role(row.text(2)).value_or(UserRole::user),
          row.integer(3),
          {row.optional_integer(4), row.optional_integer(5)},
          row.integer(6),
          row.optional_integer(7),
          row.optional_integer(8)};
}

std::string hash_of(const std::string& code) { return secret_hash(code, "invitation"); }

}  // namespace

Invitations::Invitations(Database& database, Accounts& accounts, Clock clock)
    : database_(database), accounts_(accounts), clock_(std::move(clock)) {}

Result<NewInvitation> Invitations::add(OwnerId maker, const InvitationSpec& spec) {
  for (std::string wrong : {label_problem(spec.label), problem(spec.quota)})
    if (!wrong.empty()) return Error{ErrorKind::invalid_argument, std::move(wrong)};
  if (spec.uses < 1 || spec.uses > kMaxUses)
    return invalid_argument("[invitation] uses must be 1 to ", kMaxUses, ", got ", spec.uses,
                            "; give another number");
  MELETE_RETURN_IF_ERROR(accounts_.get(maker));
  NewInvitation invitation{{new_id("inv").substr(0, 16), spec.label, spec.role, spec.uses, spec.quota,
                            clock_(), spec.expires_ms, std::nullopt},
                           random_token(kCodeBytes)};
  MELETE_RETURN_IF_ERROR(Owned(database_, maker)
                             .run("making an invitation",
                                  "INSERT INTO invitations(owner, id, hash, label, role, uses_left, "
                                  "requests_per_day, tokens_per_day, "
                                  "created_ms, expires_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                                  invitation.info.id, hash_of(invitation.code), spec.label,
                                  name_of(spec.role), spec.uses, spec.quota.requests_per_day,
                                  spec.quota.tokens_per_day, invitation.info.created_ms, spec.expires_ms));
  return invitation;
}

Result<std::vector<InvitationInfo>> Invitations::list() const {
  MELETE_ASSIGN_OR_RETURN(
      Statement rows, database_.prepare("listing invitations", cat(kInvitation, " ORDER BY created_ms, id")));
  return read_rows(rows, invitation_of);
}

Status Invitations::revoke(const std::string& id) {
  MELETE_ASSIGN_OR_RETURN(
      const int64_t changed,
      database_.run("revoking an invitation",
                    "UPDATE invitations SET revoked_ms = coalesce(revoked_ms, ?2) WHERE id = ?1", id,
                    clock_()));
  if (changed == 0)
    return not_found("[invitation] the invitation must exist, got \"", valid_utf8(id.substr(0, 40)),
                     "\"; give an id of `melete invite list`");
  return ok_status();
}

Result<InvitationInfo> Invitations::check(const std::string& code) const {
  MELETE_ASSIGN_OR_RETURN(
      Statement find,
      database_.prepare("reading an invitation", cat(kInvitation, " WHERE hash = ?1 AND ", kUsable),
                        hash_of(code), clock_()));
  MELETE_ASSIGN_OR_RETURN(const bool found, find.step());
  if (!found)
    return not_found(
        "[invitation] the code must be a valid one, got one that is unknown, used up, expired or revoked; "
        "ask for "
        "another");
  return invitation_of(find);
}

Result<Redeemed> Invitations::redeem(const std::string& code, const std::string& name,
                                     const std::optional<std::string>& password) {
  MELETE_RETURN_IF_ERROR(check(code));  // nobody else makes us hash
  std::string hash;
  if (password) {
    MELETE_ASSIGN_OR_RETURN(hash, hash_password(*password, accounts_.options_.password_cost));
  }
  MELETE_ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(database_, "using an invitation"));
  MELETE_ASSIGN_OR_RETURN(const InvitationInfo invitation, check(code));
  MELETE_ASSIGN_OR_RETURN(User user, accounts_.add_hashed(name, invitation.role, hash, invitation.quota));
  MELETE_ASSIGN_OR_RETURN(
      NewKey key,
      Keys(database_, clock_).add(user.id, {"invitation", {Scope::generate, Scope::data}, {}, {}}));
  MELETE_RETURN_IF_ERROR(database_.run("using an invitation",
                                       "UPDATE invitations SET uses_left = uses_left - 1 WHERE id = ?1",
                                       invitation.id));
  MELETE_RETURN_IF_ERROR(transaction.commit());
  return Redeemed{std::move(user), std::move(key)};
}

Json to_json(const InvitationInfo& invitation) {
  const auto time = [](const std::optional<int64_t>& at) { return at ? Json(*at) : Json(nullptr); };
  return {{"id", invitation.id},
          {"label", invitation.label},
          {"role", name_of(invitation.role)},
          {"uses_left", invitation.uses_left},
          {"quota", to_json(invitation.quota)},
          {"created_ms", invitation.created_ms},
          {"expires_ms", time(invitation.expires_ms)},
          {"revoked_ms", time(invitation.revoked_ms)}};
}

}  // namespace melete
