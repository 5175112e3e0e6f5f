// Beeps, made here without any program: how many, short or long, higher or lower than the one before, which
// is highest.
//
// Levels: up to three equal beeps; up to four, short and long; five pitches and timbres; small steps in loud
// noise. Pitches are distinct steps of a scale in a random order, so "higher" and "lower" are equally likely.
// Hold-out: the timbre "organ". A clip is 0.6 to 3 s at 24 kHz.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

#include "task/spoken.h"

namespace melete {
namespace {

struct Level {
  const char* name;
  int64_t max_beeps;
  bool varied;         // each beep has its own length and pitch
  double semitones;    // least distance of two pitches
  size_t num_timbres;  // of kTimbres
  double min_snr_db, max_snr_db;
};
constexpr std::array<Level, 4> kLevels = {{{"up to three equal beeps", 3, false, 5, 2, 25, 40},
                                           {"up to four beeps, short and long", 4, true, 5, 2, 20, 40},
                                           {"up to five beeps, more timbres", 5, true, 4, 4, 15, 40},
                                           {"up to six beeps, small steps, noise", 6, true, 2, 4, 0, 30}}};

// Strengths of the harmonics 1, 2, 3, ...
struct Timbre {
  const char* name;
  std::array<double, 5> harmonics;
};
constexpr std::array<Timbre, 4> kTimbres = {{{"sine", {1, 0, 0, 0, 0}},
                                             {"soft", {1, 0.3, 0.1, 0, 0}},
                                             {"square", {1, 0, 0.33, 0, 0.2}},
                                             {"bright", {1, 0.7, 0.5, 0.35, 0.25}}}};
constexpr Timbre kHeldOutTimbre = {"organ", {1, 0.8, 0, 0.6, 0}};
constexpr double kHoldOutShare = 0.02, kMinLength_s = 0.6, kRamp_s = 0.008;

struct Beep {
  int64_t pitch_hz = 0, begin_ms = 0, length_ms = 0;
  bool is_long = false;
};

struct Clip {
  std::vector<Beep> beeps;
  Timbre timbre = kTimbres[0];
  bool varied = false;
  int64_t length_ms = 0;

