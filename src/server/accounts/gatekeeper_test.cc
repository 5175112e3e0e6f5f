#include "server/accounts/gatekeeper.h"

#include <gtest/gtest.h>

#include "server/accounts/charge.h"
#include "server/store/test_store.h"

namespace melete {
namespace {

// A gate to a store with the local owner and Ann.
struct Gate {
  explicit Gate(bool identify = false, bool secure = false) {
    store = ok(Store::open(folder.path() / "data", options()));
    accounts.emplace(store->database(), account_options());
    keys.emplace(store->database(), clock());
    gate = ok(Gatekeeper::open(store->database(), {identify, secure, clock()}));
  }
  Clock clock() {
    return [this] { return now_ms; };
  }
  StoreOptions options() {
    StoreOptions options;
    options.clock = clock();
    options.erase_in_background = false;
    return options;
  }
  Accounts::Options account_options() {
    Accounts::Options options;
    options.clock = clock();
    options.password_cost = {1, 8192};
    return options;
  }
  OwnerId add_ann() { return ok(accounts->add("ann", UserRole::user, "correct horse")).id; }

  // The status for a request with these headers; 200: let in. `caller` and `charge` are then set.
  int status(const HttpHeaders& headers, Access access = Access::generate,
             const std::string& method = "POST") {
    HttpRequest request;
    request.method = method;
    request.headers = headers;
    Exchange exchange(std::move(request), std::make_shared<ExchangeState>([] {}, 1000));
    const auto problem = gate->admit({method, "/x", access, "", [](const ExchangePtr&) {}}, exchange);
    caller = exchange.caller;
    charge = exchange.charge;
    refused = problem.value_or(HttpProblem{200, ""});
    return refused.status;
  }
  static HttpHeaders bearer(const std::string& key) { return {{"authorization", "Bearer " + key}}; }

