#include "base/base64.h"

#include <gtest/gtest.h>

namespace melete {
namespace {

TEST(Base64Test, Rfc4648) {
  EXPECT_EQ(encode_base64(""), "");
  EXPECT_EQ(encode_base64("f"), "Zg==");
  EXPECT_EQ(encode_base64("fo"), "Zm8=");
  EXPECT_EQ(encode_base64("foo"), "Zm9v");
  EXPECT_EQ(encode_base64("foob\xff"), "Zm9vYv8=");
}

}  // namespace
}  // namespace melete
