// Every earlier schema, with data in it, becomes the present one; what is newer is refused.
#include "server/store/migrations.h"

#include <gtest/gtest.h>

#include "server/store/settings.h"
#include "server/store/test_store.h"

namespace melete {
namespace {

std::string schema(Database& database) {
  Statement rows = ok(database.prepare("reading the schema",
                                       "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name"));
  std::string text;
  while (ok(rows.step())) text += rows.text(0) + " " + rows.text(1) + " " + rows.text(2) + "\n";
  return text;
}

// What a program of that version could have written.
void fill(Database& database, int64_t version) {
  ok(database.run("test", "INSERT INTO users(id, name, role, created_ms) VALUES (7, 'ann', 'user', 1)"));
  ok(database.run("test", "INSERT INTO usage(owner, day, key, requests, tokens) VALUES (7, 1, 'k', 2, 30)"));
  if (version < 2) return;
  ok(database.run(
      "test",
      "INSERT INTO conversations(owner, id, title, created_ms, updated_ms) VALUES (7, 'c', 'Fruit', 1, 1)"));
  ok(database.run(
      "test",
      "INSERT INTO messages(owner, conversation, id, role, content, meta, text, created_ms) VALUES "
      "(7, 'c', 'm', 'user', '\"apples\"', '{}', 'apples', 1)"));
  if (version < 3) return;
  ok(database.run("test",
                  "INSERT INTO responses(owner, id, status, model, request, output, created_ms) VALUES "
                  "(7, 'r', 'completed', 'm', '{}', '[]', 1)"));
  if (version < 4) return;
  ok(database.run("test", "INSERT INTO settings(owner, value) VALUES (7, '{\"theme\":\"dark\"}')"));
}

TEST(Migrations, EveryEarlierSchemaBecomesThePresentOne) {
  TestFolder folder;
  const auto fresh = ok(Database::open(folder.path() / "fresh.db"));
  ASSERT_TRUE(migrate(*fresh).ok());
  const int64_t latest = static_cast<int64_t>(migrations().size());
  EXPECT_EQ(ok(schema_version(*fresh)), latest);
  for (int64_t version = 1; version <= latest; ++version) {
    const std::filesystem::path data = folder.path() / std::to_string(version);
    {
      std::filesystem::create_directories(data);
      const auto old = ok(Database::open(data / "melete.db"));
      ASSERT_TRUE(migrate(*old, version).ok());
      EXPECT_EQ(ok(schema_version(*old)), version);
      fill(*old, version);
    }
    const auto store = ok(Store::open(data));
    EXPECT_EQ(schema(store->database()), schema(*fresh)) << version;
    Statement usage = ok(store->database().prepare("test", "SELECT tokens FROM usage WHERE owner = 7"));
    ASSERT_TRUE(ok(usage.step()));
    EXPECT_EQ(usage.integer(0), 30);
    if (version >= 2) {
      EXPECT_EQ(ok(store->conversations(7).tree("c")).at(0).content, "apples");
      EXPECT_EQ(ok(store->conversations(7).search("apples")).size(), 1u);
    }
    if (version >= 4) EXPECT_EQ(ok(Settings(store->database(), 7).get()), Json({{"theme", "dark"}}));
    if (version >= 3) EXPECT_EQ(ok(store->responses(7).get("r")).status, "completed");
  }
}

TEST(Migrations, ANewerDatabaseIsRefusedAndLeftAlone) {
  TestFolder folder;
  const std::filesystem::path data = folder.path() / "data";
  ok(Store::open(data));
  ASSERT_TRUE(ok(Database::open(data / "melete.db"))->execute("test", "PRAGMA user_version = 1000").ok());
  const auto refused = Store::open(data);
  ASSERT_EQ(kind_of(refused), "invalid_argument");
  EXPECT_NE(refused.error().message.find("newer"), std::string::npos);
  EXPECT_EQ(ok(schema_version(*ok(Database::open(data / "melete.db")))), 1000);
}

// A step that fails leaves the version and the tables of before.
TEST(Migrations, AFailedStepChangesNothing) {
  TestFolder folder;
  const auto database = ok(Database::open(folder.path() / "a.db"));
  ASSERT_TRUE(migrate(*database, 1).ok());
  ok(database->run("test", "CREATE TABLE messages(x)"));
  EXPECT_FALSE(migrate(*database).ok());
  EXPECT_EQ(ok(schema_version(*database)), 1);
  EXPECT_EQ(kind_of(database->run("test", "SELECT 1 FROM conversations")), "corrupt");
}

}  // namespace
}  // namespace melete
