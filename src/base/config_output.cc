// What can be written from a ConfigView: explanations, JSON schema, TOML.
#include <array>
#include <charconv>
#include <sstream>

#include "base/config.h"

namespace melete {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;  // clang 14 needs the guide that C++20 implies

// The shortest text that reads back to the same number, with a point or exponent so that TOML keeps it a
// float.
template <class T>
requires std::is_floating_point_v<T> std::string scalar(T value) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  std::string text(buffer, end);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

template <class T>
requires std::is_integral_v<T> std::string scalar(T value) { return std::to_string(value); }

std::string scalar(bool value) { return value ? "true" : "false"; }

// A TOML basic string. JSON's escapes are a subset of TOML's, except that TOML forbids a bare 0x7f.
std::string scalar(const std::string& value) {
  std::string text = json_text(value);
  for (size_t at = text.find('\x7f'); at != std::string::npos; at = text.find('\x7f'))
    text.replace(at, 1, "\\u007f");
  return text;
}

template <class T>
std::string scalar(const std::vector<T>& values) {
  std::string text = "[";
  for (size_t i = 0; i < values.size(); ++i) text += (i ? ", " : "") + scalar(values[i]);
  return text + "]";
}

const ConfigView* nested(const ConfigField& field) {
  const auto* inner = std::get_if<std::vector<ConfigView>>(&field.value);
  return inner ? &inner->front() : nullptr;
}

std::string text_of(const ConfigValue& value) {
  return std::visit(Overloaded{[](const std::vector<ConfigView>&) { return std::string(); },
                               [](const ConfigList&) { return std::string("[]"); },
                               [](const auto* target) { return scalar(*target); }},
                    value);
}

void explain_rows(const ConfigView& view, const std::string& path,
                  std::vector<std::array<std::string, 3>>& rows) {
  for (const ConfigField& field : view.fields) {
    if (const ConfigView* inner = nested(field)) {
      explain_rows(*inner, path + field.name + ".", rows);
    } else if (const auto* list = std::get_if<ConfigList>(&field.value)) {
      rows.push_back({"[[" + path + field.name + "]]", "", field.help});
      explain_rows(list->example(), path + field.name + ".N.", rows);
    } else {
      rows.push_back({path + field.name, text_of(field.value), field.help});
    }
  }
}

Json array_of(const char* type) { return {{"type", "array"}, {"items", {{"type", type}}}}; }

Json type_schema(const ConfigValue& value) {
  return std::visit(
      Overloaded{[](const std::vector<ConfigView>& inner) { return config_schema(inner.front()); },
                 [](const ConfigList& list) {
                   return Json{{"type", "array"}, {"items", config_schema(list.example())}};
                 },
                 [](const bool* v) {
                   return Json{{"type", "boolean"}, {"default", *v}};
                 },
                 [](const std::string* v) {
                   return Json{{"type", "string"}, {"default", *v}};
                 },
                 [](const std::vector<int64_t>*) { return array_of("integer"); },
                 [](const std::vector<double>*) { return array_of("number"); },
                 [](const std::vector<std::string>*) { return array_of("string"); },
                 []<class T>(const T* v) {
                   return Json{{"type", std::is_integral_v<T> ? "integer" : "number"}, {"default", *v}};
                 }},
      value);
}

void write_toml(const ConfigView& view, const std::string& path, std::string& out) {
  for (const ConfigField& field : view.fields)
    if (!nested(field) && !std::holds_alternative<ConfigList>(field.value))
      out += field.name + " = " + text_of(field.value) + "\n";
  for (const ConfigField& field : view.fields) {
    const std::string name = path + field.name;
    if (const ConfigView* inner = nested(field)) {
      out += "\n[" + name + "]\n";
      write_toml(*inner, name + ".", out);
    } else if (const auto* list = std::get_if<ConfigList>(&field.value)) {
      for (size_t i = 0; i < list->size(); ++i) {
        out += "\n[[" + name + "]]\n";
        write_toml(list->at(i), name + ".", out);
      }
    }
  }
}

}  // namespace

std::string explain_config(const ConfigView& view) {
  std::vector<std::array<std::string, 3>> rows;
  explain_rows(view, "", rows);
  size_t widths[2] = {0, 0};
  for (const auto& row : rows)
    for (size_t i = 0; i < 2; ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string out;
  for (const auto& row : rows) {
    for (size_t i = 0; i < 2; ++i) out += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    out += row[2] + "\n";
  }
  return out;
}

Json config_schema(const ConfigView& view) {
  Json properties = Json::object();
  for (const ConfigField& field : view.fields) {
    properties[field.name] = type_schema(field.value);
    properties[field.name]["description"] = field.help;
  }
  return {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
}

std::string config_toml(const ConfigView& view) {
  std::string out;
  write_toml(view, "", out);
  return out;
}

}  // namespace melete
