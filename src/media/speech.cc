#include "media/speech.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "base/random.h"
#include "media/resample.h"

namespace melete {
namespace {

constexpr uint64_t kMaxClipBytes = uint64_t{64} << 20;
constexpr size_t kMaxMemorySamples = size_t{16} << 20;  // 64 MiB of floats
constexpr float kSilence = 0.004f;  // espeak-ng's pauses are exact zeros, its onsets are soft
constexpr double kKeptSilence_s = 0.01;
constexpr std::string_view kMagic = "MELSP01\n";

Error bad_utterance(const Utterance& utterance, std::string_view must, std::string_view details = "") {
  return invalid_argument("[speech] ", must, ", got ", describe(utterance), details.empty() ? "" : ": ",
                          details, "; change the text, voice, speed or pitch");
}

uint32_t little_endian(std::string_view bytes, size_t at, int count) {
  uint32_t value = 0;
  for (int i = count - 1; i >= 0; --i)
    value = value << 8 | static_cast<uint8_t>(bytes[at + static_cast<size_t>(i)]);
  return value;
}

std::vector<float> samples_of(std::string_view pcm16) {
  std::vector<float> samples(pcm16.size() / 2);
  for (size_t i = 0; i < samples.size(); ++i)
    samples[i] = static_cast<float>(static_cast<int16_t>(little_endian(pcm16, 2 * i, 2))) / 32768.0f;
  return samples;
}

std::string pcm16_of(const std::vector<float>& samples) {
  std::string bytes(samples.size() * 2, '\0');
  for (size_t i = 0; i < samples.size(); ++i) {
    const auto value = static_cast<int>(std::lround(std::clamp(samples[i], -1.0f, 1.0f) * 32767.0f));
    bytes[2 * i] = static_cast<char>(value & 0xFF);
    bytes[2 * i + 1] = static_cast<char>(value >> 8 & 0xFF);
  }
  return bytes;
}

// espeak-ng streams its WAV, so the sizes in the header are placeholders: the samples are all bytes after it.
std::optional<Audio> parse_streamed_wav(std::string_view bytes) {
  constexpr size_t kHeader = 44;
  if (bytes.size() < kHeader || !bytes.starts_with("RIFF") || bytes.substr(8, 8) != "WAVEfmt " ||
      bytes.substr(36, 4) != "data" || little_endian(bytes, 20, 2) != 1 || little_endian(bytes, 22, 2) != 1 ||
      little_endian(bytes, 34, 2) != 16) {
    return std::nullopt;
  }
  const int64_t rate = little_endian(bytes, 24, 4);
  if (rate < 8000 || rate > 48000) return std::nullopt;
  return Audio{rate, samples_of(bytes.substr(kHeader))};
}

std::vector<float> trimmed(const std::vector<float>& samples) {
  const auto loud = [](float sample) { return std::fabs(sample) > kSilence; };
  const auto first = std::find_if(samples.begin(), samples.end(), loud);
  const auto last = std::find_if(samples.rbegin(), samples.rend(), loud).base();
  if (first >= last) return {};
  const auto kept = static_cast<std::ptrdiff_t>(kKeptSilence_s * kAudioRateHz);
  return {first - std::min(kept, first - samples.begin()), last + std::min(kept, samples.end() - last)};
}

// A cache file: magic, checksum of the rest (16 hex digits), the key and a newline, 16-bit samples.
std::string cache_bytes(const std::string& key, const std::string& pcm16) {
  const std::string rest = key + '\n' + pcm16;
  std::array<char, 17> checksum{};
  std::snprintf(checksum.data(), checksum.size(), "%016llx",
                static_cast<unsigned long long>(stable_hash(rest)));
  return cat(kMagic, checksum.data(), rest);
}

// The samples, or nothing if the file is of another clip, cut short or changed.
std::optional<std::string_view> cached_samples(std::string_view bytes, const std::string& key) {
  const size_t head = kMagic.size() + 16 + key.size() + 1;
  if (bytes.size() <= head || (bytes.size() - head) % 2 != 0) return std::nullopt;
  const std::string_view pcm16 = bytes.substr(head);
  if (bytes != cache_bytes(key, std::string(pcm16))) return std::nullopt;
  return pcm16;
}

std::shared_ptr<const Audio> clip_of(std::string_view pcm16) {
  return std::make_shared<const Audio>(Audio{kAudioRateHz, samples_of(pcm16)});
}

Result<std::string> synthesize(const std::string& program, const Utterance& utterance) {
  const std::vector<std::string> arguments = {program,
                                              "-v",
                                              utterance.voice,
                                              "-s",
                                              cat(utterance.words_per_minute),
                                              "-p",
                                              cat(utterance.pitch),
                                              "--stdin",
                                              "--stdout"};
  ProcessOptions options;
  options.input = utterance.text;
  options.max_output_bytes = kMaxClipBytes;
  // A sentence takes milliseconds, but on a crowded machine they may be long in coming.
  options.max_cpu = std::chrono::seconds(10);
  options.time_limit = std::chrono::minutes(2);
  MELETE_ASSIGN_OR_RETURN(const ProcessOutput output, run_process(arguments, options));
  if (output.exit_status != 0 || !output.err.empty())
    return bad_utterance(utterance, "espeak-ng must know the voice and say the text", output.err);
  const auto spoken = parse_streamed_wav(output.out);
  if (!spoken)
    return corrupt("[speech] espeak-ng must write a 16-bit mono WAV, got ", output.out.size(),
                   " other bytes; install espeak-ng 1.51 or later");
  MELETE_ASSIGN_OR_RETURN(const std::vector<float> whole, resample(*spoken));
  const std::vector<float> samples = trimmed(whole);
  if (samples.empty()) return bad_utterance(utterance, "the text must have words to say");
  return pcm16_of(samples);
}

std::filesystem::path default_cache_folder() {
  if (const char* folder = std::getenv("MELETE_SPEECH_CACHE")) return folder;
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache && *cache)
    return std::filesystem::path(cache) / "melete/speech";
  if (const char* home = std::getenv("HOME"); home && *home)
    return std::filesystem::path(home) / ".cache/melete/speech";
  return {};
}

}  // namespace

