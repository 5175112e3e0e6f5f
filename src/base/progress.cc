#include "base/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace melete {
namespace {

constexpr double kRateWindow_s = 30;
constexpr double kTerminalInterval_s = 0.1;
constexpr double kLogInterval_s = 10;
constexpr double kSampleInterval_s = 0.25;
constexpr int kDefaultWidth = 100;
constexpr int kBarWidth = 24;

double monotonic_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int terminal_width() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20) return kDefaultWidth;
  return size.ws_col - 1;  // a full line would wrap on some terminals
}

std::string rate_text(double rate) {
  char buffer[32];
  if (rate >= 1e6) {
    std::snprintf(buffer, sizeof buffer, "%.2fM", rate / 1e6);
  } else if (rate >= 1e4) {
    std::snprintf(buffer, sizeof buffer, "%.1fk", rate / 1e3);
  } else if (rate >= 100) {
    std::snprintf(buffer, sizeof buffer, "%.0f", rate);
  } else {
    std::snprintf(buffer, sizeof buffer, "%.2f", rate);
  }
  return buffer;
}

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<int64_t>(std::llround(std::clamp(seconds, 0.0, 1e9)));
  char buffer[48];
  if (whole >= 3600) {
    std::snprintf(buffer, sizeof buffer, "%lld:%02lld:%02lld", static_cast<long long>(whole / 3600),
                  static_cast<long long>(whole / 60 % 60), static_cast<long long>(whole % 60));
  } else {
    std::snprintf(buffer, sizeof buffer, "%lld:%02lld", static_cast<long long>(whole / 60),
                  static_cast<long long>(whole % 60));
  }
  return buffer;
}

std::string progress_line(const ProgressState& state, int width) {
  std::string line = state.label;
  if (state.total > 0) {
    const double share =
        std::clamp(static_cast<double>(state.done) / static_cast<double>(state.total), 0.0, 1.0);
    const int filled = static_cast<int>(share * kBarWidth);
    line += " [" + std::string(filled, '#') + std::string(kBarWidth - filled, '.') + "] ";
    line += std::to_string(static_cast<int>(share * 100)) + "%";
  }
  line += " " + std::to_string(state.done);
  if (state.total > 0) line += "/" + std::to_string(state.total);
  if (!state.unit.empty()) line += " " + state.unit;
  if (state.rate_per_s > 0) line += "  " + rate_text(state.rate_per_s) + "/s";
  line += "  " + duration_text(state.elapsed_s);
  if (state.total > 0 && state.rate_per_s > 0 && state.done < state.total)
    line += ", " + duration_text(static_cast<double>(state.total - state.done) / state.rate_per_s) + " left";
  if (!state.extra.empty()) line += "  " + state.extra;
  return line.substr(0, static_cast<size_t>(std::max(width, 0)));
}

Progress::Progress(std::string label, int64_t total, std::string unit, int64_t already_done)
    : Progress({std::move(label), std::move(unit), already_done, total, 0, 0, ""},
               ::isatty(STDERR_FILENO) == 1, terminal_width(), monotonic_s, [](const std::string& text) {
                 std::fputs(text.c_str(), stderr);
                 std::fflush(stderr);
               }) {}

Progress::Progress(ProgressState start, bool terminal, int width, Clock clock, Writer writer)
    : state_(std::move(start)),
      terminal_(terminal),
      width_(width),
      clock_(std::move(clock)),
      writer_(std::move(writer)),
      start_s_(clock_()),
      drawn_s_(start_s_),
      samples_{{start_s_, state_.done}} {}

Progress::~Progress() {
  const std::lock_guard lock(mutex_);
  update(state_.done);
  draw(/*last=*/true);
}

void Progress::set(int64_t done, const std::string& extra) {
  const std::lock_guard lock(mutex_);
  if (!extra.empty()) state_.extra = extra;
  update(done);
  const double since = clock_() - drawn_s_;
  if (since >= (terminal_ ? kTerminalInterval_s : kLogInterval_s)) draw(/*last=*/false);
}

void Progress::add(int64_t count) {
  int64_t done;
  {
    const std::lock_guard lock(mutex_);
    done = state_.done += count;
  }
  set(done);
}

void Progress::note(const std::string& line) {
  const std::lock_guard lock(mutex_);
  writer_((terminal_ && drawn_ ? "\r\x1b[K" : "") + line + "\n");
  if (terminal_ && drawn_) draw(/*last=*/false);
}

// The rate is that of the last half minute, so that it follows a change of pace.
void Progress::update(int64_t done) {
  const double now = clock_();
  state_.done = std::max(done, state_.done);
  state_.elapsed_s = now - start_s_;
  if (now - samples_.back().at_s >= kSampleInterval_s) samples_.push_back({now, state_.done});
  while (samples_.size() > 2 && now - samples_[1].at_s > kRateWindow_s) samples_.pop_front();
  const double span = now - samples_.front().at_s;
  if (span > 0) state_.rate_per_s = static_cast<double>(state_.done - samples_.front().done) / span;
}

void Progress::draw(bool last) {
  const std::string line = progress_line(state_, terminal_ ? width_ : kDefaultWidth * 10);
  if (terminal_) {
    writer_("\r\x1b[K" + line + (last ? "\n" : ""));
  } else {
    writer_(line + "\n");
  }
  drawn_ = true;
  drawn_s_ = clock_();
}

}  // namespace melete
