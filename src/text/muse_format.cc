#include "text/muse_format.h"

#include "text/channel_parser.h"
#include "text/special_tokens.h"

namespace melete {
namespace {

class MuseFormat : public ChatFormat {
 public:
  explicit MuseFormat(std::shared_ptr<const Tokenizer> tokenizer) : ChatFormat(std::move(tokenizer)) {
    for (const std::string_view stop : {kEot, kEndOfText})
      if (const auto id = this->tokenizer().special_id(stop)) stop_tokens_.push_back(*id);
  }

  std::string name() const override { return "muse"; }
  bool can_reason() const override { return true; }
  bool calls_in_answer() const override { return false; }

  Result<Prompt> render(const Conversation& conversation, Opening opening) const override {
    return melete::render(conversation, tokenizer(), opening);
  }

  std::unique_ptr<OutputParser> parser(const Conversation& conversation, Opening opening) const override {
    ChannelParser::Options options;
    options.opening = opening;
    options.tools = conversation.tools;
    options.has_calls = !conversation.tools.empty();
    return std::make_unique<ChannelParser>(std::move(options));
  }

  // In one piece, so that the model never sees half of it.
  std::vector<int32_t> closing_tokens(Opening next) const override {
    return tokenizer().encode_trusted(next == Opening::free ? "<|eom|><|start|>assistant"
                                                            : "<|eom|><|start|>assistant to=user<|message|>");
  }

  const std::vector<int32_t>& stop_tokens() const override { return stop_tokens_; }

 private:
  std::vector<int32_t> stop_tokens_;
};

}  // namespace

std::shared_ptr<const ChatFormat> make_muse_format(std::shared_ptr<const Tokenizer> tokenizer) {
  return std::make_shared<MuseFormat>(std::move(tokenizer));
}

}  // namespace melete
