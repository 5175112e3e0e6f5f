#include "media/sniff.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace melete {
namespace {

using namespace std::string_view_literals;

struct Signature {
  size_t at;
  std::string_view bytes;
  Sniffed found;
};

constexpr Signature kSignatures[] = {
    {0, "\x89PNG\r\n\x1a\n"sv, {FileType::png}},
    {0, "\xff\xd8\xff"sv, {FileType::jpeg}},
    {0, "GIF87a"sv, {FileType::gif}},
    {0, "GIF89a"sv, {FileType::gif}},
    {0, "fLaC"sv, {FileType::sound}},
    {0, "ID3"sv, {FileType::sound}},
    {4, "ftypheic"sv, {FileType::heif}},
    {4, "ftypheix"sv, {FileType::heif}},
    {4, "ftypmif1"sv, {FileType::heif}},
    {4, "ftypavif"sv, {FileType::heif}},
    {4, "ftyp"sv, {FileType::video, "mov"}},
    {4, "moov"sv, {FileType::video, "mov"}},
    {4, "mdat"sv, {FileType::video, "mov"}},
    {4, "wide"sv, {FileType::video, "mov"}},
    {0, "\x1a\x45\xdf\xa3"sv, {FileType::video, "matroska"}},
    {0, "FLV\x01"sv, {FileType::video, "flv"}},
    {0, "\x00\x00\x01\xba"sv, {FileType::video, "mpeg"}},
    {0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11"sv, {FileType::video, "asf"}},
};

constexpr Signature kRiffs[] = {
    {8, "WEBP"sv, {FileType::webp}},
    {8, "WAVE"sv, {FileType::sound}},
    {8, "AVI "sv, {FileType::video, "avi"}},
};

constexpr Signature kForms[] = {{8, "AIFF"sv, {FileType::sound}}, {8, "AIFC"sv, {FileType::sound}}};

bool matches(const Signature& signature, std::string_view bytes) {
  return bytes.size() >= signature.at + signature.bytes.size() &&
         bytes.substr(signature.at, signature.bytes.size()) == signature.bytes;
}

// The first frame of an MPEG audio stream: 11 bits set, then a layer, a rate and a frequency that exist.
bool is_mp3_frame(std::string_view bytes) {
  if (bytes.size() < 4) return false;
  const auto b = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  return b(0) == 0xff && (b(1) & 0xe0) == 0xe0 && (b(1) & 0x18) != 0x08 && (b(1) & 0x06) != 0 &&
         (b(2) & 0xf0) != 0xf0 && (b(2) & 0xf0) != 0 && (b(2) & 0x0c) != 0x0c;
}

bool is_transport_stream(std::string_view bytes) {
  constexpr size_t kPacket = 188;
  return bytes.size() > 2 * kPacket && bytes[0] == 'G' && bytes[kPacket] == 'G' && bytes[2 * kPacket] == 'G';
}

}  // namespace

Sniffed sniff(std::string_view bytes) {
  for (const Signature& signature : kSignatures)
    if (matches(signature, bytes)) return signature.found;
  if (bytes.starts_with("RIFF"))
    for (const Signature& signature : kRiffs)
      if (matches(signature, bytes)) return signature.found;
  if (bytes.starts_with("FORM"))
    for (const Signature& signature : kForms)
      if (matches(signature, bytes)) return signature.found;
  if (bytes.starts_with("OggS")) {
    const bool moving = bytes.substr(0, 4096).find("\x80theora"sv) != std::string_view::npos;
    return moving ? Sniffed{FileType::video, "ogg"} : Sniffed{FileType::sound};
  }
  if (is_mp3_frame(bytes)) return {FileType::sound};
  if (is_transport_stream(bytes)) return {FileType::video, "mpegts"};
  return {};
}

bool is_plain_text(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size();) {
    const auto first = static_cast<uint8_t>(bytes[i]);
    if (first < 0x80) {
      if ((first < 0x20 && first != '\t' && first != '\n' && first != '\f' && first != '\r') || first == 0x7f)
        return false;
      ++i;
      continue;
    }
    const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || i + length > bytes.size()) return false;
    uint32_t code = first & (0x7fU >> length);
    for (size_t k = 1; k < length; ++k) {
      const auto next = static_cast<uint8_t>(bytes[i + k]);
      if ((next & 0xc0) != 0x80) return false;
      code = code << 6 | (next & 0x3f);
    }
    constexpr std::array<uint32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
    if (code < kSmallest[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return false;
    i += length;
  }
  return true;
}

}  // namespace melete