  TestFolder folder;
  int64_t now_ms = int64_t{1'800'000'000'000};
  std::unique_ptr<Store> store;
  std::optional<Accounts> accounts;
  std::optional<Keys> keys;
  std::unique_ptr<Gatekeeper> gate;
  Caller caller;
  std::shared_ptr<Charge> charge;
  HttpProblem refused;
};

TEST(Gatekeeper, ASingleUserSaysNothing) {
  Gate test;
  for (const Access access : {Access::generate, Access::data, Access::person, Access::admin})
    EXPECT_EQ(test.status({}, access), 200);
  EXPECT_EQ(test.status(Gate::bearer("none")), 200) << "clients that insist on a key may send any";
  EXPECT_EQ(test.caller.user, kLocalOwner);
  Gate remote(/*identify=*/true);
  EXPECT_EQ(remote.status({}), 401);
  EXPECT_EQ(remote.status({}, Access::anyone), 200);
  EXPECT_EQ(remote.caller.user, 0);
}

TEST(Gatekeeper, AUserMadeMeanwhileEndsThat) {
  Gate test;
  EXPECT_EQ(test.status({}), 200);
  const OwnerId ann = test.add_ann();
  EXPECT_EQ(test.status({}), 401);
  EXPECT_EQ(test.refused.code, "missing_credentials");
  const std::string key = ok(test.keys->add(ann, {"laptop"})).secret;
  EXPECT_EQ(test.status(Gate::bearer(key)), 200);
  EXPECT_EQ(test.caller.name, "ann");
  EXPECT_EQ(test.status({{"authorization", "bEARER " + key}}), 200);
  EXPECT_EQ(test.status({{"x-api-key", key}}), 200);
  EXPECT_EQ(test.status({{"authorization", "Basic " + key}}), 401);
  EXPECT_EQ(test.status(Gate::bearer(key.substr(1))), 401);
  EXPECT_EQ(test.refused.code, "invalid_credentials");
}

TEST(Gatekeeper, KeysDoWhatTheirScopesSay) {
  Gate test;
  const OwnerId ann = test.add_ann();
  const std::string key = ok(test.keys->add(ann, {"laptop", {Scope::generate}})).secret;
  EXPECT_EQ(test.status(Gate::bearer(key), Access::generate), 200);
  for (const Access access : {Access::data, Access::person, Access::admin}) {
    EXPECT_EQ(test.status(Gate::bearer(key), access), 403);
    EXPECT_EQ(test.refused.code, "not_allowed");
  }
  const std::string admin = ok(test.keys->add(kLocalOwner, {"robot", {Scope::admin}})).secret;
  EXPECT_EQ(test.status(Gate::bearer(admin), Access::admin), 200);
  EXPECT_EQ(test.status(Gate::bearer(admin), Access::data), 403);
}

TEST(Gatekeeper, SessionsProveThatAPageOfOursAsks) {
  Gate test;
  test.add_ann();
  const NewSession session = ok(test.accounts->login("ann", "correct horse", "here"));
  const std::string set = test.gate->cookie(session);
  EXPECT_EQ(set, "melete_session=" + session.token + "; Path=/; HttpOnly; SameSite=Strict; Max-Age=2592000");
  const std::string cookie = "a=b; melete_session=" + session.token + "; c=d";
  EXPECT_EQ(test.status({{"cookie", cookie}}, Access::data, "GET"), 200);
  EXPECT_EQ(test.caller.session, session.id);
  EXPECT_EQ(test.status({{"cookie", cookie}}, Access::data), 403);
  EXPECT_EQ(test.refused.code, "csrf_token");
  EXPECT_EQ(test.status({{"cookie", cookie}, {"x-csrf-token", csrf_token("another")}}, Access::data), 403);
  EXPECT_EQ(test.status({{"cookie", cookie}, {"x-csrf-token", csrf_token(session.token)}}, Access::data),
            200);
  EXPECT_EQ(test.status({{"cookie", "xmelete_session=" + session.token}}, Access::data, "GET"), 401);
  EXPECT_EQ(test.status({{"cookie", cookie}}, Access::admin, "GET"), 403);
  test.now_ms += 31 * kDayMs;
  EXPECT_EQ(test.status({{"cookie", cookie}}, Access::data, "GET"), 401);
  EXPECT_EQ(test.status({{"cookie", cookie}}, Access::anyone, "GET"), 200);
  Gate secure(false, true);
  EXPECT_TRUE(secure.gate->cookie(session).starts_with("__Host-melete_session="));
  EXPECT_TRUE(secure.gate->cookie(session).ends_with("; Secure"));
  EXPECT_NE(secure.gate->ended_cookie().find("Max-Age=0"), std::string::npos);
}

TEST(Gatekeeper, AUsedUpQuotaBlocksUntilTheNextDay) {
  Gate test;
  const OwnerId ann = test.add_ann();
  const std::string key = ok(test.keys->add(ann, {"few", {Scope::generate}, {2, 100}})).secret;
  ASSERT_EQ(test.status(Gate::bearer(key)), 200);
  std::shared_ptr<Charge> first = test.charge;
  ASSERT_TRUE(first->reserve(90).ok());
  EXPECT_EQ(test.status(Gate::bearer(key)), 200);
  EXPECT_EQ(kind_of(test.charge->reserve(20)), "exhausted") << "90 of 100 are kept for the other one";
  first = nullptr;
  EXPECT_EQ(test.status(Gate::bearer(key)), 200);
  ASSERT_TRUE(test.charge->reserve(5).ok());
  test.charge->add(3);
  test.charge->add(1);
  test.charge->settle();
  EXPECT_EQ(test.status(Gate::bearer(key)), 429) << "two requests were made";
  EXPECT_EQ(test.refused.code, "quota_exceeded");
  EXPECT_EQ(test.refused.retry_after_s, (kDayMs - test.now_ms % kDayMs) / 1000);
  EXPECT_EQ(test.status(Gate::bearer(key), Access::generate, "GET"), 200) << "only answers cost";
  const auto usage = ok(test.keys->usage(ann));
  ASSERT_EQ(usage.size(), 1u);
  EXPECT_EQ(usage[0].requests, 2);
  EXPECT_EQ(usage[0].tokens, 4) << "the first one's charge ended unused";
  test.now_ms += kDayMs;
  EXPECT_EQ(test.status(Gate::bearer(key)), 200);
}

}  // namespace
}  // namespace melete
