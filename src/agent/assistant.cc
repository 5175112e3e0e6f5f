#include "agent/assistant.h"

#include "base/side_by_side.h"
#include "text/special_tokens.h"

namespace melete {

Result<std::unique_ptr<Assistant>> Assistant::load(const std::filesystem::path& model, int num_threads) {
  auto [read, loaded] =
      side_by_side([&] { return ChatModel::load(model); }, [&] { return Engine::load(model, num_threads); });
  MELETE_ASSIGN_OR_RETURN(auto chat, std::move(read));
  MELETE_ASSIGN_OR_RETURN(auto engine, std::move(loaded));
  MELETE_RETURN_IF_ERROR(chat->check_vocabulary(engine->vocab_size(), model));
  return std::make_unique<Assistant>(std::move(engine), std::move(chat));
}

Status Assistant::recall_prompts(const std::filesystem::path& file) {
  const auto loaded = engine_->load_prompts(file);
  if (loaded.ok() || loaded.error().kind == ErrorKind::not_found) return ok_status();
  return loaded.error();
}

namespace {

Message text_message(std::string_view raw) {
  Message message;
  message.role = Role::assistant;
  message.recipient = "user";
  size_t begin = 0;
  for (size_t at = raw.find("<|loc_"); at != std::string_view::npos; at = raw.find("<|loc_", at)) {
    const std::string_view token = raw.substr(at, location_token(0).size());
    if (location_bin(token) < 0) {
      ++at;
      continue;
    }
    if (at > begin) message.parts.emplace_back(TextPart{std::string(raw.substr(begin, at - begin)), false});
    message.parts.emplace_back(TextPart{std::string(token), true});
    begin = at += token.size();
  }
  if (begin < raw.size() || raw.empty())
    message.parts.emplace_back(TextPart{std::string(raw.substr(begin)), false});
  return message;
}

}  // namespace

std::vector<Message> to_messages(const Answer& answer) {
  std::vector<Message> messages;
  if (!answer.commentary.empty())
    messages.push_back({Role::assistant, "commentary", {TextPart{answer.commentary, false}}});
  std::string_view text = answer.raw;
  // Formats that write calls behind the text have white space of their own between.
  if (!answer.tool_calls.empty()) text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
  if (!text.empty() || answer.tool_calls.empty()) messages.push_back(text_message(text));
  for (Message& message : messages) message.ends_turn = false;
  for (Message& message : call_messages(answer.tool_calls)) messages.push_back(std::move(message));
  messages.back().ends_turn = true;
  return messages;
}

Json to_json(const Answer& answer, const std::string& mode, uint64_t seed) {
  Json marks = Json::array();
  for (const TextMark& mark : answer.marks) {
    const bool box = mark.kind == TextMark::Kind::box;
    Json entry = {{"label", mark.label}};
    if (!mark.on.empty()) entry["on"] = mark.on;
    entry[box ? "x_min" : "x"] = mark.at[0];
    entry[box ? "y_min" : "y"] = mark.at[1];
    if (box) entry["x_max"] = mark.at[2], entry["y_max"] = mark.at[3];
    marks.push_back(std::move(entry));
  }
  Json votes = Json::array();
  for (const VoteCount& vote : answer.votes) votes.push_back({{"answer", vote.key}, {"votes", vote.votes}});
  const Usage& u = answer.usage;
  Json json = {{"answer", answer.text}, {"reasoning", answer.reasoning}, {"marks", marks},
               {"mode", mode},          {"finish", answer.finish},       {"seed", seed}};
  if (!answer.commentary.empty()) json["commentary"] = answer.commentary;
  if (!answer.tool_calls.empty()) json["tool_calls"] = to_json(answer.tool_calls);
  if (!answer.votes.empty())
    json["vote"] = {{"counts", votes},
                    {"agent", answer.agent},
                    {"mode_e_value", answer.certificate_e},
                    {"mode_certified", answer.certified},
                    {"p_correct", "uncalibrated"}};
  json["tokens"] = {{"prompt", u.prompt_tokens},
                    {"reasoning", u.reasoning_tokens},
                    {"answer", u.answer_tokens},
                    {"forced", u.forced_tokens}};
  json["timings"] = {{"prefill_s", u.prefill_s},
                     {"first_token_s", u.first_token_s},
                     {"total_s", u.total_s},
                     {"cpu_s", u.cpu_s}};
  json["memory"] = {{"peak_bytes", u.peak_bytes}};
  return json;
}

}  // namespace melete
