#include "text/conversation.h"

#include <algorithm>
#include <cstdio>

#include "text/special_tokens.h"
#include "text/tool_markup.h"

namespace melete {
namespace {

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (size_t i = 0; i < parts.size(); ++i) out += (i ? std::string(separator) : "") + parts[i];
  return out;
}

// "self" (unless reasoning is off), each tool's namespace as "NAME.*" (a name without a dot as itself),
// "user".
std::string valid_recipients(const Conversation& conversation) {
  std::vector<std::string> names;
  if (conversation.effort != Effort::none) names.push_back("\"self\"");
  for (const Json& tool : conversation.tools) {
    const std::string name = tool_name(tool);
    const size_t dot = name.find('.');
    const std::string shown = "\"" + (dot == std::string::npos ? name : name.substr(0, dot) + ".*") + "\"";
    if (std::find(names.begin(), names.end(), shown) == names.end()) names.push_back(shown);
  }
  names.push_back("\"user\"");
  return "# Valid recipients: " + joined(names, ", ") + ".";
}

// Builds the tokens of a prompt. Ordinary text is held until a special token or a change of mark ends it, so
// that the ids are those of the whole rendered text.
class Renderer {
 public:
  Renderer(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  Status check(const Conversation& conversation) {
    for (const auto token : {kBeginOfText, kStart, kMessage, kEom, kEot})
      MELETE_RETURN_IF_ERROR(require(token));
    for (const Json& tool : conversation.tools)
      if (!is_valid_name(tool_name(tool)))
        return invalid_argument("[conversation] a tool must have a name of letters, digits and _.:/-, got ",
                                spaced_json(tool).substr(0, 200), "; rename it");
    return ok_status();
  }

  // Tokens from now on belong to message `message` and are targets or not.
  void mark(int32_t message, bool is_target) {
    if (message == message_ && is_target == is_target_) return;
    flush();
    message_ = message;
    is_target_ = is_target;
  }

  void text(std::string_view untrusted) { held_ += untrusted; }

  void trusted(std::string_view text) {
    for (const TextPiece& piece : tokenizer_.split_trusted(text)) {
      if (piece.special < 0)
        held_ += piece.text;
      else
        token(piece.special);
    }
  }

  Status message(const Message& message, int32_t index, bool continues_turn) {
    const bool is_assistant = message.role == Role::assistant;
    mark(index, is_assistant && continues_turn);
    trusted(cat(kStart, name_of(message.role)));
    mark(index, is_assistant);
    MELETE_RETURN_IF_ERROR(address(message));
    if (message.role == Role::tool) text(cat("<tool_output name=\"", message.recipient, "\">\n"));
    for (const MessagePart& part : message.parts) MELETE_RETURN_IF_ERROR(this->part(part));
    if (message.role == Role::tool) text("\n</tool_output>");
    trusted(message.ends_turn ? kEot : kEom);
    return ok_status();
  }

  SupervisedPrompt take() {
    flush();
    return std::move(out_);
  }

 private:
  Status require(std::string_view token) const {
    if (tokenizer_.special_id(token)) return ok_status();
    return invalid_argument(
        "[conversation] the tokenizer must have the special token ", token,
        ", got none; use a tokenizer made by `melete tokenizer train` or a Muse checkpoint's");
  }

  // The recipient and <|message|>.
  Status address(const Message& message) {
    const std::string& name = message.recipient;
    if (message.role == Role::assistant) {
      const std::string to = name.empty() ? "user" : name;
      if (!is_valid_name(to)) return bad_name(to);
      trusted(cat(" to=", to, kMessage));
    } else if (message.role == Role::tool) {
      if (!is_valid_name(name)) return bad_name(name);
      trusted(cat(" ", name, kMessage));
    } else {
      trusted(kMessage);
    }
    return ok_status();
  }

  static Error bad_name(std::string_view name) {
    return invalid_argument("[conversation] a recipient must be 1 to 128 letters, digits or _.:/-, got \"",
                            name.substr(0, 200), "\"; rename the tool");
  }

  Status part(const MessagePart& part) {
    if (const auto* words = std::get_if<TextPart>(&part)) {
      words->trusted ? trusted(words->text) : text(words->text);
      return ok_status();
    }
    const auto& media = std::get<std::shared_ptr<const Media>>(part);
    MELETE_CHECK(media != nullptr, "a message holds a null medium");
    switch (media->kind) {
      case MediaKind::image: return still(media, kImageStart, kPatch, kImageEnd);
      case MediaKind::audio: return still(media, kAudioStart, kAudio, kAudioEnd);
      case MediaKind::video: return video(media);
    }
    return ok_status();
  }

  Status still(const std::shared_ptr<const Media>& media, std::string_view start, std::string_view fill,
               std::string_view end) {
    for (const auto token : {start, fill, end}) MELETE_RETURN_IF_ERROR(require(token));
    trusted(start);
    placeholders(fill, media->num_tokens(), 0);
    trusted(end);
    out_.prompt.media.push_back(media);
    return ok_status();
  }

  Status video(const std::shared_ptr<const Media>& media) {
    for (const auto token : {kVideoStart, kVideo, kVideoFrameSeparator, kVideoEnd})
      MELETE_RETURN_IF_ERROR(require(token));
    const int64_t group_tokens = media->grid_h * media->grid_w / 4;
    trusted(kVideoStart);
    for (int64_t group = 0; group < media->grid_t; ++group) {
      const auto index = static_cast<size_t>(group);
      const double time_s = index < media->group_times_s.size() ? media->group_times_s[index] : 0.0;
      char stamp[64];
      std::snprintf(stamp, sizeof stamp, "Time: %.1fs", time_s);
      text(stamp);
      placeholders(kVideo, group_tokens, group * group_tokens);
      trusted(group + 1 < media->grid_t ? kVideoFrameSeparator : kVideoEnd);
    }
    out_.prompt.media.push_back(media);
    return ok_status();
  }

  void placeholders(std::string_view fill, int64_t count, int64_t row) {
    flush();
    const int32_t id = *tokenizer_.special_id(fill);
    out_.prompt.spans.push_back({.begin = static_cast<int64_t>(out_.prompt.tokens.size()),
                                 .num_tokens = count,
                                 .media_index = static_cast<int64_t>(out_.prompt.media.size()),
                                 .media_row = row});
    for (int64_t i = 0; i < count; ++i) push(id);
  }

  void token(int32_t id) {
    flush();
    push(id);
  }

  void push(int32_t id) {
    out_.prompt.tokens.push_back(id);
    out_.target.push_back(is_target_);
    out_.message_of.push_back(message_);
  }

  void flush() {
    for (const int32_t id : tokenizer_.encode(held_)) push(id);
    held_.clear();
  }

  const Tokenizer& tokenizer_;
  SupervisedPrompt out_;
  std::string held_;
  int32_t message_ = -1;
  bool is_target_ = false;
};

Status render_all(const Conversation& conversation, Renderer& renderer) {
  MELETE_RETURN_IF_ERROR(renderer.check(conversation));
  renderer.trusted(kBeginOfText);
  if (const std::string block = system_block(conversation); !block.empty()) {
    renderer.trusted(cat(kStart, name_of(Role::system), kMessage));
    renderer.text(block);
    renderer.trusted(kEot);
  }
  const Message* previous = nullptr;
  for (size_t i = 0; i < conversation.messages.size(); ++i) {
    const bool continues_turn = previous && previous->role == Role::assistant && !previous->ends_turn;
    MELETE_RETURN_IF_ERROR(
        renderer.message(conversation.messages[i], static_cast<int32_t>(i), continues_turn));
    previous = &conversation.messages[i];
  }
  renderer.mark(-1, false);
  return ok_status();
}

}  // namespace

const char* name_of(Role role) {
  constexpr const char* kNames[] = {"system", "user", "assistant", "tool"};
  return kNames[static_cast<size_t>(role)];
}

const char* name_of(Effort effort) {
  constexpr const char* kNames[] = {"none", "low", "medium", "high", "xhigh"};
  return kNames[static_cast<size_t>(effort)];
}

std::optional<Effort> parse_effort(std::string_view name) {
  for (const Effort effort : {Effort::none, Effort::low, Effort::medium, Effort::high, Effort::xhigh})
    if (name == name_of(effort)) return effort;
  return std::nullopt;
}

std::string system_block(const Conversation& conversation) {
  std::vector<std::string> blocks;
  const bool has_effort = conversation.effort != Effort::none;
  if (!conversation.system.empty()) blocks.push_back(conversation.system);
  if (has_effort) blocks.push_back(cat("Reasoning strength: ", name_of(conversation.effort), "."));
  if (!conversation.tools.empty()) {
    std::vector<std::string> lines;
    for (const Json& tool : conversation.tools) lines.push_back(spaced_json(tool_function(tool)));
    blocks.push_back("# Tools\n\n" + joined(lines, "\n"));
  }
  if (has_effort || !conversation.tools.empty()) blocks.push_back(valid_recipients(conversation));
  return joined(blocks, "\n\n");
}

Result<Prompt> render(const Conversation& conversation, const Tokenizer& tokenizer, Opening opening) {
  Renderer renderer(tokenizer);
  MELETE_RETURN_IF_ERROR(render_all(conversation, renderer));
  if (opening != Opening::none) renderer.trusted(cat(kStart, name_of(Role::assistant)));
  if (opening == Opening::reasoning) renderer.trusted(cat(" to=self", kMessage));
  if (opening == Opening::answer) renderer.trusted(cat(" to=user", kMessage));
  return renderer.take().prompt;
}

Result<SupervisedPrompt> render_supervised(const Conversation& conversation, const Tokenizer& tokenizer) {
  Renderer renderer(tokenizer);
  MELETE_RETURN_IF_ERROR(render_all(conversation, renderer));
  return renderer.take();
}

}  // namespace melete
