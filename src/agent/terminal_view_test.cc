#include "agent/terminal_view.h"

#include <gtest/gtest.h>

#include "agent/scripted_run.h"
#include "text/utf8.h"

namespace melete {
namespace {

// What a view writes to its two streams.
class Screen {
 public:
  explicit Screen(TerminalView::Style style)
      : out_(::open_memstream(&out_text_, &out_bytes_)),
        err_(::open_memstream(&err_text_, &err_bytes_)),
        view(out_, err_, style) {}
  ~Screen() {
    std::fclose(out_), std::fclose(err_);
    std::free(out_text_), std::free(err_text_);
  }
  std::string out() { return std::fflush(out_), std::string(out_text_, out_bytes_); }
  std::string err() { return std::fflush(err_), std::string(err_text_, err_bytes_); }

 private:
  char* out_text_ = nullptr;
  char* err_text_ = nullptr;
  size_t out_bytes_ = 0, err_bytes_ = 0;
  std::FILE* out_;
  std::FILE* err_;

 public:
  TerminalView view;
};

// Runs one scripted answer before the view.
void show(Screen& screen, const std::string& mode, const std::vector<std::string>& scripts) {
  ScriptedRun scripted;
  for (const std::string& script : scripts) scripted.engine.write(script);
  scripted.request.num_agents = static_cast<int>(scripts.size());
  scripted.log = EventLog({&screen.view});
  ASSERT_TRUE(scripted.run(mode).ok());
}

// Bytes that could steer a terminal, besides line ends and tabs.
int64_t num_controls(const std::string& text) {
  int64_t controls = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    controls += (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F;
    controls += byte == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0;
  }
  return controls;
}

TEST(TerminalView, CallsAreLinesOfTheAnswerAndAsidesAreNot) {
  const Event calls{0, -1, "run.completed", 0,
                    parse_json(R"({"answer": "Wait.", "tool_calls": [{"name": "look", "arguments": {"at": 3}},
                                   {"name": "now\u001b", "arguments": {}}]})",
                               "test")
                        .value()};
  const auto delta = [](const char* channel, const char* text) {
    return Event{0, 0, "agent.delta", 0, {{"channel", channel}, {"text", text}}};
  };
  for (const bool has_text : {true, false}) {
    Screen screen({});
    screen.view.put({0, -1, "run.started", 0, {{"mode", "thinking"}}});
    screen.view.put(delta("reasoning", "hm"));
    screen.view.put(delta("commentary", "Let me see."));
    screen.view.put(delta("tool_call", "{}"));
    Event last = calls;
    if (!has_text) last.data["answer"] = "";
    screen.view.put(last);
    EXPECT_EQ(screen.out(), std::string(has_text ? "Wait.\n" : "") + "look({\"at\":3})\nnow ({})\n");
    EXPECT_EQ(screen.err(), "hm\nLet me see.\n");
  }
}

TEST(TerminalView, PlainOutputIsTheAnswerAloneOnOut) {
  Screen screen({});
  show(screen, "thinking", {"I see two." + kToAnswer + "2<|eot|>"});
  EXPECT_EQ(screen.out(), "2\n");
  EXPECT_EQ(screen.err(), "I see two.\n");
}

TEST(TerminalView, QuietSaysNothingElse) {
  Screen screen({.quiet = true});
  show(screen, "thinking", {"I see two<|loc_01|><|loc_02|>" + kToAnswer + "2<|eot|>"});
  EXPECT_EQ(screen.out(), "2\n");
  EXPECT_EQ(screen.err(), "");
}

TEST(TerminalView, BoxesArePrintedAsJsonOnce) {
  const std::string boxes = "red box<|loc_10|><|loc_20|><|loc_30|><|loc_40|><|eot|>";
  const std::string json = R"([{"x_min":105,"y_min":205,"x_max":305,"y_max":405}])";
  Screen plain({});
  show(plain, "instant", {boxes});
  EXPECT_EQ(plain.out(), json + "\n");
  Screen live({.out_tty = true});
  show(live, "instant", {boxes});
  EXPECT_EQ(live.out(), "red box\r\x1b[2K" + json + "\n");
}

