#include "server/accounts/accounts.h"

#include <gtest/gtest.h>

#include <thread>

#include "server/accounts/invitations.h"
#include "server/accounts/quotas.h"
#include "server/store/test_store.h"

namespace melete {
namespace {

struct TestAccounts : TestStore {
  TestAccounts()
      : accounts(store->database(), options()),
        keys(store->database(), clock()),
        quotas(store->database(), clock()),
        invitations(store->database(), accounts, clock()) {}
  Clock clock() {
    return [this] { return now_ms; };
  }
  Accounts::Options options() {
    Accounts::Options options;
    options.clock = clock();
    options.password_cost = {1, 8192};
    return options;
  }
  Accounts accounts;
  Keys keys;
  Quotas quotas;
  Invitations invitations;
};

Caller caller_of(TestAccounts& test, const KeySpec& spec, OwnerId owner = kLocalOwner) {
  return ok(test.keys.authenticate(ok(test.keys.add(owner, spec)).secret));
}

TEST(Accounts, TheLocalOwnerIsThereAndStays) {
  TestAccounts test;
  const User local = ok(test.accounts.get(kLocalOwner));
  EXPECT_EQ(local.name, "local");
  EXPECT_EQ(local.role, UserRole::admin);
  EXPECT_FALSE(local.has_password);
  ASSERT_TRUE(test.accounts.remove(TestStore::kOther).ok());
  const Caller caller = ok(test.accounts.single_user()).value();
  EXPECT_EQ(caller.name, "local");
  EXPECT_TRUE(caller.may(Scope::generate) && caller.may(Scope::data) && caller.may(Scope::admin));
  EXPECT_EQ(kind_of(test.accounts.remove(kLocalOwner)), "invalid_argument");
  EXPECT_EQ(kind_of(test.accounts.login("local", "", "here")), "invalid_argument");
  EXPECT_FALSE(Caller().may(Scope::generate));
}

TEST(Accounts, AUserAPasswordOrAKeyEndsSingleUserMode) {
  for (const char* what : {"user", "password", "key"}) {
    TestAccounts test;
    EXPECT_FALSE(ok(test.accounts.single_user())) << "there is another user";
    ASSERT_TRUE(test.accounts.remove(TestStore::kOther).ok());
    EXPECT_TRUE(ok(test.accounts.single_user()));
    if (what == std::string("user")) ok(test.accounts.add("ann", UserRole::user, std::nullopt));
    if (what == std::string("password")) ok(test.accounts.set_password(kLocalOwner, "correct horse"));
    // Even a revoked one: taking a key away must not let everyone in.
    if (what == std::string("key"))
      ok(test.keys.revoke(kLocalOwner, ok(test.keys.add(kLocalOwner, {"laptop"})).info.id));
    EXPECT_FALSE(ok(test.accounts.single_user())) << what;
  }
}

TEST(Accounts, APasswordOpensASessionThatEnds) {
  TestAccounts test;
  const User ann = ok(test.accounts.add("Ann", UserRole::user, "correct horse"));
  EXPECT_EQ(kind_of(test.accounts.login("Ann", "correct hors", "here")), "invalid_argument");
  EXPECT_EQ(kind_of(test.accounts.login("Bob", "correct horse", "here")), "invalid_argument");
  const NewSession session = ok(test.accounts.login("ann", "correct horse", "here", "Firefox"));
  EXPECT_EQ(session.token.size(), 43u);
  const Caller caller = ok(test.accounts.authenticate_session(session.token));
  EXPECT_EQ(caller.user, ann.id);
  EXPECT_EQ(caller.name, "Ann");
  EXPECT_EQ(caller.session, session.id);
  EXPECT_TRUE(caller.may(Scope::data));
  EXPECT_FALSE(caller.may(Scope::admin));
  EXPECT_EQ(kind_of(test.accounts.authenticate_session(session.id)), "not_found");
  EXPECT_EQ(kind_of(test.accounts.authenticate_session("")), "not_found");
  EXPECT_EQ(ok(test.accounts.sessions(ann.id)).at(0).label, "Firefox");
  EXPECT_EQ(kind_of(test.accounts.end_session(kLocalOwner, session.id)), "not_found");

  const int64_t before = test.now_ms;
  test.now_ms = session.expires_ms - 1;
  EXPECT_TRUE(test.accounts.authenticate_session(session.token).ok());
  test.now_ms = session.expires_ms;
  EXPECT_EQ(kind_of(test.accounts.authenticate_session(session.token)), "not_found");
  EXPECT_EQ(ok(test.accounts.remove_expired()), 1);
  test.now_ms = before;

  const std::string one = ok(test.accounts.login("Ann", "correct horse", "here")).token;
  const NewSession two = ok(test.accounts.login("Ann", "correct horse", "here"));
  ASSERT_TRUE(test.accounts.end_session(ann.id, two.id).ok());
  EXPECT_EQ(kind_of(test.accounts.authenticate_session(two.token)), "not_found");
  EXPECT_TRUE(test.accounts.authenticate_session(one).ok());
  ASSERT_TRUE(test.accounts.set_password(ann.id, "battery staple").ok());
  EXPECT_EQ(kind_of(test.accounts.authenticate_session(one)), "not_found");
  EXPECT_EQ(kind_of(test.accounts.login("Ann", "correct horse", "here")), "invalid_argument");
  const std::string last = ok(test.accounts.login("Ann", "battery staple", "here")).token;
  ASSERT_TRUE(test.accounts.remove(ann.id).ok());
  EXPECT_EQ(kind_of(test.accounts.authenticate_session(last)), "not_found");
}

TEST(Accounts, NoSecretIsInTheDatabase) {
  TestAccounts test;
  ok(test.accounts.add("ann", UserRole::user, "correct horse"));
  const std::string token = ok(test.accounts.login("ann", "correct horse", "here")).token;
  const std::string key = ok(test.keys.add(kLocalOwner, {"k"})).secret;
  const std::string code = ok(test.invitations.add(kLocalOwner, {"i"})).code;
  const std::string bytes = folder_bytes(test.folder.path());
  EXPECT_NE(bytes.find("$argon2id$"), std::string::npos);
  for (const std::string& secret : {std::string("correct horse"), token, key.substr(17), code})
    EXPECT_EQ(bytes.find(secret), std::string::npos) << secret;
}

TEST(Accounts, NamesAreUniqueWithoutCase) {
  TestAccounts test;
  ok(test.accounts.add("ann", UserRole::admin, std::nullopt));
  EXPECT_EQ(kind_of(test.accounts.add("ANN", UserRole::user, std::nullopt)), "invalid_argument");
  EXPECT_EQ(kind_of(test.accounts.add("a b", UserRole::user, std::nullopt)), "invalid_argument");
  EXPECT_EQ(kind_of(test.accounts.add("", UserRole::user, std::nullopt)), "invalid_argument");
  EXPECT_EQ(kind_of(test.accounts.add("bob", UserRole::user, "short")), "invalid_argument");
  EXPECT_EQ(kind_of(test.accounts.find("bob")), "not_found");
  EXPECT_EQ(ok(test.accounts.find("Ann")).role, UserRole::admin);
}

TEST(LoginLimit, CountsFailuresForAccountAndAddress) {
  int64_t now = 1000;
  LoginLimit::Options options;
  options.per_account_and_address = 3;
  options.per_address = 5;
  options.per_account = 6;
  LoginLimit limit([&] { return now; }, options);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limit.begin("ann", "a").ok());
  EXPECT_EQ(kind_of(limit.begin("ann", "a")), "exhausted");
  EXPECT_TRUE(limit.begin("bob", "a").ok());
  EXPECT_TRUE(limit.begin("cid", "a").ok());
  EXPECT_EQ(kind_of(limit.begin("dan", "a")), "exhausted");  // the address has had its five
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limit.begin("ann", "b" + std::to_string(i)).ok());
  EXPECT_EQ(kind_of(limit.begin("ann", "c")), "exhausted");  // the account has had its six
  now += options.window_ms;
  EXPECT_TRUE(limit.begin("ann", "a").ok());
  EXPECT_TRUE(limit.begin("ann", "a").ok());
  limit.succeeded("ann", "a");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limit.begin("ann", "a").ok());
}

