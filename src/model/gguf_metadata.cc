#include <sstream>

#include "model/gguf.h"

namespace melete {
namespace {

// The value as T, if its type allows: an integer is a number too, a single value a list of one.
template <class T>
struct Wanted;

template <>
struct Wanted<int64_t> {
  static constexpr const char* name = "an integer";
  static std::optional<int64_t> from(const GgufValue& value) {
    if (const auto* integer = std::get_if<int64_t>(&value)) return *integer;
    return std::nullopt;
  }
};

template <>
struct Wanted<double> {
  static constexpr const char* name = "a number";
  static std::optional<double> from(const GgufValue& value) {
    if (const auto* number = std::get_if<double>(&value)) return *number;
    if (const auto* integer = std::get_if<int64_t>(&value)) return static_cast<double>(*integer);
    if (const auto* integer = std::get_if<uint64_t>(&value)) return static_cast<double>(*integer);
    return std::nullopt;
  }
};

template <>
struct Wanted<bool> {
  static constexpr const char* name = "a boolean";
  static std::optional<bool> from(const GgufValue& value) {
    if (const auto* flag = std::get_if<bool>(&value)) return *flag;
    return std::nullopt;
  }
};

template <>
struct Wanted<std::string> {
  static constexpr const char* name = "a string";
  static std::optional<std::string> from(const GgufValue& value) {
    if (const auto* text = std::get_if<std::string_view>(&value)) return std::string(*text);
    return std::nullopt;
  }
};

template <>
struct Wanted<std::vector<int64_t>> {
  static constexpr const char* name = "a list of integers";
  static std::optional<std::vector<int64_t>> from(const GgufValue& value) {
    if (const auto* list = std::get_if<std::vector<int64_t>>(&value)) return *list;
    if (const auto* flags = std::get_if<std::vector<bool>>(&value))
      return std::vector<int64_t>(flags->begin(), flags->end());
    if (const auto* list = std::get_if<std::vector<uint64_t>>(&value)) {
      for (const uint64_t item : *list)
        if (item > INT64_MAX) return std::nullopt;
      return std::vector<int64_t>(list->begin(), list->end());
    }
    if (const auto one = Wanted<int64_t>::from(value)) return std::vector<int64_t>{*one};
    return std::nullopt;
  }
};

template <>
struct Wanted<std::vector<double>> {
  static constexpr const char* name = "a list of numbers";
  static std::optional<std::vector<double>> from(const GgufValue& value) {
    if (const auto* list = std::get_if<std::vector<double>>(&value)) return *list;
    if (const auto* list = std::get_if<std::vector<int64_t>>(&value))
      return std::vector<double>(list->begin(), list->end());
    if (const auto one = Wanted<double>::from(value)) return std::vector<double>{*one};
    return std::nullopt;
  }
};

template <>
struct Wanted<std::vector<std::string>> {
  static constexpr const char* name = "a list of strings";
  static std::optional<std::vector<std::string>> from(const GgufValue& value) {
    if (const auto* list = std::get_if<std::vector<std::string_view>>(&value))
      return std::vector<std::string>(list->begin(), list->end());
    if (const auto one = Wanted<std::string>::from(value)) return std::vector<std::string>{*one};
    return std::nullopt;
  }
};

template <class T>
Result<T> get(const GgufFile& file, std::string_view key) {
  const GgufValue* value = file.find(key);
  if (value == nullptr)
    return not_found("[", file.name(), "] must have the metadata key ", quoted_name(key),
                     ", got a file without it; convert the model again");
  if (auto result = Wanted<T>::from(*value)) return std::move(*result);
  return invalid_argument("[", file.name(), "] the metadata key ", quoted_name(key), " must be ",
                          Wanted<T>::name, ", got ", to_string(*value), "; convert the model again");
}

template <class T, class Default>
Result<T> get(const GgufFile& file, std::string_view key, const Default& otherwise) {
  return file.has(key) ? get<T>(file, key) : Result<T>(T(otherwise));
}

struct Printer {
  std::ostringstream& out;
  size_t max_items;

  void operator()(bool value) const { out << (value ? "true" : "false"); }
  void operator()(int64_t value) const { out << value; }
  void operator()(uint64_t value) const { out << value; }
  void operator()(double value) const { out << value; }
  void operator()(std::string_view value) const { out << quoted_name(value); }
  template <class T>
  void operator()(const std::vector<T>& list) const {
    out << "[";
    for (size_t i = 0; i < list.size() && i < max_items; ++i) {
      if (i > 0) out << ", ";
      (*this)(static_cast<T>(list[i]));
    }
    if (list.size() > max_items) out << ", ... " << list.size() << " in all";
    out << "]";
  }
};

}  // namespace

std::string to_string(const GgufValue& value, size_t max_items) {
  std::ostringstream out;
  std::visit(Printer{out, max_items}, value);
  return out.str();
}

const GgufValue* GgufFile::find(std::string_view key) const {
  const auto found = metadata_.find(key);
  return found == metadata_.end() ? nullptr : &found->second;
}

std::string GgufFile::architecture() const {
  const auto name = text("general.architecture", "");
  return name.ok() ? *name : std::string();
}

Result<int64_t> GgufFile::integer(std::string_view key) const { return get<int64_t>(*this, key); }
Result<double> GgufFile::number(std::string_view key) const { return get<double>(*this, key); }
Result<bool> GgufFile::boolean(std::string_view key) const { return get<bool>(*this, key); }
Result<std::string> GgufFile::text(std::string_view key) const { return get<std::string>(*this, key); }
Result<int64_t> GgufFile::integer(std::string_view key, int64_t otherwise) const {
  return get<int64_t>(*this, key, otherwise);
}
Result<double> GgufFile::number(std::string_view key, double otherwise) const {
  return get<double>(*this, key, otherwise);
}
Result<bool> GgufFile::boolean(std::string_view key, bool otherwise) const {
  return get<bool>(*this, key, otherwise);
}
Result<std::string> GgufFile::text(std::string_view key, std::string_view otherwise) const {
  return get<std::string>(*this, key, otherwise);
}
Result<std::vector<int64_t>> GgufFile::integers(std::string_view key) const {
  return get<std::vector<int64_t>>(*this, key);
}
Result<std::vector<double>> GgufFile::numbers(std::string_view key) const {
  return get<std::vector<double>>(*this, key);
}
Result<std::vector<std::string>> GgufFile::texts(std::string_view key) const {
  return get<std::vector<std::string>>(*this, key);
}

}  // namespace melete
