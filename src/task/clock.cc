// An analogue clock: what time it shows, its parts, and the time some minutes later.
//
// Levels go from full and half hours to any minute without numerals. A trace points at the tips of both hands
// and gives the hour that the short one has passed and the minutes of the long one. Hold-out "times": 5:30 to
// 5:59 and 9:00 to 9:29.
#include <cmath>
#include <numbers>

#include "task/scene_task.h"

namespace melete {
namespace {

constexpr double kSide = 168;
constexpr Frame kFrame{kSide, kSide};

struct Rules {
  const char* name;
  int minute_step;
  bool varied;  // place, size, tints, noise and missing numerals
};
constexpr std::array<Rules, 5> kLevels = {{{"full and half hours", 30, false},
                                           {"quarter hours", 15, false},
                                           {"five minutes", 5, false},
                                           {"any minute", 1, false},
                                           {"any minute, few numerals, noise", 1, true}}};

constexpr std::array<Color, 4> kHourColors = {{{25, 25, 30}, {30, 70, 190}, {110, 40, 140}, {120, 70, 20}}};
constexpr std::array<Color, 4> kMinuteColors = {{{25, 25, 30}, {205, 30, 35}, {20, 130, 60}, {220, 110, 0}}};

bool is_held(int hour, int minute) { return (hour == 5 && minute >= 30) || (hour == 9 && minute < 30); }

std::string time_text(int hour, int minute) { return cat(hour, minute < 10 ? ":0" : ":", minute); }

struct Spec {
  int hour = 12, minute = 0;  // hour 1..12
  int x = 84, y = 84, radius = 76;
  int hour_color = 0, minute_color = 0, font = 0;
  int numeral_step = 1;  // every hour, every third, or 12: ticks alone
  Color ground = kWhite, face = kWhite;
  uint64_t noise_seed = 0;  // 0: none
  std::string hold_out;

  std::string canonical() const {
    return cat(time_text(hour, minute), " ", x, " ", y, " ", radius, " ", hour_color, " ", minute_color, " ",
               font, " ", numeral_step, " ", int{ground.red}, int{face.red});
  }
  Point at(double turn, double length) const {  // turn: of the whole circle, from 12 o'clock
    const double angle = turn * 2 * std::numbers::pi;
    return {x + radius * length * std::sin(angle), y - radius * length * std::cos(angle)};
  }
  Point hour_tip() const { return at((hour % 12 + minute / 60.0) / 12, 0.42); }
  Point minute_tip() const { return at(minute / 60.0, 0.66); }
};

class Clock final : public SceneTask<Spec> {
 public:
  TaskInfo info() const override {
    return with_levels({"clock", "read an analogue clock", "vision"}, kLevels);
  }

 protected:
  Spec draw_spec(uint64_t seed, int level) const override {
    const Rules& rules = kLevels[static_cast<size_t>(level)];
    Random random = task_random("clock", seed, level, Stream::spec);
    Spec spec;
    const bool held_out = random.chance(kHoldOutShare);
    do {
      spec.hour = static_cast<int>(random.integer(1, 12));
      spec.minute = static_cast<int>(random.integer(0, 59)) / rules.minute_step * rules.minute_step;
    } while (is_held(spec.hour, spec.minute) != held_out);
    if (held_out) spec.hold_out = "times";
    const int smaller = rules.varied ? 26 : 10;
    spec.radius -= static_cast<int>(random.integer(0, smaller));
    const int room = 80 - spec.radius;
    spec.x += static_cast<int>(random.integer(-room, room));
    spec.y += static_cast<int>(random.integer(-room, room));
    spec.hour_color = static_cast<int>(random.integer(0, 3));
    spec.minute_color = static_cast<int>(random.integer(0, 3));
    spec.font = draw_font(random, false, !rules.varied);
    spec.ground = random.pick(kTints);
    if (!rules.varied) return spec;
    spec.face = random.pick(kTints);
    spec.numeral_step = random.chance(0.5) ? 3 : 12;
    spec.noise_seed = random.next_u64() | 1;
    return spec;
  }

  Part draw(const Spec& spec) const override {
    Canvas canvas(static_cast<int64_t>(kSide), static_cast<int64_t>(kSide), spec.ground);
    const Point center{static_cast<double>(spec.x), static_cast<double>(spec.y)};
    canvas.fill_circle(center, spec.radius, spec.face);
    canvas.stroke_circle(center, spec.radius, 2.5, kInk);
    for (int hour = 1; hour <= 12; ++hour) {
      canvas.stroke_line(spec.at(hour / 12.0, 0.92), spec.at(hour / 12.0, 0.97), hour % 3 ? 1.5 : 2.5, kInk);
      if (hour % spec.numeral_step || spec.numeral_step == 12) continue;
      const Font font{kFontFamilies[static_cast<size_t>(spec.font)], spec.radius * 0.2, true, false};
      canvas.draw_text(std::to_string(hour), font, spec.at(hour / 12.0, 0.77), kInk);
    }
    canvas.stroke_line(center, spec.hour_tip(), 6.5, kHourColors[static_cast<size_t>(spec.hour_color)]);
    canvas.stroke_line(center, spec.minute_tip(), 3, kMinuteColors[static_cast<size_t>(spec.minute_color)]);
    canvas.fill_circle(center, 4.5, kInk);
    if (spec.noise_seed) canvas.add_noise(spec.noise_seed, 16);
    return canvas.image();
  }

