#include "media/worker.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <new>
#include <stdexcept>

#include "base/process.h"
#include "media/decoders.h"
#include "media/sandbox.h"

namespace melete {
namespace {

constexpr const char* kFlag = "--melete-decode-stdin";

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kShadowMemory = true;  // AddressSanitizer reserves terabytes of addresses
#else
constexpr bool kShadowMemory = false;
#endif

// Answers are numbers of 8 bytes in this machine's order (both ends are one executable), then raw bytes:
//   'E' kind message | 'T' text | 'I' width height rgb | 'A' rate samples | 'V' frames width height times
//   rgb...
template <class T>
void put(std::string& out, const T* values, size_t count) {
  out.append(reinterpret_cast<const char*>(values), count * sizeof(T));
}

void put_number(std::string& out, int64_t value) { put(out, &value, 1); }

class AnswerReader {
 public:
  explicit AnswerReader(std::string_view bytes) : bytes_(bytes) {}

  int64_t number() {
    int64_t value = 0;
    get(&value, 1);
    return value;
  }

  // A number that must be from 1 to `most`.
  int64_t count(int64_t most) {
    const int64_t value = number();
    if (value < 1 || value > most) broken_ = true;
    return broken_ ? 0 : value;
  }

  template <class T>
  void get(T* into, size_t n) {
    if (n == 0) return;
    if (n > bytes_.size() / sizeof(T)) {
      broken_ = true;
      return;
    }
    std::memcpy(into, bytes_.data(), n * sizeof(T));
    bytes_.remove_prefix(n * sizeof(T));
  }

  template <class T>
  std::vector<T> get_vector(size_t n) {
    if (n > bytes_.size() / sizeof(T)) broken_ = true;
    std::vector<T> values(broken_ ? 0 : n);
    get(values.data(), values.size());
    return values;
  }

  std::string rest() { return std::string(std::exchange(bytes_, {})); }
  bool complete() const { return !broken_ && bytes_.empty(); }
  bool broken() const { return broken_; }

