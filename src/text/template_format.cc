#include "text/template_format.h"

#include <algorithm>
#include <chrono>

#include "text/template_messages.h"

namespace melete {
namespace {

using jinja::Dict;
using jinja::MarkedText;
using jinja::Value;

// Tokens that end a turn in one public family or another, where the vocabulary has them as control tokens.
constexpr std::string_view kTurnEnds[] = {
    "<|im_end|>",    "<|eot_id|>",    "<|eom_id|>",      "<|end|>",           "<|eot|>",
    "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>", "<|return|>",        "<|call|>",
    "<EOT>",         "[EOT]",         "<turn|>",         "<end_of_utterance>"};

std::vector<int32_t> all_stops(const ChatSource& source, const Tokenizer& tokenizer) {
  std::vector<int32_t> stops = source.stop_tokens;
  stops.push_back(source.eos);
  for (const std::string_view spelling : kTurnEnds)
    if (const auto id = tokenizer.special_id(spelling)) stops.push_back(*id);
  std::sort(stops.begin(), stops.end());
  stops.erase(std::unique(stops.begin(), stops.end()), stops.end());
  std::erase_if(stops, [](int32_t id) { return id < 0; });
  return stops;
}

MarkupStyle style_of(const std::vector<int32_t>& stops, const Tokenizer& tokenizer) {
  MarkupStyle style;
  style.stop_tokens = stops;
  for (const int32_t id : stops)
    if (!tokenizer.token_bytes(id).empty()) style.stop_spellings.emplace_back(tokenizer.token_bytes(id));
  return style;
}

std::string spelling_of(int32_t id, const Tokenizer& tokenizer) {
  return std::string(tokenizer.token_bytes(id));
}

// The tokens of a rendered text: special ones only from its trusted runs.
std::vector<int32_t> encode(const MarkedText& text, const ChatSource& source, const Tokenizer& tokenizer) {
  std::vector<TextPiece> pieces;
  text.for_each_run([&](std::string_view run, bool trusted) {
    if (!trusted) return pieces.push_back({-1, std::string(run)});
    for (TextPiece& piece : tokenizer.split_trusted(run)) pieces.push_back(std::move(piece));
  });
  const bool has_bos = !pieces.empty() && pieces[0].special == source.bos;
  if (source.add_bos && source.bos >= 0 && !has_bos) pieces.insert(pieces.begin(), {source.bos, {}});
  return tokenizer.encode_pieces(pieces);
}

// Whether a prompt ends inside <think>.
bool ends_in_reasoning(const MarkedText& text) {
  const size_t open = text.str().rfind("<think>");
  if (open == std::string::npos || !text.trusted_at(open)) return false;
  return text.str().find_first_not_of(" \t\r\n", open + 7) == std::string::npos;
}

std::tm local_time() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  localtime_r(&now, &parts);
  return parts;
}

class TemplateFormat : public ChatFormat {
 public:
  TemplateFormat(jinja::Template chat_template, const ChatSource& source,
                 std::shared_ptr<const Tokenizer> tokenizer)
      : ChatFormat(std::move(tokenizer)), template_(std::move(chat_template)), source_(source) {
    for (const auto& [name, id] : {std::pair("bos_token", source.bos), std::pair("eos_token", source.eos)})
      globals_.put(Value::text(name, true), Value::text(spelling_of(id, this->tokenizer()), true));
    traits_ = traits_of(template_, source.chat_template, globals_);
    style_ = style_of(all_stops(source, this->tokenizer()), this->tokenizer());
    style_.thinks = traits_.has_think_markup;
    style_.calls = traits_.calls;
  }

  std::string name() const override { return "template"; }
  bool can_reason() const override { return traits_.can_reason; }
  bool calls_in_answer() const override { return true; }

  Result<Prompt> render(const Conversation& conversation, Opening opening) const override {
    MELETE_ASSIGN_OR_RETURN(MarkedText text, render_text(conversation, opening));
    Prompt prompt;
    prompt.tokens = encode(text, source_, tokenizer());
    return prompt;
  }

  std::unique_ptr<OutputParser> parser(const Conversation& conversation, Opening opening) const override {
    const bool in_reasoning = opening == Opening::reasoning && can_reason();
    bool begins_itself = false;
    if (opening == Opening::free && can_reason())
      if (const auto text = render_text(conversation, opening); text.ok())
        begins_itself = ends_in_reasoning(*text);
    return std::make_unique<MarkupParser>(style_, conversation.tools, in_reasoning || begins_itself);
  }

