#include "server/store/interrupted.h"

#include <gtest/gtest.h>

#include "server/store/test_store.h"

namespace melete {
namespace {

Event delta(uint64_t seq, int32_t agent, const char* channel, const char* text) {
  return {seq, agent, "agent.delta", 0, {{"channel", channel}, {"text", text}}};
}

TEST(Interrupted, AMessageGetsWhatItsLogHas) {
  TestStore test;
  std::string conversation, message;
  {
    Conversations all = test.store->conversations(kTestOwner);
    conversation = ok(all.create("Fruit")).id;
    const Json meta = {{"answer", "ans_1"}, {"status", "running"}, {"model", "tiny"}};
    ok(all.add(conversation, {"", "user", "apples?"}));
    message = ok(all.add(conversation, {ok(all.get(conversation)).active_leaf, "assistant", "", meta})).id;
    const auto log = ok(test.store->event_logs().create(kTestOwner, {conversation, ""}, "ans_1"));
    log->put(delta(0, 0, "reasoning", "Hm."));
    log->put(delta(1, 0, "answer", "Yes, "));
    log->put(delta(2, 0, "answer", "two"));
  }
  test.open();
  ASSERT_TRUE(test.store->claim().ok());
  const StoredMessage after = ok(test.store->conversations(kTestOwner).message(conversation, message));
  EXPECT_EQ(after.content, "Yes, two");
  EXPECT_EQ(after.meta["status"], "interrupted");
  EXPECT_EQ(after.meta["reasoning"], "Hm.");
  EXPECT_EQ(after.meta["model"], "tiny");
  EXPECT_EQ(ok(test.store->event_logs().get(kTestOwner, "ans_1")).status, "interrupted");
}

TEST(Interrupted, OfSeveralAgentsNoneHasSpokenYet) {
  EXPECT_EQ(partial_answer({delta(0, 0, "answer", "4"), delta(1, 1, "answer", "5")}).text, "");
  EXPECT_EQ(partial_answer({delta(0, 0, "answer", "4"), delta(1, -1, "answer", "x")}).text, "4x");
}

}  // namespace
}  // namespace melete
