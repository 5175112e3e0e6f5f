// Expressions into states and edges (Thompson's construction, with calls).
#include <algorithm>
#include <map>
#include <tuple>

#include "base/check.h"
#include "engine/grammar/automaton.h"
#include "engine/grammar/utf8_ranges.h"

namespace melete {
namespace {

constexpr size_t kMaxStates = 300'000;
// An expression of more parts than this becomes a rule where it is needed many times.
constexpr int kSmall = 4;
constexpr int64_t kFewCopies = 3;

using Kind = Expression::Kind;

// Counts `budget` down by the size of the automaton; below 0: large.
void measure(const Expr& e, int& budget) {
  budget -= e->kind == Kind::bytes ? static_cast<int>(std::min<size_t>(e->text.size(), 100)) : 1;
  if (e->kind == Kind::characters || e->kind == Kind::json_characters)
    budget -= static_cast<int>(std::min<size_t>(e->set.ranges().size(), 100));
  for (const Expr& part : e->parts)
    if (budget >= 0) measure(part, budget);
  if (e->rest || (e->kind == Kind::repeat && e->max > kFewCopies)) budget -= kSmall;
}

std::string json_escape(int32_t code_point) {
  switch (code_point) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    case '\b': return "\\b";
    case '\f': return "\\f";
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default: break;
  }
  constexpr const char* kHex = "0123456789abcdef";
  return std::string("\\u00") + kHex[code_point / 16] + kHex[code_point % 16];
}

}  // namespace

int32_t AutomatonBuilder::add_state() {
  if (automaton_.states.size() >= kMaxStates) {
    too_large_ = true;  // the rest is built on one state, and thrown away
    return 0;
  }
  automaton_.states.emplace_back();
  return static_cast<int32_t>(automaton_.states.size()) - 1;
}

int32_t AutomatonBuilder::add_rule(std::string name) {
  names_.push_back(std::move(name));
  automaton_.starts.push_back(add_state());
  ends_.push_back(add_state());
  automaton_.states[static_cast<size_t>(ends_.back())].is_end = true;
  return static_cast<int32_t>(ends_.size()) - 1;
}

void AutomatonBuilder::define(int32_t rule, const Expr& body) {
  build(body, automaton_.starts.at(static_cast<size_t>(rule)), ends_.at(static_cast<size_t>(rule)));
}

int32_t AutomatonBuilder::add_rule(std::string name, const Expr& body) {
  const int32_t rule = add_rule(std::move(name));
  define(rule, body);
  return rule;
}

void AutomatonBuilder::empty_edge(int32_t from, int32_t to) {
  if (from != to) automaton_.states[static_cast<size_t>(from)].empty.push_back(to);
}

// A call to a rule of its own, if the part is large.
Expr AutomatonBuilder::shared(const Expr& part) {
  int budget = kSmall;
  measure(part, budget);
  return budget >= 0 ? part : call(add_rule("a repeated part", part));
}

void AutomatonBuilder::build(const Expr& e, int32_t from, int32_t to) {
  if (too_large_) return;
  switch (e->kind) {
    case Kind::bytes: return build_bytes(e->text, from, to);
    case Kind::characters: return build_characters(e->set, from, to);
    case Kind::json_characters: return build_json_characters(e->set, from, to);
    case Kind::choice: return build_choice(e->parts, from, to);
    case Kind::repeat: return build_repeat(*e, from, to);
    case Kind::list: return build_list(*e, from, to);
    case Kind::call: return automaton_.states[static_cast<size_t>(from)].calls.push_back({e->rule, to});
    case Kind::sequence: break;
  }
  for (size_t i = 0; i < e->parts.size(); ++i) {
    const int32_t next = i + 1 == e->parts.size() ? to : add_state();
    build(e->parts[i], from, next);
    from = next;
  }
  empty_edge(from, to);
}

void AutomatonBuilder::build_bytes(std::string_view text, int32_t from, int32_t to) {
  for (size_t i = 0; i < text.size(); ++i) {
    const int32_t next = i + 1 == text.size() ? to : add_state();
    const auto byte = static_cast<uint8_t>(text[i]);
    automaton_.states[static_cast<size_t>(from)].bytes.push_back({byte, byte, next});
    from = next;
  }
  empty_edge(from, to);
}

// Sequences that end alike share their last states.
void AutomatonBuilder::build_characters(const CodePoints& set, int32_t from, int32_t to) {
  std::map<std::vector<ByteRange>, int32_t> suffixes;  // what is still to be read -> the state before it
  for (const CodePointRange& range : set.ranges()) {
    for (std::vector<ByteRange>& sequence : utf8_ranges(range)) {
      int32_t next = to;
      std::vector<ByteRange> suffix;
      for (size_t i = sequence.size() - 1; i > 0; --i) {
        suffix.insert(suffix.begin(), sequence[i]);
        auto [entry, is_new] = suffixes.try_emplace(suffix, 0);
        if (is_new) {
          entry->second = add_state();
          automaton_.states[static_cast<size_t>(entry->second)].bytes.push_back(
              {sequence[i].first, sequence[i].last, next});
        }
        next = entry->second;
      }
      automaton_.states[static_cast<size_t>(from)].bytes.push_back(
          {sequence[0].first, sequence[0].last, next});
    }
  }
}