TEST(LoginLimit, ForgetsTheOldestWhenFull) {
  int64_t now = 1000;
  LoginLimit::Options options;
  options.max_entries = 30;
  LoginLimit limit([&] { return now; }, options);
  for (int i = 0; i < 1000; ++i) {
    ++now;
    EXPECT_TRUE(limit.begin("u" + std::to_string(i), "a" + std::to_string(i)).ok());
  }
}

TEST(Accounts, TooManyWrongPasswordsBlockTheRightOne) {
  TestAccounts test;
  ok(test.accounts.add("ann", UserRole::user, "correct horse"));
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(kind_of(test.accounts.login(i % 2 == 0 ? "ann" : "ANN", "wrong password", "here")),
              "invalid_argument");
  EXPECT_EQ(kind_of(test.accounts.login("ann", "correct horse", "here")), "exhausted");
  EXPECT_TRUE(test.accounts.login("ann", "correct horse", "elsewhere").ok());
}

TEST(Keys, AreShownOnceAndEnd) {
  TestAccounts test;
  const NewKey key = ok(test.keys.add(kLocalOwner, {"laptop", {Scope::generate}, {}, test.now_ms + 10}));
  EXPECT_EQ(key.secret.rfind("mlt_" + key.info.id + "_", 0), 0u);
  const Caller caller = ok(test.keys.authenticate(key.secret));
  EXPECT_EQ(caller.key, key.info.id);
  EXPECT_TRUE(caller.may(Scope::generate));
  EXPECT_FALSE(caller.may(Scope::data) || caller.may(Scope::admin));
  std::string changed = key.secret;
  changed.back() = changed.back() == 'A' ? 'B' : 'A';
  for (const std::string& wrong : {changed, key.secret + "A", key.secret.substr(0, key.secret.size() - 1),
                                   std::string("mlt_"), std::string(), std::string("mlt_' OR 1=1 --_x")})
    EXPECT_EQ(kind_of(test.keys.authenticate(wrong)), "not_found") << wrong;
  EXPECT_EQ(kind_of(test.keys.revoke(TestStore::kOther, key.info.id)), "not_found");
  EXPECT_TRUE(ok(test.keys.list(TestStore::kOther)).empty());
  test.now_ms += 10;
  EXPECT_EQ(kind_of(test.keys.authenticate(key.secret)), "not_found");
  const NewKey other = ok(test.keys.add(kLocalOwner, {"phone"}));
  ASSERT_TRUE(test.keys.revoke(kLocalOwner, other.info.id).ok());
  EXPECT_EQ(kind_of(test.keys.authenticate(other.secret)), "not_found");
  EXPECT_EQ(ok(test.keys.list(kLocalOwner)).size(), 2u);
  EXPECT_TRUE(ok(test.keys.list(kLocalOwner)).at(1).revoked_ms ||
              ok(test.keys.list(kLocalOwner)).at(0).revoked_ms);
}

