// An automaton at work: the set of all places where a text may be, made deterministic as far as texts have
// come. A state is such a set; ids of states are stable and mean nothing to another recognizer.
//
// Invariants: next() is a function of the state's set alone, so that what was asked before changes nothing;
// from every live state the grammar can be completed in distance() bytes, and by canonical_byte() again and
// again.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "engine/grammar/automaton.h"

namespace melete {

class Recognizer {
 public:
  static constexpr int32_t kDead = 0;
  // Places in one state, at most; a byte that would lead to more is taken as forbidden.
  static constexpr int64_t kMaxPlaces = 4096;

  explicit Recognizer(std::shared_ptr<const Automaton> automaton);

  int32_t start() const { return start_; }
  int32_t next(int32_t state, uint8_t byte);
  bool accepts(int32_t state) const { return info(state).accepts; }
  int32_t distance(int32_t state) const { return info(state).distance; }  // 0: accepts
  uint8_t canonical_byte(int32_t state) const { return info(state).canonical; }
  bool is_final(int32_t state) const { return info(state).num_places == 0; }  // no byte goes on
  // How many places it has: what entering the state costs.
  int64_t cost(int32_t state) const { return info(state).num_places + 1; }

  // Characters, up to kMaxRun, of which any may follow each other here, all of them characters that stand for
  // themselves in a JSON string; all texts of equal length lead to the same state. 0: that isn't so.
  static constexpr int32_t kMaxRun = 16;
  int32_t free_run(int32_t state);

  // The state of `other`, of the same automaton, here.
  int32_t import(const Recognizer& other, int32_t state);
  int64_t bytes_held() const { return bytes_held_; }
  const Automaton& automaton() const { return *automaton_; }

 private:
  struct Place {
    int32_t state = 0, stack = 0;
    auto operator<=>(const Place&) const = default;
  };
  struct Frame {
    int32_t return_state = 0, below = 0;  // 0: the bottom
    int32_t depth = 0, distance = 0;      // of this frame and all below
  };
  struct Info {
    size_t first_place = 0;
    int32_t num_places = 0;
    int32_t distance = -1;
    uint8_t canonical = 0;
    bool accepts = false;
    int32_t free_next = -1;  // the state after any character that stands for itself; kDead: differs
  };

  const Info& info(int32_t state) const { return infos_[static_cast<size_t>(state)]; }
  int32_t push(int32_t return_state, int32_t below);
  void visit(Place place);
  int32_t close();
  int32_t intern(const std::vector<Place>& places, bool accepts);
  void measure(Info& info) const;
  int32_t free_next(int32_t state);
  int32_t common_next(int32_t state, uint8_t first, uint8_t last);
  int32_t after_tail(int32_t state, int continuation_bytes);

  std::shared_ptr<const Automaton> automaton_;
  int32_t start_ = kDead;
  std::vector<Info> infos_;
  std::vector<Place> places_;         // of all states
  std::vector<int32_t> transitions_;  // [state, class]; -1: not known yet
  std::vector<Frame> frames_;
  std::unordered_map<uint64_t, int32_t> frame_ids_;  // (return state, below)
  std::unordered_multimap<uint64_t, int32_t> states_by_hash_;
  int64_t bytes_held_ = 0;

  // Of the closure in progress.
  std::vector<Place> open_, found_;
  std::unordered_map<uint64_t, bool> seen_;
  bool accepts_ = false;
};

}  // namespace melete
