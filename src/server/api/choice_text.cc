#include "server/api/choice_text.h"

#include <algorithm>
#include <utility>

namespace melete {
namespace {

using Kind = AnswerDelta::Kind;

// A label of marks is a few words without punctuation; a text that goes beyond that is no label.
constexpr size_t kLongestLabel = 24;

bool may_be_label(const std::string& text) {
  return text.size() <= kLongestLabel && text.find_first_of(".;:!?()\n") == std::string::npos;
}

void add(Kind kind, std::string text, std::vector<AnswerDelta>& out) {
  if (text.empty()) return;
  AnswerDelta& delta = out.emplace_back();
  delta.kind = kind;
  delta.text = std::move(text);
}

}  // namespace

// The tokens that begin before that byte of the content.
Json ChoiceText::tokens_before(size_t end) {
  Json out = Json::array();
  while (!tokens_.empty() && token_bytes_ < end) {
    token_bytes_ += tokens_.front()["bytes"].size();
    out.push_back(std::move(tokens_.front()));
    tokens_.pop_front();
  }
  return out;
}

void ChoiceText::put_content(const std::string& text, bool is_last, std::vector<AnswerDelta>& out) {
  std::string content = stops_.put(text);
  if (is_last) content += stops_.finish();
  content_bytes_ += content.size();
  const bool has_all = is_last && !stopped();
  Json tokens = tokens_before(has_all ? std::string::npos : content_bytes_);
  if (content.empty() && tokens.empty()) return;
  AnswerDelta& delta = out.emplace_back();
  delta.text = std::move(content);
  delta.tokens = std::move(tokens);
}

void ChoiceText::put_commentary(const std::string& text, bool is_last, std::vector<AnswerDelta>& out) {
  if (!options_.tells_commentary) return;
  commented_ += text.size();
  std::string told = commentary_.put(text);
  if (is_last) told += commentary_.finish();
  add(Kind::commentary, std::move(told), out);
}

// What was held back comes before a call.
void ChoiceText::release_held(std::vector<AnswerDelta>& out) {
  put_commentary("", true, out);
  if (has_marks_) return;
  told_ += held_;
  put_content(std::exchange(held_, {}), true, out);
}

// A call that a grammar holds comes in pieces and then whole, others whole.
void ChoiceText::put_call(const Json& data, std::vector<AnswerDelta>& out) {
  const std::string id = data.value("id", "");
  const auto known = std::find(calls_.begin(), calls_.end(), id);
  const bool is_whole = data.contains("arguments");
  if (known != calls_.end() && is_whole) return;
  if (known == calls_.end()) release_held(out);
  AnswerDelta& delta = out.emplace_back();
  delta.kind = Kind::call;
  delta.call = static_cast<size_t>(known - calls_.begin());
  delta.text = is_whole ? json_text(data["arguments"]) : data.value("text", "");
  if (known != calls_.end()) return;
  delta.id = id;
  delta.name = data.value("name", "");
  calls_.push_back(id);
}

void ChoiceText::put_delta(const Event& event, std::vector<AnswerDelta>& out) {
  const std::string text = event.data.value("text", ""), channel = event.data.value("channel", "");
  if (channel == "reasoning") {
    reasoned_ += text.size();
    return add(Kind::reasoning, text, out);
  }
  if (channel == "commentary") return put_commentary(text, false, out);
  if (channel == "tool_call") return put_call(event.data, out);
  if (channel != "answer") return;
  put_commentary("", true, out);
  if (const auto tokens = event.data.find("tokens"); tokens != event.data.end()) {
    tokens_.insert(tokens_.end(), tokens->begin(), tokens->end());
    num_tokens_ += tokens->size();
  }
  held_ += text;
  if (is_held_ && (has_marks_ || may_be_label(held_))) return;
  is_held_ = false;
  told_ += held_;
  put_content(std::exchange(held_, {}), false, out);
}

std::vector<AnswerDelta> ChoiceText::put(const Event& event) {
  std::vector<AnswerDelta> out;
  if (options_.has_many_agents || stopped()) return out;
  if (event.kind == "mark.added" && event.data.value("channel", "") == "answer") has_marks_ = true;
  if (event.kind == "agent.tool_call") put_call(event.data, out);
  if (event.kind == "agent.delta") put_delta(event, out);
  return out;
}

std::vector<AnswerDelta> ChoiceText::finish(const Answer& answer) {
  std::vector<AnswerDelta> out;
  if (reasoned_ < answer.reasoning.size()) add(Kind::reasoning, answer.reasoning.substr(reasoned_), out);
  put_commentary(answer.commentary.substr(std::min(commented_, answer.commentary.size())), true, out);
  for (size_t i = num_tokens_; i < answer.tokens.size(); ++i) tokens_.push_back(to_json(answer.tokens[i]));
  const bool goes_on = !stopped() && answer.text.starts_with(told_);
  put_content(goes_on ? answer.text.substr(told_.size()) : "", true, out);
  if (stopped()) return out;
  for (const IssuedCall& call : answer.tool_calls)
    if (std::find(calls_.begin(), calls_.end(), call.id) == calls_.end())
      put_call({{"id", call.id}, {"name", call.name}, {"arguments", call.arguments}}, out);
  return out;
}

AnswerEnd ChoiceText::end(const Answer& answer) const {
  if (stopped()) return AnswerEnd::stopped;
  if (answer.finish == "tool_calls") return AnswerEnd::calls;
  if (answer.finish == "exhausted") return AnswerEnd::full;
  return answer.finish == "stop" ? AnswerEnd::whole : AnswerEnd::cut;
}

}  // namespace melete
