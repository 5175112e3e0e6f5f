#include "agent/model_text.h"

#include "base/file.h"
#include "model/gguf.h"
#include "text/tokenizer_vocab.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxConfigBytes = uint64_t{1} << 24;

// The ids of a JSON value that is one or a list of them.
std::vector<int32_t> ids_of(const Json& value) {
  std::vector<int32_t> ids;
  const auto add = [&](const Json& id) {
    if (id.is_number_integer() && id.get<int64_t>() >= 0 && id.get<int64_t>() <= INT32_MAX)
      ids.push_back(id.get<int32_t>());
  };
  if (value.is_array())
    for (const Json& id : value) add(id);
  else
    add(value);
  return ids;
}

// An optional file of JSON; null if there is none.
Result<Json> read_config(const fs::path& path) {
  auto text = read_file(path, kMaxConfigBytes);
  if (!text.ok() && text.error().kind == ErrorKind::not_found) return Json();
  if (!text.ok()) return text.error();
  return parse_json(*text, path.string());
}

const Json& member(const Json& value, const char* key) {
  static const Json kNull;
  const auto found = value.is_object() ? value.find(key) : value.end();
  return value.is_object() && found != value.end() ? *found : kNull;
}

// A token of tokenizer_config.json: its spelling, or an object with "content".
int32_t token_id(const Json& config, const char* key, const Tokenizer& tokenizer) {
  const Json& value = member(config, key);
  const Json& spelling = value.is_object() ? member(value, "content") : value;
  return spelling.is_string() ? tokenizer.special_id(spelling.get<std::string>()).value_or(-1) : -1;
}

// Only values that sampling can use: advice is never a reason to refuse a model.
SamplingAdvice advice_of(std::optional<double> temperature, std::optional<double> top_p,
                         std::optional<double> min_p, std::optional<double> top_k) {
  const auto within = [](std::optional<double> value, double least, double most) {
    return value && *value >= least && *value <= most ? value : std::nullopt;
  };
  SamplingAdvice advice{within(temperature, 0, 10), within(top_p, 0, 1), within(min_p, 0, 1), std::nullopt};
  if (const auto k = within(top_k, 0, 1 << 30)) advice.top_k = static_cast<int64_t>(*k);
  return advice;
}

SamplingAdvice advice_of(const Json& generation) {
  const auto number = [&](const char* key) {
    const Json& value = member(generation, key);
    return value.is_number() ? std::optional<double>(value.get<double>()) : std::nullopt;
  };
  SamplingAdvice advice = advice_of(number("temperature"), number("top_p"), number("min_p"), number("top_k"));
  if (member(generation, "do_sample") == false) advice.temperature = 0;
  return advice;
}

SamplingAdvice advice_of(const GgufFile& file) {
  const auto number = [&](const char* key) {
    const auto value = file.number(cat("general.sampling.", key));
    return value.ok() ? std::optional<double>(*value) : std::nullopt;
  };
  return advice_of(number("temp"), number("top_p"), number("min_p"), number("top_k"));
}

// The template named "default" where a file has several.
std::string template_of(const Json& config) {
  const Json& value = member(config, "chat_template");
  if (value.is_string()) return value.get<std::string>();
  std::string chosen;
  if (value.is_array())
    for (const Json& one : value)
      if (member(one, "template").is_string() && (chosen.empty() || member(one, "name") == "default"))
        chosen = member(one, "template").get<std::string>();
  return chosen;
}

Result<ModelText> load_folder(const fs::path& folder) {
  ModelText text;
  MELETE_ASSIGN_OR_RETURN(text.tokenizer, load_tokenizer(folder / "tokenizer.json"));
  MELETE_ASSIGN_OR_RETURN(const Json config, read_config(folder / "tokenizer_config.json"));
  MELETE_ASSIGN_OR_RETURN(const Json generation, read_config(folder / "generation_config.json"));
  auto written = read_file(folder / "chat_template.jinja", kMaxConfigBytes);
  if (!written.ok() && written.error().kind != ErrorKind::not_found) return written.error();
  text.chat.chat_template = written.ok() ? *written : template_of(config);
  text.chat.bos = token_id(config, "bos_token", *text.tokenizer);
  text.chat.eos = token_id(config, "eos_token", *text.tokenizer);
  text.chat.stop_tokens = ids_of(member(generation, "eos_token_id"));
  text.sampling = advice_of(generation);
  // A template writes bos itself if the model wants it.
  text.chat.add_bos = text.chat.chat_template.empty() && member(config, "add_bos_token") == true;
  return text;
}

