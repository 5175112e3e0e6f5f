#include "text/tokenizer_json.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/json.h"
#include "text/byte_level.h"
#include "text/char_bpe.h"
#include "text/special_tokens.h"
#include "text/tokenizer_sax.h"

namespace melete {
namespace {

using Dom = nlohmann::json;
using Ids = std::unordered_map<std::string_view, int32_t>;
using IdSet = std::unordered_set<int32_t>;

constexpr int64_t kMaxIds = int64_t{1} << 21;
constexpr size_t kMaxAddedBytes = 4096, kMaxAdded = 1 << 16;

std::string shown(const Dom& value) {
  return value.dump(-1, ' ', false, Dom::error_handler_t::replace).substr(0, 200);
}

// value[key], or null.
const Dom& field(const Dom& value, const char* key) {
  static const Dom null;
  const auto found = value.is_object() ? value.find(key) : value.end();
  return !value.is_object() || found == value.end() ? null : *found;
}

std::string type_of(const Dom& value) {
  const Dom& type = field(value, "type");
  return type.is_string() ? type.get<std::string>() : std::string();
}

Result<bool> flag(const Dom& value, const char* key, bool fallback, std::string_view where) {
  const Dom& found = field(value, key);
  if (found.is_null()) return fallback;
  if (!found.is_boolean())
    return corrupt("[", where, "] ", key, " must be true or false, got ", shown(found), "; check the file");
  return found.get<bool>();
}

Error unsupported(std::string_view where, const char* name, const Dom& value, const char* supported) {
  return invalid_argument("[", where, "] ", name, " must be ", supported, ", got ", shown(value),
                          "; this kind of tokenizer isn't supported");
}

Status read_model_flags(const Dom& model, std::string_view where, TokenizerSpec& spec) {
  if (!model.is_object())
    return corrupt("[", where, "] model must be an object, got ", shown(model), "; check the file");
  const Dom& type = field(model, "type");
  if (!type.is_null() && type != "BPE") return unsupported(where, "model.type", type, "BPE");
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (const Dom& value = field(model, key); !value.is_null() && value != "")
      return unsupported(where, key, value, "empty");
  if (const Dom& dropout = field(model, "dropout"); !dropout.is_null() && dropout != 0.0)
    return unsupported(where, "model.dropout", dropout, "null");
  MELETE_ASSIGN_OR_RETURN(spec.ignore_merges, flag(model, "ignore_merges", false, where));
  MELETE_ASSIGN_OR_RETURN(const bool byte_fallback, flag(model, "byte_fallback", false, where));
  if (byte_fallback) spec.model = TokenizerSpec::Model::ranked_characters;
  return ok_status();
}

Status read_vocab(const TokenizerDocument& document, std::string_view where, TokenizerSpec& spec, Ids& ids) {
  if (document.vocab.empty())
    return corrupt("[", where, "] model.vocab must have entries, got none; check the file");
  ids.reserve(document.vocab.size());
  for (const auto& [token, id] : document.vocab) {
    if (id < 0 || id >= kMaxIds)
      return corrupt("[", where, "] model.vocab ids must be 0 to ", kMaxIds - 1, ", got ", id,
                     "; check the file");
    const auto index = static_cast<size_t>(id);
    if (index >= spec.token_bytes.size()) spec.token_bytes.resize(index + 1);
    if (token.empty() || !spec.token_bytes[index].empty())
      return corrupt("[", where, "] model.vocab must give each id once to a token, got id ", id, " for \"",
                     token.substr(0, 80), "\"; check the file");
    if (!ids.emplace(token, static_cast<int32_t>(id)).second)
      return corrupt("[", where, "] model.vocab must list \"", token.substr(0, 80),
                     "\" once; check the file");
    if (spec.model == TokenizerSpec::Model::byte_level) {
      spec.token_bytes[index] = alphabet_to_bytes(token).value_or(token);
    } else if (const int byte = byte_spelled(token); byte >= 0) {
      spec.token_bytes[index] = std::string(1, static_cast<char>(byte));
      spec.fallback.push_back(static_cast<int32_t>(id));
    } else {
      spec.token_bytes[index] = unmark_spaces(token);
    }
  }
  return ok_status();
}

Status read_added_token(const Dom& value, const std::string& at, const Ids& ids, const IdSet& merged,
                        TokenizerSpec& spec) {
  const Dom& content = field(value, "content");
  const Dom& id = field(value, "id");
  if (!content.is_string() || content.get_ref<const std::string&>().empty() ||
      content.get_ref<const std::string&>().size() > kMaxAddedBytes)
    return corrupt("[", at, "] content must be 1 to ", kMaxAddedBytes, " bytes of text, got ", shown(content),
                   "; check the file");
  if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() >= kMaxIds || id > kMaxIds)
    return corrupt("[", at, "] id must be 0 to ", kMaxIds - 1, ", got ", shown(id), "; check the file");
  AddedToken token{.id = id.get<int32_t>(), .content = content.get<std::string>()};
  MELETE_ASSIGN_OR_RETURN(token.single_word, flag(value, "single_word", false, at));
  MELETE_ASSIGN_OR_RETURN(token.lstrip, flag(value, "lstrip", false, at));
  MELETE_ASSIGN_OR_RETURN(token.rstrip, flag(value, "rstrip", false, at));
  MELETE_ASSIGN_OR_RETURN(token.special, flag(value, "special", false, at));
  MELETE_ASSIGN_OR_RETURN(token.normalized, flag(value, "normalized", !token.special, at));
  const auto index = static_cast<size_t>(token.id);
  if (index >= spec.token_bytes.size()) spec.token_bytes.resize(index + 1);
  const auto in_vocab = ids.find(token.content);
  const bool is_same = in_vocab != ids.end() && in_vocab->second == token.id;
  if (!is_same && (in_vocab != ids.end() || !spec.token_bytes[index].empty()))
    return corrupt("[", at, "] id must be the one that model.vocab gives or a free one, got ", token.id,
                   " for \"", token.content.substr(0, 80), "\"; check the file");
  const bool is_plain = spec.model == TokenizerSpec::Model::byte_level || token.special;
  spec.token_bytes[index] = is_plain ? token.content : unmark_spaces(token.content);
  token.ordinary = !token.special && (merged.contains(token.id) || is_ordinary_spelling(token.content));
  spec.added.push_back(std::move(token));
  return ok_status();
}

Status read_added(const Dom& added, std::string_view where, const Ids& ids, TokenizerSpec& spec) {
  if (added.is_null()) return ok_status();
  if (!added.is_array() || added.size() > kMaxAdded)
    return corrupt("[", where, "] added_tokens must be an array of at most ", kMaxAdded, " tokens, got ",
                   shown(added), "; check the file");
  IdSet merged;
  for (const Merge& merge : spec.merges) merged.insert(merge.result);
  std::unordered_map<std::string, size_t> seen;
  for (size_t i = 0; i < added.size(); ++i) {
    const std::string at = cat(where, ": added_tokens[", i, "]");
    MELETE_RETURN_IF_ERROR(read_added_token(added[i], at, ids, merged, spec));
    const AddedToken& token = spec.added.back();
    if (!seen.emplace(token.content, i).second || !seen.emplace(cat('\0', token.id), i).second)
      return corrupt("[", at, "] content and id must be given once, got \"", token.content.substr(0, 80),
                     "\" = ", token.id, " again; check the file");
  }
  return ok_status();
}

Status read_merges(const TokenizerDocument& document, std::string_view where, const Ids& ids,
                   TokenizerSpec& spec) {
  spec.merges.reserve(document.merges.size());
  std::string joined;
  for (const auto& [left, right] : document.merges) {
    joined.assign(left).append(right);
    const auto left_id = ids.find(left), right_id = ids.find(right), result_id = ids.find(joined);
    if (left_id == ids.end() || right_id == ids.end() || result_id == ids.end() || left.empty() ||
        right.empty())
      return corrupt("[", where, "] model.merges[", spec.merges.size(),
                     "] must join two tokens of model.vocab to a third, got \"", left.substr(0, 80),
                     "\" and \"", right.substr(0, 80), "\"; check the file");
    spec.merges.push_back({left_id->second, right_id->second, result_id->second});
  }
  return ok_status();
}

bool is_space_mark(const Dom& value) { return value.is_string() && value == Dom(std::string(kSpaceMark)); }

// Spaces become U+2581, and one may be put before the text: both belong to BPE over characters.
Status read_normalizer_step(const Dom& step, std::string_view where, TokenizerSpec& spec) {
  const std::string type = type_of(step);
  const bool is_bytes = spec.model == TokenizerSpec::Model::byte_level;
  if (type == "NFC") {
    spec.nfc = true;
    return ok_status();
  }
  if (!is_bytes && type == "Prepend" && is_space_mark(field(step, "prepend"))) {
    spec.prefix = TokenizerSpec::Prefix::each;
    return ok_status();
  }
  const bool marks_spaces = type == "Replace" && field(field(step, "pattern"), "String") == " " &&
                            is_space_mark(field(step, "content"));
  if (!is_bytes && marks_spaces) return ok_status();
  return unsupported(
      where, "normalizer", step,
      is_bytes ? "null or NFC" : "null, NFC, Prepend of U+2581 or Replace of spaces by U+2581");
}

Status read_normalizer(const Dom& normalizer, std::string_view where, TokenizerSpec& spec) {
  if (normalizer.is_null()) return ok_status();
  const Dom& steps = field(normalizer, "normalizers");
  if (type_of(normalizer) != "Sequence" || !steps.is_array())
    return read_normalizer_step(normalizer, where, spec);
  for (const Dom& step : steps) MELETE_RETURN_IF_ERROR(read_normalizer_step(step, where, spec));
  return ok_status();
}

Status read_split(const Dom& step, std::string_view where, TokenizerSpec& spec) {
  const Dom& regex = field(field(step, "pattern"), "Regex");
  if (!regex.is_string()) return unsupported(where, "pre_tokenizer Split pattern", step, "a Regex");
  MELETE_ASSIGN_OR_RETURN(const bool invert, flag(step, "invert", false, where));
  const Dom& behavior = field(step, "behavior");
  // The patterns match all of a text, so keeping the matches and isolating them are the same.
  const bool keeps_matches = (behavior == "Isolated") || (behavior == "Removed" && invert);
  if (!keeps_matches) return unsupported(where, "pre_tokenizer Split behavior", step, "Isolated");
  MELETE_ASSIGN_OR_RETURN(const SplitKind kind, split_kind_of(regex.get_ref<const std::string&>(), where));
  spec.steps.push_back(kind);
  return ok_status();
}

// `has_byte_level`: set by the ByteLevel step, which must be the last.
Status read_step(const Dom& step, std::string_view where, TokenizerSpec& spec, bool& has_byte_level) {
  constexpr const char* kSupported = "a sequence of Split and Digits that ends in one ByteLevel";
  const std::string type = type_of(step);
  if (has_byte_level) return unsupported(where, "pre_tokenizer", step, kSupported);
  if (type == "Split") return read_split(step, where, spec);
  if (type == "Digits") {
    MELETE_ASSIGN_OR_RETURN(const bool individual, flag(step, "individual_digits", false, where));
    spec.steps.push_back(individual ? SplitKind::individual_digits : SplitKind::digits);
    return ok_status();
  }
  if (type != "ByteLevel") return unsupported(where, "pre_tokenizer", step, kSupported);
  has_byte_level = true;
  MELETE_ASSIGN_OR_RETURN(const bool add_prefix_space, flag(step, "add_prefix_space", true, where));
  if (add_prefix_space) spec.prefix = TokenizerSpec::Prefix::each;
  if (add_prefix_space && !spec.steps.empty())
    return unsupported(where, "pre_tokenizer ByteLevel", step, "without add_prefix_space after other steps");
  MELETE_ASSIGN_OR_RETURN(const bool use_regex, flag(step, "use_regex", true, where));
  if (use_regex) spec.steps.push_back(SplitKind::gpt2);
  return ok_status();
}

// BPE over characters: none, Metaspace, or a split at the spaces, of which the normalizer has left none.
Status read_metaspace(const Dom& value, std::string_view where, TokenizerSpec& spec) {
  using Prefix = TokenizerSpec::Prefix;
  if (value.is_null()) return ok_status();
  if (type_of(value) == "Split" && field(field(value, "pattern"), "String") == " ") return ok_status();
  const Dom& scheme = field(value, "prepend_scheme");
  const bool is_known = scheme.is_null() || scheme == "always" || scheme == "first" || scheme == "never";
  if (type_of(value) != "Metaspace" || !is_space_mark(field(value, "replacement")) || !is_known)
    return unsupported(where, "pre_tokenizer", value,
                       "null, Metaspace or a Split at spaces with model.byte_fallback");
  MELETE_ASSIGN_OR_RETURN(const bool add_prefix, flag(value, "add_prefix_space", true, where));
  MELETE_ASSIGN_OR_RETURN(spec.split_words, flag(value, "split", true, where));
  if (scheme == "first")
    spec.prefix = Prefix::first;
  else if (scheme == "always" || (scheme.is_null() && add_prefix))
    spec.prefix = Prefix::each;
  return ok_status();
}

Status read_pre_tokenizer(const Dom& value, std::string_view where, TokenizerSpec& spec) {
  if (spec.model != TokenizerSpec::Model::byte_level) return read_metaspace(value, where, spec);
  bool has_byte_level = false;
  if (const Dom& steps = field(value, "pretokenizers"); type_of(value) == "Sequence" && steps.is_array()) {
    if (steps.size() > 8) return unsupported(where, "pre_tokenizer", value, "a sequence of at most 8 steps");
    for (const Dom& step : steps) MELETE_RETURN_IF_ERROR(read_step(step, where, spec, has_byte_level));
  } else {
    MELETE_RETURN_IF_ERROR(read_step(value, where, spec, has_byte_level));
  }
  return has_byte_level ? ok_status()
                        : Status(unsupported(where, "pre_tokenizer", value, "byte-level (a ByteLevel step)"));
}

Json added_token_json(size_t id, const std::string& content) {
  return {{"id", id},
          {"content", content},
          {"single_word", false},
          {"lstrip", false},
          {"rstrip", false},
          {"normalized", false},
          {"special", location_bin(content) < 0}};
}

}  // namespace

