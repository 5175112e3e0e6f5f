#include "base/config.h"

#include <toml++/toml.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <sstream>
#include <utility>

#include "base/file.h"
#include "base/text_distance.h"

namespace melete {
namespace {

constexpr uint64_t kLargestFile = 4 << 20;

std::string line_of(const toml::node& node) {
  const auto line = node.source().begin.line;
  return line ? cat(":", line) : "";
}

// Reads a toml table into a ConfigView; the path of names so far is for messages.
class Reader {
 public:
  explicit Reader(std::string_view where) : where_(where) {}

  Status read(const ConfigView& view, const toml::table& table, const std::string& path) {
    for (const auto& [key, node] : table) {
      const ConfigField* field = nullptr;
      for (const ConfigField& candidate : view.fields)
        if (candidate.name == key.str()) field = &candidate;
      if (!field) return unknown(view, std::string(key.str()), node, path);
      MELETE_RETURN_IF_ERROR(read_value(field->value, node, path + field->name));
    }
    return ok_status();
  }

  // Every problem() of the struct and what is inside, inner ones first.
  Status check(const ConfigView& view, const std::string& path) {
    for (const ConfigField& field : view.fields) {
      if (const auto* inner = std::get_if<std::vector<ConfigView>>(&field.value))
        MELETE_RETURN_IF_ERROR(check(inner->front(), path + field.name + "."));
      if (const auto* list = std::get_if<ConfigList>(&field.value))
        for (size_t i = 0; i < list->size(); ++i)
          MELETE_RETURN_IF_ERROR(check(list->at(i), cat(path, field.name, ".", i, ".")));
    }
    const std::string problem = view.problem ? view.problem() : "";
    if (problem.empty()) return ok_status();
    return invalid_argument("[", where_, "] ", path.empty() ? "" : path.substr(0, path.size() - 1) + ": ",
                            problem);
  }

 private:
  Error unknown(const ConfigView& view, const std::string& key, const toml::node& node,
                const std::string& path) {
    std::vector<std::string> names;
    std::string all;
    for (const ConfigField& field : view.fields) {
      names.push_back(field.name);
      all += (all.empty() ? "" : ", ") + field.name;
    }
    return invalid_argument("[", where_, line_of(node), "] unknown key '", path, key, "'",
                            did_you_mean(key, names), "; known here: ", all);
  }

  Error wrong(const toml::node& node, const std::string& path, std::string_view expected) {
    std::ostringstream got;
    if (node.is_table()) {
      got << "a table";
    } else if (node.is_array()) {
      got << "a list";
    } else {
      node.visit([&](const auto& value) {
        if constexpr (toml::is_value<decltype(value)>) got << toml::node_view(value);
      });
    }
    return invalid_argument("[", where_, line_of(node), "] ", path, " must be ", expected, ", got ",
                            got.str(), "; correct it");
  }

  Status read_value(const ConfigValue& value, const toml::node& node, const std::string& path) {
    return std::visit([&](const auto& target) { return set(target, node, path); }, value);
  }

  Status set(bool* target, const toml::node& node, const std::string& path) {
    const auto value = node.value_exact<bool>();
    if (!value) return wrong(node, path, "true or false");
    *target = *value;
    return ok_status();
  }

  template <class T>
  requires std::is_integral_v<T> Status set(T* target, const toml::node& node, const std::string& path) {
    const auto value = node.value_exact<int64_t>();
    if (!value) return wrong(node, path, "an integer");
    if (!std::in_range<T>(*value))
      return wrong(
          node, path,
          cat("an integer from ", std::numeric_limits<T>::min(), " to ", std::numeric_limits<T>::max()));
    *target = static_cast<T>(*value);
    return ok_status();
  }

  template <class T>
  requires std::is_floating_point_v<T> Status set(T* target, const toml::node& node,
                                                  const std::string& path) {
    if (!node.is_number()) return wrong(node, path, "a number");
    const double value = *node.value<double>();
    if (!std::isfinite(static_cast<T>(value))) return wrong(node, path, "a finite number");
    *target = static_cast<T>(value);
    return ok_status();
  }

