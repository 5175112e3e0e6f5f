#include "agent/assistant.h"

#include "base/file.h"
#include "text/attachment.h"

namespace melete {
namespace {

// Takes an integer or number field where it is present and positive; a malformed one is an error.
template <class T>
Status take(const Json& json, const char* section, const char* key, T& value, const std::string& where) {
  if (!json.contains(section) || !json[section].is_object() || !json[section].contains(key)) return ok_status();
  const Json& field = json[section][key];
  if (!field.is_number() || field.get<double>() <= 0 || field.get<double>() > 1e9)
    return corrupt("[", where, "] ", section, ".", key, " must be a positive number, got ", field.dump(), "; mend the file");
  value = field.get<T>();
  return ok_status();
}

Result<MediaLimits> read_limits(const std::filesystem::path& path) {
  MediaLimits limits;
  const auto text = read_file(path, 1 << 20);
  if (!text.ok()) {
    if (text.error().kind == ErrorKind::not_found) return limits;  // a text-only model needs none
    return text.error();
  }
  MELETE_ASSIGN_OR_RETURN(const Json json, parse_json(*text, path.string()));
  const std::string where = path.string();
  MELETE_RETURN_IF_ERROR(take(json, "image_processor", "max_image_tokens", limits.max_image_tokens, where));
  MELETE_RETURN_IF_ERROR(take(json, "video_processor", "max_video_frame_tokens", limits.max_video_frame_tokens, where));
  MELETE_RETURN_IF_ERROR(take(json, "video_processor", "num_frames", limits.max_video_frames, where));
  MELETE_RETURN_IF_ERROR(take(json, "video_processor", "fps", limits.video_fps, where));
  return limits;
}

}  // namespace

Result<std::unique_ptr<Assistant>> Assistant::load(const std::filesystem::path& model_dir, int num_threads) {
  MELETE_ASSIGN_OR_RETURN(auto tokenizer, load_tokenizer(model_dir / "tokenizer.json"));
  MELETE_ASSIGN_OR_RETURN(const MediaLimits limits, read_limits(model_dir / "processor_config.json"));
  MELETE_ASSIGN_OR_RETURN(auto engine, Engine::load(model_dir, num_threads));
  if (tokenizer->vocab_size() > engine->vocab_size())
    return corrupt("[", (model_dir / "tokenizer.json").string(), "] must have at most the model's ", engine->vocab_size(),
                   " entries, got ", tokenizer->vocab_size(), "; use the tokenizer the model was trained with");
  return std::unique_ptr<Assistant>(new Assistant(std::move(engine), std::move(tokenizer), limits));
}

Result<Message> Assistant::user_message(const std::vector<Part>& attachments, std::string_view question) const {
  Message message;
  std::string text;
  for (const Part& part : attachments) {
    if (const auto* words = std::get_if<std::string>(&part)) {
      text += attachment_text(*words);
      continue;
    }
    auto medium = std::visit(
        [&](const auto& value) -> Result<std::shared_ptr<const Media>> {
          if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>)
            return std::shared_ptr<const Media>();
          else
            return preprocess(value, limits_);
        },
        part);
    if (!medium.ok()) return medium.error();
    message.parts.emplace_back(*std::move(medium));
  }
  text += question;
  message.parts.emplace_back(TextPart{std::move(text), false});
  return message;
}

Message to_message(const Answer& answer) {
  Message message;
  message.role = Role::assistant;
  message.recipient = "user";
  message.parts.emplace_back(TextPart{answer.text, false});
  return message;
}

Json to_json(const Answer& answer, const std::string& mode, uint64_t seed) {
  Json marks = Json::array();
  for (const TextMark& mark : answer.marks) {
    const bool box = mark.kind == TextMark::Kind::box;
    Json entry = {{"label", mark.label}};
    entry[box ? "x_min" : "x"] = mark.at[0];
    entry[box ? "y_min" : "y"] = mark.at[1];
    if (box) entry["x_max"] = mark.at[2], entry["y_max"] = mark.at[3];
    marks.push_back(std::move(entry));
  }
  Json votes = Json::array();
  for (const VoteCount& vote : answer.votes) votes.push_back({{"answer", vote.key}, {"votes", vote.votes}});
  const Usage& u = answer.usage;
  Json json = {{"answer", answer.text}, {"reasoning", answer.reasoning}, {"marks", marks}, {"mode", mode},
               {"finish", answer.finish}, {"seed", seed}};
  if (!answer.votes.empty())
    json["vote"] = {{"counts", votes}, {"agent", answer.agent}, {"mode_e_value", answer.certificate_e},
                    {"mode_certified", answer.certified}, {"p_correct", "uncalibrated"}};
  json["tokens"] = {{"prompt", u.prompt_tokens}, {"reasoning", u.reasoning_tokens}, {"answer", u.answer_tokens},
                    {"forced", u.forced_tokens}};
  json["timings_s"] = {{"prefill", u.prefill_s}, {"first_token", u.first_token_s}, {"total", u.total_s}};
  return json;
}

}  // namespace melete
