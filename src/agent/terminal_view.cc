#include "agent/terminal_view.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "agent/tool_use.h"
#include "text/utf8.h"

namespace melete {
namespace {

constexpr int64_t kDrawEvery_ms = 50;
constexpr size_t kLaneBytes = 1024;  // more than a terminal is wide

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Control characters (C0, DEL, and C1 as U+0080 to U+009F) become spaces, bytes that are no UTF-8 U+FFFD.
std::string printable(std::string_view raw, bool keep_lines) {
  std::string text = valid_utf8(raw);
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool kept = keep_lines && (text[i] == '\n' || text[i] == '\t');
    if ((byte < 0x20 && !kept) || byte == 0x7F) text[i] = ' ';
    if (byte == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0) text.replace(i, 2, " ");
  }
  return text;
}

std::string text_of(const Json& data, const char* key) {
  return data.contains(key) && data[key].is_string() ? data[key].get<std::string>() : std::string();
}

double number_of(const Json& data, const char* key) {
  return data.contains(key) && data[key].is_number() ? data[key].get<double>() : 0;
}

bool flag_of(const Json& data, const char* key) {
  return data.contains(key) && data[key].is_boolean() && data[key].get<bool>();
}

// The last `bytes` of a text that don't begin inside a character.
std::string tail(const std::string& text, size_t bytes) {
  if (text.size() <= bytes) return text;
  size_t from = text.size() - bytes;
  while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0) == 0x80) ++from;
  return text.substr(from);
}

// The calls of an event, one a line.
std::string calls_text(const Json& data) {
  std::string lines;
  if (data.contains("tool_calls") && data["tool_calls"].is_array())
    for (const Json& call : data["tool_calls"])
      lines += printable(call_line(text_of(call, "name"), call.value("arguments", Json::object())),
                         /*keep_lines=*/false) +
               "\n";
  return lines;
}

std::string mark_text(const Json& data) {
  std::string at;
  if (data.contains("at") && data["at"].is_array())
    for (const Json& value : data["at"])
      if (value.is_number()) at += (at.empty() ? "" : ", ") + json_text(value);
  const std::string on = printable(text_of(data, "on"), false);
  return fmt::format("[{} {} at {}{}{}]", printable(text_of(data, "kind"), false),
                     printable(text_of(data, "label"), false), at, on.empty() ? "" : " of ", on);
}

}  // namespace

TerminalView::Style TerminalView::detect(bool quiet) {
  Style style;
  style.quiet = quiet;
  style.tty = ::isatty(STDERR_FILENO) == 1 && !std::getenv("NO_COLOR");
  winsize size{};
  style.out_tty = ::isatty(STDOUT_FILENO) == 1;
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    style.width = size.ws_col;
    style.height = size.ws_row > 0 ? size.ws_row : style.height;
  }
  return style;
}

void TerminalView::say(const std::string& text) {
  if (style_.quiet) return;
  std::fwrite(text.data(), 1, text.size(), err_);
  std::fflush(err_);
}

std::string TerminalView::dim(const std::string& text) const {
  return style_.tty ? "\x1b[2m" + text + "\x1b[0m" : text;
}

void TerminalView::end_line() {
  if (open_line_) say("\n");
  open_line_ = false;
}

void TerminalView::start_run(const Json& data) {
  many_ = text_of(data, "mode") == "contemplating";
  const auto agents = static_cast<size_t>(std::clamp(number_of(data, "agents"), 1.0, 256.0));
  lanes_.assign(many_ ? agents : 1, Lane());
  votes_.clear();
  streamed_.clear();
  channel_.clear();
  drawn_lines_ = 0;
  open_line_ = in_answer_ = false;
}

void TerminalView::write_answer(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), out_);
  std::fflush(out_);
}

void TerminalView::put_delta(const Json& data) {
  const std::string text = printable(text_of(data, "text"), /*keep_lines=*/true);
  const std::string channel = text_of(data, "channel");
  if (channel == "tool_call") return;  // shown whole at the end
  if (channel == "reasoning" || channel == "commentary") {
    if (channel != channel_) end_line();
    say(channel == "reasoning" ? dim(text) : text);
    channel_ = channel;
    open_line_ = true;
    return;
  }
  if (!in_answer_) end_line();
  in_answer_ = true;
  streamed_ += text;
  if (style_.out_tty) write_answer(text);
}