  std::string spec() const {
    std::string text = cat("tones|", timbre.name);
    for (const Beep& beep : beeps) text += cat('|', beep.pitch_hz, ',', beep.begin_ms, ',', beep.length_ms);
    return text;
  }
  // Place, from 1, of the beep with the highest pitch.
  int64_t highest() const {
    const auto lower = [](const Beep& a, const Beep& b) { return a.pitch_hz < b.pitch_hz; };
    return std::max_element(beeps.begin(), beeps.end(), lower) - beeps.begin() + 1;
  }
  bool rises() const { return beeps.back().pitch_hz > beeps.front().pitch_hz; }
};

Clip draw_clip(Random& random, const Level& level) {
  Clip clip;
  clip.varied = level.varied;
  if (random.chance(kHoldOutShare)) {
    clip.timbre = kHeldOutTimbre;
  } else {
    clip.timbre =
        kTimbres[static_cast<size_t>(random.integer(0, static_cast<int64_t>(level.num_timbres) - 1))];
  }
  const int64_t count = random.integer(1, level.max_beeps);
  std::vector<int> steps(static_cast<size_t>(level.max_beeps));
  std::iota(steps.begin(), steps.end(), 0);
  random.shuffle(steps);
  const double base_hz = random.uniform(250.0, 500.0);
  const bool all_long = random.chance(0.5);
  int64_t at_ms = random.integer(0, 150);
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    Beep beep;
    const double semitones = level.semitones * steps[level.varied ? i : 0];
    beep.pitch_hz = std::llround(base_hz * std::pow(2.0, semitones / 12.0));
    beep.is_long = level.varied ? random.chance(0.5) : all_long;
    beep.length_ms = beep.is_long ? random.integer(240, 320) : random.integer(70, 110);
    beep.begin_ms = at_ms;
    at_ms += beep.length_ms + random.integer(90, 150);
    clip.beeps.push_back(beep);
  }
  clip.length_ms = std::max<int64_t>(at_ms, static_cast<int64_t>(kMinLength_s * 1000));
  return clip;
}

Audio render(Random& random, const Clip& clip, const Level& level) {
  Audio audio;
  const int64_t per_ms = audio.rate_hz / 1000;
  audio.samples.assign(static_cast<size_t>(clip.length_ms * per_ms), 0.0f);
  const double strength = std::accumulate(clip.timbre.harmonics.begin(), clip.timbre.harmonics.end(), 0.0);
  const double gain = random.uniform(0.2, 0.8) / strength;
  for (const Beep& beep : clip.beeps) {
    const auto length = static_cast<size_t>(beep.length_ms * per_ms),
               begin = static_cast<size_t>(beep.begin_ms * per_ms);
    const double ramp = kRamp_s * static_cast<double>(audio.rate_hz);
    for (size_t i = 0; i < length; ++i) {
      const double phase = 2.0 * std::numbers::pi * static_cast<double>(beep.pitch_hz) *
                           static_cast<double>(i) / static_cast<double>(audio.rate_hz);
      double value = 0.0;
      for (size_t h = 0; h < clip.timbre.harmonics.size(); ++h)
        if (clip.timbre.harmonics[h] > 0.0)
          value += clip.timbre.harmonics[h] * std::sin(static_cast<double>(h + 1) * phase);
      const double edge =
          std::min({1.0, static_cast<double>(i) / ramp, static_cast<double>(length - i) / ramp});
      audio.samples[begin + i] = static_cast<float>(gain * edge * value);
    }
  }
  add_noise(random, random.uniform(level.min_snr_db, level.max_snr_db), audio);
  return audio;
}

// "1 short, 2 long up": lengths always, pitches against the beep before where they differ.
std::string heard(const Clip& clip) {
  std::string text;
  for (size_t i = 0; i < clip.beeps.size(); ++i) {
    const Beep& beep = clip.beeps[i];
    text += cat(i ? ", " : "", i + 1, beep.is_long ? " long" : " short");
    if (clip.varied && i > 0) text += beep.pitch_hz > clip.beeps[i - 1].pitch_hz ? " up" : " down";
  }
  return text;
}

using Texts = std::vector<std::string>;
enum class Kind { count, length, count_long, direction, highest };

Question make_question(Random& random, const Clip& clip, Kind kind) {
  const std::string beeps = heard(clip), full = cat("I hear: ", beeps, '.');
  const auto ask = [&](const Texts& texts, const std::string& gold, const std::string& terse,
                       const std::string& result, const char* name) {
    return Question{
        random.pick(texts),
        gold,
        {"", terse, cat(full, ' ', result), cat(full, ' ', result, " Beeps: ", clip.beeps.size(), '.')},
        {},
        name};
  };
  switch (kind) {
    case Kind::count:
      return ask({"How many beeps are there?", "How many beeps do you hear?", "Count the beeps."},
                 cat(clip.beeps.size()), beeps, cat("Count: ", clip.beeps.size(), '.'), "count");
    case Kind::length: {
      const std::string gold = clip.beeps.back().is_long ? "long" : "short";
      return ask({"Is the last beep short or long?", "Last beep: short or long?"}, gold, beeps,
                 cat("Last: ", gold, '.'), "length");
    }
    case Kind::count_long: {
      const auto count =
          std::count_if(clip.beeps.begin(), clip.beeps.end(), [](const Beep& beep) { return beep.is_long; });
      return ask({"How many beeps are long?", "Count the long beeps."}, cat(count), beeps,
                 cat("Long: ", count, '.'), "count long");
    }
    case Kind::direction: {
      const std::string gold = clip.rises() ? "higher" : "lower";
      return ask(
          {"Is the last beep higher or lower than the first?", "Last beep: higher or lower than the first?"},
          gold, beeps, cat("Last against first: ", gold, '.'), "direction");
    }
    case Kind::highest: break;
  }
  return ask({"Which beep is the highest? Give its number.", "What is the number of the highest beep?"},
             cat(clip.highest()), beeps, cat("Highest: ", clip.highest(), '.'), "highest");
}

// Kinds of which none gives another away. The number of beeps bounds how many are long and which is highest;
// the last beep's length bounds how many are long; the highest beep's place tells whether the last beep is
// higher. Only clips of several beeps have a direction, so it follows any count.
std::vector<Kind> independent_kinds(Random& random, const Clip& clip) {
  std::vector<std::vector<Kind>> groups = {{Kind::count, Kind::length}, {Kind::length, Kind::count}};
  if (clip.varied && clip.beeps.size() == 1) groups.push_back({Kind::count_long});
  if (clip.varied && clip.beeps.size() > 1)
    groups = {{Kind::count, Kind::length, Kind::direction},
              {Kind::length, Kind::count, Kind::direction},
              {Kind::count_long, Kind::direction},
              {Kind::direction, Kind::length},
              {Kind::highest, Kind::length},
              {Kind::length, Kind::highest}};
  return random.pick(groups);
}

class Tones final : public Task {
 public:
  TaskInfo info() const override {
    return with_levels({"tones", "count and compare beeps", "audio"}, kLevels);
  }

  Episode make(uint64_t seed, int level, int num_questions) const override {
    MELETE_CHECK(level >= 0 && level < std::ssize(kLevels) && num_questions >= 1, "level=", level);
    Random random(seed, stable_hash("tones") + static_cast<uint64_t>(level));
    const Level& chosen = kLevels[static_cast<size_t>(level)];
    const Clip clip = draw_clip(random, chosen);
    Episode episode;
    episode.context.emplace_back(render(random, clip, chosen));
    for (const Kind kind : independent_kinds(random, clip))
      if (std::ssize(episode.questions) < num_questions)
        episode.questions.push_back(make_question(random, clip, kind));
    episode.transcript = heard(clip);
    episode.spec_hash = stable_hash(clip.spec());
    if (clip.timbre.name == kHeldOutTimbre.name) episode.hold_out = "timbre organ";
    return episode;
  }
};

MELETE_REGISTER_TASK("tones", Tones);

}  // namespace
}  // namespace melete
