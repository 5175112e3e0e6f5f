// EXIF orientation (CIPA DC-008, tag 0x0112): how a camera was held.
#pragma once

#include <string_view>

#include "media/media.h"

namespace melete {

// The orientation, 1..8, of a TIFF block as EXIF holds it (with or without the "Exif\0\0" before it); 1 if
// the block has none or is broken.
int exif_orientation(std::string_view exif);

// The image as it is to be seen: turned and mirrored by `orientation` (1 leaves it as it is).
Image oriented(Image image, int orientation);

}  // namespace melete
