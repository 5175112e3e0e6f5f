#include "text/tokenizer.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <variant>

#include "base/file.h"
#include "text/char_bpe.h"
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

using Encoder = std::variant<Bpe, CharBpe>;

// Special tokens and merges into them are left out, so that no text can reach them.
Encoder ordinary_encoder(const TokenizerSpec& spec, const std::vector<bool>& is_special) {
  std::vector<std::string> ordinary = spec.token_bytes;
  for (size_t id = 0; id < ordinary.size(); ++id)
    if (is_special[id]) ordinary[id].clear();
  std::vector<Merge> merges;
  for (const Merge& merge : spec.merges)
    if (!is_special[static_cast<size_t>(merge.result)]) merges.push_back(merge);
  if (spec.model == TokenizerSpec::Model::byte_level)
    return Encoder(std::in_place_type<Bpe>, std::move(ordinary), merges, spec.ignore_merges);
  CharBpeEntries entries;
  entries.byte_ids.fill(-1);
  for (const int32_t id : spec.fallback) {
    std::string& byte = ordinary[static_cast<size_t>(id)];
    if (byte.size() == 1) entries.byte_ids[static_cast<uint8_t>(byte[0])] = id;
    byte.clear();
  }
  for (std::string& token : ordinary) token = mark_spaces(token);
  entries.spelling = std::move(ordinary);
  return Encoder(std::in_place_type<CharBpe>, std::move(entries), merges, spec.scores);
}

class BpeTokenizer : public Tokenizer {
 public:
  BpeTokenizer(TokenizerSpec spec, std::vector<bool> is_special)
      : spec_(std::move(spec)),
        is_special_(std::move(is_special)),
        encoder_(ordinary_encoder(spec_, is_special_)),
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
    Before before = Before::nothing;
    encode_text(text, ordinary_raw_, ordinary_normalized_, before, ids);
    return ids;
  }

  std::vector<int32_t> encode_trusted(std::string_view text) const override {
    std::vector<int32_t> ids;
    Before before = Before::nothing;
    encode_text(text, raw_, normalized_, before, ids);
    return ids;
  }

  std::vector<int32_t> encode_pieces(std::span<const TextPiece> pieces) const override {
    std::vector<int32_t> ids;
    std::string held;
    Before before = Before::nothing;
    const auto flush = [&] {
      encode_text(held, ordinary_raw_, ordinary_normalized_, before, ids);
      held.clear();
    };
    for (const TextPiece& piece : pieces) {
      held += piece.text;
      if (piece.special < 0) continue;
      flush();
      before = Before::special;
      ids.push_back(piece.special);
    }
    flush();
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
  enum class Before { nothing, special, text };  // what stands before a stretch of text

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
                   Before& before, std::vector<int32_t>& ids) const {
    ids.reserve(ids.size() + text.size() / 3 + 4);
    split(
        text, raw, normalized,
        [&](std::string_view plain) {
          encode_plain(plain, before, ids);
          before = Before::text;
        },
        [&](int32_t id) {
          ids.push_back(id);
          before = is_special(id) ? Before::special : Before::text;
        });
  }

  void encode_plain(std::string_view text, Before before, std::vector<int32_t>& ids) const {
    using Prefix = TokenizerSpec::Prefix;
    const bool is_bytes = spec_.model == TokenizerSpec::Model::byte_level;
    const bool has_prefix = (spec_.prefix == Prefix::each && (is_bytes || before != Before::text)) ||
                            (spec_.prefix == Prefix::first && before == Before::nothing);
    std::string prefixed;
    // The byte-level step leaves text that already begins with a space as it is.
    if (has_prefix && !text.empty() && !(is_bytes && text[0] == ' '))
      text = prefixed = " " + std::string(text);
    if (const auto* bpe = std::get_if<Bpe>(&encoder_))
      return split_text(spec_.steps, 0, text, [&](std::string_view piece) { bpe->encode(piece, ids); });
    const std::string marked = mark_spaces(text);
    for (size_t begin = 0; begin < marked.size();) {
      const size_t end =
          spec_.split_words ? std::min(marked.find(kSpaceMark, begin + 1), marked.size()) : marked.size();
      std::get<CharBpe>(encoder_).encode(std::string_view(marked).substr(begin, end - begin), ids);
      begin = end;
    }
  }

  TokenizerSpec spec_;
  std::vector<bool> is_special_;
  Encoder encoder_;
  AddedTokenMatcher ordinary_raw_, ordinary_normalized_, raw_, normalized_;
  std::unordered_map<std::string, int32_t> special_ids_;
};

}  // namespace

bool is_ordinary_spelling(std::string_view token) {
  constexpr std::array<std::string_view, 62> kTags = {
      "a",      "article", "aside",   "b",     "bbox",   "blockquote", "body",   "br",     "caption",
      "center", "code",    "col",     "dd",    "del",    "div",        "dl",     "dt",     "em",
      "figure", "font",    "footer",  "form",  "h1",     "h2",         "h3",     "h4",     "h5",
      "h6",     "head",    "header",  "hr",    "html",   "i",          "iframe", "img",    "input",
      "ins",    "li",      "link",    "main",  "meta",   "nav",        "ol",     "option", "p",
      "pre",    "s",       "section", "span",  "strong", "sub",        "sup",    "table",  "tbody",
      "td",     "tfoot",   "th",      "thead", "title",  "tr",         "u",      "ul"};
  bool is_space = true;
  for (size_t pos = 0; pos < token.size() && is_space;) {
    const Char c = char_at(token, pos);
    is_space = c.is(kSpace) || token.substr(pos, c.length) == kSpaceMark;
    pos += c.length;
  }
  if (is_space) return true;
  if (token.size() < 3 || token.front() != '<' || token.back() != '>') return false;
  token = token.substr(1, token.size() - 2);
  if (token.front() == '/') token.remove_prefix(1);
  return std::find(kTags.begin(), kTags.end(), token) != kTags.end();
}

std::shared_ptr<const Tokenizer> build_tokenizer(TokenizerSpec spec) {
  std::vector<bool> is_special(spec.token_bytes.size());
  for (const AddedToken& token : spec.added)
    if (!token.ordinary) is_special[static_cast<size_t>(token.id)] = true;
  return std::make_shared<BpeTokenizer>(std::move(spec), std::move(is_special));
}

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
  return build_tokenizer(std::move(spec));
}

}  // namespace melete
