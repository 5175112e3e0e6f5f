#include "engine/packed_weights.h"

#include <algorithm>
#include <fstream>

#include "engine/packed_test.h"
#include "media/hash.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

using PackedWeightsTest = PackedTest;

struct FormCase {
  DataType stored;
  WeightType wanted;
  PackedKind kind;
};
constexpr FormCase kFormCases[] = {
    {DataType::f32, WeightType::automatic, PackedKind::f32},
    {DataType::bf16, WeightType::automatic, PackedKind::bf16},
    {DataType::bf16, WeightType::f32, PackedKind::f32},
    {DataType::q8_0, WeightType::automatic, PackedKind::w8},
    {DataType::q6_k, WeightType::automatic, PackedKind::w8},
    {DataType::q4_0, WeightType::automatic, PackedKind::w4_symmetric},
    {DataType::q4_1, WeightType::automatic, PackedKind::w4},
    {DataType::q4_k, WeightType::automatic, PackedKind::w4_factored},
    {DataType::f32, WeightType::w8, PackedKind::w8},
    {DataType::f32, WeightType::w8a8, PackedKind::w8},
    {DataType::f32, WeightType::w4, PackedKind::w4},
};

const auto kAlways = [](int64_t) { return true; };

TEST_F(PackedWeightsTest, EachFormIsTheSameFromAFile) {
  for (const FormCase& c : kFormCases) {
    SCOPED_TRACE(cat(name_of(c.stored), " ", name_of(c.wanted)));
    const TensorFile file = raw_file(path_ / "raw", {{"w", c.stored, {kPackedOut, kPackedIn}}});
    PackedWeights fresh("key");
    const std::vector<float> expected = product(load_matrix(file, c.wanted, &fresh));
    EXPECT_EQ(fresh.num_found(), 0);
    EXPECT_TRUE(fresh.has_new());
    ASSERT_TRUE(fresh.write(path_ / "kept", kAlways).ok());
    EXPECT_EQ(static_cast<int64_t>(fs::file_size(path_ / "kept")), fresh.file_bytes());
    auto kept = PackedWeights::open(path_ / "kept", "key");
    ASSERT_TRUE(kept.ok()) << kept.error().message;
    const WeightMatrix matrix = load_matrix(file, c.wanted, &*kept);
    EXPECT_EQ(kept->num_found(), 1);
    EXPECT_FALSE(kept->has_new());
    EXPECT_EQ(form_of(matrix).kind, c.kind);
    EXPECT_EQ(product(matrix), expected);
    EXPECT_EQ(product(load_matrix(file, c.wanted, nullptr)), expected);
  }
}

// What is kept under one way of packing isn't found under another.
TEST_F(PackedWeightsTest, AWeightIsKeptAsItWasAskedFor) {
  const TensorFile file = raw_file(path_ / "raw", {{"w", DataType::bf16, {kPackedOut, kPackedIn}, 1},
                                                   {"v", DataType::bf16, {kPackedOut, kPackedIn}, 2}});
  RowOrder reversed;
  for (int64_t row = kPackedOut; row-- > 0;) reversed.push_back(row);
  PackedWeights kept("key");
  for (const WeightType type : {WeightType::f32, WeightType::bf16, WeightType::w8, WeightType::w4}) {
    for (const RowOrder& order : {RowOrder(), reversed}) {
      for (const char* name : {"w", "v"}) {
        SCOPED_TRACE(cat(name, " ", name_of(type), " ", order.size()));
        const auto expected = product(load_matrix(file, type, nullptr, name, order));
        EXPECT_EQ(product(load_matrix(file, type, &kept, name, order)), expected);
        EXPECT_EQ(product(load_matrix(file, type, &kept, name, order)), expected);
      }
    }
  }
  EXPECT_EQ(kept.num_found(), 16);
}

