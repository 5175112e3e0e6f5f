// Methods of texts, dicts and lists.
#include <algorithm>
#include <unordered_map>

#include "text/jinja/builtins.h"
#include "text/jinja/text_functions.h"
#include "text/unicode.h"

namespace melete::jinja {
namespace {

using TextMethod = Value (*)(Interpreter&, const MarkedText&, const Arguments&);

const MarkedText* optional_text(const Arguments& arguments, size_t index, std::string_view name) {
  const Value& value = argument(arguments, index, name);
  return value.is_none() ? nullptr : &text_of(value, name);
}

int64_t optional_integer(const Arguments& arguments, size_t index, std::string_view name, int64_t fallback) {
  const Value& value = argument(arguments, index, name);
  return value.is_none() ? fallback : integer_of(value, name);
}

template <Side side>
Value strip(Interpreter& in, const MarkedText& text, const Arguments& arguments) {
  return in.text(stripped(text, side, optional_text(arguments, 0, "chars")));
}

template <MarkedText (*change)(const MarkedText&)>
Value changed(Interpreter& in, const MarkedText& text, const Arguments&) {
  return in.text(change(text));
}

Value list_of(Interpreter& in, std::vector<MarkedText> parts, bool is_tuple = false) {
  std::vector<Value> values;
  for (MarkedText& part : parts) values.push_back(in.text(std::move(part)));
  return in.list(std::move(values), is_tuple);
}

template <bool from_right>
Value split_method(Interpreter& in, const MarkedText& text, const Arguments& arguments) {
  const MarkedText* separator = optional_text(arguments, 0, "sep");
  if (separator && separator->empty()) fail("split needs a separator that isn't empty");
  in.charge(text.size() * 8);
  return list_of(in, split(text, separator, optional_integer(arguments, 1, "maxsplit", -1), from_right));
}

template <bool from_right>
Value partition(Interpreter& in, const MarkedText& text, const Arguments& arguments) {
  const MarkedText& separator = text_of(required(arguments, 0, "sep"), "sep");
  if (separator.empty()) fail("partition needs a separator that isn't empty");
  const size_t at = from_right ? text.str().rfind(separator.str()) : text.str().find(separator.str());
  if (at == std::string::npos)
    return from_right ? list_of(in, {MarkedText(), MarkedText(), text}, true)
                      : list_of(in, {text, MarkedText(), MarkedText()}, true);
  const size_t end = at + separator.size();
  return list_of(in, {text.part(0, at), text.part(at, end), text.part(end, text.size())}, true);
}

Value replace(Interpreter& in, const MarkedText& text, const Arguments& arguments) {
  const MarkedText& from = text_of(required(arguments, 0, "old"), "old");
  const MarkedText& to = text_of(required(arguments, 1, "new"), "new");
  const size_t longest = text.size() / std::max<size_t>(from.size(), 1) + 1;
  size_t grown = 0;
  if (__builtin_mul_overflow(longest, to.size(), &grown)) grown = SIZE_MAX / 2;
  in.charge(grown);
  return in.text(replaced(text, from.str(), to, optional_integer(arguments, 2, "count", -1)));
}

template <bool at_end>
Value starts_or_ends(Interpreter& in, const MarkedText& text, const Arguments& arguments) {
  const Value& given = required(arguments, 0, "prefix");
  const std::vector<Value> choices = given.list() ? given.list()->items : std::vector<Value>{given};
  return std::any_of(choices.begin(), choices.end(), [&](const Value& choice) {
    const std::string& part = text_of(choice, "prefix").str();
    return at_end ? text.str().ends_with(part) : text.str().starts_with(part);
  });
}

template <bool at_end>
Value remove_part(Interpreter& in, const MarkedText& text, const Arguments& arguments) {
  const std::string& part = text_of(required(arguments, 0, "prefix"), "prefix").str();
  const bool has = at_end ? text.str().ends_with(part) : text.str().starts_with(part);
  if (!has) return in.text(text);
  return in.text(at_end ? text.part(0, text.size() - part.size()) : text.part(part.size(), text.size()));
}

// Where a text first (or last) is, in characters; -1: nowhere.
int64_t position(Interpreter& in, const MarkedText& text, const Arguments& arguments, bool from_right) {
  const std::string& part = text_of(required(arguments, 0, "sub"), "sub").str();
  in.charge(text.size());
  const size_t at = from_right ? text.str().rfind(part) : text.str().find(part);
  if (at == std::string::npos) return -1;
  return static_cast<int64_t>(character_starts(text.part(0, at)).size()) - 1;
}

template <bool from_right, bool must>
Value find_text(Interpreter& in, const MarkedText& text, const Arguments& arguments) {
  const int64_t at = position(in, text, arguments, from_right);
  if (must && at < 0) fail("substring not found");
  return at;
}

Value count_text(Interpreter& in, const MarkedText& text, const Arguments& arguments) {
  const std::string& part = text_of(required(arguments, 0, "sub"), "sub").str();
  in.charge(text.size());
  if (part.empty()) return static_cast<int64_t>(character_starts(text).size());
  int64_t count = 0;
  for (size_t at = text.str().find(part); at != std::string::npos;
       at = text.str().find(part, at + part.size()))
    ++count;
  return count;
}

Value join(Interpreter& in, const MarkedText& text, const Arguments& arguments) {
  MarkedText joined;
  bool is_first = true;
  for (const Value& item : in.items_of(required(arguments, 0, "iterable"))) {
    in.charge(text.size());
    if (!is_first) joined.append(text);
    is_first = false;
    const MarkedText& part = text_of(item, "an item to join");
    in.charge(part.size());
    joined.append(part);
  }
  return Value(std::move(joined));
}

Value lines(Interpreter& in, const MarkedText& text, const Arguments& arguments) {
  in.charge(text.size() * 8);
  return list_of(in, split_lines(text, argument(arguments, 0, "keepends").is_truthy()));
}

// All characters in `all` and at least one.
template <uint16_t all>
Value consists_of(Interpreter& in, const MarkedText& text, const Arguments&) {
  for (size_t pos = 0; pos < text.size();) {
    const Char c = char_at(text.str(), pos);
    if (!c.is(all)) return false;
    pos += c.length;
  }
  return !text.empty();
}

template <bool is_upper>
Value has_case(Interpreter& in, const MarkedText& text, const Arguments&) {
  const std::string same = is_upper ? upper(text).str() : lower(text).str();
  const std::string other = is_upper ? lower(text).str() : upper(text).str();
  return same == text.str() && other != text.str();
}

// ljust, rjust and zfill: `left` 1 pads on the left.
template <int left, bool zeros>
Value padded(Interpreter& in, const MarkedText& text, const Arguments& arguments) {
  const int64_t width = integer_of(required(arguments, 0, "width"), "width");
  const auto size = static_cast<int64_t>(character_starts(text).size()) - 1;
  const auto missing = static_cast<size_t>(std::max<int64_t>(0, width - size));
  in.charge(missing);
  const MarkedText padding(std::string(missing, zeros ? '0' : ' '), true);
  MarkedText out = left ? padding : text;
  out.append(left ? text : padding);
  return in.text(std::move(out));
}

// '{} {0} {name}'.format(...), without format specifications.
Value format_method(Interpreter& in, const MarkedText& text, const Arguments& arguments) {
  MarkedText out;
  const std::string& bytes = text.str();
  size_t next = 0;
  for (size_t pos = 0; pos < bytes.size();) {
    const bool is_double = pos + 1 < bytes.size() && bytes[pos + 1] == bytes[pos];
    if ((bytes[pos] != '{' && bytes[pos] != '}') || is_double) {
      out.append_part(text, pos, pos + 1);
      pos += bytes[pos] == '{' || bytes[pos] == '}' ? 2 : 1;
      continue;
    }
    const size_t close = bytes.find('}', pos);
    if (bytes[pos] == '}' || close == std::string::npos) fail("a format needs matching braces");
    const std::string field = bytes.substr(pos + 1, close - pos - 1);
    const bool is_number =
        !field.empty() && field.size() < 9 && field.find_first_not_of("0123456789") == std::string::npos;
    const size_t index = field.empty() ? next++ : is_number ? std::stoul(field) : arguments.positional.size();
    const Value* value = arguments.find(index, field);
    if (!value) fail("a format has no value for {", field.substr(0, 80), "}");
    in.append(*value, out);
    pos = close + 1;
  }
  return in.text(std::move(out));
}

Value title_method(Interpreter& in, const MarkedText& text, const Arguments&) {
  return in.text(titled(text, false));
}

const std::unordered_map<std::string_view, TextMethod>& text_methods() {
  static const std::unordered_map<std::string_view, TextMethod> methods = {
      {"strip", strip<Side::both>},
      {"lstrip", strip<Side::left>},
      {"rstrip", strip<Side::right>},
      {"upper", changed<upper>},
      {"lower", changed<lower>},
      {"casefold", changed<lower>},
      {"capitalize", changed<capitalized>},
      {"title", title_method},
      {"split", split_method<false>},
      {"rsplit", split_method<true>},
      {"splitlines", lines},
      {"partition", partition<false>},
      {"rpartition", partition<true>},
      {"replace", replace},
      {"startswith", starts_or_ends<false>},
      {"endswith", starts_or_ends<true>},
      {"removeprefix", remove_part<false>},
      {"removesuffix", remove_part<true>},
      {"find", find_text<false, false>},
      {"rfind", find_text<true, false>},
      {"index", find_text<false, true>},
      {"rindex", find_text<true, true>},
      {"count", count_text},
      {"join", join},
      {"format", format_method},
      {"isdigit", consists_of<kNumber>},
      {"isdecimal", consists_of<kNumber>},
      {"isnumeric", consists_of<kNumber>},
      {"isalpha", consists_of<kLetter>},
      {"isalnum", consists_of<kLetter | kNumber>},
      {"isspace", consists_of<kSpace>},
      {"isupper", has_case<true>},
      {"islower", has_case<false>},
      {"zfill", padded<1, true>},
      {"rjust", padded<1, false>},
      {"ljust", padded<0, false>},
  };
  return methods;
}

Value dict_method(const Value& object, const std::string& name) {
  if (name == "get")
    return Value::function(name, [object](Interpreter&, const Arguments& arguments) {
      const Value* found = object.dict()->find(required(arguments, 0, "key"));
      return found ? *found : argument(arguments, 1, "default");
    });
  if (name == "items" || name == "keys" || name == "values")
    return Value::function(name, [object, which = name[0]](Interpreter& in, const Arguments&) {
      std::vector<Value> parts;
      for (const auto& [key, value] : object.dict()->items())
        parts.push_back(which == 'k' ? key : which == 'v' ? value : in.list({key, value}, true));
      return in.list(std::move(parts));
    });
  if (name == "copy")
    return Value::function(name, [object](Interpreter&, const Arguments&) { return object; });
  for (const char* changing : {"pop", "popitem", "update", "setdefault", "clear"})
    if (name == changing)
      return Value::function(name, [name](Interpreter&, const Arguments&) -> Value {
        fail("a dict can't be changed, so not by ", name, "()");
      });
  return Undefined{name};
}

Value list_method(const Value& object, const std::string& name) {
  if (name == "copy")
    return Value::function(name, [object](Interpreter&, const Arguments&) { return object; });
  if (name == "index" || name == "count")
    return Value::function(name, [object, name](Interpreter& in, const Arguments& arguments) -> Value {
      const Value& wanted = required(arguments, 0, "value");
      in.charge(object.weight() / 4);
      int64_t count = 0, at = 0;
      for (const Value& item : object.list()->items) {
        if (equal(item, wanted) && ++count && name == "index") return at;
        ++at;
      }
      if (name == "index") fail("the value isn't in the list");
      return count;
    });
  for (const char* changing : {"append", "extend", "insert", "pop", "remove", "sort", "reverse", "clear"})
    if (name == changing)
      return Value::function(name, [name](Interpreter&, const Arguments&) -> Value {
        fail("a list can't be changed, so not by ", name, "()");
      });
  return Undefined{name};
}

}  // namespace

Value find_method(const Value& object, const std::string& name) {
  if (object.dict()) return dict_method(object, name);
  if (object.list()) return list_method(object, name);
  if (!object.text()) return Undefined{name};
  const auto found = text_methods().find(name);
  if (found == text_methods().end()) return Undefined{name};
  return Value::function(name, [object, method = found->second](Interpreter& in, const Arguments& arguments) {
    return method(in, *object.text(), arguments);
  });
}

}  // namespace melete::jinja
