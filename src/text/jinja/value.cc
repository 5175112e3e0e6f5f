#include "text/jinja/value.h"

#include <algorithm>
#include <cmath>

namespace melete::jinja {
namespace {

// A key's identity: equal keys, and only they, have one spelling.
std::string key_of(const Value& key) {
  if (const MarkedText* text = key.text()) return "s" + text->str();
  if (const auto integer = key.as_integer()) return cat("i", *integer);
  if (const double* real = key.real()) {
    const bool is_whole = std::abs(*real) < 9e15 && *real == std::floor(*real);
    return is_whole ? cat("i", static_cast<int64_t>(*real)) : cat("f", number_text(*real));
  }
  if (key.is_none()) return "n";
  fail("a dict's key must be a text, number or none, got ", key.type_name());
}

// Saturating.
size_t added(size_t a, size_t b) { return a > SIZE_MAX / 4 || b > SIZE_MAX / 4 ? SIZE_MAX / 2 : a + b; }

int checked_depth(int depth) {
  if (depth > kMaxDepth) fail("lists and dicts must nest at most ", kMaxDepth, " deep, got more");
  return depth;
}

}  // namespace

const Value* Arguments::find(size_t index, std::string_view name) const {
  if (index < positional.size()) return &positional[index];
  for (const auto& [key, value] : named)
    if (key == name) return &value;
  return nullptr;
}

const Value* Dict::find(const Value& key) const {
  const auto found = index_.find(key_of(key));
  return found == index_.end() ? nullptr : &items_[found->second].second;
}

const Value* Dict::find(std::string_view key) const {
  const auto found = index_.find("s" + std::string(key));
  return found == index_.end() ? nullptr : &items_[found->second].second;
}

void Dict::put(Value key, Value value) {
  depth_ = checked_depth(std::max(depth_, value.depth() + 1));
  weight_ = added(weight_, added(key.weight(), value.weight()));
  const auto [found, is_new] = index_.emplace(key_of(key), items_.size());
  if (is_new)
    items_.emplace_back(std::move(key), std::move(value));
  else
    items_[found->second].second = std::move(value);
}

Value Value::list(std::vector<Value> items, bool is_tuple) {
  int depth = 1;
  size_t weight = 1;
  for (const Value& item : items) {
    depth = std::max(depth, item.depth() + 1);
    weight = added(weight, item.weight());
  }
  Value value;
  value.data_ = std::make_shared<const List>(List{std::move(items), is_tuple, checked_depth(depth), weight});
  return value;
}

Value Value::function(std::string name, std::function<Value(Interpreter&, const Arguments&)> call) {
  return Value(std::make_shared<const Callable>(Callable{std::move(name), std::move(call)}));
}

Value Value::from_json(const Json& json, bool trusted) {
  switch (json.type()) {
    case Json::value_t::boolean: return Value(json.get<bool>());
    case Json::value_t::number_integer: return Value(json.get<int64_t>());
    case Json::value_t::number_unsigned: {
      const auto value = json.get<uint64_t>();
      return value > INT64_MAX ? Value(static_cast<double>(value)) : Value(static_cast<int64_t>(value));
    }
    case Json::value_t::number_float: return Value(json.get<double>());
    case Json::value_t::string: return Value::text(json.get<std::string>(), trusted);
    case Json::value_t::array: {
      std::vector<Value> items;
      for (const Json& item : json) items.push_back(from_json(item, trusted));
      return Value::list(std::move(items));
    }
    case Json::value_t::object: {
      Dict dict;
      for (const auto& [key, value] : json.items())
        dict.put(Value::text(key, trusted), from_json(value, trusted));
      return Value(std::move(dict));
    }
    default: return {};
  }
}

bool Value::is_truthy() const {
  if (undefined() || is_none()) return false;
  if (const bool* value = boolean()) return *value;
  if (const int64_t* value = integer()) return *value != 0;
  if (const double* value = real()) return *value != 0;
  if (const MarkedText* value = text()) return !value->empty();
  if (const List* value = list()) return !value->items.empty();
  if (const Dict* value = dict()) return !value->items().empty();
  return true;
}

int Value::depth() const {
  if (const List* value = list()) return value->depth;
  if (const Dict* value = dict()) return value->depth();
  return 0;
}

size_t Value::weight() const {
  if (const MarkedText* value = text()) return value->size() + 2;
  if (const List* value = list()) return value->weight;
  if (const Dict* value = dict()) return value->weight();
  return 8;
}

const char* Value::type_name() const {
  if (list()) return list()->is_tuple ? "tuple" : "list";
  constexpr const char* kNames[] = {"undefined", "none", "bool",      "int",      "float", "str",
                                    "list",      "dict", "namespace", "function", "loop"};
  return kNames[data_.index()];
}

double Value::as_double() const {
  if (const double* value = real()) return *value;
  return static_cast<double>(as_integer().value_or(0));
}

std::optional<int64_t> Value::as_integer() const {
  if (const int64_t* value = integer()) return *value;
  if (const bool* value = boolean()) return *value ? 1 : 0;
  return std::nullopt;
}

bool equal(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    const auto x = a.as_integer(), y = b.as_integer();
    return x && y ? *x == *y : a.as_double() == b.as_double();
  }
  if (a.text() && b.text()) return a.text()->str() == b.text()->str();
  if (a.list() && b.list())
    return a.list()->is_tuple == b.list()->is_tuple &&
           std::equal(a.list()->items.begin(), a.list()->items.end(), b.list()->items.begin(),
                      b.list()->items.end(), equal);
  if (a.dict() && b.dict()) {
    if (a.dict()->items().size() != b.dict()->items().size()) return false;
    return std::all_of(a.dict()->items().begin(), a.dict()->items().end(), [&](const auto& item) {
      const Value* other = b.dict()->find(item.first);
      return other && equal(item.second, *other);
    });
  }
  if (a.undefined() || b.undefined()) return a.undefined() && b.undefined();
  if (a.is_none() || b.is_none()) return a.is_none() && b.is_none();
  if (a.names() || b.names()) return a.names() == b.names();
  if (a.callable() || b.callable()) return a.callable() == b.callable();
  return a.loop() && a.loop() == b.loop();
}

bool less(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    const auto x = a.as_integer(), y = b.as_integer();
    return x && y ? *x < *y : a.as_double() < b.as_double();
  }
  if (a.text() && b.text()) return a.text()->str() < b.text()->str();
  if (a.list() && b.list() && a.list()->is_tuple == b.list()->is_tuple)
    return std::lexicographical_compare(a.list()->items.begin(), a.list()->items.end(),
                                        b.list()->items.begin(), b.list()->items.end(), less);
  if (const Undefined* missing = a.undefined() ? a.undefined() : b.undefined())
    fail("'", missing->name, "' is undefined and can't be compared");
  fail("'<' needs two numbers, texts or lists, got ", a.type_name(), " and ", b.type_name());
}

}  // namespace melete::jinja
