#include "agent/terminal_view.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "text/utf8.h"

namespace melete {
namespace {

constexpr int64_t kDrawEvery_ms = 50;

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// What a model wrote must not steer the terminal: control characters become spaces.
std::string printable(std::string text, bool keep_lines) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 && !(keep_lines && (c == '\n' || c == '\t'))) c = ' ';
  return text;
}

// The last `bytes` of a text that don't begin inside a character.
std::string tail(const std::string& text, size_t bytes) {
  if (text.size() <= bytes) return text;
  size_t from = text.size() - bytes;
  while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0) == 0x80) ++from;
  return text.substr(from);
}

std::string mark_text(const Json& data) {
  std::string at;
  for (const Json& value : data["at"]) at += (at.empty() ? "" : ", ") + value.dump();
  return fmt::format("[{} {} at {}]", data["kind"].get<std::string>(), data["label"].get<std::string>(), at);
}

}  // namespace

TerminalView::Style TerminalView::detect(bool quiet) {
  Style style;
  style.quiet = quiet;
  style.tty = ::isatty(STDERR_FILENO) == 1 && !std::getenv("NO_COLOR");
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) style.width = size.ws_col;
  return style;
}

void TerminalView::say(const std::string& text) {
  if (style_.quiet) return;
  std::fwrite(text.data(), 1, text.size(), err_);
  std::fflush(err_);
}

std::string TerminalView::dim(const std::string& text) const { return style_.tty ? "\x1b[2m" + text + "\x1b[0m" : text; }

void TerminalView::end_line() {
  if (open_line_) say("\n");
  open_line_ = false;
}

void TerminalView::start_run(const Json& data) {
  many_ = data.value("mode", "") == "contemplating";
  lanes_.assign(many_ ? static_cast<size_t>(data.value("agents", 1)) : 1, Lane());
  votes_.clear();
  streamed_.clear();
  drawn_lines_ = 0;
  open_line_ = in_answer_ = false;
}

void TerminalView::put_alone(const Event& event) {
  if (event.kind == "agent.delta") {
    const std::string text = printable(event.data["text"], /*keep_lines=*/true);
    if (event.data["channel"] == "reasoning") {
      say(dim(text));
      open_line_ = true;
      return;
    }
    if (!in_answer_) end_line();
    in_answer_ = true;
    streamed_ += text;
    std::fwrite(text.data(), 1, text.size(), out_);
    std::fflush(out_);
  } else if (event.kind == "mark.added") {
    if (event.data["channel"] == "reasoning") say(dim(mark_text(event.data)));
  } else if (event.kind == "agent.closed") {
    say(dim(" [budget spent]"));
  }
}

void TerminalView::put_lane(const Event& event) {
  Lane& lane = lanes_[static_cast<size_t>(event.agent)];
  lane.tokens = event.token_index;
  if (event.kind == "agent.delta") lane.text += printable(event.data["text"], /*keep_lines=*/false);
  if (event.kind == "agent.delta" && event.data["channel"] == "answer") lane.state = "answers";
  if (event.kind == "agent.finished")
    lane.state = "done", lane.text = "-> " + printable(event.data["answer"], /*keep_lines=*/false);
  if (event.kind == "agent.killed") lane.state = "stopped";
  if (event.kind == "vote.updated") {
    votes_.clear();
    for (const auto& [key, count] : event.data["counts"].items())
      votes_ += fmt::format("{}{}: {}", votes_.empty() ? "" : "   ", printable(key, false), count.get<int64_t>());
  }
  if (style_.tty && (now_ms() - last_draw_ms_ >= kDrawEvery_ms || event.kind == "vote.updated")) draw_lanes();
  if (!style_.tty && event.kind == "agent.finished")
    say(fmt::format("agent {}: {} ({} tokens)\n", event.agent, lane.text, lane.tokens));
}

void TerminalView::draw_lanes() {
  last_draw_ms_ = now_ms();
  std::string screen = drawn_lines_ ? fmt::format("\x1b[{}A", drawn_lines_) : "";
  const auto room = static_cast<size_t>(std::max(10, style_.width - 28));
  for (size_t i = 0; i < lanes_.size(); ++i)
    screen += fmt::format("\x1b[2Kagent {:<3} {:>4} {:<8} {}\n", i, lanes_[i].tokens, lanes_[i].state,
                          dim(tail(lanes_[i].text, room)));
  screen += fmt::format("\x1b[2Kvotes     {}\n", tail(votes_, room + 14));
  drawn_lines_ = lanes_.size() + 1;
  say(screen);
}

void TerminalView::put(const Event& event) {
  if (event.kind == "run.started") return start_run(event.data);
  if (event.kind == "run.completed") {
    if (many_ && style_.tty) draw_lanes();
    const std::string answer = printable(event.data["answer"], /*keep_lines=*/true);
    // Streamed already, unless several agents answered or the answer's form is another (boxes as JSON).
    const std::string rest = streamed_ == answer ? "\n" : (streamed_.empty() ? "" : "\n") + answer + "\n";
    end_line();
    std::fwrite(rest.data(), 1, rest.size(), out_);
    std::fflush(out_);
  } else if (event.kind == "run.failed") {
    end_line();
  } else if (event.kind == "decision") {
    say(dim(fmt::format("vote {}; agent {}; e-value of the mode {:.1f}{}\n", event.data["rule"].get<std::string>(),
                        event.data["agent"].get<int>(), event.data["e_value"].get<double>(),
                        event.data["certified"].get<bool>() ? ", certified" : "")));
  } else if (event.agent >= 0 && static_cast<size_t>(event.agent) < lanes_.size()) {
    many_ ? put_lane(event) : put_alone(event);
  }
}

}  // namespace melete
