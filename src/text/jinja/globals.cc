// Functions that every template finds, and the % operator of texts.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "text/jinja/builtins.h"

namespace melete::jinja {
namespace {

using In = Interpreter&;
using A = const Arguments&;

constexpr int64_t kMaxRange = 100'000;  // sandboxed Jinja's
constexpr size_t kMaxTimeFormat = 256;

Value range(In in, A a) {
  if (a.positional.empty() || a.positional.size() > 3)
    fail("range takes 1 to 3 integers, got ", a.positional.size());
  const auto number = [&](size_t i) { return integer_of(a.positional[i], "range's argument"); };
  const bool has_begin = a.positional.size() > 1;
  const int64_t begin = has_begin ? number(0) : 0, end = number(has_begin ? 1 : 0);
  const int64_t step = a.positional.size() > 2 ? number(2) : 1;
  if (step == 0) fail("range's step must not be 0");
  std::vector<Value> items;
  for (int64_t at = begin; step > 0 ? at < end : at > end;) {
    if (static_cast<int64_t>(items.size()) >= kMaxRange)
      fail("range must have at most ", kMaxRange, " numbers, got more");
    items.emplace_back(at);
    if (__builtin_add_overflow(at, step, &at)) break;
  }
  return in.list(std::move(items));
}

Value make_namespace(In in, A a) {
  auto names = in.make_namespace();
  for (const Value& given : a.positional) {
    if (!given.dict()) fail("namespace takes a dict or named values, got ", given.type_name());
    for (const auto& [key, value] : given.dict()->items())
      names->attributes[text_of(key, "a name").str()] = value;
  }
  for (const auto& [name, value] : a.named) names->attributes[name] = value;
  return Value(std::move(names));
}

Value make_dict(In, A a) {
  Dict dict;
  for (const Value& given : a.positional) {
    if (!given.dict()) fail("dict takes a dict or named values, got ", given.type_name());
    for (const auto& [key, value] : given.dict()->items()) dict.put(key, value);
  }
  for (const auto& [name, value] : a.named) dict.put(Value::text(name, true), value);
  return Value(std::move(dict));
}

Value raise_exception(In in, A a) {
  MarkedText message;
  if (const Value* given = a.find(0, "message")) in.append(*given, message);
  fail("the template refuses the conversation: ", message.str().substr(0, 500));
}

Value strftime_now(In in, A a) {
  const std::string format = text_of(required(a, 0, "format"), "a time's format").str();
  if (format.size() > kMaxTimeFormat)
    fail("a time's format must have at most ", kMaxTimeFormat, " bytes, got ", format.size());
  char text[kMaxTimeFormat * 16];
  const size_t size = std::strftime(text, sizeof text, format.c_str(), &in.options().now);
  return in.text(MarkedText(std::string(text, size), true));
}

// One conversion of the % operator, from its % on; returns the byte behind it.
size_t convert(In in, const MarkedText& format, size_t pos, const std::vector<Value>& values, size_t& next,
               MarkedText& out) {
  const std::string& bytes = format.str();
  const size_t end = bytes.find_first_not_of("-+ #0123456789.", pos + 1);
  if (end == std::string::npos) fail("a format must not end with %");
  const char letter = bytes[end];
  if (letter == '%') {
    out.append_part(format, end, end + 1);
    return end + 1;
  }
  if (next >= values.size()) fail("a format needs more values than its ", values.size());
  const Value& value = values[next++];
  std::string flags = bytes.substr(pos, end - pos);
  if (flags.size() > 10) fail("a format's width must be short, got ", flags.substr(0, 80));
  const bool is_integer = letter == 'd' || letter == 'i' || letter == 'x' || letter == 'X' || letter == 'o';
  const bool is_real =
      letter == 'f' || letter == 'e' || letter == 'g' || letter == 'F' || letter == 'E' || letter == 'G';
  const size_t first = flags.find_first_of("123456789");
  if (first != std::string::npos && flags.size() - first > 4)
    fail("a format's width must be short, got ", flags);
  if (letter == 's' || letter == 'r') {
    in.charge(value.weight() * 2);
    MarkedText shown;
    letter == 's' ? append_str(value, shown) : append_repr(value, shown);
    const bool is_left = flags.find('-') != std::string::npos;
    const size_t width = first == std::string::npos ? 0 : std::strtoul(flags.c_str() + first, nullptr, 10);
    const size_t size = character_starts(shown).size() - 1;
    const std::string padding(width > size ? width - size : 0, ' ');
    if (!is_left) out.append(padding, true);
    out.append(shown);
    if (is_left) out.append(padding, true);
  } else if ((is_integer || is_real) && value.is_number()) {
    char text[20'000];
    if (is_integer)
      std::snprintf(text, sizeof text, (flags + "ll" + letter).c_str(),
                    static_cast<long long>(value.as_integer() ? *value.as_integer()
                                                              : static_cast<int64_t>(std::clamp(
                                                                    value.as_double(), -9e18, 9e18))));
    else
      std::snprintf(text, sizeof text, (flags + letter).c_str(), value.as_double());
    in.charge(sizeof text);
    out.append(text, true);
  } else {
    fail("%", letter, " can't show a ", value.type_name());
  }
  return end + 1;
}

}  // namespace

Value format_text(Interpreter& in, const MarkedText& format, const std::vector<Value>& values) {
  MarkedText out;
  size_t next = 0;
  for (size_t pos = 0; pos < format.size();) {
    if (format.str()[pos] == '%') {
      pos = convert(in, format, pos, values, next, out);
    } else {
      const size_t end = std::min(format.str().find('%', pos), format.size());
      out.append_part(format, pos, end);
      pos = end;
    }
  }
  if (next < values.size()) fail("a format has fewer places than its ", values.size(), " values");
  return in.text(std::move(out));
}

void put_globals(Scope& scope) {
  const std::pair<const char*, Value (*)(In, A)> functions[] = {{"range", range},
                                                                {"namespace", make_namespace},
                                                                {"dict", make_dict},
                                                                {"raise_exception", raise_exception},
                                                                {"strftime_now", strftime_now}};
  for (const auto& [name, function] : functions) scope.variables[name] = Value::function(name, function);
}

}  // namespace melete::jinja
