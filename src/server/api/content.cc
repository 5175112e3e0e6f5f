#include "server/api/content.h"

#include <algorithm>
#include <array>

#include "media/decode.h"
#include "remote/remote_picture.h"
#include "server/api/part_data.h"
#include "server/api/wire_reader.h"
#include "text/attachment.h"

namespace melete {
namespace {

constexpr std::array<int8_t, 256> make_base64_values() {
  std::array<int8_t, 256> values{};
  values.fill(-1);
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < kDigits.size(); ++i)
    values[static_cast<uint8_t>(kDigits[i])] = static_cast<int8_t>(i);
  values['-'] = 62;
  values['_'] = 63;
  return values;
}

const char* word_of(MediaKind kind) {
  switch (kind) {
    case MediaKind::image: return "a picture";
    case MediaKind::video: return "a clip";
    case MediaKind::audio: return "a sound";
  }
  return "";
}

// Whether the model takes it; other servers have no clips in OpenAI's form.
bool takes(const ServedModel& model, MediaKind kind) {
  if (kind == MediaKind::video && model.is_remote()) return false;
  return kind == MediaKind::audio ? model.facts().hears : model.facts().sees;
}

std::optional<MediaKind> kind_of(const Part& part) {
  if (std::holds_alternative<Image>(part)) return MediaKind::image;
  if (std::holds_alternative<Video>(part)) return MediaKind::video;
  if (std::holds_alternative<Audio>(part)) return MediaKind::audio;
  return std::nullopt;
}

void fail(std::optional<ApiError>& problem, const std::string& path, std::string code, std::string message,
          int status = 400) {
  if (!problem) problem = ApiError{status, std::move(message), path, std::move(code)};
}

// A broken file is the request's fault; a decoder that can't run is ours.
void fail(std::optional<ApiError>& problem, const std::string& path, const Error& error) {
  const int status = error.kind == ErrorKind::unavailable ? 503 : 400;
  fail(problem, path, "invalid_media", "can't be used: " + error.message, status);
}

// The decoded file, if it is what the part says and what the model takes.
std::optional<Part> decode(const WirePart& wire, const ServedModel& model, std::optional<ApiError>& problem) {
  Result<Part> part = decode_media(wire.bytes, wire.name);
  if (!part.ok()) {
    fail(problem, wire.path, part.error());
    return std::nullopt;
  }
  const std::optional<MediaKind> kind = kind_of(*part);
  // A video container may hold only sound, and an animated picture is a clip.
  const bool fits = !wire.kind || kind == wire.kind ||
                    (wire.kind == MediaKind::image && kind == MediaKind::video) ||
                    (wire.kind == MediaKind::video && kind);
  if (!fits)
    fail(problem, wire.path, "invalid_media",
         cat("must be ", word_of(*wire.kind), ", got ", kind ? word_of(*kind) : "text"));
  else if (kind && !takes(model, *kind))
    fail(problem, wire.path, "unsupported_media",
         cat("is ", word_of(*kind), ", which ", model.name(), " can't take"));
  if (problem) return std::nullopt;
  return std::move(part).value();
}

// Media in one run at either end of the parts.
bool is_plain_layout(const std::vector<WirePart>& parts) {
  int64_t changes = 0;
  for (size_t i = 1; i < parts.size(); ++i) changes += parts[i].is_file != parts[i - 1].is_file;
  return changes <= 1;
}

MediaLimits limits_for(const WirePart& part, MediaLimits limits) {
  if (part.low_detail) limits.max_image_tokens = std::min(limits.max_image_tokens, kLowDetailTokens);
  return limits;
}

// What a picture's file begins with; decoding has seen that it is one.
std::string picture_type(std::string_view bytes) {
  if (bytes.starts_with("\x89PNG")) return "image/png";
  if (bytes.starts_with("GIF8")) return "image/gif";
  if (bytes.starts_with("RIFF")) return "image/webp";
  return "image/jpeg";
}

// One file as the parts of a message.
bool append_file(const WirePart& wire, const Part& part, const ServedModel& model,
                 std::vector<MessagePart>& out, std::optional<ApiError>& problem) {
  if (model.is_remote() && kind_of(part)) {
    out.push_back(make_remote_picture(wire.bytes, picture_type(wire.bytes)));
    return true;
  }
  auto made = attached_parts(std::span(&part, 1), "", limits_for(wire, model.chat().limits()));
  if (!made.ok()) {
    fail(problem, wire.path, made.error());
    return false;
  }
  std::move(made->begin(), made->end(), std::back_inserter(out));
  return true;
}

}  // namespace

