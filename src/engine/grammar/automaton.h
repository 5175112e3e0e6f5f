// A grammar as a recursive transition network over bytes: nondeterministic automata, one a rule, whose edges
// read a byte, read nothing, or call another rule and go on at its end. What the rules leave open when they
// call is a stack, so schemas may refer to themselves.
//
// Sources: recursive transition networks, Woods 1970 (doi:10.1145/355598.362773); UTF-8 ranges as byte
// sequences, as RE2 and Rust's utf8-ranges split them; shortest derivations, Knuth 1977
// (doi:10.1016/0020-0190(77)90002-3).
//
// Own code, because Debian 12's Rust (1.63) can't build llguidance, which would do the same work.
//
// Invariants of a finished automaton: every state that an edge leads to can reach its rule's end; no rule
// calls itself before it has read a byte.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/grammar/expression.h"

namespace melete {

struct ByteEdge {
  uint8_t first = 0, last = 0;  // both included
  int32_t target = 0;
};

struct CallEdge {
  int32_t rule = 0, target = 0;
};

struct AutomatonState {
  std::vector<ByteEdge> bytes;
  std::vector<int32_t> empty;  // edges that read nothing
  std::vector<CallEdge> calls;
  bool is_end = false;    // of its rule
  int32_t distance = -1;  // bytes of the shortest way to the rule's end; -1: none
  int32_t height = -1;    // open calls that this way needs at most, beside those open already
};

struct Automaton {
  std::vector<AutomatonState> states;
  std::vector<int32_t> starts;             // of each rule
  int32_t start = 0;                       // of the whole
  std::array<uint8_t, 256> class_of = {};  // bytes of one class have the same edges everywhere
  int32_t num_classes = 1;
};

// Calls that may be open at once. Every JSON array and object is a rule, so documents stay below the 128
// levels that parse_json() reads.
inline constexpr int32_t kMaxCallDepth = 100;

// Bytes that the text may have: those that the vocabulary has as tokens of their own, so that no text can end
// where no token goes on.
using ByteSet = std::array<bool, 256>;
inline constexpr ByteSet all_bytes() {
  ByteSet all{};
  all.fill(true);
  return all;
}

class AutomatonBuilder {
 public:
  AutomatonBuilder() = default;

  // A rule without a body yet; the name is for errors.
  int32_t add_rule(std::string name);
  // The rule's body; once a rule.
  void define(int32_t rule, const Expr& body);
  int32_t add_rule(std::string name, const Expr& body);

  // Errors, naming `where`: invalid_argument (a rule calls itself before it reads a byte; nothing matches, or
  // only texts without end or nested deeper than kMaxCallDepth), exhausted (more than 300,000 states). Leaves
  // the builder empty.
  Result<std::shared_ptr<const Automaton>> finish(int32_t start_rule, const ByteSet& allowed,
                                                  std::string_view where);

 private:
  int32_t add_state();
  void build(const Expr& e, int32_t from, int32_t to);
  void build_bytes(std::string_view text, int32_t from, int32_t to);
  void build_characters(const CodePoints& set, int32_t from, int32_t to);
  void build_json_characters(const CodePoints& set, int32_t from, int32_t to);
  void build_choice(const std::vector<Expr>& parts, int32_t from, int32_t to);
  void build_repeat(const Expression& e, int32_t from, int32_t to);
  void build_list(const Expression& e, int32_t from, int32_t to);
  void build_rest(const Expression& e, int32_t nothing_yet, int32_t written, int32_t to);
  Expr shared(const Expr& part);
  void empty_edge(int32_t from, int32_t to);

  Automaton automaton_;
  std::vector<std::string> names_;
  std::vector<int32_t> ends_;
  bool too_large_ = false;
};

}  // namespace melete
