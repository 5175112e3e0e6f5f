#include "server/api/choice_text.h"

#include <utility>

namespace melete {
namespace {

// A label of marks is a few words without punctuation; a text that goes beyond that is no label.
constexpr size_t kLongestLabel = 24;

bool may_be_label(const std::string& text) {
  return text.size() <= kLongestLabel && text.find_first_of(".;:!?()\n") == std::string::npos;
}

}  // namespace

ChoiceText::Piece ChoiceText::put(const Event& event) {
  Piece piece;
  if (is_silent_ || stopped()) return piece;
  if (event.kind == "mark.added" && event.data.value("channel", "") == "answer") has_marks_ = true;
  if (event.kind != "agent.delta") return piece;
  const std::string text = event.data.value("text", ""), channel = event.data.value("channel", "");
  if (channel == "reasoning") {
    reasoned_ += text.size();
    piece.reasoning = text;
    return piece;
  }
  if (channel != "answer") return piece;
  held_ += text;
  if (is_held_ && (has_marks_ || may_be_label(held_))) return piece;
  is_held_ = false;
  told_ += held_;
  piece.content = stops_.put(std::exchange(held_, {}));
  return piece;
}

ChoiceText::Piece ChoiceText::finish(const Answer& answer) {
  Piece piece;
  if (reasoned_ < answer.reasoning.size()) piece.reasoning = answer.reasoning.substr(reasoned_);
  if (answer.text.starts_with(told_)) piece.content = stops_.put(answer.text.substr(told_.size()));
  piece.content += stops_.finish();
  return piece;
}

ChoiceText::Piece ChoiceText::whole(const Answer& answer) const {
  StopFilter stops(all_stops_);
  std::string content = stops.put(answer.text);
  return {answer.reasoning, content + stops.finish()};
}

std::string ChoiceText::finish_reason(const Answer& answer) const {
  return stopped() || answer.finish == "stop" ? "stop" : "length";
}

}  // namespace melete
