#include "task/spoken.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace melete {
namespace {

using Names = std::vector<const char*>;

const Names kAccents = {"en-us", "en"};
const Names kVariants = {"m1", "m2", "m3", "m4", "m5", "f1", "f2", "f3"};
const Names kMoreAccents = {"en-us", "en", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029"};
const Names kMoreVariants = {"m1", "m2", "m3", "m4", "m5", "m7", "m8", "f1", "f2", "f3", "f5"};
const Names kHeldOutVoices = {"f4", "m6"};

constexpr int kMinPitch = 25, kMaxPitch = 75;
constexpr double kMaxSpeedChange = 0.06, kMaxLead_s = 0.2, kMaxTail_s = 0.1, kMinLength_s = 0.6;

Utterance draw_style(Random& random, const SpokenRange& range, const char* variant) {
  const char* accent = random.pick(range.all_voices ? kMoreAccents : kAccents);
  const int64_t speed = random.integer(range.min_words_per_minute, range.max_words_per_minute);
  const int64_t pitch = random.integer(kMinPitch, kMaxPitch);
  return {"", cat(accent, '+', variant), static_cast<int>(speed), static_cast<int>(pitch)};
}

Utterance draw_style(Random& random, const SpokenRange& range) {
  return draw_style(random, range, random.pick(range.all_voices ? kMoreVariants : kVariants));
}

// The k-th style in which training hears this text.
Utterance pool_style(const SpokenRange& range, const std::string& text, int64_t k) {
  Random random(stable_hash(text), stable_hash("style pool") + static_cast<uint64_t>(k));
  return draw_style(random, range);
}

Split split_of_hash(uint64_t hash) {
  Episode episode;
  episode.spec_hash = hash;
  return split_of(episode);
}

std::vector<float> stretched(const std::vector<float>& samples, double factor) {
  std::vector<float> out(static_cast<size_t>(static_cast<double>(samples.size() - 1) / factor) + 1);
  for (size_t i = 0; i < out.size(); ++i) {
    const double at = static_cast<double>(i) * factor;
    const auto left = static_cast<size_t>(at);
    const auto right = std::min(left + 1, samples.size() - 1);
    const auto share = static_cast<float>(at - static_cast<double>(left));
    out[i] = samples[left] + share * (samples[right] - samples[left]);
  }
  return out;
}

// Root mean square of what isn't silence.
double loudness(const std::vector<float>& samples) {
  double sum = 0.0;
  int64_t count = 0;
  for (const float sample : samples) {
    if (std::fabs(sample) < 1e-3f) continue;
    sum += static_cast<double>(sample) * sample;
    ++count;
  }
  return count == 0 ? 0.0 : std::sqrt(sum / static_cast<double>(count));
}

}  // namespace

SpokenClip draw_clip(Random& random, const SpokenRange& range,
                     const std::function<SpokenText(Random&)>& draw_text) {
  const int64_t slot = random.integer(0, 99);
  if (slot < 2) {
    const char* variant = random.pick(kHeldOutVoices);
    SpokenClip clip{draw_style(random, range, variant), cat("voice ", variant)};
    clip.utterance.text = draw_text(random).words;
    return clip;
  }
  const Split wanted = slot == 2 ? Split::test : slot == 3 ? Split::dev : Split::train;
  while (
      true) {  // one spec in a hundred is dev's or test's, so this ends after hundreds of cheap draws at most
    const SpokenText text = draw_text(random);
    SpokenClip clip{wanted == Split::train
                        ? pool_style(range, text.words, random.integer(0, text.num_styles - 1))
                        : draw_style(random, range),
                    ""};
    clip.utterance.text = text.words;
    if (split_of(clip) == wanted) return clip;
  }
}

Split split_of(const SpokenClip& clip) {
  return clip.hold_out.empty() ? split_of_hash(clip.spec_hash()) : Split::hold_out;
}

Audio record(Random& random, const SpokenRange& range, const SpokenClip& clip) {
  const auto said = Speech::shared().say(clip.utterance);
  MELETE_CHECK(said.ok(), said.ok() ? "" : said.error().message);
  const std::vector<float> voice =
      stretched((*said)->samples, 1.0 + random.uniform(-kMaxSpeedChange, kMaxSpeedChange));
  Audio audio;
  const double rate = static_cast<double>(audio.rate_hz);
  const auto lead = static_cast<size_t>(random.uniform(0.0, kMaxLead_s) * rate);
  const auto tail = static_cast<size_t>(random.uniform(0.0, kMaxTail_s) * rate);
  audio.samples.assign(std::max(lead + voice.size() + tail, static_cast<size_t>(kMinLength_s * rate)), 0.0f);
  const float peak = std::fabs(*std::max_element(
      voice.begin(), voice.end(), [](float a, float b) { return std::fabs(a) < std::fabs(b); }));
  const auto gain = static_cast<float>(random.uniform(0.25, 0.9)) / peak;
  std::transform(voice.begin(), voice.end(), audio.samples.begin() + static_cast<std::ptrdiff_t>(lead),
                 [gain](float sample) { return gain * sample; });
  add_noise(random, random.uniform(range.min_snr_db, range.max_snr_db), audio);
  return audio;
}

void fill_in(Random& random, const SpokenRange& range, const SpokenClip& clip, Episode& episode) {
  episode.context.emplace_back(record(random, range, clip));
  episode.transcript = clip.utterance.text;
  episode.spec_hash = clip.spec_hash();
  episode.hold_out = clip.hold_out;
}

void add_noise(Random& random, double snr_db, Audio& audio) {
  const double smoothing = random.uniform(0.0, 0.9);  // 0: white, towards 1: brown
  // Four 16-bit uniforms add up to something normal enough, at a tenth of the price; a uniform's variance is
  // 1/12.
  const double scale = std::sqrt(12.0 / 4.0) * std::sqrt(1.0 - smoothing * smoothing);
  const double level = loudness(audio.samples) * std::pow(10.0, -snr_db / 20.0);
  double state = 0.0;
  for (float& sample : audio.samples) {
    const uint64_t bits = random.next_u64();
    const auto sum =
        static_cast<double>((bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48)) /
        65536.0;
    state = smoothing * state + scale * (sum - 2.0);
    sample = std::clamp(sample + static_cast<float>(level * state), -1.0f, 1.0f);
  }
}

}  // namespace melete
