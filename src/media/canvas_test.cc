#include "media/canvas.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numbers>
#include <thread>

namespace melete {
namespace {

constexpr Color kWhite = {255, 255, 255}, kRed = {200, 10, 20};

Color at(const Image& image, int64_t x, int64_t y) {
  const uint8_t* pixel = &image.rgb[static_cast<size_t>((y * image.width + x) * 3)];
  return {pixel[0], pixel[1], pixel[2]};
}

double covered(const Image& image) {  // in pixels, by the green channel of red on white
  double sum = 0;
  for (size_t i = 1; i < image.rgb.size(); i += 3) sum += (255.0 - image.rgb[i]) / (255 - kRed.green);
  return sum;
}

TEST(Canvas, FillsExactlyThePixelsOfARectangle) {
  Canvas canvas(8, 6, kWhite);
  canvas.fill_rect({2, 1, 3, 4}, kRed);
  const Image image = canvas.image();
  EXPECT_EQ(image.width, 8);
  for (int64_t y = 0; y < 6; ++y)
    for (int64_t x = 0; x < 8; ++x)
      EXPECT_EQ(at(image, x, y), x >= 2 && x < 5 && y >= 1 && y < 5 ? kRed : kWhite) << x << " " << y;
}

TEST(Canvas, CoversTheAreaOfItsShapes) {
  Canvas circle(60, 60, kWhite), ring(60, 60, kWhite), triangle(60, 60, kWhite), line(60, 60, kWhite);
  circle.fill_circle({30, 30}, 20, kRed);
  ring.fill_ring({30, 30}, 10, 20, kRed);
  const std::array<Point, 3> corners = {{{10, 50}, {50, 50}, {10, 10}}};
  triangle.fill_polygon(corners, kRed);
  line.stroke_line({10, 30}, {50, 30}, 4, kRed);
  EXPECT_NEAR(covered(circle.image()), std::numbers::pi * 400, 4);
  EXPECT_NEAR(covered(ring.image()), std::numbers::pi * 300, 4);
  EXPECT_EQ(at(ring.image(), 30, 30), kWhite);
  EXPECT_NEAR(covered(triangle.image()), 800, 4);
  EXPECT_NEAR(covered(line.image()), 160 + std::numbers::pi * 4, 3);
}

TEST(Canvas, CentresTheInkOfText) {
  Canvas canvas(100, 60, kWhite);
  const Rect ink = canvas.draw_text("Hg", {"DejaVu Sans", 30}, {50, 30}, kRed);
  EXPECT_NEAR(ink.center().x, 50, 1e-9);
  const Image image = canvas.image();
  double x_sum = 0, y_low = 60, y_high = 0, count = 0;
  for (int64_t y = 0; y < 60; ++y)
    for (int64_t x = 0; x < 100; ++x)
      if (at(image, x, y) != kWhite) {
        EXPECT_TRUE(x >= ink.left - 1 && x <= ink.right() + 1 && y >= ink.top - 1 && y <= ink.bottom() + 1);
        y_low = std::min<double>(y_low, static_cast<double>(y));
        y_high = std::max<double>(y_high, static_cast<double>(y));
        x_sum += static_cast<double>(x);
        ++count;
      }
  ASSERT_GT(count, 100);
  EXPECT_NEAR(x_sum / count, 50, 6);
  EXPECT_NEAR((y_low + y_high + 1) / 2, 30, 1);
  EXPECT_GT(measure_text("Hg", {"DejaVu Sans", 40}).width,
            1.3 * measure_text("Hg", {"DejaVu Sans", 30}).width);
}

TEST(Canvas, NoiseIsBoundedAndFollowsItsSeed) {
  const auto noisy = [](uint64_t seed) {
    Canvas canvas(50, 50, {100, 100, 250});
    canvas.add_noise(seed, 10);
    return canvas.image().rgb;
  };
  const std::vector<uint8_t> first = noisy(1);
  EXPECT_EQ(first, noisy(1));
  EXPECT_NE(first, noisy(2));
  int lowest = 255, highest = 0;
  double sum = 0;
  for (size_t i = 0; i < first.size(); i += 3) {
    lowest = std::min<int>(lowest, first[i]);
    highest = std::max<int>(highest, first[i]);
    sum += first[i];
    EXPECT_GE(first[i + 2], 240);
  }
  EXPECT_EQ(lowest, 90);
  EXPECT_EQ(highest, 110);
  EXPECT_NEAR(sum / 2500, 100, 0.6);
}

TEST(Canvas, DrawsTheSameBytesOnEveryThread) {
  const auto picture = [] {
    Canvas canvas(90, 40, kWhite);
    canvas.draw_text("Melete 7", {"Liberation Serif", 18, true, true}, {45, 20}, kRed, 0.1);
    canvas.stroke_circle({20, 20}, 12.5, 1.5, kRed);
    return canvas.image().rgb;
  };
  const std::vector<uint8_t> here = picture();
  std::array<std::vector<uint8_t>, 3> there;
  std::vector<std::thread> threads;
  for (auto& bytes : there) threads.emplace_back([&] { bytes = picture(); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& bytes : there) EXPECT_EQ(bytes, here);
}

TEST(Canvas, KnowsItsFonts) {
  EXPECT_TRUE(has_font("DejaVu Sans"));
  EXPECT_FALSE(has_font("No Such Family"));
}

}  // namespace
}  // namespace melete
