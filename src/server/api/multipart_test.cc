#include "server/api/multipart.h"

#include <gtest/gtest.h>

namespace melete {
namespace {

constexpr const char* kType = "multipart/form-data; boundary=\"a b\"";

TEST(Multipart, PartsKeepTheirBytes) {
  const std::string bytes("\r\n--a b\0\r\n--a", 13);
  const std::string body =
      "--a b\r\ncontent-disposition: form-data; name=\"x\"; filename=\"p;q=\\\"1.png\"\r\n"
      "CONTENT-TYPE: image/png\r\n\r\n" +
      bytes +
      "c\r\n--a b\r\n"
      "Content-Disposition: form-data; name=y\r\n\r\n\r\n--a b--\r\n";
  // The inner "\r\n--a b" ends a part wherever it stands: a browser chooses a boundary that isn't in it.
  EXPECT_FALSE(parse_form(kType, body, 8));
  const std::string fine =
      "--a b\r\ncontent-disposition: form-data; name=\"x\"; filename=\"p;q=\\\"1.png\"\r\n"
      "CONTENT-TYPE: image/png\r\n\r\n\r\n--a\r\n\r\n--a b\r\n"
      "Content-Disposition: form-data; name=y\r\n\r\n\r\n--a b--\r\n";
  const auto parts = parse_form(kType, fine, 8);
  ASSERT_TRUE(parts && parts->size() == 2u);
  EXPECT_EQ((*parts)[0].file_name, "p;q=\"1.png");
  EXPECT_EQ((*parts)[0].type, "image/png");
  EXPECT_EQ((*parts)[0].bytes, "\r\n--a\r\n");
  EXPECT_EQ((*parts)[1].name, "y");
  EXPECT_EQ((*parts)[1].bytes, "");
}

TEST(Multipart, WhatIsCutIsNoForm) {
  const std::string whole = "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nabc\r\n--b--\r\n";
  const char* type = "multipart/form-data; boundary=b";
  ASSERT_TRUE(parse_form(type, whole, 1));
  for (size_t size = 0; size + 4 < whole.size(); ++size)
    EXPECT_FALSE(parse_form(type, whole.substr(0, size), 1)) << size;
  EXPECT_FALSE(parse_form(type, whole, 0)) << "too many";
  EXPECT_FALSE(parse_form("multipart/form-data", whole, 1));
  EXPECT_FALSE(parse_form("multipart/form-data; boundary=" + std::string(71, 'b'), whole, 1));
  EXPECT_FALSE(parse_form("text/plain; boundary=b", whole, 1));
}

}  // namespace
}  // namespace melete
