#include "base/json.h"

#include <unordered_map>
#include <vector>

namespace melete {
namespace {

constexpr size_t kMaxDepth = 128;
constexpr size_t kIndexFrom = 32;  // keys of an object from which looking for a repeated one needs an index

// Builds the value in linear time: nlohmann's own builder compares each new key of an ordered object with all
// before it. Objects are filled as the vectors that they are; a repeated key keeps its first place and its
// last value, as there.
class JsonBuilder : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return put(Json()); }
  bool boolean(bool value) override { return put(Json(value)); }
  bool number_integer(Json::number_integer_t value) override { return put(Json(value)); }
  bool number_unsigned(Json::number_unsigned_t value) override { return put(Json(value)); }
  bool number_float(Json::number_float_t value, const std::string& text) override { return put(Json(value)); }
  bool string(std::string& value) override { return put(Json(std::move(value))); }
  bool binary(Json::binary_t& value) override { return put(Json(std::move(value))); }
  bool start_object(size_t count) override { return open(Json::object()); }
  bool start_array(size_t count) override { return open(Json::array()); }
  bool end_array() override { return close(); }
  bool end_object() override { return close(); }

  bool key(std::string& name) override {
    Level& level = levels_.back();
    auto& members = level.value.get_ref<Json::object_t&>();
    level.member = find(level, members, name);
    if (level.member < members.size()) return true;
    if (members.size() >= kIndexFrom) level.index.emplace(name, members.size());
    static_cast<Members&>(members).emplace_back(std::move(name), Json());
    return true;
  }

  bool parse_error(size_t position, const std::string& last_token,
                   const nlohmann::detail::exception& e) override {
    error_ = e.what();
    return false;
  }

  const std::string& error() const { return error_; }
  bool too_deep() const { return too_deep_; }
  Json take() { return std::move(root_); }

 private:
  using Members = Json::object_t::Container;
  struct Level {
    Json value;
    size_t member = 0;                              // of the object, that the next value belongs to
    std::unordered_map<std::string, size_t> index;  // of the members from kIndexFrom on
  };

  static size_t find(const Level& level, const Members& members, const std::string& name) {
    for (size_t i = 0; i < std::min(members.size(), kIndexFrom); ++i)
      if (members[i].first == name) return i;
    const auto found = level.index.find(name);
    return found == level.index.end() ? members.size() : found->second;
  }

  bool put(Json value) {
    if (levels_.empty())
      root_ = std::move(value);
    else if (levels_.back().value.is_array())
      levels_.back().value.push_back(std::move(value));
    else
      static_cast<Members&>(levels_.back().value.get_ref<Json::object_t&>())[levels_.back().member].second =
          std::move(value);
    return true;
  }

  bool open(Json empty) {
    if (levels_.size() >= kMaxDepth) {
      too_deep_ = true;
      return false;
    }
    levels_.push_back({std::move(empty), 0, {}});
    return true;
  }

  bool close() {
    Json value = std::move(levels_.back().value);
    levels_.pop_back();
    return put(std::move(value));
  }

  Json root_;
  std::vector<Level> levels_;
  std::string error_;
  bool too_deep_ = false;
};

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view where) {
  JsonBuilder builder;
  if (Json::sax_parse(text, &builder)) return builder.take();
  if (builder.too_deep())
    return corrupt("[", where, "] JSON nesting must be at most ", kMaxDepth, ", got more; simplify the file");
  return corrupt("[", where, "] must be valid JSON, got: ", builder.error(), "; check the file");
}

std::string json_text(const Json& value, int indent) {
  return value.dump(indent, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

}  // namespace melete
