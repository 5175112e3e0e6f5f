#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "media/decoders.h"

namespace melete {
namespace {

constexpr sf_count_t kBlockFrames = 4096;
constexpr int kMaxChannels = 64;

struct Source {
  std::string_view bytes;
  size_t position = 0;
};

sf_count_t length(void* data) { return static_cast<sf_count_t>(static_cast<Source*>(data)->bytes.size()); }

sf_count_t tell(void* data) { return static_cast<sf_count_t>(static_cast<Source*>(data)->position); }

sf_count_t seek(sf_count_t offset, int from, void* data) {
  auto& source = *static_cast<Source*>(data);
  const sf_count_t base = from == SEEK_SET ? 0 : from == SEEK_CUR ? tell(data) : length(data);
  const sf_count_t target = base + offset;
  if (target < 0 || target > length(data)) return -1;
  source.position = static_cast<size_t>(target);
  return target;
}

sf_count_t read_bytes(void* into, sf_count_t count, void* data) {
  auto& source = *static_cast<Source*>(data);
  const size_t n =
      std::min(static_cast<size_t>(std::max<sf_count_t>(count, 0)), source.bytes.size() - source.position);
  std::memcpy(into, source.bytes.data() + source.position, n);
  source.position += n;
  return static_cast<sf_count_t>(n);
}

sf_count_t refuse_to_write(const void*, sf_count_t, void*) { return 0; }

Error broken(const std::string& problem) {
  return corrupt("[sound] must be a whole sound file, got: ", problem, "; save the file again");
}

// libsndfile shortens a WAV whose data chunk claims more than the file has; a cut file must not pass for a
// short one. Programs that write to pipes leave 0 or a number near 2^31 or 2^32 there: "until the end".
Status check_wav_length(std::string_view bytes) {
  constexpr uint32_t kUntilTheEnd = 0x7ff00000;
  const auto number = [&](size_t at) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i) value |= uint32_t{static_cast<uint8_t>(bytes[at + i])} << (8 * i);
    return value;
  };
  if (!bytes.starts_with("RIFF") || bytes.size() < 12) return ok_status();
  for (size_t at = 12; at + 8 <= bytes.size();) {
    const uint64_t size = number(at + 4);
    const bool data = bytes.substr(at, 4) == "data";
    if (data && (size == 0 || size >= kUntilTheEnd)) return ok_status();
    if (at + 8 + size > bytes.size()) return broken("a chunk that goes on after the end of the file");
    if (data) return ok_status();
    at += 8 + size + size % 2;
  }
  return broken("no data chunk");
}

// Reads to the end, averaging the channels.
Status read_samples(SNDFILE* file, const SF_INFO& info, Audio& audio) {
  std::vector<float> block(static_cast<size_t>(kBlockFrames * info.channels));
  const float scale = 1.0F / static_cast<float>(info.channels);
  while (true) {
    const sf_count_t frames = sf_readf_float(file, block.data(), kBlockFrames);
    if (frames <= 0) return ok_status();
    if (static_cast<int64_t>(audio.samples.size()) + frames > kMaxSamples)
      return exhausted("[sound] must have at most ", kMaxSamples, " samples, got more; cut it");
    for (sf_count_t i = 0; i < frames; ++i) {
      float sum = 0.0F;
      for (int c = 0; c < info.channels; ++c) sum += block[static_cast<size_t>(i * info.channels + c)];
      audio.samples.push_back(std::isfinite(sum) ? std::clamp(sum * scale, -1.0F, 1.0F) : 0.0F);
    }
  }
}

bool knows_its_length(const SF_INFO& info) {
  const int format = info.format & SF_FORMAT_TYPEMASK;
  return (format == SF_FORMAT_FLAC || format == SF_FORMAT_WAV || format == SF_FORMAT_AIFF) &&
         info.frames > 0 && info.frames < SF_COUNT_MAX;
}

}  // namespace

Result<Part> decode_sound(std::string_view bytes) {
  MELETE_RETURN_IF_ERROR(check_wav_length(bytes));
  SF_VIRTUAL_IO io{length, seek, read_bytes, refuse_to_write, tell};
  Source source{bytes};
  SF_INFO info{};
  const std::unique_ptr<SNDFILE, int (*)(SNDFILE*)> file(sf_open_virtual(&io, SFM_READ, &info, &source),
                                                         sf_close);
  if (file == nullptr) return broken(sf_strerror(nullptr));
  if (info.channels < 1 || info.channels > kMaxChannels || info.samplerate < 1)
    return broken(cat(info.channels, " channels at ", info.samplerate, " Hz"));
  if (knows_its_length(info) && info.frames > kMaxSamples)
    return exhausted("[sound] must have at most ", kMaxSamples, " samples, got ", info.frames, "; cut it");
  Audio audio{info.samplerate, {}};
  if (knows_its_length(info))
    audio.samples.reserve(std::min(static_cast<size_t>(info.frames), bytes.size() * 8));
  MELETE_RETURN_IF_ERROR(read_samples(file.get(), info, audio));
  if (sf_error(file.get()) != SF_ERR_NO_ERROR) return broken(sf_strerror(file.get()));
  if (audio.samples.empty()) return broken("no samples");
  if (knows_its_length(info) && static_cast<int64_t>(audio.samples.size()) < info.frames)
    return broken("fewer samples than the header says");
  return Part(std::move(audio));
}

}  // namespace melete
