// How the files of this room reach into the packed forms of quant.h.
#pragma once

#include "kernels/quant.h"
#include "kernels/quant_layout.h"

namespace melete {

struct QuantAccess {
  static QuantLayout layout(const QuantMatrix& w) {
    return {static_cast<QuantFormat>(w.format_ / 2), w.format_ % 2 != 0};
  }
  static const std::byte* panels(const QuantMatrix& w) { return w.panels_.get(); }
  static const std::shared_ptr<const std::byte>& shared(const QuantMatrix& w) { return w.panels_; }
  static const int32_t* records(const QuantActivations& x) { return x.records_.data(); }
  static QuantMatrix make(std::shared_ptr<const std::byte> panels, int64_t out, int64_t in,
                          QuantLayout layout) {
    QuantMatrix w;
    w.panels_ = std::move(panels);
    w.out_ = out;
    w.in_ = in;
    w.format_ = static_cast<int32_t>(layout.format) * 2 + (layout.half ? 1 : 0);
    return w;
  }
};

}  // namespace melete