Result<TokenizerSpec> parse_tokenizer_json(std::string_view text, std::string_view where) {
  MELETE_ASSIGN_OR_RETURN(const TokenizerDocument document, read_tokenizer_document(text, where));
  if (!document.rest.is_object())
    return corrupt("[", where, "] must be a JSON object, got ", shown(document.rest), "; check the file");
  TokenizerSpec spec;
  Ids ids;
  MELETE_RETURN_IF_ERROR(read_model_flags(field(document.rest, "model"), where, spec));
  MELETE_RETURN_IF_ERROR(read_normalizer(field(document.rest, "normalizer"), where, spec));
  MELETE_RETURN_IF_ERROR(read_pre_tokenizer(field(document.rest, "pre_tokenizer"), where, spec));
  MELETE_RETURN_IF_ERROR(read_vocab(document, where, spec, ids));
  MELETE_RETURN_IF_ERROR(read_merges(document, where, ids, spec));
  MELETE_RETURN_IF_ERROR(read_added(field(document.rest, "added_tokens"), where, ids, spec));
  return spec;
}

std::string write_tokenizer_json(const std::vector<std::string>& token_bytes, size_t num_special,
                                 const std::vector<Merge>& merges) {
  const auto spelling = [&](size_t id) {
    return id < num_special ? token_bytes[id] : bytes_to_alphabet(token_bytes[id]);
  };
  Json added = Json::array();
  for (size_t id = 0; id < num_special; ++id) added.push_back(added_token_json(id, token_bytes[id]));
  const Json byte_level = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
  const Json split = {{"type", "Split"},
                      {"pattern", {{"Regex", pattern_of(SplitKind::cl100k_one_digit)}}},
                      {"behavior", "Isolated"},
                      {"invert", false}};
  const Json pre_tokenizer = {{"type", "Sequence"}, {"pretokenizers", Json::array({split, byte_level})}};
  // Vocabulary and merges are written by hand: an ordered JSON object takes quadratic time to fill.
  std::string out = "{\n\"version\": \"1.0\",\n\"truncation\": null,\n\"padding\": null,\n\"added_tokens\": ";
  out += added.dump(1) + ",\n\"normalizer\": null,\n\"pre_tokenizer\": " + pre_tokenizer.dump(1);
  out += ",\n\"post_processor\": null,\n\"decoder\": " + byte_level.dump(1);
  out += ",\n\"model\": {\n\"type\": \"BPE\",\n\"dropout\": null,\n\"unk_token\": null,\n";
  out += "\"continuing_subword_prefix\": null,\n\"end_of_word_suffix\": null,\n\"fuse_unk\": false,\n";
  out += "\"byte_fallback\": false,\n\"ignore_merges\": false,\n\"vocab\": {";
  for (size_t id = 0; id < token_bytes.size(); ++id)
    out += (id ? ",\n " : "\n ") + Json(spelling(id)).dump() + ": " + std::to_string(id);
  out += "\n},\n\"merges\": [";
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const auto left = static_cast<size_t>(merges[rank].left), right = static_cast<size_t>(merges[rank].right);
    out += (rank ? ",\n " : "\n ") + Json(spelling(left) + " " + spelling(right)).dump();
  }
  return out + "\n]\n}\n}\n";
}

}  // namespace melete