TEST(Keys, AdminIsForAdmins) {
  TestAccounts test;
  EXPECT_EQ(kind_of(test.keys.add(TestStore::kOther, {"k", {Scope::admin}})), "invalid_argument");
  EXPECT_EQ(kind_of(test.keys.add(TestStore::kOther, {"k", {}})), "invalid_argument");
  EXPECT_EQ(kind_of(test.keys.add(77, {"k"})), "not_found");
  EXPECT_TRUE(caller_of(test, {"k", {Scope::admin}}).may(Scope::admin));
  // A role that is taken away is taken from the keys too.
  Caller caller = caller_of(test, {"k", Scopes::all()});
  caller.role = UserRole::user;
  EXPECT_FALSE(caller.may(Scope::admin));
}

TEST(Quotas, BlockAtTheLimitUntilTheNextDay) {
  TestAccounts test;
  const Caller caller = caller_of(test, {"k", {Scope::generate}, {3, 100}});
  {
    Reservation first = ok(test.quotas.reserve(caller, 80));
    EXPECT_EQ(*ok(test.quotas.left(caller)).tokens, 20);
    EXPECT_EQ(kind_of(test.quotas.reserve(caller, 21)), "exhausted");
    ASSERT_TRUE(first.settle(10).ok());
  }
  EXPECT_EQ(*ok(test.quotas.left(caller)).tokens, 90);
  EXPECT_EQ(*ok(test.quotas.left(caller)).requests, 2);
  { const Reservation forgotten = ok(test.quotas.reserve(caller, 30)); }
  EXPECT_EQ(*ok(test.quotas.left(caller)).tokens, 60);
  ASSERT_TRUE(ok(test.quotas.reserve(caller, 60)).settle(500).ok());  // more than reserved counts too
  EXPECT_EQ(*ok(test.quotas.left(caller)).tokens, 0);
  EXPECT_EQ(kind_of(test.quotas.reserve(caller, 0)), "exhausted");
  const std::vector<UsageRow> usage = ok(test.keys.usage(kLocalOwner));
  ASSERT_EQ(usage.size(), 1u);
  EXPECT_EQ(usage[0].key, caller.key);
  EXPECT_EQ(usage[0].requests, 3);
  EXPECT_EQ(usage[0].tokens, 540);
  test.now_ms = ok(test.quotas.left(caller)).reset_ms - 1;
  EXPECT_EQ(kind_of(test.quotas.reserve(caller, 1)), "exhausted");
  test.now_ms += 1;
  EXPECT_EQ(kind_of(test.quotas.reserve(caller, 100)), "ok");
}