TEST_F(PackedWeightsTest, StacksAndCheckedTablesAreKept) {
  const TensorShape shape = {3, 24, 64};
  const TensorFile file = raw_file(
      path_ / "raw",
      {{"a", DataType::q8_0, shape, 1}, {"b", DataType::q8_0, shape, 2}, {"t", DataType::q8_0, {24, 64}, 3}});
  std::vector<std::vector<float>> results[2];
  PackedWeights fresh("key");
  for (auto& result : results) {
    PackedWeights kept =
        &result == &results[0] ? std::move(fresh) : *PackedWeights::open(path_ / "kept", "key");
    ThreadPool pool(2);
    WeightLoader loader(file, pool, WeightType::automatic, LoadStep::load, &kept);
    std::vector<WeightMatrix> stack, joined;
    RowTable table;
    loader.stack("a", 3, 24, 64, stack);
    loader.joined_stack("a", "b", 3, 24, 64, joined);
    loader.stored_rows("t", 24, 64, table);
    for (const auto* all : {&stack, &joined})
      for (const WeightMatrix& matrix : *all) result.push_back(product(matrix));
    EXPECT_EQ(kept.num_found(), &result == &results[0] ? 0 : 6);
    EXPECT_EQ(kept.has_new(), &result == &results[0]);
    EXPECT_TRUE(kept.has_mark("t/finite"));
    EXPECT_FALSE(kept.has_mark("a/finite"));
    ASSERT_TRUE(kept.write(path_ / "kept", kAlways).ok());
  }
  ASSERT_EQ(results[0].size(), 6u);
  EXPECT_EQ(results[0], results[1]);
}

// The engine's part of kPackedVersion: which numbers each stored type becomes.
TEST_F(PackedWeightsTest, FormsChangeWithTheVersionOnly) {
  std::string all = cat(kPackedVersion);
  for (const FormCase& c : kFormCases) {
    const TensorFile file = raw_file(path_ / "raw", {{"w", c.stored, {24, 256}}});
    const PackedForm form = form_of(load_matrix(file, c.wanted, nullptr));
    all.append(reinterpret_cast<const char*>(form.bytes.get()), static_cast<size_t>(form.size()));
  }
  uint64_t hash = 0;
  std::memcpy(&hash,
              hash_bytes(std::span(reinterpret_cast<const uint8_t*>(all.data()), all.size()), 0).data(), 8);
  EXPECT_EQ(hash, 0x2e898287e0136e99)
      << "the engine packs differently: count kPackedVersion up, then put 0x" << std::hex << hash << " here";
}

// The bytes of a file of two weights and a mark, with `labels`.
std::string small_file(const fs::path& folder) {
  const TensorFile file =
      raw_file(folder / "raw", {{"w", DataType::q8_0, {17, 64}, 1}, {"v", DataType::f32, {3, 5}, 2}});
  PackedWeights weights("some key");
  load_matrix(file, WeightType::automatic, &weights, "w");
  load_matrix(file, WeightType::automatic, &weights, "v");
  weights.add_mark("mark");
  EXPECT_TRUE(weights.write(folder / "small", kAlways).ok());
  return read_file(folder / "small").value();
}

// Opens the bytes as a file; reads all that it offers.
bool opens(const fs::path& folder, const std::string& bytes, const std::string& key = "some key") {
  {
    std::ofstream(folder / "tried", std::ios::binary) << bytes;
    fs::permissions(folder / "tried", fs::perms::owner_read | fs::perms::owner_write);
  }
  auto opened = PackedWeights::open(folder / "tried", key);
  if (!opened.ok()) return false;
  int sum = 0;
  for (const char* label : {"w/0/w8", "v/0/f32"}) {
    const PackedForm* form = opened->find(label);
    for (int64_t i = 0; form != nullptr && i < form->size(); ++i)
      sum += std::to_integer<int>(form->bytes.get()[i]);
  }
  EXPECT_NE(sum, -1);
  return true;
}

void set_checksum(std::string& bytes) {
  PackedHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  const uint64_t table = (sizeof header + header.key_bytes + 63) / 64 * 64;
  const uint64_t data = (table + header.num_entries * sizeof(PackedEntry) + kPackedAlignment - 1) /
                        kPackedAlignment * kPackedAlignment;
  if (data > bytes.size()) return;
  header.checksum = {};
  std::memcpy(bytes.data(), &header, sizeof header);
  header.checksum = hash_bytes(std::span(reinterpret_cast<const uint8_t*>(bytes.data()), data), 0);
  std::memcpy(bytes.data(), &header, sizeof header);
}