  std::string transcribe(const Spec& spec) const override {
    return cat("short hand", kFrame.loc(spec.hour_tip()), " ", spec.hour, " long hand",
               kFrame.loc(spec.minute_tip()), " ", spec.minute);
  }

  std::optional<Question> ask(const Spec& spec, int level, Random& random) const override {
    static const std::vector<std::string> kTimeTexts = {"What time is it?", "What time does the clock show?",
                                                        "Read the clock."};
    const bool few_minutes = level == 0;  // 0 and 30 alone: asking for them would ask for a coin's side
    switch (random.integer(0, 5)) {
      case 0:
      case 1: return asked(spec, "time", random.pick(kTimeTexts), time_text(spec.hour, spec.minute), "");
      case 2: return asked(spec, "hour", "Which hour is it, from 1 to 12?", std::to_string(spec.hour), "");
      case 3:
        if (few_minutes) return std::nullopt;
        return asked(spec, "minute", "How many minutes past the hour is it?", std::to_string(spec.minute),
                     "");
      case 4: {
        if (few_minutes || spec.minute % 5) return std::nullopt;
        const int number = spec.minute == 0 ? 12 : spec.minute / 5;
        return asked(spec, "points", "Which number does the long hand point at?", std::to_string(number),
                     spec.minute ? cat(spec.minute, " / 5 = ", number) : "0 minutes is 12");
      }
      default: return later(spec, level, random);
    }
  }

 private:
  static std::optional<Question> later(const Spec& spec, int level, Random& random) {
    const int step = kLevels[static_cast<size_t>(level)].minute_step;
    const int added = level == 0 || random.chance(0.3)
                          ? 60
                          : static_cast<int>(random.integer(1, 55 / std::max(step, 5))) * std::max(step, 5);
    const int total = (spec.hour % 12 * 60 + spec.minute + added) % 720;
    const int hour = total / 60 == 0 ? 12 : total / 60;
    const std::string after = time_text(hour, total % 60);
    const std::string text = added == 60 ? "What time will it be in one hour?"
                                         : cat("What time will it be in ", added, " minutes?");
    std::string sum = cat(spec.minute, " + ", added, " = ", spec.minute + added);
    if (added == 60) {
      sum = cat(spec.hour, " + 1 = ", spec.hour + 1, spec.hour == 12 ? ", 13 - 12 = 1" : "");
    } else if (spec.minute + added >= 60) {
      sum += cat(", ", spec.minute + added, " - 60 = ", total % 60);
    }
    return asked(spec, "later", text, after, sum);
  }

  // `step`: what follows from the reading, or empty.
  static Question asked(const Spec& spec, std::string kind, std::string text, std::string gold,
                        const std::string& step) {
    Question q;
    q.text = std::move(text);
    q.gold = std::move(gold);
    q.kind = std::move(kind);
    q.asks = {"time"};  // every answer is a part of it
    q.marks = {kFrame.point("short hand", spec.hour_tip()), kFrame.point("long hand", spec.minute_tip())};
    const std::string hour_tip = kFrame.loc(spec.hour_tip()), minute_tip = kFrame.loc(spec.minute_tip());
    const int next = spec.hour % 12 + 1;
    const std::string now = time_text(spec.hour, spec.minute), then = step.empty() ? "" : " " + step + ".";
    const std::string where = spec.minute ? cat("between ", spec.hour, " and ", next) : cat("at ", spec.hour);
    const std::string full =
        cat("The short hand", hour_tip, " is ", where, ": hour ", spec.hour, ". The long hand", minute_tip,
            " says ", spec.minute, " minutes. It is ", now, ".", then, " So ", q.gold, ".");
    const std::string reading = cat("short", hour_tip, " ", spec.hour, " long", minute_tip, " ", spec.minute);
    q.traces = {"", cat(reading, step.empty() ? " = " : ", " + step + ", so ", q.gold), full,
                cat(full, " Check: the short hand is ", spec.minute, "/60 of the way from ", spec.hour,
                    " to ", next, ".")};
    return q;
  }
};

MELETE_REGISTER_TASK("clock", Clock);

}  // namespace
}  // namespace melete
