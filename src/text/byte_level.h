// The alphabet of byte-level vocabularies (GPT-2): every byte is one printable character, so that a
// vocabulary is text. Printable Latin-1 bytes stand for themselves, the other 68 are U+0100 and up in order
// (space is U+0120).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace melete {

std::string bytes_to_alphabet(std::string_view bytes);

// Nothing if `text` has a character outside the alphabet.
std::optional<std::string> alphabet_to_bytes(std::string_view text);

}  // namespace melete
