// Owned: the one way to the tables of the store. Every statement names an owner as ?1, so no code can forget
// to.
//
// Tables are keyed by (owner, id) and refer to each other with the owner in the key; what another owner has
// is not found, exactly as what nobody has.
#pragma once

#include "server/store/database.h"

namespace melete {

using OwnerId = int64_t;  // users.id

class Owned {
 public:
  Owned(Database& database, OwnerId owner) : database_(&database), owner_(owner) {}

  OwnerId owner() const { return owner_; }
  Database& database() const { return *database_; }

  // As Database's; ?1 is the owner and `values` begin at ?2.
  template <class... Values>
  Result<Statement> prepare(std::string_view purpose, std::string_view sql, const Values&... values) const {
    check(sql);
    return database_->prepare(purpose, sql, owner_, values...);
  }
  template <class... Values>
  Result<int64_t> run(std::string_view purpose, std::string_view sql, const Values&... values) const {
    check(sql);
    return database_->run(purpose, sql, owner_, values...);
  }

 private:
  static void check(std::string_view sql) {
    const auto says = [&](std::string_view text) { return sql.find(text) != std::string_view::npos; };
    MELETE_CHECK(says("owner = ?1") || (says("(owner,") && says("(?1,")), "no owner in: ", sql);
  }

  Database* database_;
  OwnerId owner_;
};

}  // namespace melete