 private:
  std::string_view bytes_;
  bool broken_ = false;
};

void put_answer(std::string& out, const Image& image) {
  out.reserve(64 + image.rgb.size());
  out = 'I';
  put_number(out, image.width);
  put_number(out, image.height);
  put(out, image.rgb.data(), image.rgb.size());
}

void put_answer(std::string& out, const Audio& audio) {
  out.reserve(64 + audio.samples.size() * sizeof(float));
  out = 'A';
  put_number(out, audio.rate_hz);
  put_number(out, static_cast<int64_t>(audio.samples.size()));
  put(out, audio.samples.data(), audio.samples.size());
}

void put_answer(std::string& out, const Video& video) {
  out.reserve(64 + video.frames.size() * (video.frames.at(0).rgb.size() + sizeof(double)));
  out = 'V';
  put_number(out, static_cast<int64_t>(video.frames.size()));
  put_number(out, video.frames.at(0).width);
  put_number(out, video.frames.at(0).height);
  put(out, video.times_s.data(), video.times_s.size());
  for (const Image& frame : video.frames) put(out, frame.rgb.data(), frame.rgb.size());
}

void put_answer(std::string& out, const std::string& text) { out = "T" + text; }

Image take_image(AnswerReader& in, int64_t width, int64_t height) {
  if (width > 0 && height > kMaxPixels / width) return {};
  return {width, height, in.get_vector<uint8_t>(static_cast<size_t>(width * height * 3))};
}

Video take_video(AnswerReader& in) {
  const int64_t frames = in.count(kMaxVideoBytes), width = in.count(kMaxPixels),
                height = in.count(kMaxPixels);
  Video video;
  video.times_s = in.get_vector<double>(static_cast<size_t>(frames));
  for (int64_t i = 0; i < frames && !in.broken(); ++i) video.frames.push_back(take_image(in, width, height));
  return video;
}

bool well_formed(const Image& image) {
  return image.width >= 1 && image.height >= 1 && image.width <= kMaxPixels / image.height &&
         static_cast<int64_t>(image.rgb.size()) == image.width * image.height * 3;
}

Error died() {
  return corrupt("[media] the file must be possible to decode, got a decoder that broke; save it again");
}

Result<Part> take_answer(AnswerReader& in, char type) {
  if (type == 'T') return Part(in.rest());
  if (type == 'I') {
    const int64_t width = in.count(kMaxPixels), height = in.count(kMaxPixels);
    Image image = take_image(in, width, height);
    if (in.complete() && well_formed(image)) return Part(std::move(image));
  } else if (type == 'A') {
    Audio audio{in.count(1 << 24), {}};
    audio.samples = in.get_vector<float>(static_cast<size_t>(in.count(kMaxSamples)));
    if (in.complete()) return Part(std::move(audio));
  } else if (type == 'V') {
    Video video = take_video(in);
    if (in.complete() && well_formed(video.frames.at(0))) return Part(std::move(video));
  } else if (type == 'E') {
    const int64_t kind = in.number();
    const std::string message = in.rest();
    if (!in.broken() && kind >= 0 && kind <= static_cast<int64_t>(ErrorKind::unavailable))
      return Error{static_cast<ErrorKind>(kind), message};
  }
  return died();
}

Result<Part> decode(Decoder decoder, std::string_view bytes) {
  switch (decoder) {
    case Decoder::png: return decode_png(bytes);
    case Decoder::jpeg: return decode_jpeg(bytes);
    case Decoder::webp: return decode_webp(bytes);
    case Decoder::gif: return decode_gif(bytes);
    case Decoder::sound: return decode_sound(bytes);
  }
  return invalid_argument("[media] no such decoder");
}

bool write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(1, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

[[noreturn]] void run_worker(Decoder decoder) {
  struct stat info {};
  const bool known = ::fstat(0, &info) == 0;
  const auto size = static_cast<size_t>(info.st_size);
  const void* bytes = known && size > 0 ? ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, 0, 0) : MAP_FAILED;
  const Status locked = enter_decoder_sandbox();
  std::string answer;
  if (!locked.ok()) {
    answer = pack_answer(locked.error());
  } else if (bytes == MAP_FAILED) {
    answer = pack_answer(corrupt("[media] the file must have bytes, got none; give another"));
  } else {
    try {
      answer = pack_answer(decode(decoder, {static_cast<const char*>(bytes), size}));
    } catch (const std::bad_alloc&) {
      answer = pack_answer(exhausted("[media] decoding must fit in ", kDecodeMemoryBytes >> 20,
                                     " MiB, got more; scale it down"));
    } catch (const std::length_error&) {
      answer = pack_answer(exhausted("[media] sizes must be sensible, got larger ones; the file is broken"));
    }
  }
  ::_exit(write_all(answer) ? 0 : 1);
}

[[gnu::constructor]] void enter_if_worker(int argc, char** argv, char**) {
  if (argc == 3 && std::strcmp(argv[1], kFlag) == 0 && argv[2][0] != '\0')
    run_worker(static_cast<Decoder>(argv[2][0]));
}

}  // namespace

std::string pack_answer(const Result<Part>& answer) {
  std::string out;
  if (answer.ok()) {
    std::visit([&out](const auto& part) { put_answer(out, part); }, *answer);
  } else {
    out = 'E';
    put_number(out, static_cast<int64_t>(answer.error().kind));
    out += answer.error().message;
  }
  return out;
}

Result<Part> unpack_answer(std::string_view packed) {
  if (packed.empty()) return died();
  AnswerReader in(packed.substr(1));
  return take_answer(in, packed[0]);
}

Result<Part> decode_in_worker(Decoder decoder, std::string_view bytes) {
  ProcessOptions options;
  options.input = bytes;
  options.time_limit = kDecodeWall;
  options.max_output_bytes = static_cast<uint64_t>(kMaxSamples) * sizeof(float) + (1 << 20);
  options.environment = {};
  options.max_memory_bytes = kShadowMemory ? 0 : kDecodeMemoryBytes;
  options.max_cpu = kDecodeCpu;
  options.write_files = false;
  const auto output =
      run_process({"/proc/self/exe", kFlag, std::string(1, static_cast<char>(decoder))}, options);
  if (!output.ok() && output.error().kind == ErrorKind::timeout)
    return timed_out("[media] decoding must take at most ", kDecodeCpu.count(),
                     " ms, got more; scale the file down");
  if (!output.ok()) return output.error();
  return unpack_answer(output->out);
}

}  // namespace melete
