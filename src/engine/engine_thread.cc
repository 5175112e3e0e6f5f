#include "engine/engine_thread.h"

#include <algorithm>
#include <exception>

#include "engine/engine_session.h"

namespace melete {
namespace {

// A session that is at work on its last tokens joins the next step if it answers within this share of one.
constexpr double kPatience = 0.2;

}  // namespace

EngineThread::EngineThread(std::unique_ptr<SpanEngine> engine) : engine_(std::move(engine)) {
  engine_->take_changed();
  thread_ = std::thread([this] { loop(); });
}

EngineThread::~EngineThread() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

std::string EngineThread::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

bool EngineThread::post(std::function<void(SpanEngine&)> work) {
  {
    const std::lock_guard lock(mutex_);
    if (!failure_.empty()) return false;
    commands_.push_back(std::move(work));
  }
  wake_.notify_all();
  return true;
}

bool EngineThread::call(const std::function<void(SpanEngine&)>& work) {
  auto done = std::make_shared<std::promise<void>>();
  auto future = done->get_future();
  // The promise dies with the command, so a failed engine wakes the caller too.
  if (!post([&work, held = std::move(done)](SpanEngine& engine) {
        work(engine);
        held->set_value();
      }))
    return false;
  try {
    future.get();
  } catch (const std::future_error&) {
    return false;
  }
  return true;
}

Result<RequestId> EngineThread::submit(GenerationRequest request, GenerationSink sink) {
  const int64_t most = engine_->limits().max_queued;
  if (num_requests_.fetch_add(1) >= most) {
    --num_requests_;
    return exhausted("[engine] at most ", most, " requests may be open, got one more; ask again later");
  }
  const RequestId id = next_++;
  {
    const std::lock_guard lock(mutex_);
    if (failure_.empty()) submitted_[id] = {std::move(request), std::move(sink)};
  }
  if (post([this, id](SpanEngine&) { begin(id); })) return id;
  --num_requests_;
  return unavailable("[engine] must be running, got a failure: ", failure(), "; start it again");
}

void EngineThread::abort(RequestId request) {
  post([this, request](SpanEngine&) { end(request); });
}

EngineMetrics EngineThread::metrics() {
  EngineMetrics metrics;
  call([&](SpanEngine& engine) { metrics = engine.metrics(); });
  return metrics;
}

std::unique_ptr<Engine> EngineThread::connect(const QueuePlace& place, std::stop_token stop) {
  return std::make_unique<EngineSession>(*this, place, std::move(stop));
}

void EngineThread::listen(SequenceId sequence, Listener* listener) {
  if (listener != nullptr) {
    listening_[sequence] = listener;
  } else {
    listening_.erase(sequence);
  }
}

// True if the sink wants more; what it throws is a no.
bool EngineThread::tell(Request& request, const GenerationEvent& event) {
  try {
    return request.sink(event);
  } catch (const std::exception&) {
    return false;
  }
}

bool EngineThread::tell_prefilled(Request& request, SequenceId sequence) {
  if (request.is_prefilled) return true;
  request.is_prefilled = true;
  GenerationEvent event;
  event.kind = GenerationEvent::Kind::prefilled;
  event.prompt_tokens = request.prompt_tokens;
  event.found_tokens = engine_->found_positions(sequence);
  return tell(request, event);
}

void EngineThread::begin(RequestId id) {
  Submitted submitted;
  {
    const std::lock_guard lock(mutex_);
    submitted = std::move(submitted_.extract(id).mapped());
  }
  GenerationRequest& request = submitted.request;
  auto entry = std::make_shared<Request>();
  entry->sink = std::move(submitted.sink);
  entry->sampling = request.sampling;
  entry->choices = std::max(request.choices, 1);
  entry->prompt_tokens = std::ssize(request.prompt.tokens);
  request.place.slots = entry->choices;
  const auto sequence = engine_->enqueue(std::move(request.prompt), request.place);
  if (!sequence.ok()) {
    GenerationEvent event;
    event.kind = GenerationEvent::Kind::refused;
    event.error = sequence.error();
    --num_requests_;
    tell(*entry, event);
    return;
  }
  entry->sequences[*sequence] = 0;
  owners_[*sequence] = id;
  requests_[id] = entry;
  // With one choice the first token comes with the prompt's last rows. More are forked from the prompt alone.
  if (entry->choices == 1) start_choice(id, *sequence, 0);
}

void EngineThread::start_choice(RequestId id, SequenceId sequence, int32_t choice) {
  const std::shared_ptr<Request> request = requests_.at(id);
  Sampling sampling = request->sampling;
  sampling.stream += static_cast<uint64_t>(choice);
  engine_->start(sequence, sampling, [this, request, sequence, choice](const SampledToken& token) {
    if (!tell_prefilled(*request, sequence)) return false;
    GenerationEvent event;
    event.choice = choice;
    event.token = token;
    return request->sink(event);
  });
}

void EngineThread::finish_choice(RequestId id, SequenceId sequence, GenerationEvent event) {
  const std::shared_ptr<Request> request = requests_.at(id);
  event.choice = request->sequences.at(sequence);
  request->sequences.erase(sequence);
  owners_.erase(sequence);
  engine_->release(sequence);
  if (request->sequences.empty()) {
    requests_.erase(id);
    --num_requests_;
  }
  tell(*request, event);
}

void EngineThread::end(RequestId id) {
  GenerationEvent event;
  event.kind = GenerationEvent::Kind::finished;
  for (auto found = requests_.find(id); found != requests_.end(); found = requests_.find(id))
    finish_choice(id, found->second->sequences.begin()->first, event);
}

void EngineThread::handle_request(RequestId id, SequenceId sequence) {
  const std::shared_ptr<Request> request = requests_.at(id);
  GenerationEvent event;
  const bool is_fresh = !request->is_prefilled;
  if (engine_->phase(sequence) == SequencePhase::refused) {
    event.kind = GenerationEvent::Kind::refused;
    event.error = exhausted(engine_->failure(sequence));
    return finish_choice(id, sequence, event);
  }
  if (is_fresh && !tell_prefilled(*request, sequence)) return end(id);
  if (engine_->is_running(sequence)) return;
  if (!is_fresh || request->choices == 1) {
    event.kind = GenerationEvent::Kind::finished;
    event.reason = engine_->finish_reason(sequence);
    event.failure = engine_->failure(sequence);
    return finish_choice(id, sequence, event);
  }
  const auto children = engine_->fork(sequence, request->choices - 1);
  MELETE_CHECK(children.ok());
  int32_t choice = 0;
  for (const SequenceId child : *children) {
    request->sequences[child] = ++choice;
    owners_[child] = id;
    start_choice(id, child, choice);
  }
  start_choice(id, sequence, 0);
}

void EngineThread::handle_change(SequenceId sequence) {
  if (const auto owner = owners_.find(sequence); owner != owners_.end()) {
    handle_request(owner->second, sequence);
  } else if (const auto listener = listening_.find(sequence); listener != listening_.end()) {
    listener->second->changed(*engine_, sequence);
  }
}

// Returns whether there were any.
bool EngineThread::run_commands(std::unique_lock<std::mutex>& lock) {
  if (commands_.empty()) return false;
  const auto commands = std::exchange(commands_, {});
  lock.unlock();
  for (const auto& command : commands) command(*engine_);
  lock.lock();
  return true;
}

// Sessions that got tokens and are at work on them should share the next step, not take turns with others.
void EngineThread::wait_for_answers(std::unique_lock<std::mutex>& lock) {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::duration<double>(kPatience * engine_->last_step_s());
  const auto anyone = [&] {
    return std::any_of(listeners_.begin(), listeners_.end(), [](Listener* l) { return l->is_answering(); });
  };
  while (!stop_ && anyone()) {
    const bool is_woken = wake_.wait_until(lock, deadline, [&] { return stop_ || !commands_.empty(); });
    // However many others call meanwhile.
    if (is_woken && std::chrono::steady_clock::now() < deadline) {
      run_commands(lock);
      continue;
    }
    for (Listener* listener : listeners_) listener->stop_waiting();
  }
}

void EngineThread::loop() {
  std::unique_lock lock(mutex_);
  try {
    while (true) {
      wake_.wait(lock, [&] { return stop_ || more_ || !commands_.empty(); });
      if (stop_) break;
      run_commands(lock);
      if (more_) wait_for_answers(lock);
      lock.unlock();
      more_ = engine_->step() && !engine_->is_idle();
      // Handling one change may cause others, such as a start that ends at once.
      for (auto changed = engine_->take_changed(); !changed.empty(); changed = engine_->take_changed()) {
        more_ = true;
        for (const SequenceId sequence : changed) handle_change(sequence);
      }
      for (Listener* listener : listeners_) listener->step_ended();
      lock.lock();
    }
    lock.unlock();
    while (!requests_.empty()) end(requests_.begin()->first);
    close("it was stopped");
  } catch (const std::exception& e) {
    if (lock.owns_lock()) lock.unlock();
    fail(e.what());
  }
}

// A bug of ours: nobody may wait for ever, and nothing is computed any more.
void EngineThread::fail(const std::string& why) {
  // Before anyone can see the failure and go.
  for (Listener* listener : listeners_) listener->engine_failed();
  GenerationEvent event;
  event.kind = GenerationEvent::Kind::refused;
  event.error = unavailable("[engine] must be running, got a failure: ", why, "; start it again");
  for (const auto& [id, request] : std::exchange(requests_, {})) tell(*request, event);
  close(why);
}

// From now on nothing is taken; what was taken and not begun is told so.
void EngineThread::close(const std::string& why) {
  std::vector<std::function<void(SpanEngine&)>> dropped;
  std::map<RequestId, Submitted> submitted;
  {
    const std::lock_guard lock(mutex_);
    failure_ = why;
    dropped = std::exchange(commands_, {});
    submitted = std::exchange(submitted_, {});
  }
  GenerationEvent event;
  event.kind = GenerationEvent::Kind::refused;
  event.error = unavailable("[engine] must be running, got a failure: ", why, "; start it again");
  for (auto& [id, entry] : submitted) {
    Request request;
    request.sink = std::move(entry.sink);
    tell(request, event);
  }
  num_requests_ = 0;
}

}  // namespace melete
