#include "server/api/responses_wire.h"

namespace melete {
namespace {

using Kind = AnswerDelta::Kind;

Json text_part(const char* type, const std::string& text) {
  Json part = {{"type", type}, {"text", text}};
  if (type == std::string_view("output_text")) {
    part["annotations"] = Json::array();
    part["logprobs"] = Json::array();
  }
  return part;
}

// Why an answer isn't whole; empty if it is.
std::string incomplete_reason(const FinishedAnswer& answer) {
  if (answer.end != AnswerEnd::cut && answer.end != AnswerEnd::full) return {};
  const std::string& finish = answer.answer.finish;
  return finish == "length" || finish == "exhausted" ? "max_output_tokens" : finish;
}

}  // namespace

Json response_usage(const FinishedAnswer& answer) {
  const TokenCounts counts = count_tokens({answer});
  return {{"input_tokens", counts.prompt},
          {"input_tokens_details", {{"cached_tokens", 0}}},
          {"output_tokens", counts.completion},
          {"output_tokens_details", {{"reasoning_tokens", counts.reasoning}}},
          {"total_tokens", counts.prompt + counts.completion}};
}

void ResponseWire::put(const char* type, Json event, std::vector<Json>& events) {
  event["type"] = type;
  event["sequence_number"] = next_++;
  events.push_back(std::move(event));
}

void ResponseWire::put_response(const char* type, std::vector<Json>& events) {
  put(type, {{"response", response_}}, events);
}

// Of the open item, which is the next of the output.
void ResponseWire::put_of_item(const char* type, Json event, std::vector<Json>& events) {
  event["item_id"] = open_->item["id"];
  event["output_index"] = response_["output"].size();
  put(type, std::move(event), events);
}

void ResponseWire::queue(std::vector<Json>& events) {
  put_response("response.created", events);
  put_response("response.queued", events);
}

void ResponseWire::begin(std::vector<Json>& events) {
  response_["status"] = "in_progress";
  if (next_ == 0) put_response("response.created", events);
  put_response("response.in_progress", events);
}

void ResponseWire::event(const Event& event, std::vector<Json>& events) {
  const std::string type = "melete:" + event.kind;
  put(type.c_str(),
      {{"agent", event.agent}, {"seq", event.seq}, {"token", event.token_index}, {"data", event.data}},
      events);
}

void ResponseWire::open(const AnswerDelta& delta, std::vector<Json>& events) {
  close("completed", events);
  open_ = Open{delta.kind, delta.call, {}, {}};
  const std::string number = cat(suffix_, "_", response_["output"].size());
  Json& item = open_->item;
  if (delta.kind == Kind::reasoning) {
    item = {{"type", "reasoning"},
            {"id", "rs_" + number},
            {"summary", Json::array()},
            {"content", Json::array()},
            {"encrypted_content", nullptr}};
  } else if (delta.kind == Kind::call) {
    ++calls_;
    item = {{"type", "function_call"}, {"id", "fc_" + number}, {"call_id", delta.id},
            {"name", delta.name},      {"arguments", ""},      {"status", "in_progress"}};
  } else {
    item = {{"type", "message"},
            {"id", "msg_" + number},
            {"role", "assistant"},
            {"status", "in_progress"},
            {"content", Json::array()}};
    if (delta.kind == Kind::commentary) item["phase"] = "commentary";
  }
  put("response.output_item.added", {{"output_index", response_["output"].size()}, {"item", item}}, events);
  if (delta.kind == Kind::call) return;
  const char* type = delta.kind == Kind::reasoning ? "reasoning_text" : "output_text";
  put_of_item("response.content_part.added", {{"content_index", 0}, {"part", text_part(type, "")}}, events);
  if (delta.kind == Kind::reasoning && options_.summarises)
    put_of_item("response.reasoning_summary_part.added",
                {{"summary_index", 0}, {"part", text_part("summary_text", "")}}, events);
}

void ResponseWire::delta(const AnswerDelta& delta, std::vector<Json>& events) {
  const bool is_call = delta.kind == Kind::call;
  const bool goes_on = open_ && open_->kind == delta.kind && (!is_call || open_->call == delta.call);
  if (!goes_on) {
    if (is_call && options_.max_calls > 0 && calls_ >= options_.max_calls) return;
    open(delta, events);
  }
  if (delta.text.empty()) return;
  open_->text += delta.text;
  if (is_call) return put_of_item("response.function_call_arguments.delta", {{"delta", delta.text}}, events);
  if (delta.kind == Kind::reasoning) {
    put_of_item("response.reasoning.delta", {{"content_index", 0}, {"delta", delta.text}}, events);
    if (options_.summarises)
      put_of_item("response.reasoning_summary_text.delta", {{"summary_index", 0}, {"delta", delta.text}},
                  events);
    return;
  }
  put_of_item("response.output_text.delta",
              {{"content_index", 0}, {"delta", delta.text}, {"logprobs", Json::array()}}, events);
}

void ResponseWire::close_reasoning(std::vector<Json>& events) {
  const std::string& text = open_->text;
  const Json part = text_part("reasoning_text", text);
  put_of_item("response.reasoning.done", {{"content_index", 0}, {"text", text}}, events);
  put_of_item("response.content_part.done", {{"content_index", 0}, {"part", part}}, events);
  open_->item["content"].push_back(part);
  if (!options_.summarises) return;
  const Json summary = text_part("summary_text", text);
  put_of_item("response.reasoning_summary_text.done", {{"summary_index", 0}, {"text", text}}, events);
  put_of_item("response.reasoning_summary_part.done", {{"summary_index", 0}, {"part", summary}}, events);
  open_->item["summary"].push_back(summary);
}

void ResponseWire::close_text(std::vector<Json>& events) {
  const Json part = text_part("output_text", open_->text);
  put_of_item("response.output_text.done",
              {{"content_index", 0}, {"text", open_->text}, {"logprobs", Json::array()}}, events);
  put_of_item("response.content_part.done", {{"content_index", 0}, {"part", part}}, events);
  open_->item["content"].push_back(part);
}

void ResponseWire::close(const char* status, std::vector<Json>& events) {
  if (!open_) return;
  if (open_->kind == Kind::reasoning) {
    close_reasoning(events);
  } else if (open_->kind == Kind::call) {
    open_->item["arguments"] = open_->text;
    put_of_item("response.function_call_arguments.done",
                {{"name", open_->item["name"]}, {"arguments", open_->text}}, events);
  } else {
    close_text(events);
  }
  if (open_->kind != Kind::reasoning) open_->item["status"] = status;
  put("response.output_item.done", {{"output_index", response_["output"].size()}, {"item", open_->item}},
      events);
  response_["output"].push_back(std::move(open_->item));
  open_.reset();
}

void ResponseWire::finish(const FinishedAnswer& answer, int64_t now_s, std::vector<Json>& events) {
  const std::string reason = incomplete_reason(answer);
  const bool is_cancelled = reason == "cancelled";
  const bool is_whole = reason.empty();
  // An answer without a word is still an answer.
  if (is_whole && !open_ && calls_ == 0) open(AnswerDelta{}, events);
  close(is_whole ? "completed" : "incomplete", events);
  response_["usage"] = response_usage(answer);
  response_["melete"] = answer_details(answer.answer, answer.mode, answer.seed);
  if (is_whole) response_["completed_at"] = now_s;
  if (!is_whole) response_["incomplete_details"] = {{"reason", reason}};
  response_["status"] = is_whole ? "completed" : is_cancelled ? "cancelled" : "incomplete";
  put_response(is_whole ? "response.completed" : "response.incomplete", events);
}

void ResponseWire::fail(const std::string& code, const std::string& message, std::vector<Json>& events) {
  close("incomplete", events);
  response_["status"] = "failed";
  response_["error"] = {{"code", code}, {"message", message}};
  put_response("response.failed", events);
}

}  // namespace melete
