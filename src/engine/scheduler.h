// Which prompts are computed next: a queue with priorities that is fair between its users.
//
// Greater priorities go first. Among equals the clients take turns by kQuantum rows, whatever the lengths of
// their prompts; a client's own prompts go in the order in which they came. Rows of a prompt can be cut
// anywhere, so a turn is never overdrawn and the turns of two waiting clients never differ by more than one
// quantum. Knows nothing of models and pages: the engine says what may begin.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"

namespace melete {

using SequenceId = int64_t;

// How a queued prompt stands to others.
struct QueuePlace {
  int32_t priority = 0;  // greater first, however long others wait
  uint64_t client = 0;   // rows are shared evenly between clients
  int32_t slots = 1;     // runs that will follow, such as one prompt's forks
};

class Scheduler {
 public:
  static constexpr int64_t kQuantum = 64;

  explicit Scheduler(int64_t max_queued) : max_queued_(max_queued) {}

  // rows > 0: of the prompt. Error: exhausted (max_queued prompts wait).
  Status push(SequenceId id, const QueuePlace& place, int64_t rows);
  void remove(SequenceId id);  // nothing if it isn't there

  struct Share {
    SequenceId id;
    int64_t rows;
  };
  using Admit = FunctionRef<void(SequenceId id, const QueuePlace& place, bool& admitted)>;
  // The next `budget` rows at most, each prompt at most once. `admit` is asked before a prompt's first rows;
  // after a false nothing else of its priority or below begins, so that small prompts don't starve large
  // ones. The rows count as computed; a prompt of which none is left is forgotten.
  std::vector<Share> next(int64_t budget, Admit admit);

  // A prompt stands before its client's others with so many rows left; it may have been forgotten already.
  // Unless still admitted it has given up what it had computed.
  void put_first(SequenceId id, const QueuePlace& place, int64_t rows, bool admitted);
  // Some of its rows, not all, turned out to be known already. May be called from `admit`.
  void skip(SequenceId id, int64_t rows);

  bool empty() const { return entries_.empty(); }
  int64_t num_waiting() const { return std::ssize(entries_) - num_admitted_; }
  int64_t num_admitted() const { return num_admitted_; }
  int64_t admitted_slots() const { return admitted_slots_; }
  bool is_admitted(SequenceId id) const;

 private:
  struct Entry {
    QueuePlace place;
    int64_t rows = 0;
    bool admitted = false;
  };
  struct Client {
    uint64_t id;
    std::deque<SequenceId> prompts;  // never empty
    int64_t left = kQuantum;         // of this turn
  };
  using Ring = std::list<Client>;  // the front has the turn

  void next_of(int32_t priority, int64_t& budget, bool& blocked, std::vector<Share>& shares, Admit admit);
  Client& client_of(const QueuePlace& place);
  void set_admitted(Entry& entry, bool admitted);
  void forget(SequenceId id);

  int64_t max_queued_;
  int64_t num_admitted_ = 0, admitted_slots_ = 0;
  std::map<SequenceId, Entry> entries_;
  std::map<int32_t, Ring, std::greater<>> rings_;  // by priority; never empty
};

}  // namespace melete
