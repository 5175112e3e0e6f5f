#include "server/api/chat_wire.h"

#include "server/http/message.h"
#include "text/utf8.h"

namespace melete {
namespace {

using Kind = AnswerDelta::Kind;

const char* finish_reason(AnswerEnd end) {
  switch (end) {
    case AnswerEnd::whole:
    case AnswerEnd::stopped: return "stop";
    case AnswerEnd::calls: return "tool_calls";
    case AnswerEnd::full:
    case AnswerEnd::cut: return "length";
  }
  return "";
}

Json usage_json(const std::vector<FinishedAnswer>& answers) {
  const TokenCounts counts = count_tokens(answers);
  return {{"prompt_tokens", counts.prompt},
          {"completion_tokens", counts.completion},
          {"total_tokens", counts.prompt + counts.completion},
          {"completion_tokens_details", {{"reasoning_tokens", counts.reasoning}}}};
}

// A token of to_json(AnswerToken), as OpenAI writes it.
Json scored_token(const Json& token) {
  std::string bytes;
  for (const Json& byte : token["bytes"]) bytes += static_cast<char>(byte.get<int>());
  return {{"token", valid_utf8(bytes)}, {"logprob", token["log_prob"]}, {"bytes", token["bytes"]}};
}

Json log_probs(const Json& tokens) {
  Json content = Json::array();
  for (const Json& token : tokens) {
    Json scored = scored_token(token);
    scored["top_logprobs"] = Json::array();
    for (const Json& other : token["likeliest"]) scored["top_logprobs"].push_back(scored_token(other));
    content.push_back(std::move(scored));
  }
  return {{"content", std::move(content)}, {"refusal", nullptr}};
}

// Without an id: a further piece of the arguments.
Json call_json(const AnswerDelta& call) {
  if (call.id.empty()) return {{"function", {{"arguments", call.text}}}};
  return {
      {"id", call.id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", call.text}}}};
}

}  // namespace

ChatWire::ChatWire(ChatEnvelope envelope, const Options& options)
    : envelope_(std::move(envelope)), options_(options), told_(static_cast<size_t>(options.choices)) {
  chunk_head_ = json_text(frame("chat.completion.chunk", Json::array()));
  chunk_head_.resize(chunk_head_.rfind("]}"));
}

Json ChatWire::frame(const char* object, Json choices) const {
  return {{"id", envelope_.id},
          {"object", object},
          {"created", envelope_.created_s},
          {"model", envelope_.model},
          {"system_fingerprint", envelope_.fingerprint},
          {"choices", std::move(choices)}};
}

// Put together from text, since one comes with each token and most of it is the same in all.
std::string ChatWire::chunk(int choice, const std::string& delta, const Json& tokens,
                            const FinishedAnswer* answer) const {
  std::string text = chunk_head_ + R"({"index":)" + std::to_string(choice) + R"(,"delta":)" + delta;
  text += R"(,"logprobs":)" + (tokens.empty() ? "null" : json_text(log_probs(tokens)));
  text += R"(,"finish_reason":)" + (answer ? json_text(finish_reason(answer->end)) : "null");
  if (answer) text += R"(,"melete":)" + json_text(answer_details(answer->answer, answer->mode, answer->seed));
  return event_text("", text + "}]}");
}

std::string ChatWire::text_chunk(int choice, const std::string& member, const std::string& text,
                                 const Json& tokens) const {
  return chunk(choice, "{\"" + member + "\":" + json_text(text) + "}", tokens);
}

std::string ChatWire::begin(int choice) { return chunk(choice, R"({"role":"assistant","content":""})"); }

std::string ChatWire::delta(int choice, const AnswerDelta& delta) {
  Told& told = told_[static_cast<size_t>(choice)];
  switch (delta.kind) {
    case Kind::reasoning: return text_chunk(choice, "reasoning_content", delta.text);
    case Kind::commentary: told.commentary = true; return text_chunk(choice, "content", delta.text);
    case Kind::content: {
      const bool begins = !std::exchange(told.content, true) && told.commentary;
      return text_chunk(choice, "content", (begins ? "\n\n" : "") + delta.text, delta.tokens);
    }
    case Kind::call: break;
  }
  Json call = {{"index", delta.call}};
  call.update(call_json(delta));
  return chunk(choice, json_text({{"tool_calls", Json::array({std::move(call)})}}));
}

std::string ChatWire::event(int choice, const Event& event) {
  Json told = frame("chat.completion.chunk", Json::array());
  told["melete"] = {{"index", choice},
                    {"event",
                     {{"seq", event.seq},
                      {"agent", event.agent},
                      {"kind", event.kind},
                      {"token", event.token_index},
                      {"data", event.data}}}};
  return event_text("", json_text(told));
}

std::string ChatWire::finish(int choice, const FinishedAnswer& answer) {
  return chunk(choice, "{}", Json(), &answer);
}

std::string ChatWire::end(const std::vector<FinishedAnswer>& answers) {
  std::string events;
  if (options_.include_usage) {
    Json last = frame("chat.completion.chunk", Json::array());
    last["usage"] = usage_json(answers);
    events = event_text("", json_text(last));
  }
  return events + event_text("", "[DONE]");
}

std::string ChatWire::failure(const ApiError& error) {
  return event_text("", json_text(openai_error(error))) + event_text("", "[DONE]");
}

Json ChatWire::message(const FinishedAnswer& answer) const {
  std::string reasoning, commentary, content;
  Json calls = Json::array();
  for (const AnswerDelta& delta : answer.deltas) {
    if (delta.kind == Kind::reasoning) reasoning += delta.text;
    if (delta.kind == Kind::commentary) commentary += delta.text;
    if (delta.kind == Kind::content) content += delta.text;
    if (delta.kind == Kind::call) calls.push_back(call_json(delta));
  }
  if (!commentary.empty() && !content.empty()) commentary += "\n\n";
  content = commentary + content;
  Json message = {{"role", "assistant"}, {"content", content}, {"refusal", nullptr}};
  if (!calls.empty()) {
    if (content.empty()) message["content"] = nullptr;
    message["tool_calls"] = std::move(calls);
  }
  if (!reasoning.empty()) message["reasoning_content"] = reasoning;
  return message;
}

Json ChatWire::whole(const std::vector<FinishedAnswer>& answers) {
  Json list = Json::array();
  for (const FinishedAnswer& answer : answers) {
    Json tokens = Json::array();
    for (const AnswerDelta& delta : answer.deltas)
      tokens.insert(tokens.end(), delta.tokens.begin(), delta.tokens.end());
    list.push_back({{"index", list.size()},
                    {"message", message(answer)},
                    {"logprobs", options_.has_log_probs ? log_probs(tokens) : Json()},
                    {"finish_reason", finish_reason(answer.end)},
                    {"melete", answer_details(answer.answer, answer.mode, answer.seed)}});
  }
  Json completion = frame("chat.completion", std::move(list));
  completion["usage"] = usage_json(answers);
  return completion;
}

}  // namespace melete
