#include "media/decode.h"

#include "base/file.h"
#include "media/sniff.h"
#include "media/video.h"
#include "media/worker.h"

namespace melete {
namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{256} << 20;
constexpr size_t kMaxTextBytes = size_t{1} << 20;

Result<Part> decode_text(std::string_view bytes) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (bytes.starts_with(kByteOrderMark)) bytes.remove_prefix(kByteOrderMark.size());
  if (bytes.empty()) return corrupt("[text] the file must not be empty, got no bytes; give another");
  if (!is_plain_text(bytes))
    return corrupt(
        "[media] must be a picture, sound, clip or UTF-8 text of a known format, got none of them; "
        "convert it to PNG, WAV, MP4 or CSV");
  if (bytes.size() > kMaxTextBytes)
    return exhausted("[text] must have at most ", kMaxTextBytes, " bytes, got ", bytes.size(), "; cut it");
  return Part(std::string(bytes));
}

Result<Part> decode(std::string_view bytes) {
  if (bytes.size() > kMaxFileBytes)
    return exhausted("[media] must have at most ", kMaxFileBytes, " bytes, got ", bytes.size(),
                     "; give a smaller file");
  const Sniffed found = sniff(bytes);
  switch (found.type) {
    case FileType::png: return decode_in_worker(Decoder::png, bytes);
    case FileType::jpeg: return decode_in_worker(Decoder::jpeg, bytes);
    case FileType::webp: return decode_in_worker(Decoder::webp, bytes);
    case FileType::gif: return decode_in_worker(Decoder::gif, bytes);
    case FileType::sound: return decode_in_worker(Decoder::sound, bytes);
    case FileType::video: return decode_video(bytes, found.demuxer);
    case FileType::heif:
      return corrupt("[media] must be PNG, JPEG, WebP or GIF, got HEIC or AVIF; convert it to JPEG");
    case FileType::unknown: break;
  }
  return decode_text(bytes);
}

}  // namespace

Result<Part> decode_media(std::string_view bytes, std::string_view name) {
  Result<Part> part = decode(bytes);
  if (part.ok()) return part;
  return Error{part.error().kind, cat("[", name, "] ", part.error().message)};
}

Result<Part> decode_file(const std::filesystem::path& path) {
  MELETE_ASSIGN_OR_RETURN(const std::string bytes, read_file(path, kMaxFileBytes));
  return decode_media(bytes, path.filename().string());
}

}  // namespace melete
