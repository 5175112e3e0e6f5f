// Values of a template: Python's, as far as chat templates use them. Texts, lists and dicts don't change once
// made (sandboxed Jinja forbids it too); only namespaces do.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "base/json.h"
#include "text/jinja/marked_text.h"

namespace melete::jinja {

class Interpreter;
class Value;

// Thrown inside this folder for whatever a template does wrong; Template::parse and render turn it into an
// Error.
struct Failure {
  enum class Kind { syntax, value, limit };
  Kind kind = Kind::value;
  std::string message;
};

template <class... Args>
[[noreturn]] void fail(const Args&... args) {
  throw Failure{Failure::Kind::value, cat(args...)};
}

struct Undefined {
  std::string name;
};
struct None {};

// Arguments of a call, in Python's two ways.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;

  // The argument at `index` or called `name`, or null.
  const Value* find(size_t index, std::string_view name) const;
};

struct List {
  std::vector<Value> items;
  bool is_tuple = false;
  int depth = 1;
  size_t weight = 1;
};

class Dict {
 public:
  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;
  void put(Value key, Value value);
  const std::vector<std::pair<Value, Value>>& items() const { return items_; }
  int depth() const { return depth_; }
  size_t weight() const { return weight_; }

 private:
  std::vector<std::pair<Value, Value>> items_;
  std::unordered_map<std::string, size_t> index_;
  int depth_ = 1;
  size_t weight_ = 1;
};

struct Namespace {
  std::unordered_map<std::string, Value> attributes;
};

struct Callable {
  std::string name;
  std::function<Value(Interpreter&, const Arguments&)> call;
};

// The `loop` of a for statement.
struct Loop {
  std::vector<Value> items;
  size_t index = 0;
  int depth = 1;
  std::shared_ptr<Value> last_changed;  // arguments of the last loop.changed(), as a tuple
};

class Value {
 public:
  using Variant =
      std::variant<Undefined, None, bool, int64_t, double, std::shared_ptr<const MarkedText>,
                   std::shared_ptr<const List>, std::shared_ptr<const Dict>, std::shared_ptr<Namespace>,
                   std::shared_ptr<const Callable>, std::shared_ptr<Loop>>;

  Value() : data_(None{}) {}
  Value(Undefined undefined) : data_(std::move(undefined)) {}  // NOLINT: implicit on purpose, as those below
  Value(bool value) : data_(value) {}                          // NOLINT
  Value(int64_t value) : data_(value) {}                       // NOLINT
  Value(double value) : data_(value) {}                        // NOLINT
  Value(MarkedText text) : data_(std::make_shared<const MarkedText>(std::move(text))) {}  // NOLINT
  Value(Dict dict) : data_(std::make_shared<const Dict>(std::move(dict))) {}              // NOLINT
  Value(std::shared_ptr<Namespace> names) : data_(std::move(names)) {}                    // NOLINT
  Value(std::shared_ptr<const Callable> callable) : data_(std::move(callable)) {}         // NOLINT
  Value(std::shared_ptr<Loop> loop) : data_(std::move(loop)) {}                           // NOLINT
  Value(const void*) = delete;

  static Value text(std::string text, bool trusted) { return Value(MarkedText(std::move(text), trusted)); }
  // Fails where lists hold each other deeper than kMaxDepth.
  static Value list(std::vector<Value> items, bool is_tuple = false);
  static Value function(std::string name, std::function<Value(Interpreter&, const Arguments&)> call);
  // Every text in it is marked so.
  static Value from_json(const Json& json, bool trusted);

  const Undefined* undefined() const { return std::get_if<Undefined>(&data_); }
  bool is_none() const { return std::holds_alternative<None>(data_); }
  const bool* boolean() const { return std::get_if<bool>(&data_); }
  const int64_t* integer() const { return std::get_if<int64_t>(&data_); }
  const double* real() const { return std::get_if<double>(&data_); }
  const MarkedText* text() const { return get<const MarkedText>(); }
  const List* list() const { return get<const List>(); }
  const Dict* dict() const { return get<const Dict>(); }
  Namespace* names() const { return get<Namespace>(); }
  const Callable* callable() const { return get<const Callable>(); }
  Loop* loop() const { return get<Loop>(); }
  std::shared_ptr<Loop> shared_loop() const { return std::get<std::shared_ptr<Loop>>(data_); }

  bool is_truthy() const;
  int depth() const;  // of lists and dicts in it
  // Bytes and parts of it written out whole: lists that share parts can be far larger than their memory.
  size_t weight() const;
  const char* type_name() const;  // Python's
  bool is_number() const { return boolean() || integer() || real(); }
  double as_double() const;                   // of a number
  std::optional<int64_t> as_integer() const;  // of an integer or bool

 private:
  template <class T>
  T* get() const {
    const auto* found = std::get_if<std::shared_ptr<T>>(&data_);
    return found ? found->get() : nullptr;
  }

  Variant data_;
};

inline constexpr int kMaxDepth = 160;

bool equal(const Value& a, const Value& b);
// Python's order of numbers, texts and lists; fails for others.
bool less(const Value& a, const Value& b);

// Appends str(value), or repr(value) inside lists and dicts; texts keep their marks.
void append_str(const Value& value, MarkedText& out);
void append_repr(const Value& value, MarkedText& out);
std::string number_text(double value);  // Python's repr

struct JsonLayout {
  int indent = -1;  // below 0: on one line
  std::string item_separator = ", ", key_separator = ": ";
  bool sort_keys = false, ascii = false;
};
// Python's json.dumps; texts keep their marks.
void append_json(const Value& value, const JsonLayout& layout, MarkedText& out, int level = 0);

}  // namespace melete::jinja
