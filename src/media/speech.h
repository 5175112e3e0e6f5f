// Speech from the espeak-ng program, at 24 kHz mono, with silence cut off at both ends.
//
// A clip is a pure function of (text, voice, speed, pitch) and espeak-ng's version. Since it takes about ten
// milliseconds to make, clips are kept in a folder (16-bit samples, checked when read, written by rename, so
// any number of processes may share it) and, up to a limit, in memory. Neither cache changes a sample.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/result.h"
#include "media/media.h"

namespace melete {

// Of a text that is said: some minutes of sound.
inline constexpr size_t kMaxSpokenBytes = 3000;

struct Utterance {
  std::string text;  // plain words; markup is read out as text
  // An espeak-ng voice with an optional variant: "en-us+f3". British is "en": espeak-ng 1.51 ignores any
  // variant of "en-gb", as it does variants that it doesn't know.
  std::string voice = "en-us";
  int words_per_minute = 160;  // 80 .. 450
  int pitch = 50;              // 0 .. 99
};

// The canonical spelling of an utterance, for spec hashes: "four zero seven|en-us+m3|160|50".
std::string describe(const Utterance& utterance);

class Speech {
 public:
  // An empty folder: nothing is kept on disk. `program` is looked up in PATH when first needed.
  explicit Speech(std::filesystem::path cache_folder, std::string program = "espeak-ng");

  // The one of this process: its folder is the environment's MELETE_SPEECH_CACHE ("" for none), else
  // $XDG_CACHE_HOME/melete/speech, else ~/.cache/melete/speech.
  static Speech& shared();

  // Empty if clips can be made, else what is missing and what to do about it. Runs the program once.
  std::string problem();

  // The clip; thread-safe. Errors: invalid_argument (speed, pitch, voice or text that espeak-ng can't say),
  // unavailable (no espeak-ng), timeout.
  Result<std::shared_ptr<const Audio>> say(const Utterance& utterance);

 private:
  Result<std::string> version();
  std::filesystem::path cache_path(const std::string& key) const;
  void remember(const std::string& key, const std::shared_ptr<const Audio>& clip);

  const std::filesystem::path cache_folder_;
  const std::string program_;
  std::mutex mutex_;     // guards what follows
  std::string version_;  // empty until asked for
  std::unordered_map<std::string, std::shared_ptr<const Audio>> memory_;
  size_t memory_samples_ = 0;
};

}  // namespace melete
