// Any bytes as the body of a request: each route's reader gives a request, or one problem that says where and
// what.
//
// The first byte chooses the route.
#include <array>

#include "base/json.h"
#include "server/api/chat_request.h"
#include "server/api/embeddings.h"
#include "server/api/messages_request.h"
#include "server/api/responses_items.h"
#include "server/api/responses_request.h"

namespace {

using melete::ApiError;
using melete::Json;

// Whether the reader took it.
using Read = bool (*)(const Json& body, std::optional<ApiError>& problem);

bool read_messages(const Json& body, bool is_count, std::optional<ApiError>& problem) {
  const auto request = melete::parse_messages_request(body, is_count, problem);
  MELETE_CHECK(!request || !request->messages.empty());
  return request.has_value();
}

constexpr std::array<Read, 5> kReaders = {
    [](const Json& body, std::optional<ApiError>& problem) {
      const auto request = melete::parse_chat_request(body, problem);
      MELETE_CHECK(!request || !request->messages.empty());
      return request.has_value();
    },
    [](const Json& body, std::optional<ApiError>& problem) { return read_messages(body, false, problem); },
    [](const Json& body, std::optional<ApiError>& problem) { return read_messages(body, true, problem); },
    [](const Json& body, std::optional<ApiError>& problem) {
      const auto request = melete::parse_embeddings_request(body, problem);
      MELETE_CHECK(!request || !request->inputs.empty());
      return request.has_value();
    },
    [](const Json& body, std::optional<ApiError>& problem) {
      const auto request = melete::parse_responses_request(body, problem);
      if (!request) return false;
      std::vector<melete::WireMessage> messages;
      const melete::FileLookup files = [](const std::string&) -> melete::Result<melete::KeptFile> {
        return melete::not_found("no files");
      };
      if (!melete::read_items(request->input, "input", files, messages, problem)) return false;
      const Json whole = melete::whole_items(request->input, "00");
      const auto kept =
          melete::with_files(whole, [](const melete::KeptFile&) { return std::string("file_0"); });
      MELETE_CHECK(kept.ok() && melete::file_ids(*kept).size() <= 1);
      return true;
    },
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto body = melete::parse_json(text, "body");
  if (!body.ok()) return 0;
  std::optional<ApiError> problem;
  const bool taken = kReaders[data[0] % kReaders.size()](*body, problem);
  MELETE_CHECK(taken != problem.has_value(), text);
  if (taken) return 0;
  MELETE_CHECK(problem->status >= 400 && problem->status < 500 && !problem->message.empty(), text);
  // The answer is JSON that can be written, whatever the message quotes.
  MELETE_CHECK(Json::parse(melete::openai_response(*problem).body).contains("error"), text);
  return 0;
}
