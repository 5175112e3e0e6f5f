// Any bytes as tokenizer.json: an error, or a tokenizer that keeps its promises on texts with every kind of
// character.
#include "text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto tokenizer = melete::parse_tokenizer({reinterpret_cast<const char*>(data), size}, "input");
  if (!tokenizer.ok()) return 0;
  const std::string_view texts[] = {"Hello world 12 345!\n\n  it's  \t",
                                    "\xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\x98\x80\xc3\xa9",
                                    "<|begin_of_text|><|start|>user<|eot|>", "\xff\xfe\x80 broken"};
  for (const std::string_view text : texts) {
    for (const int32_t id : (*tokenizer)->encode(text)) {
      MELETE_CHECK(id >= 0 && id < (*tokenizer)->vocab_size(), id);
      MELETE_CHECK(!(*tokenizer)->is_special(id), id);
    }
    (*tokenizer)->decode((*tokenizer)->encode_trusted(text));
  }
  return 0;
}
