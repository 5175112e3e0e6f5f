#include "text/markup_parser.h"

#include <algorithm>
#include <utility>

#include "text/tool_formats.h"

namespace melete {
namespace {

using Kind = ChannelEvent::Kind;
using Calls = MarkupStyle::Calls;

constexpr std::string_view kThinkOpen = "<think>", kThinkClose = "</think>", kPythonTag = "<|python_tag|>";

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

MarkupParser::MarkupParser(MarkupStyle style, std::vector<Json> tools, bool in_reasoning)
    : style_(std::move(style)), tools_(std::move(tools)), state_(State::start) {
  if (tools_.empty()) style_.calls = Calls::none;
  if (in_reasoning) open(State::reasoning);
}

void MarkupParser::open(State state) {
  state_ = state;
  skip_breaks_ = state == State::reasoning;
}

Writing MarkupParser::writing() const {
  switch (state_) {
    case State::reasoning: return Writing::reasoning;
    case State::call: return Writing::call;
    case State::done: return Writing::ended;
    default: return Writing::answer;
  }
}

std::vector<MarkupParser::Marker> MarkupParser::markers() const {
  std::vector<Marker> found;
  if (spelled_stops_)
    for (const std::string& stop : style_.stop_spellings) found.push_back({stop, Marker::Kind::stop});
  if (state_ == State::reasoning) found.push_back({std::string(kThinkClose), Marker::Kind::think_close});
  if (state_ == State::answer && style_.calls == Calls::tagged)
    found.push_back({"<tool_call>", Marker::Kind::call_open});
  if (state_ == State::answer && style_.calls == Calls::fenced)
    for (const char* fence : {"```tool_code", "```tool_call"})
      found.push_back({fence, Marker::Kind::call_open});
  if (state_ == State::call && style_.calls == Calls::tagged)
    found.push_back({"</tool_call>", Marker::Kind::call_close});
  if (state_ == State::call && style_.calls == Calls::fenced)
    found.push_back({"```", Marker::Kind::call_close});
  return found;
}

std::vector<ChannelEvent> MarkupParser::put(std::string_view bytes) {
  Events events;
  spelled_stops_ = true;
  pending_ += bytes;
  scan(false, events);
  return events;
}

std::vector<ChannelEvent> MarkupParser::put_token(const Tokenizer& tokenizer, int32_t id) {
  Events events;
  spelled_stops_ = false;
  const auto& stops = style_.stop_tokens;
  if (std::find(stops.begin(), stops.end(), id) != stops.end()) {
    scan(true, events);
    if (state_ != State::done) take_marker({{}, Marker::Kind::stop}, events);
    return events;
  }
  const std::string_view text = tokenizer.token_bytes(id);
  // Other control tokens are no part of the text, but for those that open and close reasoning and calls.
  const bool is_markup = text == kThinkOpen || text == kThinkClose || text == kPythonTag ||
                         text == "<tool_call>" || text == "</tool_call>";
  if (tokenizer.is_special(id) && !is_markup) return events;
  pending_ += text;
  scan(false, events);
  return events;
}

std::vector<ChannelEvent> MarkupParser::finish() {
  Events events;
  scan(true, events);
  if (state_ != State::done) end_message(false, events);
  state_ = State::done;
  return events;
}

// The message's first bytes decide what it is: reasoning, calls or an answer. True if that is decided.
bool MarkupParser::scan_start(bool at_end, Events& events) {
  const size_t begin = std::min(pending_.find_first_not_of(" \t\r\n"), pending_.size());
  const std::string_view text = std::string_view(pending_).substr(begin);
  std::vector<std::string_view> openings;
  if (style_.thinks) openings.push_back(kThinkOpen);
  if (style_.calls == Calls::whole) {
    openings.push_back(kPythonTag);
    openings.push_back("<function=");
  }
  for (const std::string_view opening : openings) {
    if (text.size() < opening.size() && opening.starts_with(text) && !at_end) return false;
    if (!text.starts_with(opening)) continue;
    const bool is_call = opening != kThinkOpen;
    if (is_call)
      call_open_ = opening == kPythonTag ? pending_.substr(0, begin + opening.size()) : std::string();
    pending_.erase(0, opening == "<function=" ? 0 : begin + opening.size());
    open(is_call ? State::call : State::reasoning);
    return true;
  }
  const bool is_call = style_.calls == Calls::whole && (text.starts_with('{') || text.starts_with('['));
  if (is_call) call_open_.clear();
  open(is_call ? State::call : State::answer);
  return true;
}

void MarkupParser::scan(bool at_end, Events& events) {
  while (state_ != State::done) {
    if (state_ == State::start && ((pending_.empty() && !at_end) || !scan_start(at_end, events))) return;
    if (state_ == State::start) return;
    const std::vector<Marker> all = markers();
    size_t first = pending_.size(), held = pending_.size();
    const Marker* found = nullptr;
    for (const Marker& marker : all) {
      const size_t at = pending_.find(marker.text);
      // Of markers at one place the longest counts.
      if (at < first || (at == first && found && marker.text.size() > found->text.size()))
        first = at, found = &marker;
      for (size_t length = std::min(marker.text.size() - 1, pending_.size()); length > 0; --length)
        if (pending_.ends_with(std::string_view(marker.text).substr(0, length))) {
          held = std::min(held, pending_.size() - length);
          break;
        }
    }
    // A longer marker may still begin where the found one does.
    if (found && held < first && !at_end) found = nullptr;
    if (!found) {
      const size_t end = at_end ? pending_.size() : held;
      const std::string text = pending_.substr(0, end);
      pending_.erase(0, end);
      return take_text(text, events);
    }
    const Marker marker = *found;
    const std::string text = pending_.substr(0, first);
    pending_.erase(0, first + marker.text.size());
    take_text(text, events);
    take_marker(marker, events);
  }
  pending_.clear();
}

void MarkupParser::take_text(std::string_view text, Events& events) {
  if (text.empty() || state_ == State::done) return;
  if (state_ == State::call) {
    call_ += text;
    if (call_.size() <= kMaxCallBytes) return;
    const std::string shown = std::exchange(call_open_, {}) + std::exchange(call_, {});
    open(State::answer);
    return emit(Kind::answer, utf8_.put(shown), events);
  }
  if (skip_breaks_) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    if (text.empty()) return;
    skip_breaks_ = false;
  }
  if (state_ == State::answer) return emit(Kind::answer, utf8_.put(text), events);
  std::string all = std::exchange(breaks_, {}) + std::string(text);
  size_t end = all.size();
  while (end > 0 && is_space(all[end - 1])) --end;
  breaks_ = all.substr(end);
  all.resize(end);
  emit(Kind::reasoning, utf8_.put(all), events);
}

void MarkupParser::take_marker(const Marker& marker, Events& events) {
  switch (marker.kind) {
    case Marker::Kind::think_open: open(State::reasoning); break;
    case Marker::Kind::think_close: close_reasoning(events); break;
    case Marker::Kind::call_open:
      call_open_ = marker.text;
      open(State::call);
      break;
    case Marker::Kind::call_close: close_call(marker.text, true, events); break;
    case Marker::Kind::stop:
      end_message(true, events);
      events.push_back({Kind::turn_end, {}, {}});
      state_ = State::done;
      break;
  }
}

void MarkupParser::close_reasoning(Events& events) {
  breaks_.clear();
  emit(Kind::reasoning, utf8_.finish(), events);
  events.push_back({Kind::message_end, {}, {}});
  has_written_ = false;
  // What follows may be an answer or calls, but no second reasoning.
  state_ = style_.calls == Calls::whole ? State::start : State::answer;
  skip_breaks_ = true;
}

// The call between its marks, or text if it can't be read. `end`: the mark that closes it; is_complete: the
// model meant to end here, so that a missing mark or bracket was forgotten, not cut off.
void MarkupParser::close_call(std::string_view end, bool is_complete, Events& events) {
  const std::string body = std::exchange(call_, {});
  const std::string begin = std::exchange(call_open_, {});
  open(State::answer);
  const bool may_be_call = is_complete || style_.calls == Calls::whole;
  const auto calls = may_be_call ? parse_any_calls(valid_utf8(body), tools_, is_complete) : std::nullopt;
  if (!calls || !are_of_tools(*calls, tools_))
    return emit(Kind::answer, utf8_.put(cat(begin, body, end)), events);
  emit(Kind::answer, utf8_.finish(), events);
  for (const ToolCall& call : *calls) events.push_back({Kind::tool_call, call.name, call.arguments});
  has_written_ = true;
  skip_breaks_ = true;
}

void MarkupParser::end_message(bool is_complete, Events& events) {
  if (state_ == State::call) close_call({}, is_complete, events);
  const bool is_reasoning = state_ == State::reasoning;
  if (state_ == State::start) state_ = State::answer;
  breaks_.clear();
  emit(is_reasoning ? Kind::reasoning : Kind::answer, utf8_.finish(), events);
  if (has_written_ || is_reasoning) events.push_back({Kind::message_end, {}, {}});
  has_written_ = false;
}

void MarkupParser::emit(Kind kind, std::string text, Events& events) {
  if (text.empty()) return;
  has_written_ = true;
  if (!events.empty() && events.back().kind == kind)
    events.back().text += text;
  else
    events.push_back({kind, std::move(text), {}});
}

}  // namespace melete
