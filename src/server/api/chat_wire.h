// Answers in the shape of OpenAI's chat completions, whole and in chunks. Pure.
#pragma once

#include <string>
#include <vector>

#include "agent/event.h"
#include "agent/mode.h"
#include "server/api/choice_text.h"

namespace melete {

// What stands in every chunk.
struct ChatEnvelope {
  std::string id;  // "chatcmpl-..."
  int64_t created_s = 0;
  std::string model;        // as the request named it
  std::string fingerprint;  // of this build
};

// One choice, done.
struct ChatChoice {
  Answer answer;
  ChoiceText::Piece text;  // the whole of it
  std::string finish_reason;
  std::string mode;
  uint64_t seed = 0;
};

// Tokens of all choices; the prompt counts once.
Json chat_usage(const std::vector<Answer>& answers);

Json chat_completion(const ChatEnvelope& envelope, const std::vector<ChatChoice>& choices);

// The first chunk of a choice, which says whose turn it is.
Json chat_role_chunk(const ChatEnvelope& envelope, int index);
Json chat_delta_chunk(const ChatEnvelope& envelope, int index, const ChoiceText::Piece& piece);
// The last chunk of a choice: why it ended, and under "melete" what OpenAI has no place for.
Json chat_finish_chunk(const ChatEnvelope& envelope, int index, const ChatChoice& choice);
// After all choices, without any.
Json chat_usage_chunk(const ChatEnvelope& envelope, const Json& usage);
// An event of the run, without choices; only for those who ask.
Json chat_event_chunk(const ChatEnvelope& envelope, int index, const Event& event);

// Marks, votes, tokens, timings, mode and seed of an answer: the member "melete".
Json answer_details(const Answer& answer, const std::string& mode, uint64_t seed);

}  // namespace melete
