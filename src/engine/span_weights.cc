#include "engine/span_weights.h"

#include <atomic>
#include <bit>

#include "kernels/elementwise.h"

namespace melete {
namespace {

// Floats of one tensor: in place if they lie in the file as aligned float32, else converted into `owned`.
struct Floats {
  std::span<const float> values;
  std::vector<float> owned;
};

bool lies_in_place(const TensorView& view) {
  return view.type == DataType::f32 && std::endian::native == std::endian::little &&
         reinterpret_cast<uintptr_t>(view.bytes.data()) % alignof(float) == 0;
}

class Loader {
 public:
  Loader(const TensorFile& file, ThreadPool& pool) : file_(file), pool_(pool) {}

  void operator()(const WeightSpec& spec, RowTable& table) {
    Floats floats = read(spec);
    table.owned = std::move(floats.owned);
    table.values = table.owned.empty() ? floats.values : std::span<const float>(table.owned);
    table.rows = spec.shape[0];
    table.width = spec.shape[1];
  }

  void operator()(const WeightSpec& spec, PackedMatrix& matrix) {
    const Floats floats = read(spec);
    if (status_.ok()) matrix = PackedMatrix(pool_, floats.values, spec.shape[0], spec.shape[1]);
  }

  void operator()(const WeightSpec& spec, std::vector<float>& vector) {
    const Floats floats = read(spec);
    vector.assign(floats.values.begin(), floats.values.end());
  }

  void operator()(const WeightSpec& spec, ConvKernel& kernel) {
    const Floats floats = read(spec);
    if (!status_.ok()) return;
    const int64_t channels = spec.shape[0], taps = spec.shape[2];
    for (int64_t tap = 0; tap < taps; ++tap)
      for (int64_t c = 0; c < channels; ++c)
        kernel.taps.push_back(floats.values[static_cast<size_t>(c * taps + tap)]);
  }

  void operator()(const WeightSpec& spec, std::vector<PackedMatrix>& stack) {
    const Floats floats = read(spec);
    if (!status_.ok()) return;
    const int64_t out = spec.shape[1], in = spec.shape[2];
    for (int64_t e = 0; e < spec.shape[0]; ++e) {
      const auto part =
          floats.values.subspan(static_cast<size_t>(e * out * in), static_cast<size_t>(out * in));
      stack.emplace_back(pool_, part, out, in);
    }
  }

  const Status& status() const { return status_; }

 private:
  Floats read(const WeightSpec& spec) {
    Floats floats;
    if (!status_.ok()) return floats;
    const TensorView* view = file_.find(spec.name);
    MELETE_CHECK(view != nullptr, spec.name);  // open_checkpoint has compared the names
    if (lies_in_place(*view)) {
      floats.values = {reinterpret_cast<const float*>(view->bytes.data()),
                       static_cast<size_t>(view->num_elements())};
    } else {
      auto converted = file_.floats(spec.name);
      if (!converted.ok()) {
        status_ = converted.error();
        return floats;
      }
      floats.owned = std::move(converted).value();
      floats.values = floats.owned;
    }
    check_finite(spec, floats.values);
    return floats;
  }

  // One value that isn't finite would silently turn every answer into nonsense.
  void check_finite(const WeightSpec& spec, std::span<const float> values) {
    std::atomic<bool> finite{true};
    pool_.for_ranges(static_cast<int64_t>(values.size()), 1 << 16, [&](int64_t begin, int64_t end) {
      if (!all_finite(values.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin))))
        finite = false;
    });
    if (!finite)
      status_ = corrupt("[", file_.name(), "] tensor ", spec.name,
                        " must hold finite numbers, got infinity or not-a-number; take another checkpoint");
  }

  const TensorFile& file_;
  ThreadPool& pool_;
  Status status_ = ok_status();
};

}  // namespace

Result<SpanModel> load_span_model(const std::filesystem::path& folder, ThreadPool& pool) {
  MELETE_ASSIGN_OR_RETURN(Checkpoint checkpoint, open_checkpoint(folder));
  SpanModel model{std::move(checkpoint), {}};
  Loader loader(model.checkpoint.tensors, pool);
  visit_weights(model.weights, model.config(), loader);
  MELETE_RETURN_IF_ERROR(loader.status());
  return model;
}

}  // namespace melete