TEST_F(PackedWeightsTest, WhatIsCutOrChangedIsRefused) {
  const std::string whole = small_file(path_);
  ASSERT_TRUE(opens(path_, whole));
  for (size_t size = 0; size < whole.size(); size += size < 400 ? 1 : 97)
    EXPECT_FALSE(opens(path_, whole.substr(0, size))) << size;
  EXPECT_FALSE(opens(path_, whole + std::string(64, '\0')));
  for (size_t at = 0; at < 400; ++at) {  // header, key and entries
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ (1 << at % 8));
    EXPECT_FALSE(opens(path_, changed)) << at;
  }
}

TEST_F(PackedWeightsTest, AnotherKeyOrVersionIsRefused) {
  const std::string whole = small_file(path_);
  EXPECT_FALSE(opens(path_, whole, "some kez"));
  EXPECT_FALSE(opens(path_, whole, ""));
  std::string changed = whole;
  ++changed[offsetof(PackedHeader, version)];
  set_checksum(changed);
  EXPECT_FALSE(opens(path_, changed));
  set_checksum(changed = whole);
  EXPECT_TRUE(opens(path_, changed));
}

TEST_F(PackedWeightsTest, WhatOthersCanWriteIsRefused) {
  small_file(path_);
  ASSERT_TRUE(PackedWeights::open(path_ / "small", "some key").ok());
  fs::permissions(path_ / "small", fs::perms::others_write, fs::perm_options::add);
  EXPECT_FALSE(PackedWeights::open(path_ / "small", "some key").ok());
}

// With a right checksum only the entries' own bounds stand between a file and memory that isn't its own.
TEST_F(PackedWeightsTest, NoEntryReachesOutOfTheFile) {
  const std::string whole = small_file(path_);
  const size_t table = 64, end = table + 3 * sizeof(PackedEntry);
  Random random(4);
  int refused = 0;
  for (int round = 0; round < 1000; ++round) {
    std::string changed = whole;
    for (int64_t changes = random.integer(1, 3); changes > 0; --changes) {
      const auto at = static_cast<size_t>(random.integer(8, static_cast<int64_t>(end) - 1)) / 8 * 8;
      const uint64_t values[] = {0,
                                 1,
                                 64,
                                 ~uint64_t{0},
                                 uint64_t{1} << 63,
                                 whole.size(),
                                 whole.size() - 64,
                                 static_cast<uint64_t>(random.integer(0, 1 << 20)),
                                 random.next_u64()};
      const uint64_t value = values[random.integer(0, 8)];
      std::memcpy(changed.data() + at, &value, random.chance(0.5) ? 8 : 4);
    }
    set_checksum(changed);
    refused += opens(path_, changed) ? 0 : 1;
  }
  EXPECT_GT(refused, 300);
  for (const auto& [field, value] : {std::pair(offsetof(PackedEntry, offset), uint64_t{0}),
                                     {offsetof(PackedEntry, offset), whole.size() / 64 * 64},
                                     {offsetof(PackedEntry, offset), ~uint64_t{63}},
                                     {offsetof(PackedEntry, offset), kPackedAlignment + 32},
                                     {offsetof(PackedEntry, bytes), whole.size()},
                                     {offsetof(PackedEntry, out), uint64_t{1} << 30},
                                     {offsetof(PackedEntry, kind), uint64_t{9}}}) {
    std::string changed = whole;
    std::memcpy(changed.data() + table + field, &value, field == offsetof(PackedEntry, kind) ? 4 : 8);
    set_checksum(changed);
    EXPECT_FALSE(opens(path_, changed)) << field << " " << value;
  }
}

TEST_F(PackedWeightsTest, AWriteThatIsStoppedLeavesNothing) {
  const TensorFile file = raw_file(path_ / "raw", {{"w", DataType::f32, {2048, 1024}}});
  PackedWeights weights("key");
  load_matrix(file, WeightType::automatic, &weights);
  int asked = 0;
  int64_t last = weights.file_bytes() + 1;
  const Status stopped = weights.write(folder_.path / "kept", [&](int64_t left) {
    EXPECT_LT(left, last);
    last = left;
    return ++asked < 3;
  });
  EXPECT_EQ(stopped.error().kind, ErrorKind::cancelled);
  EXPECT_EQ(asked, 3);
  EXPECT_TRUE(kept_files().empty());
}

}  // namespace
}  // namespace melete
