#include "text/tokenizer.h"

#include <unordered_map>

#include "base/file.h"
#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/pretokenizer.h"
#include "text/tokenizer_json.h"
#include "text/unicode.h"

namespace melete {
namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{1} << 27;

template <class Keep>
AddedTokenMatcher matcher_of(const std::vector<AddedToken>& tokens, Keep keep) {
  std::vector<AddedToken> kept;
  for (const AddedToken& token : tokens)
    if (keep(token)) kept.push_back(token);
  return AddedTokenMatcher(std::move(kept));
}

// Special tokens and merges into them are left out, so that no text can reach them.
Bpe ordinary_bpe(const TokenizerSpec& spec, const std::vector<bool>& is_special) {
  std::vector<std::string> ordinary = spec.token_bytes;
  for (size_t id = 0; id < ordinary.size(); ++id)
    if (is_special[id]) ordinary[id].clear();
  std::vector<Merge> merges;
  for (const Merge& merge : spec.merges)
    if (!is_special[static_cast<size_t>(merge.result)]) merges.push_back(merge);
  return Bpe(std::move(ordinary), merges, spec.ignore_merges);
}

class BpeTokenizer : public Tokenizer {
 public:
  BpeTokenizer(TokenizerSpec spec, std::vector<bool> is_special)
      : spec_(std::move(spec)),
        is_special_(std::move(is_special)),
        bpe_(ordinary_bpe(spec_, is_special_)),
        ordinary_raw_(
            matcher_of(spec_.added, [](const AddedToken& t) { return t.ordinary && !t.normalized; })),
        ordinary_normalized_(
            matcher_of(spec_.added, [](const AddedToken& t) { return t.ordinary && t.normalized; })),
        raw_(matcher_of(spec_.added, [](const AddedToken& t) { return !t.normalized; })),
        normalized_(matcher_of(spec_.added, [](const AddedToken& t) { return t.normalized; })) {
    for (const AddedToken& token : spec_.added)
      if (!token.ordinary) special_ids_.emplace(token.content, token.id);
  }

  std::vector<int32_t> encode(std::string_view text) const override {
    std::vector<int32_t> ids;
    encode_text(text, ordinary_raw_, ordinary_normalized_, ids);
    return ids;
  }

  std::vector<int32_t> encode_trusted(std::string_view text) const override {
    std::vector<int32_t> ids;
    encode_text(text, raw_, normalized_, ids);
    return ids;
  }

  std::vector<TextPiece> split_trusted(std::string_view text) const override {
    std::vector<TextPiece> pieces;
    split(
        text, raw_, normalized_, [&](std::string_view plain) { append_plain(plain, pieces); },
        [&](int32_t id) {
          if (is_special(id))
            pieces.push_back({id, {}});
          else
            append_plain(token_bytes(id), pieces);
        });
    return pieces;
  }

  std::string_view token_bytes(int32_t id) const override {
    if (id < 0 || static_cast<size_t>(id) >= spec_.token_bytes.size()) return {};
    return spec_.token_bytes[static_cast<size_t>(id)];
  }

  bool is_special(int32_t id) const override {
    return id >= 0 && static_cast<size_t>(id) < is_special_.size() && is_special_[static_cast<size_t>(id)];
  }

  std::optional<int32_t> special_id(std::string_view spelling) const override {
    const auto found = special_ids_.find(std::string(spelling));
    if (found == special_ids_.end()) return std::nullopt;
    return found->second;
  }

  int64_t vocab_size() const override { return static_cast<int64_t>(spec_.token_bytes.size()); }

 private:
  static void append_plain(std::string_view plain, std::vector<TextPiece>& pieces) {
    if (pieces.empty() || pieces.back().special >= 0) pieces.push_back({-1, {}});
    pieces.back().text += plain;
  }

  // Added tokens that aren't normalized are found first, then the normalizer runs, then the normalized ones
  // are found.
  template <class OnText, class OnToken>
  void split(std::string_view text, const AddedTokenMatcher& raw, const AddedTokenMatcher& normalized,
             OnText&& on_text, OnToken&& on_token) const {
    raw.split(
        text,
        [&](std::string_view part) {
          if (!spec_.nfc) return normalized.split(part, on_text, on_token);
          const std::string composed = to_nfc(part);
          normalized.split(composed, on_text, on_token);
        },
        on_token);
  }

  void encode_text(std::string_view text, const AddedTokenMatcher& raw, const AddedTokenMatcher& normalized,
                   std::vector<int32_t>& ids) const {
    ids.reserve(text.size() / 3 + 4);
    split(
        text, raw, normalized, [&](std::string_view plain) { encode_plain(plain, ids); },
        [&](int32_t id) { ids.push_back(id); });
  }

  void encode_plain(std::string_view text, std::vector<int32_t>& ids) const {
    std::string prefixed;
    if (spec_.add_prefix_space && !text.empty() && text[0] != ' ') text = prefixed = " " + std::string(text);
    split_text(spec_.steps, 0, text, [&](std::string_view piece) { bpe_.encode(piece, ids); });
  }

  TokenizerSpec spec_;
  std::vector<bool> is_special_;
  Bpe bpe_;
  AddedTokenMatcher ordinary_raw_, ordinary_normalized_, raw_, normalized_;
  std::unordered_map<std::string, int32_t> special_ids_;
};

}  // namespace

std::string Tokenizer::decode(std::span<const int32_t> ids) const {
  std::string text;
  for (const int32_t id : ids) text += token_bytes(id);
  return text;
}

Result<std::shared_ptr<const Tokenizer>> load_tokenizer(const std::filesystem::path& tokenizer_json) {
  MELETE_ASSIGN_OR_RETURN(const std::string text, read_file(tokenizer_json, kMaxFileBytes));
  return parse_tokenizer(text, tokenizer_json.string());
}

Result<std::shared_ptr<const Tokenizer>> parse_tokenizer(std::string_view tokenizer_json,
                                                         std::string_view where) {
  MELETE_ASSIGN_OR_RETURN(TokenizerSpec spec, parse_tokenizer_json(tokenizer_json, where));
  std::vector<bool> is_special(spec.token_bytes.size());
  for (const AddedToken& token : spec.added)
    if (!token.ordinary) is_special[static_cast<size_t>(token.id)] = true;
  return std::shared_ptr<const Tokenizer>(
      std::make_shared<BpeTokenizer>(std::move(spec), std::move(is_special)));
}

}  // namespace melete
