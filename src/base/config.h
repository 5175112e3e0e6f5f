// Configurations: a struct names its fields once, in visit(), and gets a strict TOML reader, --set overrides,
// a table of explanations, a JSON schema and a writer.
//
//   struct OptimizerConfig {
//     double rate = 3e-4;
//     template <class Visitor> void visit(Visitor&& field) { field("rate", rate, "peak learning rate"); }
//     std::string problem() const { return rate > 0 ? "" : cat("rate must be positive, got ", rate); }
//   };
//
// Fields: bool, int, int64_t, uint64_t, float, double, std::string, vectors of int64_t, double and
// std::string, nested structs, and vectors of structs ([[name]] tables). problem() is optional and says what
// no type can.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace melete {

struct ConfigView;

// A vector of structs, seen without its type.
struct ConfigList {
  std::function<size_t()> size;
  std::function<void(size_t)> resize;
  std::function<ConfigView(size_t)> at;  // valid until the next resize
  std::function<ConfigView()> example;   // a view of a default element
};

using ConfigValue =
    std::variant<bool*, int32_t*, int64_t*, uint64_t*, float*, double*, std::string*, std::vector<int64_t>*,
                 std::vector<double>*, std::vector<std::string>*, std::vector<ConfigView>, ConfigList>;

struct ConfigField {
  std::string name;
  std::string help;
  ConfigValue value;  // a vector with one ConfigView is a nested struct
};

// The fields of one struct by address; it must not outlive the struct.
struct ConfigView {
  std::vector<ConfigField> fields;
  std::function<std::string()> problem;
};

// What config_view() returns holds pointers into `object`.
template <class T>
ConfigView config_view(T& object);

// Sets the fields that `toml` names, then `overrides` ("a.b=3"; a list's element is "a.0.b"; a value that is
// no TOML is taken as a string), and checks every problem(). `where` names the source in errors. On an error
// the struct is partly written. Errors: invalid_argument.
Status read_config(const ConfigView& view, std::string_view toml, const std::vector<std::string>& overrides,
                   std::string_view where);

// One line a field: name, default, help.
std::string explain_config(const ConfigView& view);

// JSON schema (2020-12) with the defaults.
Json config_schema(const ConfigView& view);

// All fields with their values; reading it back gives an equal struct.
std::string config_toml(const ConfigView& view);

template <class T>
Result<T> parse_config(std::string_view toml, const std::vector<std::string>& overrides = {},
                       std::string_view where = "config") {
  T object;
  MELETE_RETURN_IF_ERROR(read_config(config_view(object), toml, overrides, where));
  return object;
}

// Reads a TOML file. Errors: those of read_file, invalid_argument.
Result<std::string> read_config_text(const std::filesystem::path& path);

template <class T>
Result<T> read_config(const std::filesystem::path& path, const std::vector<std::string>& overrides = {}) {
  MELETE_ASSIGN_OR_RETURN(const std::string text, read_config_text(path));
  return parse_config<T>(text, overrides, path.string());
}

template <class T>
std::string explain() {
  T object;
  return explain_config(config_view(object));
}

template <class T>
Json schema() {
  T object;
  return config_schema(config_view(object));
}

template <class T>
std::string to_toml(T object) {
  return config_toml(config_view(object));
}

namespace config_detail {

template <class T, class Variant>
struct holds_pointer;
template <class T, class... Types>
struct holds_pointer<T, std::variant<Types...>> : std::disjunction<std::is_same<T*, Types>...> {};

template <class T>
ConfigList list_of(std::vector<T>& elements) {
  return {[&] { return elements.size(); }, [&](size_t size) { elements.resize(size); },
          [&](size_t i) { return config_view(elements[i]); },
          [] {
            static T element;
            return config_view(element);
          }};
}

template <class T>
ConfigValue value_of(std::vector<T>& field) {
  if constexpr (holds_pointer<std::vector<T>, ConfigValue>::value)
    return &field;
  else
    return list_of(field);
}

template <class T>
ConfigValue value_of(T& field) {
  if constexpr (holds_pointer<T, ConfigValue>::value)
    return &field;
  else
    return std::vector<ConfigView>{config_view(field)};
}

}  // namespace config_detail

template <class T>
ConfigView config_view(T& object) {
  ConfigView view;
  object.visit([&](const char* name, auto& field, const char* help) {
    view.fields.push_back({name, help, config_detail::value_of(field)});
  });
  if constexpr (requires { object.problem(); }) view.problem = [&object] { return object.problem(); };
  return view;
}

}  // namespace melete