  std::vector<int32_t> closing_tokens(Opening) const override {
    return can_reason() ? tokenizer().encode_trusted("\n</think>\n\n") : std::vector<int32_t>();
  }

  const std::vector<int32_t>& stop_tokens() const override { return style_.stop_tokens; }

 private:
  Result<MarkedText> render_text(const Conversation& conversation, Opening opening) const {
    MELETE_ASSIGN_OR_RETURN(Dict variables, template_variables(conversation, traits_));
    for (const auto& [key, value] : globals_.items()) variables.put(key, value);
    const auto put = [&](const char* key, Value value) {
      variables.put(Value::text(key, true), std::move(value));
    };
    const bool thinks =
        opening == Opening::reasoning || (opening == Opening::free && conversation.effort != Effort::none);
    put("add_generation_prompt", Value(opening != Opening::none));
    put("enable_thinking", Value(thinks));
    if (conversation.effort != Effort::none)
      put("reasoning_effort", Value::text(name_of(conversation.effort), true));
    jinja::RenderOptions options;
    options.now = local_time();
    MELETE_ASSIGN_OR_RETURN(MarkedText text, template_.render(variables, options));
    if (can_reason()) begin(opening, text);
    return text;
  }

  // Begins or closes the reasoning where the template hasn't.
  static void begin(Opening opening, MarkedText& text) {
    const bool is_open = ends_in_reasoning(text);
    if (opening == Opening::reasoning && !is_open) text.append("<think>\n", true);
    if (opening != Opening::answer) return;
    const std::string_view end =
        std::string_view(text.str()).substr(text.size() - std::min<size_t>(text.size(), 64));
    const size_t close = end.rfind("</think>");
    const bool is_closed = close != std::string_view::npos &&
                           end.find_first_not_of(" \t\r\n", close + 8) == std::string_view::npos;
    if (!is_closed) text.append(is_open ? "\n</think>\n\n" : "<think>\n\n</think>\n\n", true);
  }

  jinja::Template template_;
  ChatSource source_;
  Dict globals_;
  TemplateTraits traits_;
  MarkupStyle style_;
};

class TextFormat : public ChatFormat {
 public:
  TextFormat(const ChatSource& source, std::shared_ptr<const Tokenizer> tokenizer)
      : ChatFormat(std::move(tokenizer)),
        source_(source),
        style_(style_of(all_stops(source, this->tokenizer()), this->tokenizer())) {}

  std::string name() const override { return "text"; }
  bool can_reason() const override { return false; }
  bool calls_in_answer() const override { return true; }

  Result<Prompt> render(const Conversation& conversation, Opening) const override {
    MarkedText text(conversation.system, false);
    if (!conversation.tools.empty())
      return invalid_argument(
          "[conversation] tools need a model that was taught conversations, got one without a chat "
          "template; leave the tools out or use its instruction-tuned version");
    for (const Message& message : conversation.messages) {
      if (!text.empty()) text.append("\n\n", true);
      for (const MessagePart& part : message.parts) {
        const auto* words = std::get_if<TextPart>(&part);
        if (!words)
          return invalid_argument(
              "[conversation] this model takes text only, got a picture, sound or video; leave it "
              "out or use a model that takes it");
        text.append(words->text, words->trusted);
      }
    }
    Prompt prompt;
    prompt.tokens = encode(text, source_, tokenizer());
    return prompt;
  }

  std::unique_ptr<OutputParser> parser(const Conversation&, Opening) const override {
    return std::make_unique<MarkupParser>(style_, std::vector<Json>(), false);
  }

  std::vector<int32_t> closing_tokens(Opening) const override { return {}; }
  const std::vector<int32_t>& stop_tokens() const override { return style_.stop_tokens; }

 private:
  ChatSource source_;
  MarkupStyle style_;
};

}  // namespace

Result<std::shared_ptr<const ChatFormat>> make_template_format(const ChatSource& source,
                                                               std::shared_ptr<const Tokenizer> tokenizer,
                                                               std::string_view where) {
  MELETE_ASSIGN_OR_RETURN(jinja::Template chat_template,
                          jinja::Template::parse(source.chat_template, cat(where, ": chat template")));
  return std::shared_ptr<const ChatFormat>(
      std::make_shared<TemplateFormat>(std::move(chat_template), source, std::move(tokenizer)));
}

std::shared_ptr<const ChatFormat> make_text_format(const ChatSource& source,
                                                   std::shared_ptr<const Tokenizer> tokenizer) {
  return std::make_shared<TextFormat>(source, std::move(tokenizer));
}

}  // namespace melete