void AutomatonBuilder::build_json_characters(const CodePoints& set, int32_t from, int32_t to) {
  static const CodePoints escaped = [] {
    CodePoints s(0, 0x1F);
    s.add(CodePoints::of("\"\\"));
    return s;
  }();
  build_characters(set.without(escaped), from, to);
  std::vector<Expr> escapes;
  const CodePoints to_escape = set.intersection(escaped);
  for (const CodePointRange& range : to_escape.ranges())
    for (int32_t c = range.first; c <= range.last; ++c) escapes.push_back(bytes(json_escape(c)));
  if (!escapes.empty()) build_choice(escapes, from, to);
}

// Texts that begin alike share their first states.
void AutomatonBuilder::build_choice(const std::vector<Expr>& parts, int32_t from, int32_t to) {
  std::map<std::pair<int32_t, char>, int32_t> prefixes;
  for (const Expr& part : parts) {
    if (part->kind != Kind::bytes || part->text.empty()) {
      build(part, from, to);
      continue;
    }
    int32_t at = from;
    for (const char c : std::string_view(part->text).substr(0, part->text.size() - 1)) {
      auto [entry, is_new] = prefixes.try_emplace({at, c}, 0);
      if (is_new) {
        entry->second = add_state();
        build_bytes(std::string_view(&c, 1), at, entry->second);
      }
      at = entry->second;
    }
    build_bytes(std::string_view(part->text).substr(part->text.size() - 1), at, to);
  }
}

void AutomatonBuilder::build_repeat(const Expression& e, int32_t from, int32_t to) {
  const int64_t copies = e.max == kUnbounded ? e.min + 1 : e.max;
  const Expr part = copies > kFewCopies ? shared(e.parts[0]) : e.parts[0];
  const auto one_more = [&] {
    const int32_t next = add_state();
    build(part, from, next);
    from = next;
  };
  for (int64_t i = 0; i < e.min && !too_large_; ++i) one_more();
  if (e.max == kUnbounded) {
    const int32_t loop = add_state();
    empty_edge(from, loop);
    build(part, loop, loop);
    from = loop;
  }
  for (int64_t i = e.min; i < e.max && !too_large_; ++i) {
    empty_edge(from, to);
    one_more();
  }
  empty_edge(from, to);
}

void AutomatonBuilder::build_list(const Expression& e, int32_t from, int32_t to) {
  int32_t nothing_yet = from, written = -1;  // -1: can't be
  const auto end_here = [&](int32_t state) {
    if (state >= 0 && e.min == 0) empty_edge(state, to);
  };
  for (size_t i = 0; i < e.parts.size() && !too_large_; ++i) {
    const int32_t next = add_state();
    const Expr item = nothing_yet >= 0 && written >= 0 ? shared(e.parts[i]) : e.parts[i];
    if (nothing_yet >= 0) build(item, nothing_yet, next);
    if (written >= 0) {
      const int32_t after = add_state();
      build(e.separator, written, after);
      build(item, after, next);
    }
    if (!e.required[i] && !e.gaps) {
      end_here(nothing_yet);
      end_here(written);
    }
    const bool may_skip = !e.required[i] && e.gaps;
    if (may_skip && written >= 0) empty_edge(written, next);
    if (!may_skip) nothing_yet = -1;
    written = next;
  }
  build_rest(e, nothing_yet, written, to);
}

void AutomatonBuilder::build_rest(const Expression& e, int32_t nothing_yet, int32_t written, int32_t to) {
  if (e.min == 0 || !e.rest) {
    if (nothing_yet >= 0) empty_edge(nothing_yet, to);
    if (written >= 0) empty_edge(written, to);
  }
  if (!e.rest || e.max == 0) return;
  const Expr rest = shared(e.rest);
  const auto one_more = [&](int32_t target) {
    if (nothing_yet >= 0) build(rest, nothing_yet, target);
    if (written >= 0) {
      const int32_t after = add_state();
      build(e.separator, written, after);
      build(rest, after, target);
    }
    nothing_yet = -1;
    written = target;
  };
  const int64_t last = e.max == kUnbounded ? std::max<int64_t>(e.min, 1) : e.max;
  for (int64_t count = 1; count <= last && !too_large_; ++count) {
    one_more(add_state());
    if (count >= e.min) empty_edge(written, to);
  }
  if (e.max == kUnbounded) one_more(written);
}

}  // namespace melete
