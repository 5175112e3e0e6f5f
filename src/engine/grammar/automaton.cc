#include "engine/grammar/automaton.h"

#include <algorithm>
#include <limits>
#include <set>

namespace melete {
namespace {

using States = std::vector<AutomatonState>;

constexpr int64_t kNone = std::numeric_limits<int32_t>::max();

size_t at(int32_t i) { return static_cast<size_t>(i); }

// Edges of bytes that may not be read are cut.
void keep_allowed(States& states, const ByteSet& allowed) {
  if (std::all_of(allowed.begin(), allowed.end(), [](bool b) { return b; })) return;
  for (AutomatonState& state : states) {
    std::vector<ByteEdge> kept;
    for (const ByteEdge& edge : state.bytes) {
      for (int b = edge.first; b <= edge.last; ++b) {
        if (!allowed[static_cast<size_t>(b)]) continue;
        if (!kept.empty() && kept.back().target == edge.target && kept.back().last == b - 1)
          kept.back().last = static_cast<uint8_t>(b);
        else
          kept.push_back({static_cast<uint8_t>(b), static_cast<uint8_t>(b), edge.target});
      }
    }
    state.bytes = std::move(kept);
  }
}

// Calls visit(distance, height) for each way to go on from the state, by the values found so far.
template <class Visit>
void for_each_way(const AutomatonState& state, const Automaton& automaton,
                  const std::vector<int64_t>& distance, const std::vector<int64_t>& height, Visit visit) {
  if (state.is_end) visit(0, 0);
  for (const ByteEdge& e : state.bytes) visit(1 + distance[at(e.target)], height[at(e.target)]);
  for (const int32_t t : state.empty) visit(distance[at(t)], height[at(t)]);
  for (const CallEdge& e : state.calls) {
    const size_t callee = at(automaton.starts[at(e.rule)]);
    visit(distance[callee] + distance[at(e.target)], std::max(height[callee] + 1, height[at(e.target)]));
  }
}

// Lowers every value until none can be lowered.
template <class Lower>
void until_stable(size_t count, Lower lower) {
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = count; i-- > 0;) changed |= lower(i);
    for (size_t i = 0; changed && i < count; ++i) lower(i);
  }
}

void measure_distances(Automaton& automaton) {
  States& states = automaton.states;
  std::vector<int64_t> distance(states.size(), kNone), height(states.size(), kNone);
  const auto lower = [](int64_t& value, int64_t candidate) {
    if (candidate >= value) return false;
    value = candidate;
    return true;
  };
  until_stable(states.size(), [&](size_t i) {
    int64_t best = kNone;
    for_each_way(states[i], automaton, distance, height,
                 [&](int64_t d, int64_t) { best = std::min(best, d); });
    return lower(distance[i], best);
  });
  until_stable(states.size(), [&](size_t i) {
    int64_t best = kNone;
    for_each_way(states[i], automaton, distance, height, [&](int64_t d, int64_t h) {
      if (d == distance[i]) best = std::min(best, h);
    });
    return distance[i] < kNone && lower(height[i], best);
  });
  for (size_t i = 0; i < states.size(); ++i) {
    if (distance[i] >= kNone || height[i] > kMaxCallDepth) continue;
    states[i].distance = static_cast<int32_t>(distance[i]);
    states[i].height = static_cast<int32_t>(height[i]);
  }
}

void cut_dead_ends(Automaton& automaton) {
  const auto is_dead = [&](int32_t state) { return automaton.states[at(state)].distance < 0; };
  for (AutomatonState& state : automaton.states) {
    std::erase_if(state.bytes, [&](const ByteEdge& e) { return is_dead(e.target); });
    std::erase_if(state.empty, is_dead);
    std::erase_if(state.calls, [&](const CallEdge& e) {
      return is_dead(e.target) || is_dead(automaton.starts[at(e.rule)]);
    });
  }
}

// The rules that each rule may call before it has read a byte.
std::vector<int32_t> first_calls(const Automaton& automaton, int32_t rule) {
  std::vector<int32_t> open = {automaton.starts[at(rule)]}, called;
  std::set<int32_t> seen = {open[0]};
  const auto go = [&](int32_t state) {
    if (seen.insert(state).second) open.push_back(state);
  };
  while (!open.empty()) {
    const AutomatonState& state = automaton.states[at(open.back())];
    open.pop_back();
    for (const int32_t t : state.empty) go(t);
    for (const CallEdge& e : state.calls) {
      called.push_back(e.rule);
      if (automaton.states[at(automaton.starts[at(e.rule)])].distance == 0) go(e.target);
    }
  }
  std::sort(called.begin(), called.end());
  called.erase(std::unique(called.begin(), called.end()), called.end());
  return called;
}

// A rule that calls itself before it has read a byte; -1: none. Rules without such calls are taken away until
// none is left.
int32_t left_recursive_rule(const Automaton& automaton) {
  const auto count = static_cast<int32_t>(automaton.starts.size());
  std::vector<std::vector<int32_t>> callers(at(count));
  std::vector<size_t> num_calls(at(count));
  std::vector<int32_t> done;
  for (int32_t rule = 0; rule < count; ++rule) {
    const auto called = first_calls(automaton, rule);
    for (const int32_t c : called) callers[at(c)].push_back(rule);
    num_calls[at(rule)] = called.size();
    if (called.empty()) done.push_back(rule);
  }
  for (size_t i = 0; i < done.size(); ++i)
    for (const int32_t caller : callers[at(done[i])])
      if (--num_calls[at(caller)] == 0) done.push_back(caller);
  if (static_cast<int32_t>(done.size()) == count) return -1;
  return static_cast<int32_t>(
      std::find_if(num_calls.begin(), num_calls.end(), [](size_t n) { return n > 0; }) - num_calls.begin());
}

void find_classes(Automaton& automaton) {
  std::array<bool, 257> begins{};
  for (const AutomatonState& state : automaton.states) {
    for (const ByteEdge& e : state.bytes) begins[e.first] = begins[size_t{e.last} + 1] = true;
  }
  uint8_t c = 0;
  for (size_t b = 0; b < 256; ++b) {
    if (b > 0 && begins[b]) ++c;
    automaton.class_of[b] = c;
  }
  automaton.num_classes = c + 1;
}

}  // namespace

Result<std::shared_ptr<const Automaton>> AutomatonBuilder::finish(int32_t start_rule, const ByteSet& allowed,
                                                                  std::string_view where) {
  Automaton automaton = std::move(automaton_);
  const std::vector<std::string> names = std::move(names_);
  const bool too_large = too_large_;
  *this = AutomatonBuilder();
  if (too_large)
    return exhausted("[", where,
                     "] the grammar must have at most 300,000 states, got more; make counts and lengths "
                     "smaller");
  automaton.start = automaton.starts.at(at(start_rule));
  keep_allowed(automaton.states, allowed);
  measure_distances(automaton);
  if (const AutomatonState& start = automaton.states[at(automaton.start)]; start.distance < 0)
    return invalid_argument("[", where,
                            "] some text must match, got a grammar that only texts without end, or nested "
                            "deeper than ",
                            kMaxCallDepth, " levels, or none match; make a part optional");
  cut_dead_ends(automaton);
  if (const int32_t rule = left_recursive_rule(automaton); rule >= 0)
    return invalid_argument("[", where, "] what refers to itself must do so inside an object or array, got ",
                            names[at(rule)], " that begins with itself; wrap it or leave it out");
  find_classes(automaton);
  return std::make_shared<const Automaton>(std::move(automaton));
}

}  // namespace melete