TEST(Quotas, OfAUserHoldOverAllKeysAndSessions) {
  TestAccounts test;
  const User ann = ok(test.accounts.add("ann", UserRole::user, "correct horse", {std::nullopt, 100}));
  const Caller one = caller_of(test, {"1"}, ann.id), two = caller_of(test, {"2"}, ann.id);
  const Caller page =
      ok(test.accounts.authenticate_session(ok(test.accounts.open_session(ann.id, "")).token));
  ASSERT_TRUE(ok(test.quotas.reserve(one, 50)).settle(50).ok());
  ASSERT_TRUE(ok(test.quotas.reserve(page, 30)).settle(30).ok());
  EXPECT_EQ(kind_of(test.quotas.reserve(two, 21)), "exhausted");
  EXPECT_EQ(kind_of(test.quotas.reserve(two, 20)), "ok");
  EXPECT_EQ(kind_of(test.quotas.reserve(caller_of(test, {"x"}), 1'000'000)), "ok");  // of another user
}

TEST(Quotas, ManyAtOnceNeverPassALimitTogether) {
  TestAccounts test;
  const Caller caller = caller_of(test, {"k", {Scope::generate}, {std::nullopt, 100}});
  std::atomic<int> passed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      // Each through a connection of its own, as another process would.
      const auto database = ok(Database::open(test.store->database().path()));
      Quotas quotas(*database, test.clock());
      for (int i = 0; i < 10; ++i)
        if (auto reservation = quotas.reserve(caller, 7); reservation.ok()) {
          ++passed;
          EXPECT_TRUE(reservation->settle(7).ok());
        }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(passed, 14);
}

TEST(Quotas, WhatAKilledServerHadReservedIsFreeAgain) {
  TestAccounts test;
  const Caller caller = caller_of(test, {"k", {Scope::generate}, {std::nullopt, 100}});
  Reservation open = ok(test.quotas.reserve(caller, 100));
  EXPECT_EQ(kind_of(test.quotas.reserve(caller, 1)), "exhausted");
  ASSERT_TRUE(test.quotas.recover().ok());
  EXPECT_EQ(*ok(test.quotas.left(caller)).tokens, 100);
  ASSERT_TRUE(open.settle(5).ok());
  EXPECT_EQ(*ok(test.quotas.left(caller)).tokens, 95);
}

TEST(Invitations, MakeAnAccountWithItsQuotaAndAKey) {
  TestAccounts test;
  const NewInvitation invitation =
      ok(test.invitations.add(kLocalOwner, {"friends", UserRole::user, 2, {5, 100}, test.now_ms + 10}));
  const Redeemed ann = ok(test.invitations.redeem(invitation.code, "ann", "correct horse"));
  EXPECT_EQ(ann.user.quota.tokens_per_day, 100);
  EXPECT_EQ(ok(test.keys.authenticate(ann.key.secret)).user, ann.user.id);
  EXPECT_TRUE(test.accounts.login("ann", "correct horse", "here").ok());
  // What fails takes no use.
  EXPECT_EQ(kind_of(test.invitations.redeem(invitation.code, "ANN", "correct horse")), "invalid_argument");
  EXPECT_EQ(kind_of(test.invitations.redeem(invitation.code, "bob", "short")), "invalid_argument");
  EXPECT_EQ(kind_of(test.invitations.redeem(invitation.code + "A", "bob", "correct horse")), "not_found");
  EXPECT_EQ(ok(test.invitations.list()).at(0).uses_left, 1);
  const Redeemed bob = ok(test.invitations.redeem(invitation.code, "bob", std::nullopt));
  EXPECT_FALSE(bob.user.has_password);
  EXPECT_EQ(kind_of(test.invitations.redeem(invitation.code, "cid", std::nullopt)), "not_found");

  const NewInvitation late =
      ok(test.invitations.add(kLocalOwner, {"late", UserRole::user, 9, {}, test.now_ms + 10}));
  const NewInvitation revoked = ok(test.invitations.add(kLocalOwner, {"revoked"}));
  ASSERT_TRUE(test.invitations.revoke(revoked.info.id).ok());
  EXPECT_EQ(kind_of(test.invitations.check(revoked.code)), "not_found");
  EXPECT_TRUE(test.invitations.check(late.code).ok());
  test.now_ms += 10;
  EXPECT_EQ(kind_of(test.invitations.check(late.code)), "not_found");
  EXPECT_EQ(kind_of(test.invitations.add(kLocalOwner, {"none", UserRole::user, 0})), "invalid_argument");
  EXPECT_EQ(kind_of(test.invitations.revoke("inv_0")), "not_found");
}

}  // namespace
}  // namespace melete