TEST(TerminalView, ATerminalSeesTheAnswerAsItIsWrittenAndOnce) {
  Screen screen({.out_tty = true});
  show(screen, "instant", {"a\nb<|eot|>"});
  EXPECT_EQ(screen.out(), "a\nb\n");
}

TEST(TerminalView, NoControlCharacterOfTheModelReachesTheTerminal) {
  const std::string evil =
      "x\x1b[2J\x07\r\x7f\xC2\x9B"
      "31m\xff<b\x1b>";
  for (const bool tty : {false, true}) {
    for (const char* mode : {"instant", "contemplating"}) {
      Screen screen({.tty = false, .out_tty = tty});
      show(screen, mode, {evil + "<|eot|>"});
      EXPECT_EQ(num_controls(screen.out() + screen.err()), 0) << mode;
    }
  }
  Screen marks({});
  show(marks, "thinking", {"\x1b[31mred<|loc_01|><|loc_02|>" + kToAnswer + "2<|eot|>"});
  EXPECT_EQ(num_controls(marks.err()), 0);
  EXPECT_NE(marks.err().find("[point  [31mred at 15, 25]"), std::string::npos) << marks.err();
  Screen second({});
  show(second, "thinking", {"picture 2: red<|loc_01|><|loc_02|>" + kToAnswer + "2<|eot|>"});
  EXPECT_NE(second.err().find("[point red at 15, 25 of picture 2]"), std::string::npos) << second.err();
}

TEST(TerminalView, LanesOfSeveralAgentsKeepTheirLines) {
  Screen screen({.tty = true, .width = 40, .height = 6});
  std::string wide;
  for (int i = 0; i < 40; ++i) wide += "\xE4\xBD\xA0";
  show(screen, "contemplating",
       {wide + kToAnswer + "7<|eot|>", "12" + kToAnswer + "7<|eot|>", "1" + kToAnswer + "7<|eot|>"});
  const std::string err = screen.err();
  EXPECT_EQ(valid_utf8(err), err);
  EXPECT_NE(err.find("\x1b[3A"), std::string::npos);  // two lanes of three agents fit, and the votes
  EXPECT_NE(err.find("+1 agents   7: 2"), std::string::npos) << err;
  EXPECT_NE(err.find("vote "), std::string::npos);
  EXPECT_EQ(err.find("agent 2   "), std::string::npos);
  // Nothing is drawn over the decision, which is the last line.
  EXPECT_EQ(err.substr(err.find("vote ")).find("\x1b[3A"), std::string::npos);
  EXPECT_EQ(screen.out(), "7\n");
}

TEST(TerminalView, PlainLanesAreALineEach) {
  Screen screen({});
  show(screen, "contemplating", {"12" + kToAnswer + "7<|eot|>", "1" + kToAnswer + "7<|eot|>"});
  EXPECT_NE(screen.err().find("agent 0: -> 7 ("), std::string::npos) << screen.err();
  EXPECT_NE(screen.err().find("agent 1: -> 7 ("), std::string::npos);
  EXPECT_EQ(num_controls(screen.err()), 0);
}

TEST(TerminalView, ForeignEventsNeverBreakIt) {
  Screen screen({.tty = true, .out_tty = true});
  const std::vector<Json> datas = {Json::object(),
                                   {{"text", 7}, {"channel", Json::array()}},
                                   {{"counts", {{"a", "b"}}}},
                                   {{"mode", "contemplating"}, {"agents", 1e300}},
                                   {{"mode", 3}, {"agents", "many"}},
                                   {{"at", {"x", 1}}, {"channel", "reasoning"}},
                                   {{"answer", {1}}, {"rule", nullptr}}};
  for (const Json& start : datas) {
    screen.view.put({0, -1, "run.started", 0, start});
    for (const char* kind : {"agent.delta", "mark.added", "agent.closed", "agent.finished", "agent.killed",
                             "vote.updated", "decision", "meter", "run.completed", "run.failed", "unknown"})
      for (const Json& data : datas)
        for (const int32_t agent : {-1, 0, 255, 1 << 30}) screen.view.put({1, agent, kind, 1, data});
  }
  EXPECT_FALSE(screen.err().empty());
}

}  // namespace
}  // namespace melete
