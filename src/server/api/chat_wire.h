// Answers in the shape of OpenAI's chat completions, whole and in chunks.
#pragma once

#include <string>
#include <vector>

#include "server/api/answer_wire.h"

namespace melete {

// What stands in every chunk.
struct ChatEnvelope {
  std::string id;  // "chatcmpl-..."
  int64_t created_s = 0;
  std::string model;        // as the request named it
  std::string fingerprint;  // of this build
};

// What is said in passing stands before the content, with an empty line between.
class ChatWire : public AnswerWire {
 public:
  struct Options {
    int choices = 1;
    bool include_usage = false, has_log_probs = false;
  };
  ChatWire(ChatEnvelope envelope, const Options& options);

  std::string begin(int choice) override;
  std::string delta(int choice, const AnswerDelta& delta) override;
  std::string event(int choice, const Event& event) override;
  std::string finish(int choice, const FinishedAnswer& answer) override;
  std::string end(const std::vector<FinishedAnswer>& answers) override;
  std::string failure(const ApiError& error) override;
  Json whole(const std::vector<FinishedAnswer>& answers) override;

 private:
  // Of a choice so far.
  struct Told {
    bool commentary = false, content = false;
  };
  Json frame(const char* object, Json choices) const;
  // delta: JSON as text. answer: of the last chunk.
  std::string chunk(int choice, const std::string& delta, const Json& tokens = Json(),
                    const FinishedAnswer* answer = nullptr) const;
  std::string text_chunk(int choice, const std::string& member, const std::string& text,
                         const Json& tokens = Json()) const;
  Json message(const FinishedAnswer& answer) const;

  const ChatEnvelope envelope_;
  const Options options_;
  std::string chunk_head_;  // of every chunk, up to its choices
  std::vector<Told> told_;
};

}  // namespace melete
