#include "media/worker.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace melete {
namespace {

Image picture(int64_t width, int64_t height, uint8_t first) {
  Image image{width, height, std::vector<uint8_t>(static_cast<size_t>(width * height * 3))};
  for (size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = static_cast<uint8_t>(first + i);
  return image;
}

std::vector<std::string> packed_examples() {
  return {pack_answer(Part(picture(3, 2, 9))), pack_answer(Part(Audio{16000, {0.5F, -0.25F}})),
          pack_answer(Part(Video{{picture(2, 1, 0), picture(2, 1, 50)}, {0.0, 0.5}}))};
}

TEST(Worker, AnswersSurviveTheTrip) {
  const auto examples = packed_examples();
  EXPECT_EQ(std::get<Image>(unpack_answer(examples[0]).value()).rgb, picture(3, 2, 9).rgb);
  const Audio audio = std::get<Audio>(unpack_answer(examples[1]).value());
  EXPECT_EQ(audio.rate_hz, 16000);
  EXPECT_EQ(audio.samples, (std::vector<float>{0.5F, -0.25F}));
  const Video video = std::get<Video>(unpack_answer(examples[2]).value());
  EXPECT_EQ(video.frames.at(1).rgb, picture(2, 1, 50).rgb);
  EXPECT_EQ(video.times_s, (std::vector<double>{0.0, 0.5}));
  const auto error = unpack_answer(pack_answer(exhausted("too much")));
  EXPECT_EQ(error.error().kind, ErrorKind::exhausted);
  EXPECT_EQ(error.error().message, "too much");
}

TEST(Worker, RefusesAnswersOfAnotherLength) {
  for (const std::string& packed : packed_examples()) {
    for (size_t cut = 0; cut < packed.size(); ++cut)
      EXPECT_FALSE(unpack_answer(packed.substr(0, cut)).ok()) << cut;
    EXPECT_FALSE(unpack_answer(packed + "x").ok());
  }
}

TEST(Worker, BelievesNoNumbers) {
  Random random(3);
  for (const std::string& packed : packed_examples())
    for (int i = 0; i < 2000; ++i) {
      std::string hostile = packed;
      for (int64_t n = random.integer(1, 12); n > 0; --n)
        hostile[static_cast<size_t>(random.integer(0, 40)) % hostile.size()] =
            static_cast<char>(random.next_u32());
      const auto part = unpack_answer(hostile);
      if (!part.ok() || !std::holds_alternative<Image>(*part)) continue;
      const auto& image = std::get<Image>(*part);
      EXPECT_EQ(static_cast<int64_t>(image.rgb.size()), image.width * image.height * 3);
    }
}

TEST(Worker, ReportsWhatTheDecoderSays) {
  EXPECT_EQ(decode_in_worker(Decoder::png, "not a png").error().kind, ErrorKind::corrupt);
  EXPECT_EQ(decode_in_worker(Decoder::png, "").error().kind, ErrorKind::corrupt);
  EXPECT_EQ(decode_in_worker(static_cast<Decoder>('?'), "x").error().kind, ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace melete
