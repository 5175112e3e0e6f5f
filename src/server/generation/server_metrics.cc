#include "server/generation/server_metrics.h"

#include <fmt/format.h>

namespace melete {

void Histogram::add(double seconds) {
  ++count_;
  sum_s_ += seconds;
  for (size_t i = 0; i < kBounds_s.size(); ++i) {
    if (seconds > kBounds_s[i]) continue;
    ++counts_[i];
    return;
  }
}

std::string Histogram::text(const std::string& name, const std::string& labels) const {
  std::string text;
  int64_t below = 0;
  for (size_t i = 0; i < kBounds_s.size(); ++i) {
    below += counts_[i];
    text += fmt::format("{}_bucket{{{},le=\"{}\"}} {}\n", name, labels, kBounds_s[i], below);
  }
  text += fmt::format("{}_bucket{{{},le=\"+Inf\"}} {}\n", name, labels, count_);
  text += fmt::format("{0}_sum{{{1}}} {2}\n{0}_count{{{1}}} {3}\n", name, labels, sum_s_, count_);
  return text;
}

void ServerMetrics::count_answer(const std::string& mode, const Answer& answer) {
  const std::lock_guard lock(mutex_);
  OfMode& of = modes_[mode];
  ++of.finished[answer.finish];
  of.prompt_tokens += answer.usage.prompt_tokens;
  of.reasoning_tokens += answer.usage.reasoning_tokens;
  of.answer_tokens += answer.usage.answer_tokens;
  of.first_token.add(answer.usage.first_token_s);
  of.total.add(answer.usage.total_s);
}

void ServerMetrics::count_failure(const std::string& mode, ErrorKind kind) {
  const std::lock_guard lock(mutex_);
  ++modes_[mode].finished[name_of(kind)];
}

void ServerMetrics::count_refusal() {
  const std::lock_guard lock(mutex_);
  ++refused_;
}

std::string engine_metrics_text(const ModelList& models) {
  struct Row {
    const char* name;
    const char* type;
    double (*value)(const EngineMetrics&);
  };
  static constexpr Row kRows[] = {
      {"queued_prompts", "gauge", [](const EngineMetrics& m) { return static_cast<double>(m.queued); }},
      {"running_sequences", "gauge", [](const EngineMetrics& m) { return static_cast<double>(m.running); }},
      {"kv_pages", "gauge", [](const EngineMetrics& m) { return static_cast<double>(m.pages); }},
      {"kv_bytes", "gauge", [](const EngineMetrics& m) { return static_cast<double>(m.bytes); }},
      {"kv_max_bytes", "gauge", [](const EngineMetrics& m) { return static_cast<double>(m.max_bytes); }},
      {"cached_pages", "gauge", [](const EngineMetrics& m) { return static_cast<double>(m.cached_pages); }},
      {"prompt_tokens_total", "counter",
       [](const EngineMetrics& m) { return static_cast<double>(m.asked_tokens); }},
      {"cached_tokens_total", "counter",
       [](const EngineMetrics& m) { return static_cast<double>(m.found_tokens); }},
      {"decoded_tokens_total", "counter",
       [](const EngineMetrics& m) { return static_cast<double>(m.decoded_tokens); }},
      {"busy_seconds_total", "counter", [](const EngineMetrics& m) { return m.busy_s; }},
      {"step_seconds_p50", "gauge", [](const EngineMetrics& m) { return m.step_p50_s; }},
      {"step_seconds_p99", "gauge", [](const EngineMetrics& m) { return m.step_p99_s; }},
  };
  std::vector<std::pair<std::string, EngineMetrics>> measured;
  for (const auto& model : models.all()) measured.emplace_back(model->name(), model->metrics());
  std::string text;
  for (const Row& row : kRows) {
    text += fmt::format("# TYPE melete_engine_{} {}\n", row.name, row.type);
    for (const auto& [name, metrics] : measured)
      text += fmt::format("melete_engine_{}{{model=\"{}\"}} {}\n", row.name, name, row.value(metrics));
  }
  return text;
}

std::string metric_text(const std::string& name, const char* type, double value) {
  return fmt::format("# TYPE {0} {1}\n{0} {2}\n", name, type, value);
}

std::string ServerMetrics::text() const {
  const std::lock_guard lock(mutex_);
  std::string finished = "# TYPE melete_answers_total counter\n";
  std::string tokens = "# TYPE melete_tokens_total counter\n";
  std::string first = "# TYPE melete_first_token_seconds histogram\n";
  std::string total = "# TYPE melete_answer_seconds histogram\n";
  for (const auto& [mode, of] : modes_) {
    const std::string label = fmt::format("mode=\"{}\"", mode);
    for (const auto& [how, count] : of.finished)
      finished += fmt::format("melete_answers_total{{{},finish=\"{}\"}} {}\n", label, how, count);
    const std::pair<const char*, int64_t> kinds[] = {
        {"prompt", of.prompt_tokens}, {"reasoning", of.reasoning_tokens}, {"answer", of.answer_tokens}};
    for (const auto& [kind, count] : kinds)
      tokens += fmt::format("melete_tokens_total{{{},kind=\"{}\"}} {}\n", label, kind, count);
    first += of.first_token.text("melete_first_token_seconds", label);
    total += of.total.text("melete_answer_seconds", label);
  }
  return finished + tokens + first + total +
         metric_text("melete_refused_total", "counter", static_cast<double>(refused_));
}

}  // namespace melete
