#include <map>

#include "base/file.h"
#include "base/json.h"
#include "model/gguf_export_parts.h"

namespace melete {
namespace {

enum TokenKind : int32_t { normal = 1, control = 3, user_defined = 4, unused = 5 };

// The format's name of a pre-tokenizer, by the expression that tokenizer.json states.
struct PreTokenizerRow {
  const char* name;
  const char* pattern;
};
constexpr PreTokenizerRow kPreTokenizers[] = {
    {"qwen2",
     R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"},
    {"llama-bpe",
     R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"},
    {"gpt-4o",
     R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"},
};

// The member `key`, null if there is none; so that a file of another form is an error, not an exception.
const Json& member(const Json& json, const char* key) {
  static const Json none;
  const auto found = json.is_object() ? json.find(key) : json.end();
  return found == json.end() ? none : *found;
}
std::string text_of(const Json& json) { return json.is_string() ? json.get<std::string>() : std::string(); }
bool is_true(const Json& json) { return json.is_boolean() && json.get<bool>(); }

Result<std::string> pre_tokenizer_name(const Json& tokenizer, const std::string& where) {
  std::vector<std::string> patterns;
  const Json& pre = member(tokenizer, "pre_tokenizer");
  const Json steps =
      text_of(member(pre, "type")) == "Sequence" ? member(pre, "pretokenizers") : Json::array({pre});
  for (const Json& step : steps) {
    const std::string type = text_of(member(step, "type"));
    if (type == "Split")
      patterns.push_back(text_of(member(member(step, "pattern"), "Regex")));
    else if (type == "ByteLevel" &&
             (member(step, "use_regex").is_null() || is_true(member(step, "use_regex"))))
      patterns.push_back("gpt-2");
  }
  if (patterns == std::vector<std::string>{"gpt-2"}) return std::string("gpt-2");
  for (const PreTokenizerRow& row : kPreTokenizers)
    if (patterns == std::vector<std::string>{row.pattern}) return std::string(row.name);
  return invalid_argument("[", where, "] the pre-tokenizer must be one that GGUF has a name for, got ",
                          quoted_name(patterns.empty() ? "none" : patterns[0]),
                          "; train the tokenizer with `melete tokenizer train`");
}

struct Vocabulary {
  std::vector<std::string> tokens;
  std::vector<int32_t> kinds;
  std::map<std::string, int64_t, std::less<>> ids;
};

Result<Vocabulary> read_vocabulary(const Json& tokenizer, int64_t size, const std::string& where) {
  Vocabulary vocabulary;
  for (int64_t i = 0; i < size; ++i) vocabulary.tokens.push_back(cat("[PAD", i, "]"));
  vocabulary.kinds.assign(static_cast<size_t>(size), TokenKind::unused);
  const auto put = [&](const std::string& token, const Json& number, TokenKind kind) -> Status {
    const int64_t id = number.is_number_integer() ? number.get<int64_t>() : -1;
    if (id < 0 || id >= size)
      return invalid_argument("[", where, "] token ", quoted_name(token),
                              " must have an id below the model's ", size, ", got ", number.dump(),
                              "; the tokenizer belongs to another model");
    vocabulary.tokens[static_cast<size_t>(id)] = token;
    vocabulary.kinds[static_cast<size_t>(id)] = kind;
    vocabulary.ids[token] = id;
    return ok_status();
  };
  for (const auto& [token, id] : member(member(tokenizer, "model"), "vocab").items())
    MELETE_RETURN_IF_ERROR(put(token, id, TokenKind::normal));
  for (const Json& added : member(tokenizer, "added_tokens"))
    MELETE_RETURN_IF_ERROR(
        put(text_of(member(added, "content")), member(added, "id"),
            is_true(member(added, "special")) ? TokenKind::control : TokenKind::user_defined));
  return vocabulary;
}

Result<std::vector<std::string>> read_merges(const Json& tokenizer, const std::string& where) {
  std::vector<std::string> merges;
  for (const Json& merge : member(member(tokenizer, "model"), "merges")) {
    const bool pair = merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string();
    if (!merge.is_string() && !pair)
      return corrupt("[", where, "] merges must be texts or pairs of them, got ", merge.type_name(),
                     "; get it again");
    merges.push_back(pair ? merge[0].get<std::string>() + " " + merge[1].get<std::string>()
                          : merge.get<std::string>());
  }
  return merges;
}

// A token's text in tokenizer_config.json: a string, or an object with its content.
std::string named_token(const Json& config, const char* key) {
  const Json& value = member(config, key);
  return text_of(value.is_object() ? member(value, "content") : value);
}

}  // namespace

Status add_tokenizer(const std::filesystem::path& folder, int64_t vocab_size,
                     std::vector<GgufField>& fields) {
  const std::string where = (folder / "tokenizer.json").string();
  MELETE_ASSIGN_OR_RETURN(const std::string text, read_file(where));
  MELETE_ASSIGN_OR_RETURN(const Json tokenizer, parse_json(text, where));
  const Json& bpe = member(tokenizer, "model");
  if (text_of(member(bpe, "type")) != "BPE" || !member(bpe, "vocab").is_object())
    return invalid_argument("[", where, "] must be a byte-level BPE tokenizer; give the model's own");
  const std::string config_path = (folder / "tokenizer_config.json").string();
  MELETE_ASSIGN_OR_RETURN(const std::string config_text, read_file(config_path));
  MELETE_ASSIGN_OR_RETURN(const Json config, parse_json(config_text, config_path));

  MELETE_ASSIGN_OR_RETURN(const std::string pre, pre_tokenizer_name(tokenizer, where));
  MELETE_ASSIGN_OR_RETURN(Vocabulary vocabulary, read_vocabulary(tokenizer, vocab_size, where));
  MELETE_ASSIGN_OR_RETURN(std::vector<std::string> merges, read_merges(tokenizer, where));
  fields.push_back({"tokenizer.ggml.model", std::string("gpt2")});
  fields.push_back({"tokenizer.ggml.pre", pre});
  const auto id = [&](const char* key, const std::string& token) {
    const auto found = vocabulary.ids.find(token);
    if (found != vocabulary.ids.end())
      fields.push_back({cat("tokenizer.ggml.", key, "_token_id"), static_cast<uint32_t>(found->second)});
  };
  id("bos", named_token(config, "bos_token"));
  id("eos", named_token(config, "eos_token"));
  id("padding", named_token(config, "pad_token"));
  id("eot", "<|eot|>");
  fields.push_back(
      {"tokenizer.ggml.add_bos_token", vocabulary.ids.contains(named_token(config, "bos_token"))});
  fields.push_back({"tokenizer.ggml.add_space_prefix", false});
  fields.push_back({"tokenizer.ggml.tokens", std::move(vocabulary.tokens)});
  fields.push_back({"tokenizer.ggml.token_type", std::move(vocabulary.kinds)});
  fields.push_back({"tokenizer.ggml.merges", std::move(merges)});
  const auto chat = read_file(folder / "chat_template.jinja");
  if (!chat.ok() && chat.error().kind != ErrorKind::not_found) return chat.error();
  if (chat.ok()) fields.push_back({"tokenizer.chat_template", *chat});
  return ok_status();
}

}  // namespace melete
