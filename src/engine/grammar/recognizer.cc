#include "engine/grammar/recognizer.h"

#include <algorithm>

namespace melete {
namespace {

uint64_t key_of(int32_t a, int32_t b) {
  return uint64_t{static_cast<uint32_t>(a)} << 32 | static_cast<uint32_t>(b);
}

uint64_t mix(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15u;
  return hash ^ hash >> 29;
}

}  // namespace

Recognizer::Recognizer(std::shared_ptr<const Automaton> automaton) : automaton_(std::move(automaton)) {
  frames_.emplace_back();
  intern({}, false);  // kDead
  visit({automaton_->start, 0});
  start_ = close();
}

int32_t Recognizer::push(int32_t return_state, int32_t below) {
  const auto [entry, is_new] =
      frame_ids_.try_emplace(key_of(return_state, below), static_cast<int32_t>(frames_.size()));
  if (is_new) {
    const Frame& under = frames_[static_cast<size_t>(below)];
    const int32_t rest = automaton_->states[static_cast<size_t>(return_state)].distance;
    frames_.push_back({return_state, below, under.depth + 1, under.distance + rest});
    bytes_held_ += 64;
  }
  return entry->second;
}

// A place that could only be completed with too many open calls is left out.
void Recognizer::visit(Place place) {
  const AutomatonState& state = automaton_->states[static_cast<size_t>(place.state)];
  if (state.height + frames_[static_cast<size_t>(place.stack)].depth > kMaxCallDepth) return;
  if (!seen_.try_emplace(key_of(place.state, place.stack), true).second) return;
  open_.push_back(place);
}

// The state of all places that the visited ones lead to without reading; kDead if they are too many.
int32_t Recognizer::close() {
  int64_t num_visited = 0;
  while (!open_.empty() && ++num_visited <= 4 * kMaxPlaces) {
    const Place place = open_.back();
    open_.pop_back();
    const AutomatonState& state = automaton_->states[static_cast<size_t>(place.state)];
    if (!state.bytes.empty()) found_.push_back(place);
    for (const int32_t t : state.empty) visit({t, place.stack});
    for (const CallEdge& e : state.calls)
      visit({automaton_->starts[static_cast<size_t>(e.rule)], push(e.target, place.stack)});
    if (!state.is_end) continue;
    const Frame frame = frames_[static_cast<size_t>(place.stack)];
    if (place.stack == 0)
      accepts_ = true;
    else
      visit({frame.return_state, frame.below});
  }
  const bool is_whole = open_.empty() && std::ssize(found_) <= kMaxPlaces;
  std::sort(found_.begin(), found_.end());
  const int32_t state = is_whole && (accepts_ || !found_.empty()) ? intern(found_, accepts_) : kDead;
  open_.clear();
  found_.clear();
  seen_.clear();
  accepts_ = false;
  return state;
}

int32_t Recognizer::intern(const std::vector<Place>& places, bool accepts) {
  uint64_t hash = accepts ? 1 : 2;
  for (const Place& p : places) hash = mix(hash, key_of(p.state, p.stack));
  const auto [begin, end] = states_by_hash_.equal_range(hash);
  for (auto i = begin; i != end; ++i) {
    const Info& known = info(i->second);
    if (known.accepts == accepts && static_cast<size_t>(known.num_places) == places.size() &&
        std::equal(places.begin(), places.end(),
                   places_.begin() + static_cast<std::ptrdiff_t>(known.first_place)))
      return i->second;
  }
  Info made;
  made.first_place = places_.size();
  made.num_places = static_cast<int32_t>(places.size());
  made.accepts = accepts;
  places_.insert(places_.end(), places.begin(), places.end());
  measure(made);
  const auto id = static_cast<int32_t>(infos_.size());
  infos_.push_back(made);
  states_by_hash_.emplace(hash, id);
  const auto classes = static_cast<size_t>(automaton_->num_classes);
  transitions_.resize(transitions_.size() + classes, places.empty() ? kDead : -1);
  bytes_held_ += static_cast<int64_t>(places.size() * sizeof(Place) + classes * sizeof(int32_t)) + 96;
  return id;
}

// The distance, and the first byte of the shortest completion: of the shortest, the one with the least byte.
void Recognizer::measure(Info& made) const {
  if (made.accepts) made.distance = 0;
  if (made.accepts) return;
  for (int32_t i = 0; i < made.num_places; ++i) {
    const Place& p = places_[made.first_place + static_cast<size_t>(i)];
    const Frame& frame = frames_[static_cast<size_t>(p.stack)];
    for (const ByteEdge& e : automaton_->states[static_cast<size_t>(p.state)].bytes) {
      const AutomatonState& target = automaton_->states[static_cast<size_t>(e.target)];
      if (target.height + frame.depth > kMaxCallDepth) continue;
      const int32_t distance = 1 + target.distance + frame.distance;
      const bool is_better = made.distance < 0 || distance < made.distance ||
                             (distance == made.distance && e.first < made.canonical);
      if (!is_better) continue;
      made.distance = distance;
      made.canonical = e.first;
    }
  }
}

int32_t Recognizer::next(int32_t state, uint8_t byte) {
  const size_t slot =
      static_cast<size_t>(state) * static_cast<size_t>(automaton_->num_classes) + automaton_->class_of[byte];
  if (transitions_[slot] >= 0) return transitions_[slot];
  const Info from = info(state);
  for (int32_t i = 0; i < from.num_places; ++i) {
    const Place p = places_[from.first_place + static_cast<size_t>(i)];
    for (const ByteEdge& e : automaton_->states[static_cast<size_t>(p.state)].bytes)
      if (e.first <= byte && byte <= e.last) visit({e.target, p.stack});
  }
  const int32_t target = close();
  transitions_[slot] = target;
  return target;
}

int32_t Recognizer::import(const Recognizer& other, int32_t state) {
  const Info& from = other.info(state);
  std::vector<Place> places;
  for (int32_t i = 0; i < from.num_places; ++i) {
    const Place p = other.places_[from.first_place + static_cast<size_t>(i)];
    std::vector<int32_t> returns;
    for (int32_t f = p.stack; f != 0; f = other.frames_[static_cast<size_t>(f)].below)
      returns.push_back(other.frames_[static_cast<size_t>(f)].return_state);
    int32_t stack = 0;
    for (size_t k = returns.size(); k-- > 0;) stack = push(returns[k], stack);
    places.push_back({p.state, stack});
  }
  std::sort(places.begin(), places.end());
  return state == kDead ? kDead : intern(places, from.accepts);
}

// The one state that all bytes of a range lead to, kDead if there is none such.
int32_t Recognizer::common_next(int32_t state, uint8_t first, uint8_t last) {
  const int32_t target = next(state, first);
  const auto& class_of = automaton_->class_of;
  for (size_t b = first; b < last && target != kDead; ++b)
    if (class_of[b + 1] != class_of[b] && next(state, static_cast<uint8_t>(b + 1)) != target) return kDead;
  return target;
}

int32_t Recognizer::after_tail(int32_t state, int continuation_bytes) {
  for (; continuation_bytes > 0 && state != kDead; --continuation_bytes)
    state = common_next(state, 0x80, 0xBF);
  return state;
}

// Well-formed UTF-8 (Unicode, table 3-7), but for control characters, the quote and the backslash.
int32_t Recognizer::free_next(int32_t state) {
  struct Lead {
    uint8_t first, last, second_first, second_last;
    int tail;
  };
  static constexpr Lead kLeads[] = {{0xC2, 0xDF, 0x80, 0xBF, 0}, {0xE0, 0xE0, 0xA0, 0xBF, 1},
                                    {0xE1, 0xEC, 0x80, 0xBF, 1}, {0xED, 0xED, 0x80, 0x9F, 1},
                                    {0xEE, 0xEF, 0x80, 0xBF, 1}, {0xF0, 0xF0, 0x90, 0xBF, 2},
                                    {0xF1, 0xF3, 0x80, 0xBF, 2}, {0xF4, 0xF4, 0x80, 0x8F, 2}};
  const int32_t target = common_next(state, '#', '[');
  if (target == kDead || common_next(state, ' ', '!') != target || common_next(state, ']', '~') != target)
    return kDead;
  for (const Lead& lead : kLeads) {
    for (int b = lead.first; b <= lead.last; ++b) {
      const bool is_known = b > lead.first && automaton_->class_of[static_cast<size_t>(b)] ==
                                                  automaton_->class_of[static_cast<size_t>(b) - 1];
      if (is_known) continue;
      const int32_t second = next(state, static_cast<uint8_t>(b));
      if (second == kDead) return kDead;
      const int32_t third = common_next(second, lead.second_first, lead.second_last);
      if (after_tail(third, lead.tail) != target) return kDead;
    }
  }
  return target;
}

int32_t Recognizer::free_run(int32_t state) {
  for (int32_t length = 0; length < kMaxRun; ++length) {
    if (info(state).free_next < 0) {
      const int32_t target = free_next(state);
      infos_[static_cast<size_t>(state)].free_next = target;
    }
    const int32_t target = info(state).free_next;
    if (target == kDead) return length;
    if (target == state) return kMaxRun;
    state = target;
  }
  return kMaxRun;
}

}  // namespace melete
