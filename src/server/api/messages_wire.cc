#include "server/api/messages_wire.h"

#include <fmt/format.h>

#include "base/random.h"
#include "server/http/message.h"

namespace melete {
namespace {

using Kind = AnswerDelta::Kind;

std::string event_of(Json data) {
  const std::string type = data["type"];
  return event_text(type, json_text(data));
}

std::string signature_of(const std::string& thinking) {
  return fmt::format("melete-{:016x}", stable_hash(thinking));
}

Json message_usage(int64_t prompt, int64_t completion, int64_t reasoning) {
  return {{"input_tokens", prompt},
          {"cache_creation_input_tokens", nullptr},
          {"cache_read_input_tokens", nullptr},
          {"output_tokens", completion},
          {"output_tokens_details", {{"thinking_tokens", reasoning}}}};
}

Json message_usage(const FinishedAnswer& answer) {
  const TokenCounts counts = count_tokens({answer});
  return message_usage(counts.prompt, counts.completion, counts.reasoning);
}

const char* stop_reason(AnswerEnd end) {
  switch (end) {
    case AnswerEnd::whole: return "end_turn";
    case AnswerEnd::stopped: return "stop_sequence";
    case AnswerEnd::calls: return "tool_use";
    case AnswerEnd::full: return "model_context_window_exceeded";
    case AnswerEnd::cut: return "max_tokens";
  }
  return "";
}

Json stop_json(const FinishedAnswer& answer) {
  const bool stopped = answer.end == AnswerEnd::stopped;
  return {{"stop_reason", stop_reason(answer.end)},
          {"stop_sequence", stopped ? Json(answer.stop) : Json()},
          {"stop_details", nullptr}};
}

Json text_block(const std::string& text) {
  return {{"type", "text"}, {"text", text}, {"citations", nullptr}};
}

Json call_block(const AnswerDelta& call, Json input) {
  return {{"type", "tool_use"},
          {"id", call.id},
          {"name", call.name},
          {"input", std::move(input)},
          {"caller", {{"type", "direct"}}}};
}

}  // namespace

Json MessagesWire::message(Json content, Json usage) const {
  return {{"id", envelope_.id},
          {"type", "message"},
          {"role", "assistant"},
          {"model", envelope_.model},
          {"content", std::move(content)},
          {"stop_reason", nullptr},
          {"stop_sequence", nullptr},
          {"stop_details", nullptr},
          {"container", nullptr},
          {"diagnostics", nullptr},
          {"usage", std::move(usage)}};
}

std::string MessagesWire::begin(int) {
  return event_of({{"type", "message_start"},
                   {"message", message(Json::array(), message_usage(envelope_.prompt_tokens, 0, 0))}}) +
         event_of({{"type", "ping"}});
}

std::string MessagesWire::block_delta(Json delta) const {
  return event_of({{"type", "content_block_delta"}, {"index", num_blocks_ - 1}, {"delta", std::move(delta)}});
}

std::string MessagesWire::close_block() {
  if (!open_) return {};
  std::string events;
  if (open_->kind == Kind::reasoning)
    events = block_delta({{"type", "signature_delta"}, {"signature", signature_of(open_->text)}});
  open_.reset();
  return events + event_of({{"type", "content_block_stop"}, {"index", num_blocks_ - 1}});
}

std::string MessagesWire::open_block(const AnswerDelta& delta) {
  open_ = Block{delta.kind, delta.call, {}};
  Json block = text_block("");
  if (delta.kind == Kind::reasoning) block = {{"type", "thinking"}, {"thinking", ""}, {"signature", ""}};
  if (delta.kind == Kind::call) block = call_block(delta, Json::object());
  return event_of(
      {{"type", "content_block_start"}, {"index", num_blocks_++}, {"content_block", std::move(block)}});
}

std::string MessagesWire::delta(int, const AnswerDelta& delta) {
  std::string events;
  if (!open_ || open_->kind != delta.kind || open_->call != delta.call) {
    events = close_block();
    events += open_block(delta);
  }
  if (delta.text.empty()) return events;
  switch (delta.kind) {
    case Kind::reasoning:
      open_->text += delta.text;
      if (envelope_.omits_thinking) return events;
      return events + block_delta({{"type", "thinking_delta"}, {"thinking", delta.text}});
    case Kind::commentary:
    case Kind::content: return events + block_delta({{"type", "text_delta"}, {"text", delta.text}});
    case Kind::call: break;
  }
  return events + block_delta({{"type", "input_json_delta"}, {"partial_json", delta.text}});
}

std::string MessagesWire::event(int, const Event& event) {
  return event_of({{"type", "melete.event"},
                   {"event",
                    {{"seq", event.seq},
                     {"agent", event.agent},
                     {"kind", event.kind},
                     {"token", event.token_index},
                     {"data", event.data}}}});
}

std::string MessagesWire::finish(int, const FinishedAnswer& answer) {
  return close_block() + event_of({{"type", "message_delta"},
                                   {"delta", stop_json(answer)},
                                   {"usage", message_usage(answer)},
                                   {"melete", answer_details(answer.answer, answer.mode, answer.seed)}});
}

std::string MessagesWire::end(const std::vector<FinishedAnswer>&) {
  return event_of({{"type", "message_stop"}});
}

std::string MessagesWire::failure(const ApiError& error) { return event_of(anthropic_error(error)); }

Json MessagesWire::whole(const std::vector<FinishedAnswer>& answers) {
  const FinishedAnswer& answer = answers.front();
  Json content = Json::array();
  for (const AnswerDelta& delta : answer.deltas) {
    if (delta.kind == Kind::reasoning)
      content.push_back({{"type", "thinking"},
                         {"thinking", envelope_.omits_thinking ? "" : delta.text},
                         {"signature", signature_of(delta.text)}});
    else if (delta.kind == Kind::call)
      content.push_back(call_block(delta, Json::parse(delta.text)));
    else if (!delta.text.empty())
      content.push_back(text_block(delta.text));
  }
  Json whole = message(std::move(content), message_usage(answer));
  whole.update(stop_json(answer));
  whole["melete"] = answer_details(answer.answer, answer.mode, answer.seed);
  return whole;
}

}  // namespace melete