  Status set(std::string* target, const toml::node& node, const std::string& path) {
    const auto value = node.value_exact<std::string>();
    if (!value) return wrong(node, path, "a string");
    *target = *value;
    return ok_status();
  }

  template <class T>
  Status set(std::vector<T>* target, const toml::node& node, const std::string& path) {
    const toml::array* array = node.as_array();
    if (!array) return wrong(node, path, "a list");
    std::vector<T> elements(array->size());
    for (size_t i = 0; i < elements.size(); ++i)
      MELETE_RETURN_IF_ERROR(set(&elements[i], (*array)[i], cat(path, ".", i)));
    *target = std::move(elements);
    return ok_status();
  }

  Status set(const std::vector<ConfigView>& inner, const toml::node& node, const std::string& path) {
    const toml::table* table = node.as_table();
    if (!table) return wrong(node, path, "a table");
    return read(inner.front(), *table, path + ".");
  }

  Status set(const ConfigList& list, const toml::node& node, const std::string& path) {
    const toml::array* array = node.as_array();
    if (!array) return wrong(node, path, "a list of tables ([[" + path + "]])");
    list.resize(0);
    list.resize(array->size());
    for (size_t i = 0; i < array->size(); ++i) {
      const toml::table* table = (*array)[i].as_table();
      if (!table) return wrong((*array)[i], cat(path, ".", i), "a table");
      MELETE_RETURN_IF_ERROR(read(list.at(i), *table, cat(path, ".", i, ".")));
    }
    return ok_status();
  }

  const std::string where_;
};

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> parts = {""};
  for (const char c : path) {
    if (c == '.') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

// The node that `part` names inside `node`: a key, made if absent, or an element's number. Null if there is
// none.
toml::node* step(toml::node& node, const std::string& part) {
  if (toml::table* table = node.as_table()) {
    if (!table->contains(part)) table->insert(part, toml::table{});
    return table->get(part);
  }
  toml::array* array = node.as_array();
  size_t index = 0;
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), index);
  const bool number = error == std::errc() && end == part.data() + part.size();
  return array && number ? array->get(index) : nullptr;
}

Status apply_override(toml::table& root, const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    return invalid_argument("[--set] must read name=value, got '", text,
                            "'; write for example --set train.steps=100");
  const std::string value = text.substr(equals + 1);
  toml::table parsed;
  try {
    parsed = toml::parse("v = " + value);
  } catch (const toml::parse_error&) {  // a bare word is a string, so that the shell's quotes suffice
    parsed.insert_or_assign("v", value);
  }
  const std::vector<std::string> parts = split(std::string_view(text).substr(0, equals));
  toml::node* at = &root;
  for (size_t i = 0; i + 1 < parts.size() && at; ++i) at = step(*at, parts[i]);
  if (toml::table* table = at ? at->as_table() : nullptr) {
    table->insert_or_assign(parts.back(), *parsed.get("v"));
    return ok_status();
  }
  return invalid_argument(
      "[--set] ", text.substr(0, equals), " must name a field, got a path through something that is ",
      "neither a table nor an element of a list in the file; see the field names with --explain");
}

}  // namespace

Status read_config(const ConfigView& view, std::string_view toml, const std::vector<std::string>& overrides,
                   std::string_view where) {
  toml::table table;
  try {
    table = toml::parse(toml);
  } catch (const toml::parse_error& error) {
    return invalid_argument("[", where, ":", error.source().begin.line,
                            "] must be TOML, got: ", error.description(), "; correct the line");
  }
  for (const std::string& override_text : overrides)
    MELETE_RETURN_IF_ERROR(apply_override(table, override_text));
  Reader reader(where);
  MELETE_RETURN_IF_ERROR(reader.read(view, table, ""));
  return reader.check(view, "");
}

Result<std::string> read_config_text(const std::filesystem::path& path) {
  return read_file(path, kLargestFile);
}

}  // namespace melete
