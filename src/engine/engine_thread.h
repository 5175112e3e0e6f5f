// EngineThread: a SpanEngine on a thread of its own, for callers on many.
//
// Two ways in. submit() is for a stream of tokens: a prompt, one or more answers to it, events told to a sink
// on the engine's thread, where it must be quick. connect() is for code written against Engine, such as the
// modes of agents: an Engine whose calls wait for this thread, and whose sinks run on the caller's thread.
// All requests and sessions share the batch, the queue and the remembered prompts; each gets the bits that
// it gets alone. What a sink throws ends its own request only.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "engine/span_engine.h"

namespace melete {

using RequestId = int64_t;

struct GenerationRequest {
  Prompt prompt;
  Sampling sampling;
  int32_t choices = 1;  // answers; each draws from its own stream: sampling.stream + its number
  QueuePlace place;     // slots are the choices
};

// Events of a request, in this order: prefilled; tokens, and finished once for each choice; or refused alone,
// where the prompt is unusable or finds no room.
struct GenerationEvent {
  enum class Kind { prefilled, token, finished, refused };
  Kind kind = Kind::token;
  int32_t choice = 0;
  SampledToken token;                             // token
  int64_t prompt_tokens = 0, found_tokens = 0;    // prefilled: and of those from the cache
  FinishReason reason = FinishReason::cancelled;  // finished
  std::string failure;                            // finished with failed
  Error error;                                    // refused
};

// Returns false to end the choice (of a token) or the whole request.
using GenerationSink = std::function<bool(const GenerationEvent&)>;

class EngineThread {
 public:
  explicit EngineThread(std::unique_ptr<SpanEngine> engine);
  // Ends all requests, which are told so. Sessions must have ended before.
  ~EngineThread();
  EngineThread(const EngineThread&) = delete;
  EngineThread& operator=(const EngineThread&) = delete;

  // From any thread. Error: exhausted (as many requests are open as the engine's queue takes), unavailable
  // (the engine has failed). Everything else is told by events.
  Result<RequestId> submit(GenerationRequest request, GenerationSink sink);
  // Its pages are free before the next step begins; unfinished choices are told as cancelled.
  void abort(RequestId request);

  // An Engine of one caller thread; its sequences end with it. Each of its steps waits until each of its
  // running sequences has one token, and no sequence gets its next before the next step. A sink must not
  // cancel or release another sequence of the step. Errors also: unavailable.
  //
  // Once `stop` is requested, from any thread, nothing is computed for its sequences from the next step on,
  // whether they wait, are prompts on the way or run: prefill() and append() are cancelled, also those under
  // way, and step() gives no more tokens.
  std::unique_ptr<Engine> connect(const QueuePlace& place = {}, std::stop_token stop = {});

  EngineMetrics metrics();
  int64_t num_requests() const { return num_requests_; }  // submitted and not ended

  // Runs `work` on the engine's thread between two steps and waits. False: the engine has failed.
  bool call(const std::function<void(SpanEngine&)>& work);
  // The same without waiting.
  bool post(std::function<void(SpanEngine&)> work);
  // Why the engine failed, or empty.
  std::string failure() const;

  const DecoderShape& shape() const { return engine_->shape(); }

  // A session's end of the line: told on the engine's thread, after each step that changed something.
  struct Listener {
    virtual ~Listener() = default;
    virtual void changed(SpanEngine& engine, SequenceId sequence) = 0;
    virtual void step_ended() = 0;  // once, after all changes
    virtual void engine_failed() = 0;
    virtual bool is_answering() = 0;  // its held sequences may go on any moment
    virtual void stop_waiting() = 0;  // it took too long for that
  };
  // On the engine's thread only.
  void listen(SequenceId sequence, Listener* listener);  // null: no more
  void add_listener(Listener* listener) { listeners_.push_back(listener); }
  void remove_listener(Listener* listener) { std::erase(listeners_, listener); }

 private:
  struct Request {
    GenerationSink sink;
    Sampling sampling;
    int32_t choices = 1;
    int64_t prompt_tokens = 0;
    bool is_prefilled = false;                // and told
    std::map<SequenceId, int32_t> sequences;  // unfinished, with their choices
  };

  void loop();
  bool run_commands(std::unique_lock<std::mutex>& lock);
  void wait_for_answers(std::unique_lock<std::mutex>& lock);
  void begin(RequestId id);
  void start_choice(RequestId id, SequenceId sequence, int32_t choice);
  bool tell(Request& request, const GenerationEvent& event);
  bool tell_prefilled(Request& request, SequenceId sequence);
  void handle_change(SequenceId sequence);
  void handle_request(RequestId id, SequenceId sequence);
  void finish_choice(RequestId id, SequenceId sequence, GenerationEvent event);
  void end(RequestId id);
  void fail(const std::string& why);
  void close(const std::string& why);

  std::unique_ptr<SpanEngine> engine_;
  std::map<RequestId, std::shared_ptr<Request>> requests_;
  std::map<SequenceId, RequestId> owners_;
  std::map<SequenceId, Listener*> listening_;
  std::vector<Listener*> listeners_;
  bool more_ = false;  // the last step left work

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::function<void(SpanEngine&)>> commands_;
  struct Submitted {
    GenerationRequest request;
    GenerationSink sink;
  };
  std::map<RequestId, Submitted> submitted_;  // not begun
  bool stop_ = false;
  std::string failure_;
  std::atomic<RequestId> next_{1};
  std::atomic<int64_t> num_requests_{0};
  std::thread thread_;  // last: it sees everything above
};

}  // namespace melete
