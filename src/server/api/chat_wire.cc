#include "server/api/chat_wire.h"

#include "agent/assistant.h"

namespace melete {
namespace {

Json frame(const ChatEnvelope& envelope, const char* object, Json choices) {
  return {{"id", envelope.id},
          {"object", object},
          {"created", envelope.created_s},
          {"model", envelope.model},
          {"system_fingerprint", envelope.fingerprint},
          {"choices", std::move(choices)}};
}

Json chunk(const ChatEnvelope& envelope, int index, Json delta, const Json& finish_reason) {
  return frame(envelope, "chat.completion.chunk",
               Json::array({{{"index", index},
                             {"delta", std::move(delta)},
                             {"logprobs", nullptr},
                             {"finish_reason", finish_reason}}}));
}

}  // namespace

Json answer_details(const Answer& answer, const std::string& mode, uint64_t seed) {
  Json details = to_json(answer, mode, seed);
  details.erase("answer");
  details.erase("reasoning");
  return details;
}

Json chat_usage(const std::vector<Answer>& answers) {
  int64_t prompt = 0, reasoning = 0, completion = 0;
  for (const Answer& answer : answers) {
    prompt = std::max(prompt, answer.usage.prompt_tokens);
    reasoning += answer.usage.reasoning_tokens;
    completion += answer.usage.reasoning_tokens + answer.usage.answer_tokens;
  }
  return {{"prompt_tokens", prompt},
          {"completion_tokens", completion},
          {"total_tokens", prompt + completion},
          {"completion_tokens_details", {{"reasoning_tokens", reasoning}}}};
}

Json chat_completion(const ChatEnvelope& envelope, const std::vector<ChatChoice>& choices) {
  Json list = Json::array();
  std::vector<Answer> answers;
  for (const ChatChoice& choice : choices) {
    Json message = {{"role", "assistant"}, {"content", choice.text.content}, {"refusal", nullptr}};
    if (!choice.text.reasoning.empty()) message["reasoning_content"] = choice.text.reasoning;
    list.push_back({{"index", list.size()},
                    {"message", std::move(message)},
                    {"logprobs", nullptr},
                    {"finish_reason", choice.finish_reason},
                    {"melete", answer_details(choice.answer, choice.mode, choice.seed)}});
    answers.push_back(choice.answer);
  }
  Json completion = frame(envelope, "chat.completion", std::move(list));
  completion["usage"] = chat_usage(answers);
  return completion;
}

Json chat_role_chunk(const ChatEnvelope& envelope, int index) {
  return chunk(envelope, index, {{"role", "assistant"}, {"content", ""}}, nullptr);
}

Json chat_delta_chunk(const ChatEnvelope& envelope, int index, const ChoiceText::Piece& piece) {
  Json delta = Json::object();
  if (!piece.reasoning.empty()) delta["reasoning_content"] = piece.reasoning;
  if (!piece.content.empty()) delta["content"] = piece.content;
  return chunk(envelope, index, std::move(delta), nullptr);
}

Json chat_finish_chunk(const ChatEnvelope& envelope, int index, const ChatChoice& choice) {
  Json last = chunk(envelope, index, Json::object(), choice.finish_reason);
  last["choices"][0]["melete"] = answer_details(choice.answer, choice.mode, choice.seed);
  return last;
}

Json chat_usage_chunk(const ChatEnvelope& envelope, const Json& usage) {
  Json last = frame(envelope, "chat.completion.chunk", Json::array());
  last["usage"] = usage;
  return last;
}

Json chat_event_chunk(const ChatEnvelope& envelope, int index, const Event& event) {
  Json told = frame(envelope, "chat.completion.chunk", Json::array());
  told["melete"] = {{"index", index},
                    {"event",
                     {{"seq", event.seq},
                      {"agent", event.agent},
                      {"kind", event.kind},
                      {"token", event.token_index},
                      {"data", event.data}}}};
  return told;
}

}  // namespace melete
