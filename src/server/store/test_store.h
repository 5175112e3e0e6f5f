// A store in a folder of its own, for tests.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "base/file.h"
#include "server/store/store.h"

namespace melete {

// Removed with everything in it at the end of its life.
class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "melete_test_XXXXXX").string();
    MELETE_CHECK(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

constexpr OwnerId kTestOwner = 1;  // the local one

// With kTestOwner and another owner, and a clock that stands still unless moved.
struct TestStore {
  static constexpr OwnerId kOther = 2;

  TestStore() { open(); }

  void open() {
    store.reset();
    StoreOptions options;
    options.clock = [this] { return now_ms; };
    options.erase_in_background = false;
    auto opened = Store::open(folder.path() / "data", options);
    EXPECT_TRUE(opened.ok()) << opened.error().message;
    store = std::move(*opened);
    const auto other = store->database().run("adding a user",
                                             "INSERT OR IGNORE INTO users(id, name, role, created_ms) VALUES "
                                             "(2, 'other', 'user', 0)");
    EXPECT_TRUE(other.ok()) << other.error().message;
  }

  TestFolder folder;
  int64_t now_ms = int64_t{1'800'000'000'000};
  std::unique_ptr<Store> store;
};

// The bytes of all files below a folder, one after another.
inline std::string folder_bytes(const std::filesystem::path& folder) {
  std::string bytes;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) bytes += *read_file(entry.path());
  return bytes;
}

// The value; ends the test with the error's message if there is none.
template <class T>
T ok(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}

template <class T>
std::string kind_of(const Result<T>& result) {
  return result.ok() ? "ok" : name_of(result.error().kind);
}

}  // namespace melete
