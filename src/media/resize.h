// Lanczos resampling (a = 3) with antialiasing, equal bit for bit to torch's 8-bit path, which the reference
// processor uses: weights in 16-bit fixed point, rows first, 8 bits kept between the two passes.
#pragma once

#include "media/media.h"

namespace melete {

// Returns `image` at width x height (both >= 1). CHECKs that the image is well formed and not empty.
Image resize_lanczos(const Image& image, int64_t width, int64_t height);

}  // namespace melete
