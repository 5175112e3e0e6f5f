// What spoken tasks share: which voices say a text, which clips belong to which split, and what a room adds
// to them.
//
// A clip's spec is its utterance (text, voice, speed, pitch). Clean clips cost milliseconds, so training
// draws them from a pool: each text has a number of styles, and the pool is made once (media/speech.h
// keeps it). Dev and test clips come from the whole space of styles. The split is the hash of the spec, so no
// clip is in two of them. Speed, loudness, lead-in and noise are drawn anew for every seed and change no
// fact.
#pragma once

#include <functional>
#include <string>

#include "base/random.h"
#include "media/speech.h"
#include "task/task.h"

namespace melete {

struct SpokenRange {
  int min_words_per_minute = 130, max_words_per_minute = 210;
  bool all_voices = false;                      // else American and British voices without effects
  double min_snr_db = 25.0, max_snr_db = 40.0;  // of white to brown noise
};

struct SpokenText {
  std::string words;
  int64_t num_styles = 8;  // in which training hears it; texts that are drawn more often deserve more
};

struct SpokenClip {
  Utterance utterance;
  std::string hold_out;  // "voice f4" for a held-out voice, else empty
  uint64_t spec_hash() const { return stable_hash(describe(utterance)); }
};

// Draws a text and a style; about 1 % of clips each fall to dev and test, 2 % to held-out voices. The last
// text that draw_text returned is the clip's.
SpokenClip draw_clip(Random& random, const SpokenRange& range,
                     const std::function<SpokenText(Random&)>& draw_text);

// The split of an episode about this clip.
Split split_of(const SpokenClip& clip);

// Sets what every spoken task tells about its clip: the sound as recorded, transcript, spec and hold-out.
void fill_in(Random& random, const SpokenRange& range, const SpokenClip& clip, Episode& episode);

// The clip as heard: said, then speed by up to 6 %, loudness, silence of 0 to 0.2 s before and 0.1 s after,
// noise. CHECKs that espeak-ng works: callers ask Task::problem() first.
Audio record(Random& random, const SpokenRange& range, const SpokenClip& clip);

// White to brown noise over the whole sound, `snr_db` below its root mean square where it isn't silent.
void add_noise(Random& random, double snr_db, Audio& audio);

}  // namespace melete
