// A chat's question, answered by the models and worker threads that answer over HTTP, with their limits.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "bridges/chat_store.h"
#include "server/generation/model_list.h"
#include "server/generation/server_metrics.h"
#include "server/generation/worker_threads.h"

namespace melete {

inline constexpr const char* kChatModes[] = {"instant", "thinking", "contemplating"};

struct ChatQuestion {
  std::string model;  // its id; empty: the first
  std::string mode = kDefaultMode;
  std::string system;
  std::vector<ChatTurn> conversation;  // the last turn is the question
  uint64_t seed = 0;                   // the same question with it has the same answer
  double deadline_s = 0;
};

struct ChatReply {
  bool is_answer = false;  // else the text says why there is none
  std::string text;
};

class ChatAnswers {
 public:
  // All outlive this object.
  ChatAnswers(const ModelList& models, WorkerThreads& runners, ServerMetrics& metrics)
      : models_(models), runners_(runners), metrics_(metrics) {}

  // Waits for the answer; `tick` is called every `pace` with what there is of it. Of a conversation that is
  // too long for the model the oldest turns are left out, and files that it can't take. Errors: cancelled
  // (stopped before there was anything to say).
  Result<ChatReply> answer(const ChatQuestion& question, std::stop_token stop, std::chrono::milliseconds pace,
                           const std::function<void(const std::string& so_far)>& tick) const;

  // Error: not_found, naming the models that there are.
  Status check_model(const std::string& model) const;

 private:
  struct Live;

  const ModelList& models_;
  WorkerThreads& runners_;
  ServerMetrics& metrics_;
};

}  // namespace melete