void TerminalView::put_alone(const Event& event) {
  if (event.kind == "agent.delta") {
    put_delta(event.data);
  } else if (event.kind == "mark.added" && text_of(event.data, "channel") == "reasoning") {
    say(dim(mark_text(event.data)));
    open_line_ = true;
  } else if (event.kind == "agent.closed") {
    const std::string by = text_of(event.data, "by");
    say(dim(by == "user" ? " [asked to answer]" : by == "deadline" ? " [time is short]" : " [budget spent]"));
    open_line_ = true;
  }
}

void TerminalView::put_lane(const Event& event) {
  Lane& lane = lanes_[static_cast<size_t>(event.agent)];
  lane.tokens = event.token_index;
  if (event.kind == "agent.delta")
    lane.text = tail(lane.text + printable(text_of(event.data, "text"), /*keep_lines=*/false), kLaneBytes);
  if (event.kind == "agent.delta" && text_of(event.data, "channel") == "answer") lane.state = "answers";
  if (event.kind == "agent.finished")
    lane.state = "done", lane.text = "-> " + printable(text_of(event.data, "answer") + calls_text(event.data),
                                                       /*keep_lines=*/false);
  if (event.kind == "agent.killed") lane.state = "stopped";
  if (event.kind == "vote.updated" && event.data.contains("counts") && event.data["counts"].is_object()) {
    votes_.clear();
    for (const auto& [key, count] : event.data["counts"].items())
      votes_ += fmt::format("{}{}: {}", votes_.empty() ? "" : "   ", printable(key, false),
                            count.is_number() ? json_text(count) : "");
  }
  if (style_.tty && (now_ms() - last_draw_ms_ >= kDrawEvery_ms || event.kind == "vote.updated")) draw_lanes();
  if (!style_.tty && event.kind == "agent.finished")
    say(fmt::format("agent {}: {} ({} tokens)\n", event.agent, lane.text, lane.tokens));
}

// Lines never wrap and never outgrow the screen, since the next drawing goes back up by their number.
void TerminalView::draw_lanes() {
  last_draw_ms_ = now_ms();
  std::string screen = drawn_lines_ ? fmt::format("\x1b[{}A", drawn_lines_) : "";
  const auto room = static_cast<size_t>(std::max(1, style_.width - 28));
  const size_t shown = std::min(lanes_.size(), static_cast<size_t>(std::max(1, style_.height - 4)));
  for (size_t i = 0; i < shown; ++i)
    screen += fmt::format("\x1b[2Kagent {:<3} {:>4} {:<8} {}\n", i, lanes_[i].tokens, lanes_[i].state,
                          dim(tail(lanes_[i].text, room)));
  const std::string more = shown < lanes_.size() ? fmt::format("+{} agents   ", lanes_.size() - shown) : "";
  screen += fmt::format("\x1b[2Kvotes     {}\n", tail(more + votes_, room + 14));
  drawn_lines_ = shown + 1;
  say(screen);
}

void TerminalView::put_decision(const Json& data) {
  if (many_ && style_.tty) draw_lanes();
  drawn_lines_ = 0;  // what comes next is below the lanes
  say(dim(fmt::format("vote {}; agent {:.0f}; e-value of the mode {:.1f}{}",
                      printable(text_of(data, "rule"), false), number_of(data, "agent"),
                      number_of(data, "e_value"), flag_of(data, "certified") ? ", certified" : "")) +
      "\n");
}

void TerminalView::complete(const Json& data) {
  const std::string answer = printable(text_of(data, "answer"), /*keep_lines=*/true);
  const std::string calls = calls_text(data);
  end_line();
  if (answer.empty() && !calls.empty()) return write_answer(calls);
  if (!style_.out_tty || streamed_.empty()) return write_answer(answer + "\n" + calls);
  if (streamed_ == answer) return write_answer("\n" + calls);
  // The answer's form is another than its words (boxes as JSON): it takes the place of what was streamed, if
  // that is one line.
  const bool one_line = streamed_.find('\n') == std::string::npos &&
                        streamed_.size() < static_cast<size_t>(std::max(0, style_.width));
  write_answer((one_line ? "\r\x1b[2K" : "\n") + answer + "\n" + calls);
}

void TerminalView::put(const Event& event) {
  if (event.kind == "run.started") {
    start_run(event.data);
  } else if (event.kind == "run.completed") {
    complete(event.data);
  } else if (event.kind == "run.failed") {
    end_line();
    if (style_.out_tty && !streamed_.empty()) write_answer("\n");
  } else if (event.kind == "decision") {
    put_decision(event.data);
  } else if (event.agent >= 0 && static_cast<size_t>(event.agent) < lanes_.size()) {
    many_ ? put_lane(event) : put_alone(event);
  }
}

}  // namespace melete
