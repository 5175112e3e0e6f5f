#include "agent/event_log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "agent/scripted_run.h"
#include "base/file.h"

namespace melete {
namespace {

std::string log_of_two_runs() {
  ScriptedRun scripted;
  std::string text;
  for (const char* answer : {"gr\xC3\xBC\xC3\x9F<|eot|>", "{\"x\":[1,\"\\n\"]}\n\t<|eot|>"}) {
    scripted.log = EventLog({&scripted.kept});
    scripted.engine.write(answer);
    EXPECT_TRUE(scripted.run("instant").ok());
  }
  for (const Event& event : scripted.kept.events) text += to_line(event);
  return text;
}

TEST(EventLog, CutAtAnyByteIsAValidPrefix) {
  const std::string text = log_of_two_runs();
  const auto whole = parse_events(text, "log");
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  std::string again;
  for (const Event& event : *whole) again += to_line(event);
  EXPECT_EQ(again, text);
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    const auto part = parse_events(std::string_view(text).substr(0, cut), "log");
    ASSERT_TRUE(part.ok()) << cut << ": " << part.error().message;
    const auto lines = std::count(text.begin(), text.begin() + static_cast<int64_t>(cut), '\n');
    ASSERT_EQ(static_cast<int64_t>(part->size()), lines);
    if (lines > 0) {
      ASSERT_EQ(to_line(part->back()), to_line((*whole)[part->size() - 1]));
    }
  }
}

TEST(EventLog, HostileLinesAreErrors) {
  const auto line = [](const std::string& fields) { return "{" + fields + "}"; };
  const std::string good = R"("seq":0,"agent":-1,"kind":"x","token":0,"data":{})";
  EXPECT_TRUE(parse_event(line(good), "log").ok());
  for (const std::string& bad :
       {std::string(), std::string("[]"), std::string("null"), std::string("7"), line(""),
        std::string("\xff{}"), line(R"("seq":-1,"agent":-1,"kind":"x","token":0,"data":{})"),
        line(R"("seq":18446744073709551615,"agent":-1,"kind":"x","token":0,"data":{})"),
        line(R"("seq":0.5,"agent":-1,"kind":"x","token":0,"data":{})"),
        line(R"("seq":0,"agent":4294967296,"kind":"x","token":0,"data":{})"),
        line(R"("seq":0,"agent":-2,"kind":"x","token":0,"data":{})"),
        line(R"("seq":0,"agent":0,"kind":7,"token":0,"data":{})"),
        line(R"("seq":0,"agent":0,"kind":"x","token":-5,"data":{})"),
        line(R"("seq":0,"agent":0,"kind":"x","token":0,"data":[1]})"),
        line(R"("seq":0,"agent":0,"kind":"x","token":0)"), std::string(1 << 20, '[')}) {
    const auto event = parse_event(bad, "log");
    ASSERT_FALSE(event.ok()) << bad;
    EXPECT_EQ(event.error().kind, ErrorKind::corrupt);
    EXPECT_LT(event.error().message.size(), 400u);
  }
}

TEST(EventLog, LostLinesAreNoticed) {
  const std::string text = log_of_two_runs();
  const size_t second = text.find('\n') + 1;
  const std::string lost = text.substr(0, second) + text.substr(text.find('\n', second) + 1);
  const auto events = parse_events(lost, "log");
  ASSERT_FALSE(events.ok());
  EXPECT_NE(events.error().message.find("[log:2] seq must be 1"), std::string::npos)
      << events.error().message;
}

TEST(EventFile, WritesLinesAndTellsWhenItCouldNot) {
  const auto folder = std::filesystem::temp_directory_path() / cat("melete_events_", ::getpid());
  {
    const auto file = EventFile::create(folder / "new/run.jsonl");
    ASSERT_TRUE(file.ok()) << file.error().message;
    EventLog log({file->get()});
    log.put(-1, "run.started", 0, {{"mode", "instant"}});
    log.put(0, "agent.delta", 1, {{"text", "\xff"}});
    EXPECT_TRUE((*file)->ok());
  }
  const auto events = parse_events(*read_file(folder / "new/run.jsonl"), "log");
  ASSERT_TRUE(events.ok());
  ASSERT_EQ(events->size(), 2u);
  EXPECT_EQ((*events)[1].data["text"], "\xEF\xBF\xBD");
  std::filesystem::remove_all(folder);
  EXPECT_FALSE(EventFile::create("/proc/none/run.jsonl").ok());
  const auto full = EventFile::create("/dev/full");
  ASSERT_TRUE(full.ok());
  (*full)->put({0, -1, "run.started", 0, Json::object()});
  EXPECT_FALSE((*full)->ok());
}

}  // namespace
}  // namespace melete
