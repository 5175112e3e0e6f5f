#include "media/encode.h"

#include <gtest/gtest.h>

#include <cmath>

#include "media/decode.h"

namespace melete {
namespace {

Image gradient(int64_t width, int64_t height, int64_t shift) {
  Image image{width, height, {}};
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (const int64_t value : {(x + shift) * 255 / (width + 20), y * 255 / height, int64_t{90}})
        image.rgb.push_back(static_cast<uint8_t>(value));
  return image;
}

TEST(Encode, PngComesBackAsItWas) {
  const Image image = gradient(37, 21, 0);
  const Image back = std::get<Image>(decode_media(encode_png(image).value(), "x.png").value());
  EXPECT_EQ(back.width, 37);
  EXPECT_EQ(back.height, 21);
  EXPECT_EQ(back.rgb, image.rgb);
}

TEST(Encode, WavComesBackWithinSixteenBits) {
  Audio audio{22050, {}};
  for (int i = 0; i < 5000; ++i) audio.samples.push_back(0.9F * std::sin(0.05F * static_cast<float>(i)));
  audio.samples[10] = 3.0F;
  const Audio back = std::get<Audio>(decode_media(encode_wav(audio).value(), "x.wav").value());
  EXPECT_EQ(back.rate_hz, 22050);
  ASSERT_EQ(back.samples.size(), audio.samples.size());
  for (size_t i = 0; i < back.samples.size(); ++i)
    EXPECT_NEAR(back.samples[i], std::min(audio.samples[i], 1.0F), 6e-5F) << i;
}

TEST(Encode, ClipsComeBackAlike) {
  Video video;
  for (int64_t i = 0; i < 7; ++i) {
    video.frames.push_back(gradient(61, 45, i * 3));
    video.times_s.push_back(static_cast<double>(i) * 0.25);
  }
  const Video back = std::get<Video>(decode_media(encode_mp4(video).value(), "x.mp4").value());
  ASSERT_EQ(back.frames.size(), 7U);
  for (size_t k = 0; k < 7; ++k) {
    EXPECT_NEAR(back.times_s[k], video.times_s[k], 1e-3);
    ASSERT_EQ(back.frames[k].width, 62);
    ASSERT_EQ(back.frames[k].height, 46);
    double difference = 0.0;
    for (size_t y = 0; y < 45; ++y)
      for (size_t x = 0; x < 61 * 3; ++x)
        difference += std::abs(back.frames[k].rgb[y * 62 * 3 + x] - video.frames[k].rgb[y * 61 * 3 + x]);
    EXPECT_LT(difference / (61 * 45 * 3), 4.0) << k;
  }
}

TEST(Encode, RefusesWhatIsIncomplete) {
  EXPECT_EQ(encode_png(Image{2, 2, {1}}).error().kind, ErrorKind::invalid_argument);
  EXPECT_EQ(encode_png(Image{}).error().kind, ErrorKind::invalid_argument);
  EXPECT_EQ(encode_wav(Audio{24000, {}}).error().kind, ErrorKind::invalid_argument);
  EXPECT_EQ(encode_wav(Audio{0, {0.0F}}).error().kind, ErrorKind::invalid_argument);
  EXPECT_EQ(encode_mp4(Video{}).error().kind, ErrorKind::invalid_argument);
  EXPECT_EQ(encode_mp4(Video{{gradient(4, 4, 0), gradient(4, 6, 0)}, {0.0, 1.0}}).error().kind,
            ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace melete
