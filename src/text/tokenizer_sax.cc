#include "text/tokenizer_sax.h"

namespace melete {
namespace {

using Dom = nlohmann::json;
constexpr size_t kMaxNesting = 64;

// nlohmann's SAX interface fixes these names.
class DocumentReader : public nlohmann::json_sax<Dom> {
 public:
  TokenizerDocument document;
  std::string problem;

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool binary(binary_t&) override { return fail("must be text JSON"); }
  bool number_integer(number_integer_t value) override {
    return section_ == Section::vocab ? entry(value) : put(value);
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (section_ != Section::vocab) return put(value);
    return value > INT32_MAX ? fail(cat("model.vocab ids must be below 2^31, got ", value))
                             : entry(static_cast<int64_t>(value));
  }
  bool string(string_t& value) override {
    return section_ == Section::merges ? merge_part(value) : put(std::move(value));
  }

  bool start_object(size_t) override {
    if (section_ != Section::rest) return fail(cat(name_of_section(), " must be flat, got an object in it"));
    if (in_model() && key_ == "vocab") return enter(Section::vocab);
    return open(Dom::object());
  }
  bool start_array(size_t) override {
    if (section_ == Section::merges && !in_pair_) {
      in_pair_ = true;
      pair_.clear();
      return true;
    }
    if (section_ != Section::rest) return fail(cat(name_of_section(), " must not hold arrays here"));
    if (in_model() && key_ == "merges") return enter(Section::merges);
    return open(Dom::array());
  }
  bool key(string_t& value) override {
    key_ = std::move(value);
    return true;
  }
  bool end_object() override { return section_ == Section::vocab ? leave() : close(); }
  bool end_array() override {
    if (!in_pair_) return section_ == Section::merges ? leave() : close();
    in_pair_ = false;
    if (pair_.size() != 2)
      return fail(cat("model.merges[", document.merges.size(), "] must have 2 parts, got ", pair_.size()));
    document.merges.emplace_back(std::move(pair_[0]), std::move(pair_[1]));
    return true;
  }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& e) override {
    return fail(cat("must be valid JSON, got an error at byte ", position, ": ", e.what()));
  }

 private:
  enum class Section { rest, vocab, merges };

  const char* name_of_section() const { return section_ == Section::vocab ? "model.vocab" : "model.merges"; }
  bool in_model() const { return stack_.size() == 2 && model_ && stack_.back() == model_; }

  bool fail(std::string why) {
    if (problem.empty()) problem = std::move(why);
    return false;
  }

  bool enter(Section section) {
    const bool is_repeated = section == Section::vocab ? !document.vocab.empty() : !document.merges.empty();
    section_ = section;
    return is_repeated ? fail(cat(name_of_section(), " must be given once")) : true;
  }
  bool leave() {
    section_ = Section::rest;
    return true;
  }

  bool entry(int64_t id) {
    document.vocab.emplace_back(std::move(key_), id);
    return true;
  }

  bool merge_part(std::string& value) {
    if (in_pair_) {
      pair_.push_back(std::move(value));
      return true;
    }
    const size_t space = value.find(' ');
    const bool has_two_parts = space != std::string::npos && value.find(' ', space + 1) == std::string::npos;
    if (!has_two_parts)
      return fail(cat("model.merges[", document.merges.size(), "] must be \"LEFT RIGHT\", got \"",
                      value.substr(0, 80), "\""));
    document.merges.emplace_back(value.substr(0, space), value.substr(space + 1));
    return true;
  }

  // Places a value into the innermost open container; null if it can't be.
  Dom* place(Dom value) {
    if (stack_.empty()) {
      document.rest = std::move(value);
      return &document.rest;
    }
    Dom& parent = *stack_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    Dom& slot = parent[key_];
    slot = std::move(value);
    return &slot;
  }
  bool put(Dom value) {
    if (section_ != Section::rest) return fail(cat(name_of_section(), " holds a value of a wrong type"));
    place(std::move(value));
    return true;
  }
  bool open(Dom container) {
    if (stack_.size() >= kMaxNesting) return fail(cat("nesting must be at most ", kMaxNesting));
    const bool is_model =
        stack_.size() == 1 && stack_[0]->is_object() && key_ == "model" && container.is_object();
    Dom* placed = place(std::move(container));
    stack_.push_back(placed);
    if (is_model) model_ = placed;
    return true;
  }
  bool close() {
    stack_.pop_back();
    return true;
  }

  Section section_ = Section::rest;
  std::vector<Dom*>
      stack_;  // open containers; an element stays in place while a later sibling isn't yet added
  const Dom* model_ = nullptr;
  std::string key_;
  bool in_pair_ = false;
  std::vector<std::string> pair_;
};

}  // namespace

Result<TokenizerDocument> read_tokenizer_document(std::string_view text, std::string_view where) {
  DocumentReader reader;
  if (!Dom::sax_parse(text, &reader)) {
    if (reader.problem.empty()) reader.problem = "must be valid JSON";
    return corrupt("[", where, "] ", reader.problem, "; check the file");
  }
  return std::move(reader.document);
}

}  // namespace melete
