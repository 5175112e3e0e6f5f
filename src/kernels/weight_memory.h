// Memory for packed weights and for keys and values: huge pages, shared by the small matrices of a model, so
// that streaming them costs few address translations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace melete {

// `bytes` at a multiple of 64, not initialised. The memory lives while anything in its region does.
std::shared_ptr<std::byte> allocate_weights(int64_t bytes);

}  // namespace melete
