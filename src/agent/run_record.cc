#include "agent/run_record.h"

#include <algorithm>
#include <fstream>

#include "base/hex.h"
#include "media/hash.h"

namespace melete {
namespace {

constexpr std::array kRoles = {Role::system, Role::user, Role::assistant, Role::tool};
constexpr std::array kChoices = {"auto", "none", "required", "named"};  // as ToolChoice::Kind counts
constexpr std::array kGrammars = {"json_schema", "regex", "json_object", "json"};  // as GrammarKind counts
constexpr size_t kPiece = size_t{1} << 20;
constexpr uint64_t kMostPieces = 1024;

Json message_json(const Message& message) {
  Json parts = Json::array();
  for (const MessagePart& part : message.parts) {
    if (const auto* medium = std::get_if<std::shared_ptr<const Media>>(&part)) {
      parts.push_back({{"media", media_hash(**medium)}});
      continue;
    }
    const TextPart& text = std::get<TextPart>(part);
    parts.push_back({{"text", text.text}, {"trusted", text.trusted}});
  }
  return {{"role", name_of(message.role)},
          {"recipient", message.recipient},
          {"ends_turn", message.ends_turn},
          {"parts", std::move(parts)}};
}

// Throws Json::exception where the record isn't one; see request_of_record().
Result<Message> message_of(const Json& json, const MediaByHash& media) {
  Message message;
  const std::string role = json.at("role");
  const auto found =
      std::find_if(kRoles.begin(), kRoles.end(), [&](Role one) { return role == name_of(one); });
  if (found == kRoles.end()) return corrupt("[replay] a role must be a known one, got ", role);
  message.role = *found;
  message.recipient = json.at("recipient");
  message.ends_turn = json.at("ends_turn");
  for (const Json& part : json.at("parts")) {
    if (!part.contains("media")) {
      message.parts.emplace_back(TextPart{part.at("text"), part.at("trusted")});
      continue;
    }
    const auto medium = media.find(part.at("media").get<std::string>());
    if (medium == media.end())
      return not_found("[replay] the files of the question must be as they were, got none for the medium ",
                       part.at("media").get<std::string>(), "; put them back");
    message.parts.emplace_back(medium->second);
  }
  return message;
}

template <size_t N>
size_t index_of(const std::array<const char*, N>& names, const Json& name) {
  const auto found = std::find(names.begin(), names.end(), name.get<std::string>());
  return std::min<size_t>(static_cast<size_t>(found - names.begin()), N - 1);
}

Status fill(Request& request, const Json& record, const MediaByHash& media, const ChatModel& chat) {
  request.effort = parse_effort(record.at("effort").get<std::string>()).value_or(Effort::none);
  record.at("agents").get_to(request.num_agents);
  record.at("temperature").get_to(request.temperature);
  record.at("top_p").get_to(request.top_p);
  record.at("top_k").get_to(request.top_k);
  record.at("min_p").get_to(request.min_p);
  record.at("seed").get_to(request.seed);
  record.at("first_stream").get_to(request.first_stream);
  record.at("max_answer_tokens").get_to(request.max_answer_tokens);
  record.at("max_reasoning_tokens").get_to(request.max_reasoning_tokens);
  record.at("delta").get_to(request.delta);
  record.at("parallel_calls").get_to(request.parallel_calls);
  record.at("top_log_probs").get_to(request.top_log_probs);
  record.at("frequency_penalty").get_to(request.frequency_penalty);
  record.at("presence_penalty").get_to(request.presence_penalty);
  const Json& choice = record.at("tool_choice");
  request.tool_choice = {static_cast<ToolChoice::Kind>(index_of(kChoices, choice.at("kind"))),
                         choice.at("name")};
  record.at("system").get_to(request.conversation.system);
  record.at("tools").get_to(request.conversation.tools);
  for (const Json& message : record.at("messages")) {
    MELETE_ASSIGN_OR_RETURN(Message read, message_of(message, media));
    request.conversation.messages.push_back(std::move(read));
  }
  const Json& grammar = record.at("grammar");
  if (grammar.is_null()) return ok_status();
  const GrammarSource source{static_cast<GrammarKind>(index_of(kGrammars, grammar.at("kind"))),
                             grammar.at("text")};
  MELETE_ASSIGN_OR_RETURN(request.grammar, chat.grammar(source));
  return ok_status();
}

Status hash_file(const std::filesystem::path& path, std::array<uint8_t, 16>& hash) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const auto size = static_cast<uint64_t>(std::max<std::streamoff>(0, file.tellg()));
  const auto add = [&](std::string_view bytes) {
    uint64_t seed = 0;
    std::memcpy(&seed, hash.data(), sizeof seed);
    hash = hash_bytes({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, seed);
  };
  add(cat(path.filename().string(), " ", size));
  const uint64_t pieces = (size + kPiece - 1) / kPiece, taken = std::min(pieces, kMostPieces);
  std::string bytes(kPiece, '\0');
  for (uint64_t i = 0; i < taken; ++i) {
    const uint64_t at = (i * pieces / taken) * kPiece;
    const uint64_t length = std::min<uint64_t>(kPiece, size - at);
    file.seekg(static_cast<std::streamoff>(at));
    file.read(bytes.data(), static_cast<std::streamsize>(length));
    add({bytes.data(), length});
  }
  if (file.good() || size == 0) return ok_status();
  return unavailable("[", path.string(), "] must be possible to read, got an error; check the disk");
}

}  // namespace

std::string media_hash(const Media& media) { return hex_text(media.hash); }

Status add_medium(const Json& file, const Part& part, MediaLimits limits, MediaByHash& media) {
  if (std::holds_alternative<std::string>(part)) return ok_status();
  limits.max_image_tokens =
      std::min(limits.max_image_tokens, file.value("max_image_tokens", limits.max_image_tokens));
  MELETE_ASSIGN_OR_RETURN(auto medium, preprocess(part, limits));
  media[media_hash(*medium)] = std::move(medium);
  return ok_status();
}

Json run_record(const Request& request, const std::optional<GrammarSource>& grammar, Json origin) {
  Json messages = Json::array();
  for (const Message& message : request.conversation.messages) messages.push_back(message_json(message));
  Json held;
  if (grammar) held = {{"kind", kGrammars[static_cast<size_t>(grammar->kind)]}, {"text", grammar->text}};
  const ToolChoice& choice = request.tool_choice;
  Json record = {
      {"effort", name_of(request.effort)},
      {"agents", request.num_agents},
      {"temperature", request.temperature},
      {"top_p", request.top_p},
      {"top_k", request.top_k},
      {"min_p", request.min_p},
      {"seed", request.seed},
      {"first_stream", request.first_stream},
      {"max_answer_tokens", request.max_answer_tokens},
      {"max_reasoning_tokens", request.max_reasoning_tokens},
      {"delta", request.delta},
      {"deadline_s", request.deadline_s},
      {"parallel_calls", request.parallel_calls},
      {"top_log_probs", request.top_log_probs},
      {"frequency_penalty", request.frequency_penalty},
      {"presence_penalty", request.presence_penalty},
      {"tool_choice", {{"kind", kChoices[static_cast<size_t>(choice.kind)]}, {"name", choice.name}}},
      {"system", request.conversation.system},
      {"tools", request.conversation.tools},
      {"messages", std::move(messages)},
      {"grammar", std::move(held)}};
  return {{"origin", std::move(origin)}, {"request", std::move(record)}};
}

Result<Request> request_of_record(const Json& record, const MediaByHash& media, const ChatModel& chat) {
  Request request;
  try {
    MELETE_RETURN_IF_ERROR(fill(request, record, media, chat));
  } catch (const Json::exception& error) {
    return corrupt("[replay] the log's request must be whole, got: ", error.what(),
                   "; give a log as it was written");
  }
  return request;
}

Result<std::string> model_identity(const std::filesystem::path& model) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  if (std::filesystem::is_directory(model, error)) {
    for (const auto& entry : std::filesystem::directory_iterator(model, error)) {
      const std::string extension = entry.path().extension().string();
      if (extension == ".json" || extension == ".safetensors" || extension == ".jinja" || extension == ".txt")
        files.push_back(entry.path());
    }
  } else {
    files.push_back(model);
  }
  if (error)
    return unavailable("[", model.string(), "] must be possible to read, got: ", error.message(),
                       "; check the path");
  std::sort(files.begin(), files.end());
  std::array<uint8_t, 16> hash{};
  for (const auto& file : files) MELETE_RETURN_IF_ERROR(hash_file(file, hash));
  return hex_text(hash);
}

}  // namespace melete
