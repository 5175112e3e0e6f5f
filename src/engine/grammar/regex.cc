#include "engine/grammar/regex.h"

#include <algorithm>

#include "engine/grammar/regex_class.h"

namespace melete {
namespace {

constexpr int64_t kMaxCount = 10'000;
constexpr int kMaxGroupDepth = 50;
constexpr size_t kMaxBytes = 20'000;

class RegexParser : public RegexCursor {
 public:
  RegexParser(std::string_view pattern, RegexMatch match, std::string_view where)
      : RegexCursor(pattern, where), match_(match) {}

  Result<Expr> parse() {
    MELETE_ASSIGN_OR_RETURN(Expr whole, alternatives(0));
    if (!at_end()) return problem("an open group for each )", ")");
    return whole;
  }

 private:
  Result<Expr> alternatives(int depth) {
    if (depth > kMaxGroupDepth)
      return exhausted("[", where(), "] groups must be at most ", kMaxGroupDepth,
                       " deep, got more; simplify it");
    std::vector<Expr> parts;
    do {
      MELETE_ASSIGN_OR_RETURN(Expr part, branch(depth));
      parts.push_back(std::move(part));
    } while (take('|'));
    return choice(std::move(parts));
  }

  // Outside of groups, an alternative's ends are the places of ^ and $.
  Result<Expr> branch(int depth) {
    std::vector<Expr> parts;
    const bool outer = depth == 0;
    const bool from_start = outer && take_all('^');
    bool to_end = false;
    while (!at_end() && peek() != '|' && peek() != ')') {
      if (outer && take_all('$')) {
        to_end = true;
        if (!at_end() && peek() != '|' && peek() != ')') return anchor_problem("$");
        break;
      }
      MELETE_ASSIGN_OR_RETURN(Expr part, repeated(depth));
      parts.push_back(std::move(part));
    }
    if (outer && match_ == RegexMatch::anywhere) {
      const Expr anything = repeat(characters(CodePoints::all()), 0, kUnbounded);
      if (!from_start) parts.insert(parts.begin(), anything);
      if (!to_end) parts.push_back(anything);
    }
    return sequence(std::move(parts));
  }

  Result<Expr> repeated(int depth) {
    MELETE_ASSIGN_OR_RETURN(Expr part, atom(depth));
    bool counted = false;
    while (!at_end()) {
      int64_t min = 0, max = kUnbounded;
      const size_t begin = position();
      if (take('*')) {
      } else if (take('+')) {
        min = 1;
      } else if (take('?')) {
        max = 1;
      } else if (peek() == '{') {
        MELETE_ASSIGN_OR_RETURN(const bool is_count, count(min, max));
        if (!is_count) break;
      } else {
        break;
      }
      if (counted) return problem("one count after an element", std::string(since(begin)));
      counted = true;
      take('?');
      part = repeat(std::move(part), min, max);
    }
    return part;
  }

  // {n}, {n,} or {n,m}; false, with nothing read, if the brace is an ordinary one.
  Result<bool> count(int64_t& min, int64_t& max) {
    const size_t begin = position();
    skip(1);
    const auto low = digits();
    auto high = low;
    if (low && take(',')) high = at_end() || peek() == '}' ? std::optional(kUnbounded) : digits();
    if (!low || !high || !take('}')) {
      rewind(begin);
      return false;
    }
    min = *low;
    max = *high;
    if (min > kMaxCount || max > kMaxCount)
      return exhausted("[", where(), "] counts must be at most ", kMaxCount, ", got ", since(begin),
                       "; give a smaller one, or none");
    if (max != kUnbounded && min > max) return problem("counts in order", std::string(since(begin)));
    return true;
  }

  Result<Expr> atom(int depth) {
    const char c = peek();
    if (c == '(') return group(depth);
    if (c == '^' || c == '$') return anchor_problem(std::string(1, c));
    if (c == '*' || c == '+' || c == '?') return problem("an element before a count", std::string(1, c));
    if (c == '[') {
      MELETE_ASSIGN_OR_RETURN(CodePoints set, bracket());
      return characters(std::move(set));
    }
    if (take('.')) {
      CodePoints breaks = CodePoints::of("\n\r");
      breaks.add(0x2028, 0x2029);
      return characters(breaks.complement());
    }
    if (c == '\\') {
      MELETE_ASSIGN_OR_RETURN(CodePoints set, escape(/*in_bracket=*/false));
      return characters(std::move(set));
    }
    MELETE_ASSIGN_OR_RETURN(const int32_t code_point, character());
    return characters(CodePoints(code_point, code_point));
  }

  Result<Expr> group(int depth) {
    const size_t begin = position();
    skip(1);
    if (take('?')) {
      take('P');
      if (take('<')) {
        while (!at_end() && (std::isalnum(static_cast<unsigned char>(peek())) || peek() == '_')) skip(1);
        if (since(begin).back() == '<' || !take('>')) return group_problem(begin);
      } else if (since(begin) != "(?" || !take(':')) {
        return group_problem(begin);
      }
    }
    MELETE_ASSIGN_OR_RETURN(Expr inner, alternatives(depth + 1));
    if (!take(')')) return problem("a ) for each group", "the end");
    return inner;
  }

  Error group_problem(size_t begin) {
    if (!at_end()) skip(1);
    return invalid_argument("[", where(), "] groups must be (...), (?:...) or (?P<name>...), got ",
                            since(begin), " at byte ", begin,
                            "; look-around and flags aren't regular, or aren't supported");
  }

  Error anchor_problem(const std::string& anchor) const {
    return invalid_argument("[", where(), "] ", anchor,
                            " must stand at the end of an alternative outside of groups, got it at byte ",
                            position(), "; leave it out or repeat the alternative with it");
  }

  RegexMatch match_;
};

}  // namespace

Result<Expr> parse_regex(std::string_view pattern, RegexMatch match, std::string_view where) {
  if (pattern.size() > kMaxBytes)
    return exhausted("[", where, "] a pattern must have at most ", kMaxBytes, " bytes, got ", pattern.size(),
                     "; shorten it");
  return RegexParser(pattern, match, where).parse();
}

}  // namespace melete