Result<int32_t> optional_id(const GgufFile& file, const char* key) {
  MELETE_ASSIGN_OR_RETURN(const int64_t id, file.integer(cat("tokenizer.ggml.", key), -1));
  if (id < -1 || id > INT32_MAX)
    return corrupt("[", file.name(), "] tokenizer.ggml.", key, " must be a token's id, got ", id,
                   "; check the file");
  return static_cast<int32_t>(id);
}

Result<std::optional<bool>> optional_flag(const GgufFile& file, const char* key) {
  const std::string name = cat("tokenizer.ggml.", key);
  if (!file.has(name)) return std::optional<bool>();
  MELETE_ASSIGN_OR_RETURN(const bool value, file.boolean(name));
  return std::optional<bool>(value);
}

Result<TokenizerVocab> read_vocab(const GgufFile& file) {
  TokenizerVocab vocab;
  MELETE_ASSIGN_OR_RETURN(vocab.model, file.text("tokenizer.ggml.model"));
  MELETE_ASSIGN_OR_RETURN(vocab.pre, file.text("tokenizer.ggml.pre", ""));
  MELETE_ASSIGN_OR_RETURN(vocab.tokens, file.texts("tokenizer.ggml.tokens"));
  if (file.has("tokenizer.ggml.merges")) {
    MELETE_ASSIGN_OR_RETURN(vocab.merges, file.texts("tokenizer.ggml.merges"));
  }
  if (file.has("tokenizer.ggml.token_type")) {
    MELETE_ASSIGN_OR_RETURN(const auto types, file.integers("tokenizer.ggml.token_type"));
    vocab.types.assign(types.begin(), types.end());
  }
  if (file.has("tokenizer.ggml.scores")) {
    MELETE_ASSIGN_OR_RETURN(const auto scores, file.numbers("tokenizer.ggml.scores"));
    vocab.scores.assign(scores.begin(), scores.end());
  }
  MELETE_ASSIGN_OR_RETURN(vocab.bos, optional_id(file, "bos_token_id"));
  MELETE_ASSIGN_OR_RETURN(vocab.eos, optional_id(file, "eos_token_id"));
  MELETE_ASSIGN_OR_RETURN(vocab.eot, optional_id(file, "eot_token_id"));
  MELETE_ASSIGN_OR_RETURN(vocab.eom, optional_id(file, "eom_token_id"));
  MELETE_ASSIGN_OR_RETURN(vocab.unknown, optional_id(file, "unknown_token_id"));
  MELETE_ASSIGN_OR_RETURN(vocab.add_bos, optional_flag(file, "add_bos_token"));
  MELETE_ASSIGN_OR_RETURN(vocab.add_space_prefix, optional_flag(file, "add_space_prefix"));
  return vocab;
}

Result<ModelText> load_gguf(const fs::path& path) {
  MELETE_ASSIGN_OR_RETURN(const GgufFile file, GgufFile::open(path));
  MELETE_ASSIGN_OR_RETURN(const TokenizerVocab vocab, read_vocab(file));
  ModelText text;
  MELETE_ASSIGN_OR_RETURN(text.tokenizer, make_tokenizer(vocab, file.name()));
  MELETE_ASSIGN_OR_RETURN(text.chat.chat_template, file.text("tokenizer.chat_template", ""));
  text.chat.bos = vocab.bos;
  text.chat.eos = vocab.eos;
  for (const int32_t id : {vocab.eot, vocab.eom})
    if (id >= 0) text.chat.stop_tokens.push_back(id);
  text.chat.add_bos = adds_bos(vocab);
  text.sampling = advice_of(file);
  return text;
}

}  // namespace

Result<ModelText> load_model_text(const fs::path& model) {
  return model.extension() == ".gguf" ? load_gguf(model) : load_folder(model);
}

}  // namespace melete
