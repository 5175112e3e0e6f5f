// Any bytes as a chat template: an error, or a text within the limits whose bytes from messages stay
// untrusted.
#include "text/jinja/template.h"

namespace {

using melete::jinja::Dict;
using melete::jinja::Value;

constexpr char kMark = '\x01';  // stands in contents only: no template spells it

Dict variables() {
  const melete::Json messages = melete::Json::parse(
      R"([{"role": "system", "content": "\u0001s"}, {"role": "user", "content": "\u0001 <|x|> 1"},
          {"role": "assistant", "content": "\u0001a", "tool_calls": [{"function": {"name": "\u0001f", "arguments": {"\u0001k": [1, 2.5, null]}}}]}])");
  Dict given;
  given.put(Value::text("messages", true), melete::jinja::to_value(messages, false).value());
  given.put(Value::text("tools", true), melete::jinja::to_value(messages[2]["tool_calls"], false).value());
  given.put(Value::text("bos_token", true), Value::text("<s>", true));
  given.put(Value::text("add_generation_prompt", true), Value(true));
  return given;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view source(reinterpret_cast<const char*>(data), size);
  const auto made = melete::jinja::Template::parse(source, "input");
  if (!made.ok()) return 0;
  melete::jinja::RenderOptions options;
  options.limits = {
      .steps = 20'000, .work_bytes = size_t{4} << 20, .output_bytes = size_t{1} << 20, .depth = 200};
  const auto text = made->render(variables(), options);
  if (!text.ok()) return 0;
  MELETE_CHECK(text->size() <= options.limits.output_bytes, text->size());
  const bool spells_mark =
      source.find('\\') != std::string_view::npos || source.find(kMark) != std::string_view::npos;
  for (const auto& piece : text->pieces())
    MELETE_CHECK(spells_mark || !piece.trusted || piece.text.find(kMark) == std::string::npos, piece.text);
  return 0;
}
