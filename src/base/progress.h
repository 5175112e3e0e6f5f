// One progress bar for all long work: share done, rate, time left and a text of the caller's.
//
//   Progress progress("training", num_steps, "steps");
//   for (...) { ...; progress.set(step + 1, cat("loss ", loss)); }
//
// On a terminal the line is redrawn at most ten times a second; elsewhere a line is printed about every ten
// seconds, so that a log file stays short. The destructor prints the last state. Safe to use from several
// threads.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>

namespace melete {

// What one line shows; apart from Progress so that it can be tested.
struct ProgressState {
  std::string label;
  std::string unit;  // plural, "steps"; may be empty
  int64_t done = 0;
  int64_t total = 0;  // 0: unknown, no bar and no time left
  double elapsed_s = 0;
  double rate_per_s = 0;  // recent; 0: not known yet
  std::string extra;
};

// At most `width` columns (ASCII label and extra assumed), no line end.
std::string progress_line(const ProgressState& state, int width);

// "1:02:03", "4:05"; whole seconds, rounded.
std::string duration_text(double seconds);

class Progress {
 public:
  using Clock = std::function<double()>;                   // seconds, monotonic
  using Writer = std::function<void(const std::string&)>;  // gets a whole line, or a redraw on a terminal

  // `already_done` is where resumed work starts: it counts as done but not into the rate.
  Progress(std::string label, int64_t total, std::string unit = "", int64_t already_done = 0);

  // As above with the surroundings given: for tests.
  Progress(ProgressState start, bool terminal, int width, Clock clock, Writer writer);

  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void set(int64_t done, const std::string& extra = "");  // an empty extra keeps the last one
  void add(int64_t count = 1);
  void note(const std::string& line);  // prints a line of its own above the bar

 private:
  struct Sample {
    double at_s;
    int64_t done;
  };

  void update(int64_t done);
  void draw(bool last);

  std::mutex mutex_;
  ProgressState state_;
  const bool terminal_;
  const int width_;
  const Clock clock_;
  const Writer writer_;
  double start_s_, drawn_s_;
  bool drawn_ = false;
  std::deque<Sample> samples_;  // of the last kRateWindow seconds, for the rate
};

}  // namespace melete
