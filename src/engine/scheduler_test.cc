// Random pushes, removals and steps beside a naive model that gives out rows one by one.
#include "engine/scheduler.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

namespace melete {
namespace {

const auto kAdmitAll = [](SequenceId, const QueuePlace&, bool& ok) { ok = true; };

struct Naive {
  struct Prompt {
    SequenceId id;
    QueuePlace place;
    int64_t rows;
  };
  std::vector<Prompt> prompts;  // in order of arrival
  std::map<std::pair<int32_t, uint64_t>, int64_t> given;

  auto find(SequenceId id) {
    return std::find_if(prompts.begin(), prompts.end(), [&](const Prompt& p) { return p.id == id; });
  }
  int64_t rows_of(int32_t priority) const {
    int64_t rows = 0;
    for (const Prompt& p : prompts) rows += p.place.priority == priority ? p.rows : 0;
    return rows;
  }
};

TEST(Scheduler, GivesAllRowsByPriorityAndOrderAndEvenlyBetweenClients) {
  EXPECT_TRUE(rc::check([] {
    Scheduler scheduler(1 << 20);
    Naive naive;
    SequenceId next = 1;
    const auto steps = *rc::gen::inRange(1, 60);
    for (int step = 0; step < steps; ++step) {
      const auto arrivals = *rc::gen::inRange(0, 4);
      for (int i = 0; i < arrivals; ++i) {
        const QueuePlace place{*rc::gen::inRange(0, 2), *rc::gen::inRange<uint64_t>(0, 3), 1};
        const auto rows = *rc::gen::inRange<int64_t>(1, 400);
        RC_ASSERT(scheduler.push(next, place, rows).ok());
        naive.prompts.push_back({next++, place, rows});
      }
      if (!naive.prompts.empty() && *rc::gen::inRange(0, 6) == 0) {
        const auto at = *rc::gen::inRange<size_t>(0, naive.prompts.size());
        scheduler.remove(naive.prompts[at].id);
        naive.prompts.erase(naive.prompts.begin() + static_cast<int64_t>(at));
      }
      int64_t budget = *rc::gen::inRange<int64_t>(1, 300), high = naive.rows_of(1), low = naive.rows_of(0);
      for (const Scheduler::Share& share : scheduler.next(budget, kAdmitAll)) {
        const auto prompt = naive.find(share.id);
        RC_ASSERT(prompt != naive.prompts.end());
        RC_ASSERT(share.rows > 0 && share.rows <= prompt->rows);
        // Of a client and a priority, the first to come goes first.
        for (auto p = naive.prompts.begin(); p != prompt; ++p)
          RC_ASSERT(p->place.client != prompt->place.client || p->place.priority != prompt->place.priority);
        prompt->rows -= share.rows;
        budget -= share.rows;
        (prompt->place.priority == 1 ? high : low) -= share.rows;
        if (prompt->place.priority == 0) RC_ASSERT(naive.rows_of(1) == 0);
        if (prompt->rows == 0) naive.prompts.erase(prompt);
      }
      // No row of the budget is left while one waits.
      RC_ASSERT(budget == 0 || high + low == 0);
      RC_ASSERT(scheduler.num_waiting() + scheduler.num_admitted() == std::ssize(naive.prompts));
      for (const Naive::Prompt& p : naive.prompts) scheduler.is_admitted(p.id);
    }
    for (const Naive::Prompt& p : std::vector(naive.prompts)) scheduler.remove(p.id);
    RC_ASSERT(scheduler.empty() && scheduler.admitted_slots() == 0 && scheduler.num_admitted() == 0);
  }));
}

TEST(Scheduler, ClientsThatWaitNeverDifferByMoreThanAQuantum) {
  EXPECT_TRUE(rc::check([] {
    Scheduler scheduler(1000);
    SequenceId next = 1;
    std::map<SequenceId, uint64_t> client_of;
    std::map<uint64_t, int64_t> given, waiting;
    const auto clients = *rc::gen::inRange<uint64_t>(2, 6);
    for (uint64_t c = 0; c < clients; ++c) {
      while (waiting[c] < 3000) {  // in prompts of very different lengths
        const auto rows = *rc::gen::element<int64_t>(1, 10, 63, 64, 65, 500, 3000);
        RC_ASSERT(scheduler.push(next, {0, c, 1}, rows).ok());
        client_of[next++] = c;
        waiting[c] += rows;
      }
    }
    while (true) {
      for (const auto& share : scheduler.next(*rc::gen::inRange<int64_t>(1, 200), kAdmitAll)) {
        given[client_of[share.id]] += share.rows;
        waiting[client_of[share.id]] -= share.rows;
      }
      if (std::any_of(waiting.begin(), waiting.end(), [](const auto& w) { return w.second == 0; })) return;
      const auto [least, most] =
          std::minmax_element(waiting.begin(), waiting.end(),
                              [&](const auto& a, const auto& b) { return given[a.first] < given[b.first]; });
      RC_ASSERT(given[most->first] - given[least->first] <= Scheduler::kQuantum);
    }
  }));
}

TEST(Scheduler, NothingOvertakesAPromptThatWaitsForRoom) {
  Scheduler scheduler(10);
  ASSERT_TRUE(scheduler.push(1, {0, 1, 1}, 100).ok());
  ASSERT_TRUE(scheduler.push(2, {0, 2, 4}, 50).ok());
  EXPECT_EQ(scheduler.next(10, kAdmitAll).size(), 1u);
  // Now the first is under way, and the second too large.
  ASSERT_TRUE(scheduler.push(3, {0, 3, 1}, 20).ok());
  std::vector<SequenceId> asked;
  const auto only_small = [&](SequenceId id, const QueuePlace& place, bool& ok) {
    asked.push_back(id);
    ok = place.slots == 1;
  };
  const auto shares = scheduler.next(1000, only_small);
  ASSERT_EQ(shares.size(), 1u);
  EXPECT_EQ(shares[0].id, 1);
  EXPECT_EQ(shares[0].rows, 90);
  EXPECT_EQ(asked, (std::vector<SequenceId>{2}));
  EXPECT_EQ(scheduler.num_waiting(), 2);
  // Greater priorities still pass.
  ASSERT_TRUE(scheduler.push(4, {5, 4, 1}, 7).ok());
  EXPECT_EQ(scheduler.next(1000, only_small).size(), 1u);
  EXPECT_EQ(scheduler.next(1000, kAdmitAll).size(), 2u);
  EXPECT_TRUE(scheduler.empty());
}

TEST(Scheduler, APromptThatGaveUpComesFirstAgain) {
  Scheduler scheduler(10);
  const QueuePlace place{0, 1, 2};
  ASSERT_TRUE(scheduler.push(1, place, 100).ok());
  ASSERT_TRUE(scheduler.push(2, place, 100).ok());
  EXPECT_EQ(scheduler.next(100, kAdmitAll)[0].id, 1);  // and is forgotten, as all its rows are given
  EXPECT_EQ(scheduler.admitted_slots(), 0);
  scheduler.put_first(1, place, 100, false);
  EXPECT_EQ(scheduler.num_waiting(), 2);
  scheduler.next(30, kAdmitAll);
  EXPECT_EQ(scheduler.admitted_slots(), 2);
  scheduler.put_first(1, place, 80, true);
  const auto shares = scheduler.next(100, kAdmitAll);
  ASSERT_EQ(shares.size(), 2u);
  EXPECT_EQ(shares[0].id, 1);
  EXPECT_EQ(shares[0].rows, 80);
}

TEST(Scheduler, AFullQueueRefuses) {
  Scheduler scheduler(2);
  ASSERT_TRUE(scheduler.push(1, {}, 5).ok());
  ASSERT_TRUE(scheduler.push(2, {}, 5).ok());
  const Status refused = scheduler.push(3, {}, 5);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::exhausted);
  // One that is under way waits no more.
  scheduler.next(1, kAdmitAll);
  EXPECT_TRUE(scheduler.push(3, {}, 5).ok());
}

}  // namespace
}  // namespace melete
