#include "media/decode.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "base/file.h"
#include "base/random.h"
#include "media/decoders.h"
#include "media/encode.h"

namespace melete {
namespace {

const std::string kFolder = std::string(MELETE_SOURCE_DIR) + "/testdata/media/samples/";

std::string sample(const std::string& name) { return read_file(kFolder + name).value(); }

Part decoded(const std::string& name) {
  auto part = decode_file(kFolder + name);
  EXPECT_TRUE(part.ok()) << (part.ok() ? "" : part.error().message);
  return part.ok() ? *part : Part(std::string("refused"));
}

using Color = std::array<int, 3>;
constexpr Color kRed = {255, 0, 0}, kGreen = {0, 255, 0}, kBlue = {0, 0, 255}, kWhite = {255, 255, 255};

void expect_color(const Image& image, int64_t x, int64_t y, const Color& color, const std::string& what) {
  for (int64_t c = 0; c < 3; ++c)
    EXPECT_NEAR(image.rgb.at(static_cast<size_t>((y * image.width + x) * 3 + c)),
                color.at(static_cast<size_t>(c)), 12)
        << what << " at " << x << ", " << y;
}

void expect_picture(const Image& image, const std::string& what, const Color& corner = kBlue) {
  ASSERT_EQ(image.width, 90) << what;
  ASSERT_EQ(image.height, 60) << what;
  for (const int64_t y : {0, 15, 45, 59}) {
    expect_color(image, 0, y, kRed, what);
    expect_color(image, 40, y, kRed, what);
    expect_color(image, 89, y, y < 30 ? kGreen : corner, what);
    expect_color(image, 50, y, y < 30 ? kGreen : corner, what);
  }
}

TEST(Decode, ReadsEveryPictureFormat) {
  for (const char* name : {"rgb.png", "palette.png", "rgb.jpg", "progressive.jpg", "cmyk.jpg", "lossy.webp",
                           "lossless.webp", "still.gif"})
    expect_picture(std::get<Image>(decoded(name)), name);
}

TEST(Decode, TurnsPicturesAsTheirExifSays) {
  for (const char* name : {"turned2.jpg", "turned3.jpg", "turned4.jpg", "turned5.jpg", "turned6.jpg",
                           "turned7.jpg", "turned8.jpg", "turned6.png", "turned6.webp"})
    expect_picture(std::get<Image>(decoded(name)), name);
}

TEST(Decode, LaysTransparencyOnWhite) {
  for (const char* name : {"transparent.png", "transparent.webp"})
    expect_picture(std::get<Image>(decoded(name)), name, kWhite);
}

TEST(Decode, MakesGreyRgb) {
  for (const char* name : {"grey.jpg", "grey16.png"}) {
    const Image image = std::get<Image>(decoded(name));
    expect_color(image, 10, 10, {76, 76, 76}, name);
    expect_color(image, 60, 10, {150, 150, 150}, name);
    expect_color(image, 60, 50, {29, 29, 29}, name);
  }
}

// Frame k is the picture rolled 5 k pixels to the right.
void expect_moving(const Video& video, const std::string& name) {
  ASSERT_EQ(video.frames.size(), 6U) << name;
  for (size_t k = 0; k < 6; ++k) {
    const auto moved = static_cast<int64_t>(5 * k);
    EXPECT_NEAR(video.times_s[k], 0.2 * static_cast<double>(k), 1e-3) << name;
    expect_color(video.frames[k], 20 + moved, 40, kRed, name);
    expect_color(video.frames[k], 54 + moved, 10, kGreen, name);
    expect_color(video.frames[k], 54 + moved, 50, kBlue, name);
  }
}

TEST(Decode, ReadsAnimations) {
  for (const char* name : {"moving.gif", "moving.webp"}) expect_moving(std::get<Video>(decoded(name)), name);
}

TEST(Decode, ReadsClips) {
  for (const char* name : {"clip.mp4", "clip.webm", "clip.mkv"}) {
    const Video video = std::get<Video>(decoded(name));
    ASSERT_EQ(video.frames.size(), 6U) << name;
    for (size_t k = 0; k < 6; ++k) {
      EXPECT_NEAR(video.times_s[k], 0.2 * static_cast<double>(k), 2e-3) << name;
      const Image& frame = video.frames[k];
      ASSERT_EQ(frame.width, 90);
      const auto at = [&](int64_t x, int64_t y, size_t c) {
        return frame.rgb[static_cast<size_t>((y * 90 + x) * 3) + c];
      };
      const auto moved = static_cast<int64_t>(5 * k);
      EXPECT_GT(at(20 + moved, 40, 0), 180) << name << " " << k;
      EXPECT_GT(at(60 + moved, 10, 1), 180) << name << " " << k;
      EXPECT_GT(at(60 + moved, 50, 2), 180) << name << " " << k;
      EXPECT_LT(at(60 + moved, 50, 0), 80) << name << " " << k;
    }
  }
}

TEST(Decode, TurnsClipsAsTheySay) {
  const Video video = std::get<Video>(decoded("turned.mp4"));
  EXPECT_EQ(video.frames[0].width, 60);
  EXPECT_EQ(video.frames[0].height, 90);
}

// The share of the sound's energy that is a 440 Hz sine, and its amplitude.
std::pair<double, double> tone_of(const Audio& audio) {
  double sine = 0, cosine = 0, energy = 0;
  const size_t begin = audio.samples.size() / 4, end = audio.samples.size() * 3 / 4;
  for (size_t i = begin; i < end; ++i) {
    const double phase =
        2 * std::numbers::pi * 440.0 * static_cast<double>(i) / static_cast<double>(audio.rate_hz);
    sine += audio.samples[i] * std::sin(phase);
    cosine += audio.samples[i] * std::cos(phase);
    energy += audio.samples[i] * audio.samples[i];
  }
  const double n = static_cast<double>(end - begin), squared = (sine * sine + cosine * cosine) * 4 / (n * n);
  return {squared / 2 * n / energy, std::sqrt(squared)};
}

TEST(Decode, ReadsEverySoundFormat) {
  for (const char* name : {"tone.wav", "tone.flac", "tone.ogg", "tone.mp3", "tone.aiff", "tone.m4a"}) {
    const Audio audio = std::get<Audio>(decoded(name));
    EXPECT_EQ(audio.rate_hz, 24000) << name;
    EXPECT_NEAR(static_cast<double>(audio.samples.size()), 6000.0, 2500.0) << name;
    const auto [share, amplitude] = tone_of(audio);
    EXPECT_GT(share, 0.97) << name;
    EXPECT_NEAR(amplitude, 0.5, 0.03) << name;
  }
}

TEST(Decode, AveragesChannels) {
  EXPECT_NEAR(tone_of(std::get<Audio>(decoded("left.wav"))).second, 0.25, 0.01);
}

TEST(Decode, ReadsWavesWithoutALength) {
  std::string bytes = sample("tone.wav");
  bytes.replace(bytes.find("data") + 4, 4, "\xff\xff\xff\xff");
  EXPECT_EQ(std::get<Audio>(decode_media(bytes, "pipe.wav").value()).samples.size(), 6000U);
}

TEST(Decode, GivesTextAsItIs) {
  EXPECT_EQ(std::get<std::string>(decode_media("a,b\n1,\xc3\xa9\n", "t.csv").value()), "a,b\n1,\xc3\xa9\n");
  EXPECT_EQ(std::get<std::string>(decode_media("\xef\xbb\xbf{\"a\":1}", "t.json").value()), "{\"a\":1}");
  const auto kind = [](std::string_view bytes) {
    const auto part = decode_media(bytes, "x");
    return part.ok() ? "accepted" : name_of(part.error().kind);
  };
  EXPECT_STREQ(kind(""), "corrupt");
  EXPECT_STREQ(kind("caf\xe9"), "corrupt");       // Latin-1
  EXPECT_STREQ(kind("\xed\xa0\x80"), "corrupt");  // a surrogate
  EXPECT_STREQ(kind("\xc0\xaf"), "corrupt");      // longer than it must be
  EXPECT_STREQ(kind(std::string_view("a\0b", 3)), "corrupt");
  EXPECT_STREQ(kind(std::string((1 << 20), 'a')), "accepted");
  EXPECT_STREQ(kind(std::string((1 << 20) + 1, 'a')), "exhausted");
  EXPECT_STREQ(kind(sample("rgb.png").substr(1)), "corrupt");
}

TEST(Decode, NamesTheFileInErrors) {
  EXPECT_NE(decode_media("\x01\x02", "holiday.png").error().message.find("[holiday.png]"), std::string::npos);
  EXPECT_EQ(decode_file(kFolder + "absent.png").error().kind, ErrorKind::not_found);
}

TEST(Decode, RefusesFilesCutAnywhere) {
  for (const char* name :
       {"rgb.png", "palette.png", "rgb.jpg", "progressive.jpg", "cmyk.jpg", "lossy.webp", "lossless.webp",
        "moving.webp", "still.gif", "moving.gif", "tone.wav", "tone.flac"}) {
    const std::string bytes = sample(name);
    for (size_t i = 0; i < 24; ++i) {
      const size_t cut = i < 4 ? bytes.size() - 1 - i : 12 + (bytes.size() - 16) * (i - 4) / 20;
      const auto part = decode_media(bytes.substr(0, cut), name);
      ASSERT_FALSE(part.ok()) << name << " cut to " << cut << " of " << bytes.size();
      EXPECT_EQ(part.error().kind, ErrorKind::corrupt) << part.error().message;
      EXPECT_EQ(part.error().message.find("decoder that broke"), std::string::npos)
          << name << " cut to " << cut;
    }
  }
}

TEST(Decode, SurvivesCutClipsAndStreams) {
  for (const char* name : {"clip.mp4", "clip.webm", "tone.ogg", "tone.mp3"}) {
    const std::string bytes = sample(name);
    for (size_t i = 1; i < 6; ++i) {
      const auto part = decode_media(bytes.substr(0, bytes.size() * i / 6), name);
      if (part.ok()) continue;
      EXPECT_EQ(part.error().kind, ErrorKind::corrupt) << part.error().message;
    }
  }
  const std::string clip = sample("clip.mp4");
  EXPECT_FALSE(decode_media(clip.substr(0, clip.size() / 2), "half").ok());
}

TEST(Decode, SurvivesDamage) {
  Random random(11);
  for (const char* name :
       {"rgb.png", "transparent.png", "rgb.jpg", "progressive.jpg", "cmyk.jpg", "turned6.jpg", "lossy.webp",
        "moving.webp", "still.gif", "moving.gif", "tone.wav", "tone.flac", "tone.ogg", "tone.mp3"}) {
    const std::string whole = sample(name);
    for (int i = 0; i < 25; ++i) {
      std::string bytes = whole;
      for (int64_t n = random.integer(1, 8); n > 0; --n)
        bytes[static_cast<size_t>(random.integer(4, static_cast<int64_t>(bytes.size()) - 1))] =
            static_cast<char>(random.next_u32());
      const auto part = decode_media(bytes, name);
      if (part.ok()) continue;
      EXPECT_EQ(part.error().message.find("decoder that broke"), std::string::npos) << name << " " << i;
    }
  }
}

uint32_t crc32(std::string_view bytes) {
  uint32_t crc = ~0U;
  for (const char c : bytes) {
    crc ^= static_cast<uint8_t>(c);
    for (int i = 0; i < 8; ++i) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0U);
  }
  return ~crc;
}

std::string big_endian(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}

std::string png_of_size(uint32_t width, uint32_t height) {
  std::string bytes = sample("rgb.png");
  bytes.replace(16, 8, big_endian(width) + big_endian(height));
  bytes.replace(29, 4, big_endian(crc32(bytes.substr(12, 17))));
  return bytes;
}

const char* refusal(const std::string& bytes) {
  const auto part = decode_media(bytes, "bomb");
  return part.ok() ? "accepted" : name_of(part.error().kind);
}

TEST(Decode, RefusesSizesThatLieOrAreHuge) {
  EXPECT_STREQ(refusal(png_of_size(90, 60)), "accepted");
  EXPECT_STREQ(refusal(png_of_size(900'000, 900'000)), "exhausted");
  EXPECT_STREQ(refusal(png_of_size(8001, 8000)), "exhausted");
  EXPECT_STREQ(refusal(png_of_size(8000, 8000)), "corrupt");  // the pixels aren't there
  EXPECT_STREQ(refusal(png_of_size(90, 61)), "corrupt");
  EXPECT_STREQ(refusal(png_of_size(0, 60)), "corrupt");

  std::string gif = sample("still.gif");
  gif.replace(6, 4, "\xff\xff\xff\xff");
  EXPECT_STREQ(refusal(gif), "exhausted");

  std::string jpeg = sample("rgb.jpg");
  const size_t frame = jpeg.find("\xff\xc0");
  jpeg.replace(frame + 5, 4, "\xea\x60\xea\x60");
  EXPECT_STREQ(refusal(jpeg), "exhausted");
  jpeg.replace(frame + 5, 4, std::string("\x02\x00\x02\x00", 4));
  EXPECT_STREQ(refusal(jpeg), "corrupt");

  std::string wav = sample("tone.wav");
  wav.replace(wav.find("data") + 4, 4, std::string("\x00\x00\x00\x70", 4));
  EXPECT_STREQ(refusal(wav), "corrupt");
}

// A GIF of `width` x `height` whose frames draw one pixel each and are undone by restoring a copy of the
// whole canvas.
std::string gif_of_tiny_frames(uint16_t width, uint16_t height, int frames) {
  const auto little_endian = [](uint16_t value) {
    return std::string{static_cast<char>(value), static_cast<char>(value >> 8)};
  };
  std::string gif = "GIF89a" + little_endian(width) + little_endian(height) + std::string("\x80\0\0", 3);
  gif += std::string("\xff\0\0\0\xff\0", 6);
  const std::string frame = std::string("\x21\xf9\x04\x0c\x0a\0\0\0", 8) +
                            std::string("\x2c\0\0\0\0\x01\0\x01\0\0", 10) +
                            std::string("\x02\x02\x44\x01\0", 5);
  for (int i = 0; i < frames; ++i) gif += frame;
  return gif + ";";
}

TEST(Decode, StopsBombsInTime) { EXPECT_STREQ(refusal(gif_of_tiny_frames(5000, 12000, 2000)), "timeout"); }

TEST(Decode, ThinsLongAnimationsToFit) {
  const Video video = std::get<Video>(decode_media(gif_of_tiny_frames(400, 300, 5000), "long.gif").value());
  EXPECT_LE(static_cast<int64_t>(video.frames.size()) * 400 * 300 * 3, kMaxVideoBytes);
  EXPECT_GE(video.frames.size(), 200U);
  for (size_t i = 1; i < video.times_s.size(); ++i)
    EXPECT_NEAR(video.times_s[i] - video.times_s[i - 1], video.times_s[1], 1e-9) << i;
  EXPECT_GT(video.times_s.back(), 490.0);
  const Part large = decode_media(gif_of_tiny_frames(8000, 7000, 3), "large.gif").value();
  EXPECT_EQ(std::get<Image>(large).width, 8000);
}

TEST(Decode, ReadsLargePictures) {
  const Image image{4000, 3000, std::vector<uint8_t>(4000 * 3000 * 3, 7)};
  const auto part = decode_media(encode_png(image).value(), "large.png");
  ASSERT_TRUE(part.ok()) << part.error().message;
  EXPECT_EQ(std::get<Image>(*part).rgb, image.rgb);
}

}  // namespace
}  // namespace melete
