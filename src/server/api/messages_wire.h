// Answers in the shape of Anthropic's messages, whole and as events from message_start to message_stop.
//
// Blocks: thinking; text, a block of its own for what is said in passing; tool_use. The signature of a
// thinking block is a hash of its text: it names it, and nothing is asked of it when it comes back, since a
// model isn't shown its earlier reasoning.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/api/answer_wire.h"

namespace melete {

struct MessageEnvelope {
  std::string id;     // "msg_..."
  std::string model;  // as the request named it
  int64_t prompt_tokens = 0;
  bool omits_thinking = false;  // its blocks are empty
};

class MessagesWire : public AnswerWire {
 public:
  explicit MessagesWire(MessageEnvelope envelope) : envelope_(std::move(envelope)) {}

  std::string begin(int choice) override;
  std::string delta(int choice, const AnswerDelta& delta) override;
  std::string event(int choice, const Event& event) override;
  std::string finish(int choice, const FinishedAnswer& answer) override;
  std::string end(const std::vector<FinishedAnswer>& answers) override;
  std::string failure(const ApiError& error) override;
  Json whole(const std::vector<FinishedAnswer>& answers) override;

 private:
  struct Block {
    AnswerDelta::Kind kind;
    size_t call;
    std::string text;  // of thinking
  };
  Json message(Json content, Json usage) const;
  std::string open_block(const AnswerDelta& delta);
  std::string close_block();
  std::string block_delta(Json delta) const;

  const MessageEnvelope envelope_;
  std::optional<Block> open_;
  int64_t num_blocks_ = 0;  // begun
};

}  // namespace melete
