// One part of a message: text, or a medium as it was given (pixels, frames, samples), before preprocessing.
#pragma once

#include <string>
#include <variant>

#include "media/media.h"

namespace melete {

using Part = std::variant<std::string, Image, Video, Audio>;

}  // namespace melete
