#include "engine/grammar/number_ranges.h"

#include <algorithm>

#include "engine/grammar/json_rules.h"

namespace melete {
namespace {

Expr digit(char first, char last) { return characters(CodePoints(first, last)); }
Expr nothing() { return choice({}); }

// Digit strings of one length, low <= x <= high, both of that length. An empty bound is no bound.
Expr digits_between(std::string_view low, std::string_view high, size_t length) {
  if (length == 0) return bytes("");
  if (low.empty() && high.empty()) return digits(static_cast<int64_t>(length), static_cast<int64_t>(length));
  const char first = low.empty() ? '0' : low[0], last = high.empty() ? '9' : high[0];
  const auto rest = [&](char d) {
    return sequence(
        {digit(d, d), digits_between(d == first && !low.empty() ? low.substr(1) : "",
                                     d == last && !high.empty() ? high.substr(1) : "", length - 1)});
  };
  if (first == last) return rest(first);
  std::vector<Expr> ways = {rest(first), rest(last)};
  if (first + 1 <= last - 1)
    ways.push_back(sequence({digit(static_cast<char>(first + 1), static_cast<char>(last - 1)),
                             digits_between("", "", length - 1)}));
  return choice(std::move(ways));
}

bool is_less(const std::string& a, const std::string& b) {  // decimal integers without leading zeros
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

std::string plus_one(std::string integer) {
  for (size_t i = integer.size(); i-- > 0;) {
    if (integer[i] != '9') {
      ++integer[i];
      return integer;
    }
    integer[i] = '0';
  }
  return "1" + integer;
}

std::string minus_one(std::string integer) {  // of at least 1
  for (size_t i = integer.size(); i-- > 0;) {
    if (integer[i] != '0') {
      --integer[i];
      break;
    }
    integer[i] = '9';
  }
  return integer.size() > 1 && integer[0] == '0' ? integer.substr(1) : integer;
}

// Integers low <= x <= high without sign.
Expr integers_between(const std::string& low, const std::string& high) {
  std::vector<Expr> ways;
  for (size_t length = low.size(); length <= high.size(); ++length) {
    const std::string least = length == 1 ? "0" : "1" + std::string(length - 1, '0');
    const std::string from = length == low.size() ? low : least;
    const std::string to = length == high.size() ? high : std::string(length, '9');
    if (!is_less(to, from)) ways.push_back(digits_between(from, to, length));
  }
  return choice(std::move(ways));
}

// Fractions 0.d1d2... between two others, by their digits behind the point.
class Fractions {
 public:
  // Null: no bound on that side.
  Fractions(const DecimalBound* low, const DecimalBound* high) : low_(low), high_(high) {}

  bool may_be_absent() const { return may_end(0, low_, high_); }
  Expr digits_behind_point() const { return some(0, low_, high_); }

 private:
  using Bound = const DecimalBound*;

  static char digit_at(Bound b, size_t i) { return i < b->fraction.size() ? b->fraction[i] : '0'; }
  static bool is_over(Bound b, size_t i) { return i >= b->fraction.size(); }

  // Whether the digits before i, all equal to the bounds that are still given, are enough.
  static bool may_end(size_t i, Bound low, Bound high) {
    const bool reaches_low = !low || (is_over(low, i) && !low->exclusive);
    const bool stays_below = !high || !is_over(high, i) || !high->exclusive;
    return reaches_low && stays_below;
  }

  static Expr tail(size_t i, Bound low, Bound high) {
    const Expr more = some(i, low, high);
    return may_end(i, low, high) ? optional(more) : more;
  }

  // At least one digit, from digit i on.
  static Expr some(size_t i, Bound low, Bound high) {
    if (low && is_over(low, i) && !low->exclusive) low = nullptr;
    if (!low && !high) return digits(1, kMaxFractionDigits);
    const Expr zeros = repeat(bytes("0"), 0, kMaxFractionDigits);
    if (low && !high && is_over(low, i))
      return sequence({zeros, digit('1', '9'), digits(0, kMaxFractionDigits)});
    if (high && is_over(high, i))
      return low || high->exclusive ? nothing() : repeat(bytes("0"), 1, kMaxFractionDigits);
    const char first = low ? digit_at(low, i) : '0', last = high ? digit_at(high, i) : '9';
    if (first > last) return nothing();
    const auto at = [&](char d) {
      return sequence({digit(d, d), tail(i + 1, d == first ? low : nullptr, d == last ? high : nullptr)});
    };
    if (first == last) return at(first);
    std::vector<Expr> ways = {at(first), at(last)};
    if (first + 1 <= last - 1)
      ways.push_back(sequence({digit(static_cast<char>(first + 1), static_cast<char>(last - 1)),
                               optional(digits(1, kMaxFractionDigits))}));
    return choice(std::move(ways));
  }

  Bound low_, high_;
};

// `integer` with the fractions that the bounds allow; null: any.
Expr with_fraction(const Expr& integer, const DecimalBound* low, const DecimalBound* high, bool integers) {
  const Fractions fractions(low, high);
  std::vector<Expr> ways;
  if (fractions.may_be_absent()) ways.push_back(integer);
  if (!integers) ways.push_back(sequence({integer, bytes("."), fractions.digits_behind_point()}));
  return choice(std::move(ways));
}

// Numbers without sign between magnitudes.
Expr magnitudes_between(const DecimalBound& low, const DecimalBound& high, bool integers) {
  const std::string &from = low.integer, &to = high.integer;
  if (is_less(to, from)) return nothing();
  if (from == to) return with_fraction(bytes(from), &low, &high, integers);
  std::vector<Expr> ways = {with_fraction(bytes(from), &low, nullptr, integers),
                            with_fraction(bytes(to), nullptr, &high, integers)};
  const std::string after = plus_one(from), before = minus_one(to);
  if (!is_less(before, after))
    ways.push_back(with_fraction(integers_between(after, before), nullptr, nullptr, integers));
  return choice(std::move(ways));
}

bool is_zero(const DecimalBound& b) { return b.integer == "0" && b.fraction.empty(); }

}  // namespace

std::optional<DecimalBound> decimal_bound(const Json& number, bool exclusive) {
  std::string text = json_text(number);
  DecimalBound bound;
  bound.exclusive = exclusive;
  bound.negative = text[0] == '-';
  if (bound.negative) text.erase(0, 1);
  int64_t exponent = 0;
  if (const size_t e = text.find_first_of("eE"); e != std::string::npos) {
    exponent = std::stoll(text.substr(e + 1));
    text.resize(e);
  }
  if (exponent < -40 || exponent > 40) return std::nullopt;
  const size_t point = text.find('.');
  std::string whole = text.substr(0, point), part = point == std::string::npos ? "" : text.substr(point + 1);
  for (; exponent > 0; --exponent) {
    whole += part.empty() ? '0' : part[0];
    if (!part.empty()) part.erase(0, 1);
  }
  for (; exponent < 0; ++exponent) {
    part.insert(part.begin(), whole.empty() ? '0' : whole.back());
    if (!whole.empty()) whole.pop_back();
  }
  whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size()));
  part.erase(part.find_last_not_of('0') + 1);
  bound.integer = whole.empty() ? "0" : whole;
  bound.fraction = part;
  if (is_zero(bound)) bound.negative = false;
  if (std::ssize(bound.integer) > kMaxIntegerDigits || std::ssize(bound.fraction) > kMaxFractionDigits)
    return std::nullopt;
  return bound;
}

Expr numbers_between(const std::optional<DecimalBound>& low, const std::optional<DecimalBound>& high,
                     bool integers) {
  const DecimalBound zero;
  DecimalBound most;
  most.integer = std::string(static_cast<size_t>(kMaxIntegerDigits), '9');
  std::vector<Expr> ways;
  if (!high || !high->negative) {
    const DecimalBound from = low && !low->negative ? *low : zero;
    ways.push_back(magnitudes_between(from, high.value_or(most), integers));
  }
  if (!low || low->negative) {
    // Zero has no sign here: what is negative lies beyond it.
    DecimalBound from = high && high->negative ? *high : zero;
    from.exclusive |= is_zero(from);
    ways.push_back(sequence({bytes("-"), magnitudes_between(from, low.value_or(most), integers)}));
  }
  return choice(std::move(ways));
}

}  // namespace melete
