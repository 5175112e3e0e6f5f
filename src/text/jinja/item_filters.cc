#include "text/jinja/item_filters.h"

#include <algorithm>
#include <charconv>

#include "text/jinja/builtins.h"
#include "text/jinja/text_functions.h"

namespace melete::jinja {

Value attribute_path(Interpreter& in, Value value, const Value& path) {
  if (path.as_integer()) return in.item(value, path);
  const std::string name = text_of(path, "attribute").str();
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find('.', begin), name.size());
    const std::string part = name.substr(begin, end - begin);
    int64_t index = 0;
    const auto read = std::from_chars(part.data(), part.data() + part.size(), index);
    const bool is_index = !part.empty() && read.ec == std::errc() && read.ptr == part.data() + part.size();
    if (value.undefined()) return Undefined{name};
    value = in.item(value, is_index ? Value(index) : Value::text(part, true));
    begin = end + 1;
  }
  return value;
}

namespace {

using In = Interpreter&;
using V = const Value&;
using A = const Arguments&;

// What sorting and comparing look at: an attribute if one is asked for, texts without case unless it counts.
Value key_of(In in, V item, V attribute, bool case_sensitive) {
  Value key = attribute.is_none() ? item : attribute_path(in, item, attribute);
  return !case_sensitive && key.text() ? in.text(lower(*key.text())) : key;
}

std::vector<Value> sorted(In in, std::vector<Value> items, V attribute, bool case_sensitive, bool reverse) {
  std::vector<std::pair<Value, Value>> keyed;
  for (Value& item : items) {
    Value key = key_of(in, item, attribute, case_sensitive);
    in.charge(key.weight() * 16);
    keyed.emplace_back(std::move(key), std::move(item));
  }
  const auto by_key = [](const auto& a, const auto& b) { return less(a.first, b.first); };
  if (reverse) std::reverse(keyed.begin(), keyed.end());
  std::stable_sort(keyed.begin(), keyed.end(), by_key);
  if (reverse) std::reverse(keyed.begin(), keyed.end());
  items.clear();
  for (auto& [key, item] : keyed) items.push_back(std::move(item));
  return items;
}

Value sort_filter(In in, V value, A a) {
  return in.list(sorted(in, in.items_of(value), argument(a, 2, "attribute"),
                        argument(a, 1, "case_sensitive").is_truthy(), argument(a, 0, "reverse").is_truthy()));
}

Value dictsort_filter(In in, V value, A a) {
  if (!value.dict()) fail("dictsort needs a dict, got ", value.type_name());
  const Value& by = argument(a, 1, "by");
  const bool by_value = by.text() && by.text()->str() == "value";
  std::vector<Value> items;
  for (const auto& [key, item] : value.dict()->items()) items.push_back(in.list({key, item}, true));
  return in.list(sorted(in, std::move(items), Value(int64_t{by_value}),
                        argument(a, 0, "case_sensitive").is_truthy(), argument(a, 2, "reverse").is_truthy()));
}

Value unique_filter(In in, V value, A a) {
  std::vector<Value> kept, keys;
  for (const Value& item : in.items_of(value)) {
    Value key = key_of(in, item, argument(a, 1, "attribute"), argument(a, 0, "case_sensitive").is_truthy());
    in.charge(keys.size() * (key.weight() / 16 + 8));
    if (std::any_of(keys.begin(), keys.end(), [&](const Value& seen) { return equal(seen, key); })) continue;
    keys.push_back(std::move(key));
    kept.push_back(item);
  }
  return in.list(std::move(kept));
}

template <bool largest>
Value extreme_filter(In in, V value, A a) {
  const std::vector<Value> items = in.items_of(value);
  if (items.empty()) return Undefined{"the sequence was empty"};
  const auto order =
      sorted(in, items, argument(a, 1, "attribute"), argument(a, 0, "case_sensitive").is_truthy(), largest);
  return order.front();
}

Value sum_filter(In in, V value, A a) {
  const Value* start = a.find(1, "start");
  double total = 0;
  int64_t whole = 0;
  bool is_real = start && start->real();
  const auto add = [&](const Value& number) {
    if (!number.is_number()) fail("sum needs numbers, got ", number.type_name());
    is_real = is_real || number.real();
    total += number.as_double();
    if (number.as_integer() && __builtin_add_overflow(whole, *number.as_integer(), &whole)) is_real = true;
  };
  if (start) add(*start);
  for (const Value& item : in.items_of(value)) {
    const Value& attribute = argument(a, 0, "attribute");
    add(attribute.is_none() ? item : attribute_path(in, item, attribute));
  }
  return is_real ? Value(total) : Value(whole);
}

Value first_filter(In in, V value, A) {
  const std::vector<Value> items = in.items_of(value);
  return items.empty() ? Value(Undefined{"the first of nothing"}) : items.front();
}

Value last_filter(In in, V value, A) {
  const std::vector<Value> items = in.items_of(value);
  return items.empty() ? Value(Undefined{"the last of nothing"}) : items.back();
}

Value join_filter(In in, V value, A a) {
  const Value& given = argument(a, 0, "d");
  const MarkedText separator = given.is_none() ? MarkedText() : str(in, given);
  const Value& attribute = argument(a, 1, "attribute");
  MarkedText joined;
  bool is_first = true;
  for (const Value& item : in.items_of(value)) {
    in.charge(separator.size());
    if (!is_first) joined.append(separator);
    is_first = false;
    in.append(attribute.is_none() ? item : attribute_path(in, item, attribute), joined);
  }
  return Value(std::move(joined));
}

// The arguments behind the first `count`.
Arguments rest_of(A arguments, size_t count) {
  Arguments rest;
  for (size_t i = count; i < arguments.positional.size(); ++i)
    rest.positional.push_back(arguments.positional[i]);
  rest.named = arguments.named;
  return rest;
}

// select, reject, selectattr, rejectattr.
template <bool keep, bool by_attribute>
Value select_filter(In in, V value, A a) {
  constexpr size_t kTest = by_attribute ? 1 : 0;
  const Value attribute = by_attribute ? required(a, 0, "attribute") : Value();
  const std::string test =
      a.positional.size() > kTest ? text_of(a.positional[kTest], "a test's name").str() : "";
  const Arguments rest = rest_of(a, kTest + 1);
  std::vector<Value> kept;
  if (!value.is_truthy()) return in.list({});
  for (const Value& item : in.items_of(value)) {
    const Value subject = by_attribute ? attribute_path(in, item, attribute) : item;
    const bool passes = test.empty() ? subject.is_truthy() : in.apply_test(test, subject, rest);
    if (passes == keep) kept.push_back(item);
  }
  return in.list(std::move(kept));
}

Value map_filter(In in, V value, A a) {
  const Value* attribute = a.find(a.positional.size(), "attribute");
  const Value* fallback = a.find(a.positional.size(), "default");
  const std::string filter = attribute ? "" : text_of(required(a, 0, "filter"), "a filter's name").str();
  const Arguments rest = rest_of(a, 1);
  std::vector<Value> mapped;
  if (!value.is_truthy()) return in.list({});
  for (const Value& item : in.items_of(value)) {
    Value changed = attribute ? attribute_path(in, item, *attribute) : in.apply_filter(filter, item, rest);
    mapped.push_back(attribute && fallback && changed.undefined() ? *fallback : std::move(changed));
  }
  return in.list(std::move(mapped));
}

Value batch_filter(In in, V value, A a) {
  const int64_t size = integer_of(required(a, 0, "linecount"), "linecount");
  if (size < 1) fail("batch needs at least 1 an item, got ", size);
  const Value* fill = a.find(1, "fill_with");
  std::vector<Value> batches, batch;
  for (const Value& item : in.items_of(value)) {
    batch.push_back(item);
    if (static_cast<int64_t>(batch.size()) == size) batches.push_back(in.list(std::exchange(batch, {})));
  }
  if (batch.empty()) return in.list(std::move(batches));
  if (fill && !fill->is_none()) {
    in.charge(static_cast<size_t>(size) * sizeof(Value));
    batch.resize(static_cast<size_t>(size), *fill);
  }
  batches.push_back(in.list(std::move(batch)));
  return in.list(std::move(batches));
}

constexpr std::pair<std::string_view, Filter> kFilters[] = {
    {"sort", sort_filter},
    {"dictsort", dictsort_filter},
    {"unique", unique_filter},
    {"min", extreme_filter<false>},
    {"max", extreme_filter<true>},
    {"sum", sum_filter},
    {"first", first_filter},
    {"last", last_filter},
    {"join", join_filter},
    {"select", select_filter<true, false>},
    {"reject", select_filter<false, false>},
    {"selectattr", select_filter<true, true>},
    {"rejectattr", select_filter<false, true>},
    {"map", map_filter},
    {"batch", batch_filter},
};

}  // namespace

std::span<const std::pair<std::string_view, Filter>> item_filters() { return kFilters; }

}  // namespace melete::jinja