WirePart WirePart::of_text(std::string path, std::string text) {
  WirePart part;
  part.path = std::move(path);
  part.text = std::move(text);
  return part;
}

std::optional<std::string> decode_base64(std::string_view text) {
  static constexpr std::array<int8_t, 256> kValues = make_base64_values();
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  uint32_t bits = 0;
  int num_digits = 0;
  size_t at = 0;
  for (; at < text.size() && text[at] != '='; ++at) {
    const char c = text[at];
    if (c == '\n' || c == '\r' || c == ' ' || c == '\t') continue;
    const int8_t value = kValues[static_cast<uint8_t>(c)];
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    if (++num_digits % 4 != 0) continue;
    for (const int shift : {16, 8, 0}) bytes += static_cast<char>(bits >> shift & 0xff);
    bits = 0;
  }
  if (text.find_first_not_of("=\r\n \t", at) != std::string_view::npos) return std::nullopt;
  switch (num_digits % 4) {
    case 0: return bytes;
    case 2: bytes += static_cast<char>(bits >> 4 & 0xff); return bytes;
    case 3:
      bytes += static_cast<char>(bits >> 10 & 0xff);
      bytes += static_cast<char>(bits >> 2 & 0xff);
      return bytes;
  }
  return std::nullopt;
}

std::optional<std::string> decode_data_url(std::string_view url, const std::string& path,
                                           std::optional<ApiError>& problem) {
  if (!url.starts_with("data:")) {
    fail(problem, path, "unsupported_url",
         cat("must be a data: URL, got ", in_quotes(url),
             "; this server fetches nothing, so send the file itself"));
    return std::nullopt;
  }
  const size_t comma = url.find(',');
  if (comma == std::string_view::npos || !url.substr(0, comma).ends_with(";base64")) {
    fail(problem, path, "invalid_url", "must be data:TYPE;base64,DATA");
    return std::nullopt;
  }
  auto bytes = decode_base64(url.substr(comma + 1));
  if (!bytes) fail(problem, path, "invalid_base64", "must hold base64 after the comma");
  return bytes;
}

std::optional<std::vector<MessagePart>> build_parts(const std::vector<WirePart>& wire,
                                                    const ServedModel& model,
                                                    std::optional<ApiError>& problem) {
  std::vector<MessagePart> built, tables;
  const bool reorders = is_plain_layout(wire);
  std::string text;
  for (const WirePart& part : wire) {
    if (!part.is_file) {
      if (reorders)
        text += (text.empty() || part.text.empty() ? "" : "\n") + part.text;
      else
        built.emplace_back(TextPart{part.text, false});
      continue;
    }
    const std::optional<Part> decoded = decode(part, model, problem);
    if (!decoded) return std::nullopt;
    std::vector<MessagePart>& parts = reorders && !kind_of(*decoded) ? tables : built;
    if (!append_file(part, *decoded, model, parts, problem)) return std::nullopt;
  }
  std::string all;
  for (const MessagePart& table : tables) all += std::get<TextPart>(table).text;
  all += text;
  if (!all.empty()) built.emplace_back(TextPart{std::move(all), false});
  return built;
}

std::optional<Message> build_message(const WireMessage& wire, const ServedModel& model,
                                     std::optional<ApiError>& problem) {
  auto parts = build_parts(wire.parts, model, problem);
  if (!parts) return std::nullopt;
  return Message{wire.role, "", *std::move(parts)};
}

}  // namespace melete
