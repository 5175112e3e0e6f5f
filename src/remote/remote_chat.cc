#include "remote/remote_model.h"
#include "text/tokenizer_spec.h"

namespace melete {
namespace {

// Bytes as tokens: nothing is counted or cut with them, but no caller meets a null.
std::shared_ptr<const Tokenizer> byte_tokenizer() {
  TokenizerSpec spec;
  for (int byte = 0; byte < 256; ++byte) spec.token_bytes.emplace_back(1, static_cast<char>(byte));
  return build_tokenizer(std::move(spec));
}

class RemoteFormat : public ChatFormat {
 public:
  explicit RemoteFormat(bool reasons) : ChatFormat(byte_tokenizer()), reasons_(reasons) {}

  std::string name() const override { return "remote"; }
  bool can_reason() const override { return reasons_; }
  Result<Prompt> render(const Conversation&, Opening) const override {
    return unavailable(
        "[remote] tokens can be counted of models on this machine only, got one elsewhere; ask one here");
  }
  std::unique_ptr<OutputParser> parser(const Conversation&, Opening) const override {
    MELETE_CHECK(false, "a remote model has no tokens");
    return nullptr;
  }
  bool calls_in_answer() const override { return false; }
  std::vector<int32_t> closing_tokens(Opening) const override { return {}; }
  const std::vector<int32_t>& stop_tokens() const override {
    static const std::vector<int32_t> kNone;
    return kNone;
  }

 private:
  const bool reasons_;
};

}  // namespace

std::shared_ptr<const ChatModel> remote_chat(const RemoteModel& model) {
  return std::make_shared<ChatModel>(std::make_shared<RemoteFormat>(model.abilities().reasons),
                                     MediaLimits{});
}

}  // namespace melete
