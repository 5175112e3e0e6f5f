// Accounts: sessions.
#include "server/accounts/accounts.h"
#include "server/store/rows.h"
#include "server/store/secret.h"
#include "text/utf8.h"

namespace melete {
namespace {

constexpr size_t kTokenBytes = 32;
constexpr size_t kMaxLabelBytes = 200;

std::string token_hash(const std::string& token) { return secret_hash(token, "session"); }

}  // namespace

Result<NewSession> Accounts::open_session(OwnerId user, const std::string& label) {
  MELETE_ASSIGN_OR_RETURN(User who, get(user));
  const int64_t now = options_.clock();
  NewSession session{random_token(kTokenBytes), new_id("ses"), now + options_.session_ms, std::move(who)};
  MELETE_RETURN_IF_ERROR(database_.run(
      "opening a session",
      "INSERT INTO sessions(hash, owner, id, label, created_ms, expires_ms) VALUES (?1, ?2, ?3, ?4, "
      "?5, ?6)",
      token_hash(session.token), user, session.id, valid_utf8(label.substr(0, kMaxLabelBytes)), now,
      session.expires_ms));
  return session;
}

// Looked up by the hash of 256 random bits: how long the look-up takes says nothing that helps to guess one.
Result<Caller> Accounts::authenticate_session(const std::string& token) const {
  MELETE_ASSIGN_OR_RETURN(
      Statement find,
      database_.prepare(
          "checking a session",
          "SELECT s.id, u.id, u.name, u.role FROM sessions s JOIN users u ON u.id = s.owner WHERE "
          "s.hash = ?1 AND s.expires_ms > ?2",
          token_hash(token), options_.clock()));
  MELETE_ASSIGN_OR_RETURN(const bool found, find.step());
  if (!found) return not_found("[session] the session must be open, got one that has ended; log in again");
  return Caller{Caller::Kind::session, find.integer(1),
                find.text(2),          parse_user_role(find.text(3)).value_or(UserRole::user),
                Scopes::all(),         "",
                find.text(0)};
}

Result<std::vector<SessionInfo>> Accounts::sessions(OwnerId user) const {
  MELETE_ASSIGN_OR_RETURN(
      Statement rows,
      Owned(database_, user)
          .prepare("listing sessions",
                   "SELECT id, label, created_ms, expires_ms FROM sessions WHERE owner = ?1 AND "
                   "expires_ms > ?2 ORDER BY created_ms, id",
                   options_.clock()));
  return read_rows(rows, [](const Statement& row) {
    return SessionInfo{row.text(0), row.text(1), row.integer(2), row.integer(3)};
  });
}

Status Accounts::end_session(OwnerId user, const std::string& session) {
  MELETE_ASSIGN_OR_RETURN(
      const int64_t ended,
      Owned(database_, user)
          .run("ending a session", "DELETE FROM sessions WHERE owner = ?1 AND id = ?2", session));
  if (ended == 0) return not_found("[session] the session must be open, got one that has ended");
  return ok_status();
}

Status Accounts::end_sessions(OwnerId user) {
  MELETE_RETURN_IF_ERROR(
      Owned(database_, user).run("ending sessions", "DELETE FROM sessions WHERE owner = ?1"));
  return ok_status();
}

Result<int64_t> Accounts::remove_expired() {
  return database_.run("ending sessions", "DELETE FROM sessions WHERE expires_ms <= ?1", options_.clock());
}

}  // namespace melete
