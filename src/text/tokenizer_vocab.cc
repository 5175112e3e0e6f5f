#include "text/tokenizer_vocab.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "text/byte_level.h"
#include "text/char_bpe.h"
#include "text/token_table.h"
#include "text/tokenizer_spec.h"

namespace melete {
namespace {

constexpr size_t kMaxTokens = size_t{1} << 21;
constexpr size_t kMaxMerges = size_t{1} << 23;

struct PreTokenizer {
  std::string_view name;
  std::vector<SplitKind> steps;
  bool ignore_merges = false;
  bool add_bos = false;
  bool nfc = false;
};

// The names that converters give to the public pre-tokenizers, with what the models' own files say.
const std::vector<PreTokenizer>& pre_tokenizers() {
  using enum SplitKind;
  static const std::vector<PreTokenizer> all = {
      {"llama-bpe", {cl100k}, true, true},
      {"llama3", {cl100k}, true, true},
      {"llama-v3", {cl100k}, true, true},
      {"falcon3", {cl100k}, true, true},
      {"smaug-bpe", {cl100k}},
      {"dbrx", {cl100k}},
      {"qwen2", {cl100k_one_digit}, false, false, true},
      {"deepseek-r1-qwen", {cl100k_one_digit}, false, false, true},
      {"stablelm2", {cl100k_one_digit}, false, false, true},
      {"qwen35", {cl100k_marks}, false, false, true},
      {"gpt-4o", {o200k}},
      {"llama4", {o200k}},
      {"smollm", {individual_digits, gpt2}},
      {"starcoder", {individual_digits, gpt2}},
      {"refact", {individual_digits, gpt2}},
      {"command-r", {individual_digits, gpt2}},
      {"codeshell", {individual_digits, gpt2}},
      {"gpt-2", {gpt2}},
      {"phi-2", {gpt2}},
      {"olmo", {gpt2}},
      {"mpt", {gpt2}},
      {"default", {punctuation, gpt2, digits, three_ascii_digits}},
  };
  return all;
}

const PreTokenizer* find_pre_tokenizer(std::string_view name) {
  if (name.empty()) name = "default";
  for (const PreTokenizer& pre : pre_tokenizers())
    if (pre.name == name) return &pre;
  return nullptr;
}

Error bad_key(std::string_view where, std::string_view key, std::string_view must, const auto&... got) {
  return corrupt("[", where, "] tokenizer.ggml.", key, " must ", must, ", got ", got..., "; check the file");
}

Status check_sizes(const TokenizerVocab& vocab, std::string_view where) {
  const size_t count = vocab.tokens.size();
  if (count == 0 || count > kMaxTokens)
    return bad_key(where, "tokens", cat("have 1 to ", kMaxTokens, " entries"), count);
  if (!vocab.types.empty() && vocab.types.size() != count)
    return bad_key(where, "token_type", cat("have one entry for each of ", count, " tokens"),
                   vocab.types.size());
  if (vocab.merges.size() > kMaxMerges)
    return bad_key(where, "merges", cat("have at most ", kMaxMerges, " entries"), vocab.merges.size());
  const std::pair<const char*, int32_t> ids[] = {{"bos_token_id", vocab.bos},
                                                 {"eos_token_id", vocab.eos},
                                                 {"eot_token_id", vocab.eot},
                                                 {"eom_token_id", vocab.eom},
                                                 {"unknown_token_id", vocab.unknown}};
  for (const auto& [key, id] : ids)
    if (id < -1 || id >= static_cast<int64_t>(count)) return bad_key(where, key, cat("be below ", count), id);
  return ok_status();
}

TokenType type_of(const TokenizerVocab& vocab, size_t id) {
  const int32_t type = vocab.types.empty() ? 1 : vocab.types[id];
  return type >= 1 && type <= 6 ? static_cast<TokenType>(type) : TokenType::normal;
}

bool is_control(TokenType type) { return type == TokenType::control || type == TokenType::unknown; }

// Control and user-defined tokens become added tokens. `is_merged(id)`: the merges give it too.
template <class IsMerged>
void read_added(const TokenizerVocab& vocab, IsMerged&& is_merged, TokenizerSpec& spec) {
  std::unordered_set<std::string_view> seen;
  for (size_t id = 0; id < vocab.tokens.size(); ++id) {
    const TokenType type = type_of(vocab, id);
    if (!is_control(type) && type != TokenType::user_defined) continue;
    const std::string& token = vocab.tokens[id];
    if (token.empty() || !seen.insert(token).second) continue;
    AddedToken added{.id = static_cast<int32_t>(id), .content = token, .normalized = false};
    added.special = is_control(type);
    added.ordinary = !added.special && (is_ordinary_spelling(token) || is_merged(added.id));
    spec.added.push_back(std::move(added));
  }
}

Status read_merges(const TokenizerVocab& vocab, std::string_view where, TokenizerSpec& spec) {
  TokenTable ids(vocab.tokens.size());
  for (size_t id = 0; id < vocab.tokens.size(); ++id) ids.add(vocab.tokens[id], static_cast<int32_t>(id));
  spec.merges.reserve(vocab.merges.size());
  std::string joined;
  for (const std::string& merge : vocab.merges) {
    const size_t space = merge.find(' ', 1);
    if (space != std::string::npos) {
      const std::string_view left = std::string_view(merge).substr(0, space);
      const std::string_view right = std::string_view(merge).substr(space + 1);
      joined.assign(left).append(right);
      spec.merges.push_back({ids.find(left), ids.find(right), ids.find(joined)});
    }
    const Merge* last = spec.merges.empty() ? nullptr : &spec.merges.back();
    if (space == std::string::npos || std::min({last->left, last->right, last->result}) < 0)
      return bad_key(where, cat("merges[", spec.merges.size() - (space != std::string::npos), "]"),
                     "be \"LEFT RIGHT\", two tokens that join to a third", "\"", merge.substr(0, 80), "\"");
  }
  return ok_status();
}

Result<TokenizerSpec> byte_level_spec(const TokenizerVocab& vocab, std::string_view where) {
  const PreTokenizer* pre = find_pre_tokenizer(vocab.pre);
  if (!pre) {
    std::string names;
    for (const PreTokenizer& known : pre_tokenizers()) names += cat(names.empty() ? "" : ", ", known.name);
    return invalid_argument("[", where, "] tokenizer.ggml.pre must be one of ", names, ", got \"",
                            vocab.pre.substr(0, 80), "\"; this pre-tokenizer isn't supported");
  }
  TokenizerSpec spec;
  spec.steps = pre->steps;
  spec.nfc = pre->nfc;
  spec.ignore_merges = pre->ignore_merges;
  if (vocab.add_space_prefix.value_or(false)) spec.prefix = TokenizerSpec::Prefix::each;
  MELETE_RETURN_IF_ERROR(read_merges(vocab, where, spec));
  std::unordered_set<int32_t> merged;
  for (const Merge& merge : spec.merges) merged.insert(merge.result);
  read_added(
      vocab, [&](int32_t id) { return merged.contains(id); }, spec);
  spec.token_bytes.resize(vocab.tokens.size());
  for (size_t id = 0; id < vocab.tokens.size(); ++id) {
    const TokenType type = type_of(vocab, id);
    if (type == TokenType::unused) continue;
    const bool is_added = is_control(type) || type == TokenType::user_defined;
    const std::string& token = vocab.tokens[id];
    spec.token_bytes[id] = is_added ? token : alphabet_to_bytes(token).value_or(token);
  }
  return spec;
}

Result<TokenizerSpec> scored_spec(const TokenizerVocab& vocab, std::string_view where) {
  if (vocab.scores.size() != vocab.tokens.size())
    return bad_key(where, "scores", cat("have one entry for each of ", vocab.tokens.size(), " tokens"),
                   vocab.scores.size());
  const auto bad =
      std::find_if(vocab.scores.begin(), vocab.scores.end(), [](float s) { return !std::isfinite(s); });
  if (bad != vocab.scores.end())
    return bad_key(where, cat("scores[", bad - vocab.scores.begin(), "]"), "be a number", *bad);
  TokenizerSpec spec;
  spec.model = TokenizerSpec::Model::scored_characters;
  spec.scores = vocab.scores;
  if (vocab.add_space_prefix.value_or(true)) spec.prefix = TokenizerSpec::Prefix::each;
  spec.token_bytes.resize(vocab.tokens.size());
  for (size_t id = 0; id < vocab.tokens.size(); ++id) {
    const TokenType type = type_of(vocab, id);
    const int byte = type == TokenType::byte ? byte_spelled(vocab.tokens[id]) : -1;
    if (byte >= 0) {
      spec.token_bytes[id] = std::string(1, static_cast<char>(byte));
      spec.fallback.push_back(static_cast<int32_t>(id));
    } else if (type != TokenType::unused) {
      spec.token_bytes[id] = is_control(type) ? vocab.tokens[id] : unmark_spaces(vocab.tokens[id]);
    }
  }
  read_added(
      vocab, [](int32_t) { return false; }, spec);
  for (AddedToken& token : spec.added) token.content = unmark_spaces(token.content);
  return spec;
}

}  // namespace

Result<std::shared_ptr<const Tokenizer>> make_tokenizer(const TokenizerVocab& vocab, std::string_view where) {
  MELETE_RETURN_IF_ERROR(check_sizes(vocab, where));
  const bool is_byte_level = vocab.model == "gpt2";
  if (!is_byte_level && vocab.model != "llama")
    return invalid_argument("[", where, "] tokenizer.ggml.model must be gpt2 or llama, got \"",
                            vocab.model.substr(0, 80), "\"; this kind of tokenizer isn't supported");
  MELETE_ASSIGN_OR_RETURN(TokenizerSpec spec,
                          is_byte_level ? byte_level_spec(vocab, where) : scored_spec(vocab, where));
  return build_tokenizer(std::move(spec));
}

bool adds_bos(const TokenizerVocab& vocab) {
  if (vocab.bos < 0) return false;
  const PreTokenizer* pre = find_pre_tokenizer(vocab.pre);
  return vocab.add_bos.value_or(vocab.model == "llama" || (pre && pre->add_bos));
}

}  // namespace melete