std::string describe(const Utterance& utterance) {
  return cat(utterance.text, '|', utterance.voice, '|', utterance.words_per_minute, '|', utterance.pitch);
}

Speech::Speech(std::filesystem::path cache_folder, std::string program)
    : cache_folder_(std::move(cache_folder)), program_(std::move(program)) {}

Speech& Speech::shared() {
  static Speech speech(default_cache_folder());
  return speech;
}

Result<std::string> Speech::version() {
  const std::lock_guard lock(mutex_);
  if (!version_.empty()) return version_;
  const auto output = run_process({program_, "--version"});
  if (!output.ok() || output->exit_status != 0 || output->out.empty()) {
    return unavailable("[speech] the espeak-ng program must be installed for spoken clips, got ",
                       output.ok() ? cat("exit status ", output->exit_status) : output.error().message,
                       "; install the package espeak-ng");
  }
  return version_ = output->out.substr(0, output->out.find("  "));  // the folder of its data follows
}

std::string Speech::problem() {
  const auto found = version();
  return found.ok() ? std::string() : found.error().message;
}

std::filesystem::path Speech::cache_path(const std::string& key) const {
  std::array<char, 17> name{};
  std::snprintf(name.data(), name.size(), "%016llx", static_cast<unsigned long long>(stable_hash(key)));
  return cache_folder_ / std::string(name.data(), 2) / (std::string(name.data() + 2) + ".pcm");
}

void Speech::remember(const std::string& key, const std::shared_ptr<const Audio>& clip) {
  const std::lock_guard lock(mutex_);
  if (memory_samples_ + clip->samples.size() > kMaxMemorySamples) {
    memory_.clear();
    memory_samples_ = 0;
  }
  if (memory_.emplace(key, clip).second) memory_samples_ += clip->samples.size();
}

Result<std::shared_ptr<const Audio>> Speech::say(const Utterance& utterance) {
  if (utterance.words_per_minute < 80 || utterance.words_per_minute > 450)
    return bad_utterance(utterance, "words per minute must be 80 to 450");
  if (utterance.pitch < 0 || utterance.pitch > 99) return bad_utterance(utterance, "pitch must be 0 to 99");
  if (utterance.text.empty() || utterance.text.size() > kMaxSpokenBytes)
    return bad_utterance(utterance, cat("the text must have 1 to ", kMaxSpokenBytes, " bytes"));
  if (utterance.voice.empty() || utterance.voice.front() == '-')
    return bad_utterance(utterance, "the voice must have a name");
  MELETE_ASSIGN_OR_RETURN(const std::string engine, version());
  const std::string key = cat(describe(utterance), '|', engine);
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = memory_.find(key); found != memory_.end()) return found->second;
  }
  if (!cache_folder_.empty()) {
    const auto bytes = read_file(cache_path(key), kMaxClipBytes);
    if (const auto pcm16 = bytes.ok() ? cached_samples(*bytes, key) : std::nullopt) {
      const auto clip = clip_of(*pcm16);
      remember(key, clip);
      return clip;
    }
  }
  MELETE_ASSIGN_OR_RETURN(const std::string pcm16, synthesize(program_, utterance));
  const auto clip = clip_of(pcm16);
  remember(key, clip);
  if (!cache_folder_.empty()) {
    const Status kept = write_file(cache_path(key), cache_bytes(key, pcm16));
    if (!kept.ok())
      log_debug("a spoken clip could not be kept, so it is made anew each time: ", kept.error().message);
  }
  return clip;
}

}  // namespace melete
