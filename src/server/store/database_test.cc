#include "server/store/database.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "server/store/owned.h"
#include "server/store/secret.h"
#include "server/store/test_store.h"

namespace melete {
namespace {

struct TestDatabase {
  TestDatabase() : database(ok(Database::open(folder.path() / "a.db"))) {
    ok(database->run("making a table", "CREATE TABLE t(owner INTEGER, x INTEGER, y TEXT UNIQUE) STRICT"));
  }
  int64_t count() {
    Statement rows = ok(database->prepare("counting", "SELECT count(*) FROM t"));
    EXPECT_TRUE(ok(rows.step()));
    return rows.integer(0);
  }
  TestFolder folder;
  std::unique_ptr<Database> database;
};

TEST(Database, ValuesComeBackAsTheyWere) {
  TestDatabase test;
  const std::string text("a\0b'\"\xC3\xA4", 7);
  EXPECT_EQ(ok(test.database->run("adding", "INSERT INTO t VALUES (?1, ?2, ?3)", int64_t{1} << 60,
                                  std::nullopt, text)),
            1);
  EXPECT_EQ(ok(test.database->run("adding", "INSERT INTO t VALUES (?1, ?2, ?3)", 2,
                                  std::optional<int64_t>(-3), "")),
            1);
  Statement rows = ok(test.database->prepare("reading", "SELECT owner, x, y FROM t ORDER BY x NULLS FIRST"));
  ASSERT_TRUE(ok(rows.step()));
  EXPECT_EQ(rows.integer(0), int64_t{1} << 60);
  EXPECT_EQ(rows.optional_integer(1), std::nullopt);
  EXPECT_EQ(rows.text(2), text);
  ASSERT_TRUE(ok(rows.step()));
  EXPECT_EQ(rows.optional_integer(1), -3);
  EXPECT_FALSE(rows.is_null(2));
  EXPECT_FALSE(ok(rows.step()));
  EXPECT_EQ(ok(test.database->run("changing", "UPDATE t SET x = 5")), 2);
  EXPECT_EQ(ok(test.database->run("changing", "UPDATE t SET x = 5 WHERE owner = 99")), 0);
}

TEST(Database, ErrorsSayWhatWasBeingDone) {
  TestDatabase test;
  ok(test.database->run("adding", "INSERT INTO t VALUES (1, 1, 'a')"));
  const auto twice = test.database->run("adding a line", "INSERT INTO t VALUES (1, 1, 'a')");
  ASSERT_EQ(kind_of(twice), "invalid_argument");
  EXPECT_NE(twice.error().message.find("adding a line"), std::string::npos);
  EXPECT_NE(twice.error().message.find("a.db"), std::string::npos);
  EXPECT_EQ(kind_of(test.database->run("reading", "SELECT z FROM nowhere")), "corrupt");
  EXPECT_THROW((void)test.database->run("adding", "INSERT INTO t VALUES (?1, ?2, ?3)", 1), Bug);
}

TEST(Database, TransactionsHappenWholeOrNotAtAll) {
  TestDatabase test;
  {
    Transaction outer = ok(Transaction::begin(*test.database, "test"));
    ok(test.database->run("adding", "INSERT INTO t VALUES (1, 1, 'a')"));
    {
      const Transaction inner = ok(Transaction::begin(*test.database, "test"));
      ok(test.database->run("adding", "INSERT INTO t VALUES (1, 1, 'b')"));
      EXPECT_EQ(test.count(), 2);
    }
    EXPECT_EQ(test.count(), 1);
    {
      Transaction inner = ok(Transaction::begin(*test.database, "test"));
      ok(test.database->run("adding", "INSERT INTO t VALUES (1, 1, 'c')"));
      ASSERT_TRUE(inner.commit().ok());
    }
    ASSERT_TRUE(outer.commit().ok());
  }
  EXPECT_EQ(test.count(), 2);
  {
    const Transaction undone = ok(Transaction::begin(*test.database, "test"));
    ok(test.database->run("adding", "INSERT INTO t VALUES (1, 1, 'd')"));
  }
  EXPECT_EQ(test.count(), 2);
}

TEST(Database, ThreadsAndConnectionsShareOneFile) {
  TestDatabase test;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      const auto own = ok(Database::open(test.database->path()));
      for (int i = 0; i < 25; ++i) {
        ok(test.database->run("adding", "INSERT INTO t VALUES (1, 1, ?1)", cat("a", t, "-", i)));
        ok(own->run("adding", "INSERT INTO t VALUES (1, 1, ?1)", cat("b", t, "-", i)));
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(test.count(), 200);
}

TEST(Database, TheVersionChangesWithEachCommit) {
  TestDatabase test;
  const auto other = ok(Database::open(test.database->path()));
  const auto both = [&] {
    EXPECT_EQ(test.database->version(), other->version());
    return test.database->version();
  };
  std::vector<Database::Version> versions = {both()};
  const auto expect_new = [&] {
    EXPECT_EQ(std::count(versions.begin(), versions.end(), both()), 0);
    versions.push_back(both());
  };
  ok(test.database->run("adding", "INSERT INTO t VALUES (1, 1, 'a')"));
  expect_new();
  ok(other->run("adding", "UPDATE t SET x = x + 1"));
  expect_new();
  {
    const Transaction undone = ok(Transaction::begin(*other, "test"));
    ok(other->run("adding", "INSERT INTO t VALUES (1, 1, 'b')"));
    EXPECT_EQ(both(), versions.back()) << "not committed";
  }
  EXPECT_EQ(test.count(), 1);
  EXPECT_EQ(both(), versions.back());
  ASSERT_TRUE(other->execute("test", "PRAGMA wal_checkpoint(TRUNCATE)").ok());
  for (int i = 0; i < 3; ++i) {
    ok(other->run("adding", "UPDATE t SET x = x + 1"));
    expect_new();
  }
}

// SQLite's locks are the process's: a second connection must not take away those of the first, or another
// program believes that it is alone and deletes the journal.
TEST(Database, ASecondConnectionKeepsTheLocksOfTheFirst) {
  TestFolder folder;
  const std::filesystem::path path = folder.path() / "a.db";
  int go[2];
  ASSERT_EQ(::pipe(go), 0);
  const pid_t other = ::fork();  // before we open it: connections don't survive a fork
  if (other == 0) {
    char byte = 0;
    if (::read(go[0], &byte, 1) != 1) ::_exit(1);
    const bool wrote = ok(Database::open(path))->run("test", "INSERT INTO t VALUES (2)").ok();
    ::_exit(wrote ? 0 : 1);
  }
  const auto first = ok(Database::open(path));
  ok(first->run("test", "CREATE TABLE t(x)"));
  ok(first->run("test", "INSERT INTO t VALUES (1)"));
  const auto second = ok(Database::open(path));
  ASSERT_EQ(::write(go[1], "x", 1), 1);
  int status = -1;
  ASSERT_EQ(::waitpid(other, &status, 0), other);
  EXPECT_EQ(status, 0);
  ok(first->run("test", "INSERT INTO t VALUES (3)"));
  const auto third = ok(Database::open(path));
  for (Database* database : {first.get(), second.get(), third.get()}) {
    Statement sum = ok(database->prepare("test", "SELECT sum(x) FROM t"));
    ASSERT_TRUE(ok(sum.step()));
    EXPECT_EQ(sum.integer(0), 6);
  }
}

TEST(Database, AFileThatIsNoneIsRefused) {
  TestFolder folder;
  ASSERT_TRUE(write_file(folder.path() / "a.db", std::string(10'000, 'x')).ok());
  EXPECT_EQ(kind_of(Database::open(folder.path() / "a.db")), "corrupt");
  ASSERT_TRUE(write_file(folder.path() / "file", "x").ok());
  EXPECT_EQ(kind_of(Database::open(folder.path() / "file/a.db")), "unavailable");
  const auto made = ok(Database::open(folder.path() / "b.db"));
  EXPECT_EQ(std::filesystem::status(folder.path() / "b.db").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST(Owned, AStatementWithoutAnOwnerIsABug) {
  TestDatabase test;
  const Owned owned(*test.database, 1);
  EXPECT_THROW((void)owned.run("reading", "SELECT x FROM t WHERE x = ?1"), Bug);
  ok(owned.run("adding", "INSERT INTO t(owner, x, y) VALUES (?1, ?2, ?3)", 7, "a"));
  ok(Owned(*test.database, 2).run("changing", "UPDATE t SET x = 8 WHERE owner = ?1"));
  Statement rows = ok(owned.prepare("reading", "SELECT x FROM t WHERE owner = ?1"));
  ASSERT_TRUE(ok(rows.step()));
  EXPECT_EQ(rows.integer(0), 7);
}

TEST(Secret, HashesAndTokens) {
  // The BLAKE2b-256 of nothing, from RFC 7693's reference code.
  EXPECT_EQ(content_hash(""), "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
  EXPECT_NE(secret_hash("a", "key"), secret_hash("a", "session"));
  EXPECT_NE(secret_hash("a", "key"), secret_hash("b", "key"));
  EXPECT_EQ(random_token(32).size(), 43u);
  EXPECT_NE(random_token(32), random_token(32));
  EXPECT_TRUE(is_id(new_id("conv")));
  for (const char* wrong : {"", "a/b", "..", "a b", "a\n"}) EXPECT_FALSE(is_id(wrong)) << wrong;
  EXPECT_TRUE(equal_secrets("abc", "abc"));
  EXPECT_FALSE(equal_secrets("abc", "abd") || equal_secrets("abc", "ab"));
  std::string bytes;
  EXPECT_EQ(to_base64("any carnal pleas"), "YW55IGNhcm5hbCBwbGVhcw==");
  ASSERT_TRUE(from_base64("YW55IGNhcm5hbCBwbGVhcw==", bytes));
  EXPECT_EQ(bytes, "any carnal pleas");
  EXPECT_FALSE(from_base64("YW5*", bytes) || from_base64("YW5", bytes));
}

}  // namespace
}  // namespace melete
