#include "remote/remote_picture.h"

#include <utility>

namespace melete {
namespace {

// Its type is what tells such a pointer from others, since Media has no virtual functions.
struct Deleter {
  void operator()(const RemotePicture* picture) const { delete picture; }
};

}  // namespace

std::shared_ptr<const Media> make_remote_picture(std::string file, std::string type) {
  auto* picture = new RemotePicture;
  picture->file = std::move(file);
  picture->type = std::move(type);
  return std::shared_ptr<const RemotePicture>(picture, Deleter());
}

const RemotePicture* as_remote_picture(const std::shared_ptr<const Media>& media) {
  return std::get_deleter<Deleter>(media) ? static_cast<const RemotePicture*>(media.get()) : nullptr;
}

}  // namespace melete
