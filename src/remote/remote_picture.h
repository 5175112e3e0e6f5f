// A picture of a conversation with a remote model: the file as it was given, in the place of what towers
// take.
#pragma once

#include <memory>
#include <string>

#include "media/media.h"

namespace melete {

struct RemotePicture : Media {
  std::string file, type;  // "image/png"
};

// A conversation holds it as any other medium.
std::shared_ptr<const Media> make_remote_picture(std::string file, std::string type);

// Null if the medium isn't one made by make_remote_picture().
const RemotePicture* as_remote_picture(const std::shared_ptr<const Media>& media);

}  // namespace melete
