#include "text/channel_parser.h"

#include <algorithm>

#include "text/scan.h"
#include "text/special_tokens.h"
#include "text/tool_call.h"
#include "text/tool_markup.h"

namespace melete {
namespace {

using Kind = ChannelEvent::Kind;

constexpr size_t kMaxHeaderBytes = 256;
constexpr size_t kNumPublicTokens = 16;  // those of kControlTokens that no other one contains

// The control token at the start of `text`, or empty.
std::string_view control_at(std::string_view text) {
  for (size_t i = 0; i < kNumPublicTokens; ++i)
    if (text.starts_with(kControlTokens[i])) return kControlTokens[i];
  return {};
}

bool may_begin_control(std::string_view text) {
  for (size_t i = 0; i < kNumPublicTokens; ++i)
    if (kControlTokens[i].starts_with(text)) return true;
  return false;
}

}  // namespace

ChannelParser::ChannelParser(Options options) : options_(std::move(options)) {
  if (options_.opening == Opening::reasoning) open_body("self");
  if (options_.opening == Opening::answer) open_body("user");
}

std::vector<ChannelEvent> ChannelParser::put(std::string_view bytes) {
  Events events;
  pending_ += bytes;
  scan(events);
  return events;
}

std::vector<ChannelEvent> ChannelParser::put_token(const Tokenizer& tokenizer, int32_t id) {
  const std::string_view bytes = tokenizer.token_bytes(id);
  if (tokenizer.is_special(id)) return put(bytes);
  Events events;
  take_text(std::exchange(pending_, {}), events);
  take_text(bytes, events);
  return events;
}

std::vector<ChannelEvent> ChannelParser::finish() {
  Events events;
  take_text(std::exchange(pending_, {}), events);
  if (state_ == State::header) abandon_header(events);
  if (state_ == State::body) end_message(events);
  state_ = State::done;
  return events;
}

void ChannelParser::scan(Events& events) {
  const std::string all = std::exchange(pending_, {});
  const std::string_view text = all;
  size_t begin = 0;
  for (size_t pos = text.find('<'); pos != std::string_view::npos; pos = text.find('<', pos)) {
    const std::string_view rest = text.substr(pos);
    if (const std::string_view token = control_at(rest); !token.empty()) {
      take_text(text.substr(begin, pos - begin), events);
      take_control(token, events);
      begin = pos += token.size();
    } else if (may_begin_control(rest)) {
      take_text(text.substr(begin, pos - begin), events);
      pending_ = rest;
      return;
    } else {
      ++pos;
    }
  }
  take_text(text.substr(begin), events);
}

void ChannelParser::take_text(std::string_view text, Events& events) {
  if (text.empty() || state_ == State::done) return;
  if (state_ == State::header) {
    const size_t room = kMaxHeaderBytes - header_.size();
    header_ += text.substr(0, room);
    if (text.size() <= room) return;
    text.remove_prefix(room);
    abandon_header(events);
    if (state_ == State::header) open_body("user");
  }
  if (is_tool_ && call_.size() + text.size() > kMaxCallBytes) {
    const size_t room = kMaxCallBytes - call_.size();
    call_ += text.substr(0, room);
    text.remove_prefix(room);
    is_tool_ = false;
    channel_ = Kind::answer;
    emit(channel_, utf8_.put(std::exchange(call_, {})), events);
  }
  if (is_tool_)
    call_ += text;
  else
    emit(channel_, utf8_.put(text), events);
}

void ChannelParser::take_control(std::string_view token, Events& events) {
  if (state_ == State::done) return;
  if (token == kMessage && state_ == State::header) {
    open_message(std::exchange(header_, {}), events);
  } else if (token == kStart) {
    if (state_ == State::body) end_message(events);
    header_.clear();
    has_role_ = false;
  } else if (token == kEom || token == kEot || token == kEndOfText) {
    if (state_ == State::header) abandon_header(events);
    if (state_ == State::body) end_message(events);
    if (token != kEom) end_turn(events);
  }
}

void ChannelParser::open_message(std::string_view header, Events& events) {
  std::string words(trimmed(header));
  const std::string role = words.substr(0, words.find(' '));
  const bool is_assistant = role == name_of(Role::assistant);
  // A message of another role is the model speaking for others: its turn is over.
  if (!has_role_ && !is_assistant) return end_turn(events);
  if (is_assistant) words = std::string(trimmed(std::string_view(words).substr(role.size())));
  const bool is_bare = words.empty();
  std::string recipient = words.starts_with("to=") ? words.substr(3) : std::string("user");
  if (is_bare) recipient = options_.bare_is_reasoning ? "self" : "user";
  open_body(is_valid_name(recipient) ? recipient : "user");
}

void ChannelParser::open_body(std::string recipient) {
  state_ = State::body;
  is_tool_ = options_.has_calls && recipient != "self" && recipient != "user" && recipient != "commentary";
  channel_ = recipient == "self"         ? Kind::reasoning
             : recipient == "commentary" ? Kind::commentary
                                         : Kind::answer;
}

Writing ChannelParser::writing() const {
  if (state_ != State::body) return state_ == State::header ? Writing::header : Writing::ended;
  if (is_tool_) return Writing::call;
  return channel_ == Kind::reasoning    ? Writing::reasoning
         : channel_ == Kind::commentary ? Writing::commentary
                                        : Writing::answer;
}

void ChannelParser::end_message(Events& events) {
  if (is_tool_) {
    const auto calls = parse_tool_calls(valid_utf8(call_), options_.tools);
    if (calls && are_of_tools(*calls, options_.tools)) {
      for (const ToolCall& call : *calls) events.push_back({Kind::tool_call, call.name, call.arguments});
    } else {
      emit(Kind::answer, utf8_.put(call_), events);
    }
    call_.clear();
  }
  emit(channel_, utf8_.finish(), events);
  events.push_back({Kind::message_end, {}, {}});
  state_ = State::header;
  has_role_ = true;
  header_.clear();
}

void ChannelParser::end_turn(Events& events) {
  events.push_back({Kind::turn_end, {}, {}});
  state_ = State::done;
}

// A header that never came to <|message|>: words that aren't one are the answer.
void ChannelParser::abandon_header(Events& events) {
  const std::string words = std::exchange(header_, {});
  const std::string start(trimmed(words));
  const bool is_header = start.empty() || start.starts_with("to=") || !has_role_;
  if (is_header) return;
  open_body("user");
  emit(channel_, utf8_.put(words), events);
}

void ChannelParser::emit(Kind kind, std::string text, Events& events) {
  if (text.empty()) return;
  if (!events.empty() && events.back().kind == kind)
    events.back().text += text;
  else
    events.push_back({kind, std::move(text), {}});
}

}  // namespace melete
