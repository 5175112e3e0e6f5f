#include "model/mapped_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/file.h"

namespace melete {
namespace {

// KiB of the file's map that this process has in memory.
int64_t resident(const std::filesystem::path& path) {
  std::ifstream maps("/proc/self/smaps");
  bool is_its = false;
  for (std::string line; std::getline(maps, line);) {
    if (line.find('-') < line.find(' ')) is_its = line.ends_with(path.string());
    int64_t size = 0;
    if (is_its && line.starts_with("Rss:") && std::istringstream(line.substr(4)) >> size) return size;
  }
  return -1;
}

TEST(MappedFile, WhatIsForgottenLeavesMemoryAndIsReadAgain) {
  const auto path = std::filesystem::path(testing::TempDir()) / "melete_mapped_file";
  const std::string bytes(1 << 20, 'x');
  ASSERT_TRUE(write_file(path, bytes).ok());
  const auto file = MappedFile::open(path).value();
  EXPECT_EQ(file->bytes(), bytes);
  EXPECT_EQ(resident(path), 1024);
  file->forget_pages();
  EXPECT_EQ(resident(path), 0);
  EXPECT_EQ(file->bytes(), bytes);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace melete
