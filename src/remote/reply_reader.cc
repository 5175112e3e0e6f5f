#include "remote/reply_reader.h"

#include <algorithm>

namespace melete {
namespace {

constexpr std::string_view kOpen = "<think>", kClose = "</think>";
constexpr size_t kMaxCalls = 128, kShownBytes = 300;

// How much of the text's end may be the beginning of `tag`.
size_t overlap(std::string_view text, std::string_view tag) {
  for (size_t size = std::min(text.size(), tag.size() - 1); size > 0; --size)
    if (text.ends_with(tag.substr(0, size))) return size;
  return 0;
}

const Json* member(const Json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string text_at(const Json& object, const char* name) {
  const Json* value = member(object, name);
  return value && value->is_string() ? value->get<std::string>() : std::string();
}

std::optional<int64_t> count_at(const Json& object, const char* name) {
  const Json* value = member(object, name);
  if (!value || !value->is_number_integer() || *value < 0) return std::nullopt;
  return value->get<int64_t>();
}

Error nonsense(std::string_view data) {
  return corrupt("[stream] each event must be a chunk of a chat completion, got ",
                 data.substr(0, kShownBytes), "; check that the address is an OpenAI-compatible API");
}

}  // namespace

ThinkSplitter::Piece ThinkSplitter::put(std::string_view text) {
  Piece piece;
  held_ += text;
  if (state_ == State::beginning) {
    const size_t begin = held_.find_first_not_of(" \t\r\n");
    if (begin == std::string::npos) return piece;
    const std::string_view rest = std::string_view(held_).substr(begin);
    if (rest.size() < kOpen.size() && kOpen.starts_with(rest)) return piece;
    state_ = rest.starts_with(kOpen) ? State::inside : State::after;
    if (state_ == State::inside) held_.erase(0, begin + kOpen.size());
  }
  if (state_ == State::inside) {
    const size_t end = held_.find(kClose);
    const size_t size = end == std::string::npos ? held_.size() - overlap(held_, kClose) : end;
    piece.reasoning = held_.substr(0, size);
    held_.erase(0, end == std::string::npos ? size : size + kClose.size());
    if (end == std::string::npos) return piece;
    state_ = State::after;
    held_.erase(0, std::min(held_.find_first_not_of("\r\n"), held_.size()));
  }
  piece.content = std::exchange(held_, {});
  return piece;
}

ThinkSplitter::Piece ThinkSplitter::finish() {
  Piece piece;
  (state_ == State::inside ? piece.reasoning : piece.content) = std::exchange(held_, {});
  return piece;
}

Result<ReplyReader::Piece> ReplyReader::put(std::string_view data) {
  if (data == "[DONE]") {
    done_ = true;
    return Piece();
  }
  const Result<Json> parsed = parse_json(data, "stream");
  if (!parsed.ok()) return nonsense(data);
  if (member(*parsed, "error"))
    return unavailable("[stream] the answer must come whole, got an error: ", error_text(data),
                       "; ask again");
  const Json* choices = member(*parsed, "choices");
  if (!choices || !choices->is_array()) return nonsense(data);
  ++num_chunks_;
  if (const Json* usage = member(*parsed, "usage")) take_usage(*usage);
  if (choices->empty()) return Piece();
  const Json& choice = choices->front();
  if (const std::string reason = text_at(choice, "finish_reason"); !reason.empty()) finish_reason_ = reason;
  if (const Json* log_probs = member(choice, "logprobs")) take_log_probs(*log_probs);
  const Json* delta = member(choice, "delta");
  if (!delta) return Piece();
  if (const Json* calls = member(*delta, "tool_calls"))
    if (Status taken = take_calls(*calls); !taken.ok()) return taken.error();
  Piece piece = splitter_.put(text_at(*delta, "content"));
  const std::string reasoning = text_at(*delta, "reasoning_content");
  piece.reasoning.insert(0, reasoning.empty() ? text_at(*delta, "reasoning") : reasoning);
  return piece;
}

Status ReplyReader::take_calls(const Json& deltas) {
  if (!deltas.is_array()) return nonsense(deltas.dump());
  for (const Json& delta : deltas) {
    const auto index =
        static_cast<size_t>(count_at(delta, "index").value_or(static_cast<int64_t>(calls_.size())));
    if (index > calls_.size() || index >= kMaxCalls) return nonsense(deltas.dump());
    if (index == calls_.size()) calls_.emplace_back();
    if (const Json* function = member(delta, "function")) {
      calls_[index].name += text_at(*function, "name");
      calls_[index].arguments += text_at(*function, "arguments");
    }
  }
  return ok_status();
}

void ReplyReader::take_usage(const Json& usage) {
  prompt_tokens = count_at(usage, "prompt_tokens");
  completion_tokens = count_at(usage, "completion_tokens");
  if (const Json* details = member(usage, "completion_tokens_details"))
    reasoning_tokens = count_at(*details, "reasoning_tokens");
}

void ReplyReader::take_log_probs(const Json& log_probs) {
  const Json* tokens = member(log_probs, "content");
  if (!tokens || !tokens->is_array()) return;
  for (const Json& token : *tokens) {
    const Json* top = member(token, "top_logprobs");
    if (!top || !top->is_array() || top->empty()) continue;
    double sum = 0;
    for (const Json& ranked : *top)
      if (const Json* value = member(ranked, "logprob"); value && value->is_number())
        sum += value->get<double>();
    confidence_sum_ -= sum / static_cast<double>(top->size());
    ++num_scored_;
  }
}

std::string error_text(std::string_view body) {
  std::string text;
  if (const Result<Json> parsed = parse_json(body, "error"); parsed.ok()) {
    const Json* error = member(*parsed, "error");
    if (error) text = error->is_string() ? error->get<std::string>() : text_at(*error, "message");
    if (text.empty()) text = text_at(*parsed, "message");
  }
  if (text.empty()) text = body;
  return text.substr(0, kShownBytes);
}

}  // namespace melete
