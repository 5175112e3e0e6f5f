#include "train/batch.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/random.h"

namespace melete {
namespace {

std::shared_ptr<const Media> picture(int64_t side, float value) {
  auto medium = std::make_shared<Media>();
  medium->kind = MediaKind::image;
  medium->grid_t = 1;
  medium->grid_h = medium->grid_w = side;
  medium->patches.assign(static_cast<size_t>(side * side * 1176), value);
  return medium;
}

Document document_of(int64_t num_tokens, std::vector<int64_t> target_at) {
  Document document;
  for (int64_t i = 0; i < num_tokens; ++i)
    document.prompt.tokens.push_back(static_cast<int32_t>(100 * num_tokens + i));
  document.target_at = std::move(target_at);
  return document;
}

TEST(Batch, RowsPointAtThePositionBeforeEachTarget) {
  Document first = document_of(5, {2, 4}), second = document_of(7, {1, 2, 6});
  second.task = 3;
  second.answers = {{AnswerKind::thinking, 1, 3}};
  Batch batch;
  append_document(batch, first, 1.0);
  append_document(batch, second, 0.6);
  EXPECT_EQ(batch.input.document_lengths, (std::vector<int64_t>{5, 7}));
  EXPECT_EQ(batch.rows_R, (std::vector<int64_t>{1, 3, 5, 6, 10}));
  EXPECT_EQ(batch.targets_R, (std::vector<int64_t>{502, 504, 701, 702, 706}));
  EXPECT_FLOAT_EQ(batch.weights_R[0], 0.5f);
  EXPECT_FLOAT_EQ(batch.weights_R[4], 0.2f);
  ASSERT_EQ(batch.answers.size(), 1u);
  EXPECT_EQ(batch.answers[0].begin, 3);
  EXPECT_EQ(batch.answers[0].end, 5);
  EXPECT_EQ(batch.answers[0].task, 3);
  EXPECT_EQ(batch.answers[0].kind, AnswerKind::thinking);
}

TEST(Batch, MediaFillTheirPositionsOfTheWholeBatch) {
  Document document = document_of(9, {8});
  document.prompt.media = {picture(4, 0.5f)};
  document.prompt.spans = {{2, 4, 0, 0}};
  Batch batch;
  append_document(batch, document_of(3, {1}), 1);
  append_document(batch, document, 1);
  EXPECT_EQ(batch.input.vision_rows, (std::vector<int64_t>{5, 6, 7, 8}));
  EXPECT_EQ(batch.input.patches.size(), 16u * 1176u);
  document.prompt.spans = {{2, 3, 0, 0}};
  EXPECT_THROW(append_document(batch, document, 1), Bug);
}

TEST(Packing, KeepsEveryBinWithinCapacityAndNearlyEqual) {
  Random random(4);
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<int64_t> lengths;
    int64_t sum = 0;
    while (sum < 8 * 2048 * 97 / 100) lengths.push_back(random.integer(20, 300)), sum += lengths.back();
    const std::vector<int32_t> bin_of = pack_documents(lengths, 2048, 8);
    std::vector<int64_t> used(8, 0);
    for (size_t i = 0; i < lengths.size(); ++i) {
      ASSERT_GE(bin_of[i], 0) << "everything fits at this fill";
      used[static_cast<size_t>(bin_of[i])] += lengths[i];
    }
    for (const int64_t u : used) {
      EXPECT_LE(u, 2048);
      EXPECT_GE(u, 1850);
    }
  }
}

TEST(Packing, LeavesOutWhatHasNoRoom) {
  EXPECT_EQ(pack_documents({5, 9, 11, 5}, 10, 2), (std::vector<int32_t>{1, 0, -1, 1}));
}

}  // namespace
}  // namespace melete
