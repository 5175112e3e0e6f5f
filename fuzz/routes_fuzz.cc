// Any bytes as the body of any route of the whole server: an answer that is no fault of the server, which
// says what is wrong where something is, and a store that goes on working.
//
// The first line names the route, as in "POST /v1/responses"; another line stands for one too. Its caller is
// the local owner, and no model has room to answer.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include "agent/chat_model.h"
#include "base/json.h"
#include "engine/engine.h"
#include "server/accounts/charge.h"
#include "server/api/api_server.h"
#include "server/http/asked.h"
#include "text/tokenizer_spec.h"

namespace {

using namespace melete;

// Has no room for any prompt.
class FullEngine : public Engine {
 public:
  Result<SequenceId> prefill(const Prompt&) override { return exhausted("[engine] is full"); }
  Result<std::vector<SequenceId>> fork(SequenceId, int) override { return exhausted("[engine] is full"); }
  Status append(SequenceId, const Prompt&) override { return exhausted("[engine] is full"); }
  void start(SequenceId, const Sampling&, TokenSink) override {}
  bool step() override { return false; }
  bool is_running(SequenceId) const override { return false; }
  FinishReason finish_reason(SequenceId) const override { return FinishReason::cancelled; }
  std::string failure(SequenceId) const override { return {}; }
  void cancel(SequenceId) override {}
  void release(SequenceId) override {}
  int64_t length(SequenceId) const override { return 0; }
  Result<std::vector<float>> logits(const Prompt&) override { return exhausted("[engine] is full"); }
  int64_t vocab_size() const override { return 256; }
  int64_t context_length() const override { return 4096; }
  int64_t pages_in_use() const override { return 0; }
};

template <class T>
T ok(Result<T> result) {
  MELETE_CHECK(result.ok(), result.error().message);
  return std::move(result).value();
}

// A server and something of each kind in its store.
class Server {
 public:
  Server() {
    std::string folder = (std::filesystem::temp_directory_path() / "melete_fuzz_XXXXXX").string();
    MELETE_CHECK(::mkdtemp(folder.data()) != nullptr);
    folder_ = folder;
    store_ = ok(Store::open(folder_ / "data"));
    ApiServerOptions options;
    options.http.port = 0;
    options.password_cost = {1, 8192};
    server_ = ok(ApiServer::start(options, models(), *store_));
    quotas_ = std::make_unique<Quotas>(store_->database());
    caller_ = ok(Accounts(store_->database()).single_user()).value();
    Conversations all = store_->conversations(kLocalOwner);
    conversation_ = ok(all.create("Fruit")).id;
    message_ = ok(all.add(conversation_, {"", "user", "apples"})).id;
    for (const Route& route : server_->router().routes())
      if (!route.request.is_null()) routes_.push_back(&route);
  }
  ~Server() {
    server_.reset();
    store_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  void ask(std::string_view name, std::string_view body) {
    const auto named = std::find_if(routes_.begin(), routes_.end(),
                                    [&](const Route* r) { return name == r->method + " " + r->path; });
    const Route& route = named != routes_.end() ? **named : *routes_[name.size() % routes_.size()];
    HttpRequest request;
    request.method = route.method;
    request.path = route.path;
    const bool is_form = route.request_type != "application/json";
    request.headers = {{"content-type", route.request_type + (is_form ? "; boundary=b" : "")}};
    request.parameters = {{"id", conversation_}, {"message", message_}, {"name", "local"}};
    request.body = std::string(body);
    request.client = "127.0.0.1:1";
    const Asked asked(std::move(request), [&](ExchangePtr exchange) {
      exchange->caller = caller_;
      exchange->charge = std::make_shared<Charge>(*quotas_, caller_);
      route.handle(std::move(exchange));
    });
    // 503: a decoder of media that can't be started.
    const bool is_ours = asked.status < 200 || (asked.status >= 500 && asked.status != 503);
    MELETE_CHECK(!is_ours, route.path, " ", asked.status, " ", asked.body);
    const bool is_error = asked.status >= 400;
    MELETE_CHECK(!is_error || Json::parse(asked.body).contains("error"), route.path, " ", asked.body);
    ok(store_->conversations(kLocalOwner).tree(conversation_));
  }

 private:
  static ModelList models() {
    TokenizerSpec spec;
    for (int byte = 0; byte < 256; ++byte) spec.token_bytes.emplace_back(1, static_cast<char>(byte));
    auto format = ok(make_chat_format({}, build_tokenizer(std::move(spec)), "fuzz"));
    std::vector<std::unique_ptr<ServedModel>> models;
    models.push_back(std::make_unique<ServedModel>(
        "full", std::make_shared<ChatModel>(std::move(format), MediaLimits{}),
        ModelFacts{"text", 4096, true, true}, [](std::stop_token) { return std::make_unique<FullEngine>(); },
        [] { return EngineMetrics{}; }, SamplingAdvice{},
        [](const Prompt&) {
          return std::vector<float>{1, 0};
        }));
    return ModelList(std::move(models));
  }

  std::filesystem::path folder_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<ApiServer> server_;
  std::unique_ptr<Quotas> quotas_;
  Caller caller_;
  std::string conversation_, message_;
  std::vector<const Route*> routes_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int kEach = 1000;  // a store that has grown slow tells no more than a new one
  static std::unique_ptr<Server> server;
  static int asked = 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const size_t line = std::min(bytes.find('\n'), size);
  if (!server || ++asked % kEach == 0) {
    server.reset();
    server = std::make_unique<Server>();
  }
  server->ask(bytes.substr(0, line), bytes.substr(std::min(line + 1, size)));
  return 0;
}
