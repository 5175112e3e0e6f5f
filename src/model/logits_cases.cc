#include "model/logits_cases.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "model/safetensors_header.h"

namespace melete {
namespace {

constexpr int64_t kMaxGridSide = int64_t{1} << 20;

// The tensors of one case, with errors that name them.
class CaseTensors {
 public:
  CaseTensors(const TensorFile& file, std::string name) : file_(file), name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  std::string full(const char* key) const { return name_ + "." + key; }
  bool has(const char* key) const { return file_.find(full(key)) != nullptr; }
  const TensorShape& shape(const char* key) const { return file_.find(full(key))->shape; }
  Result<std::vector<int64_t>> integers(const char* key) const { return file_.integers(full(key)); }
  Result<std::vector<float>> floats(const char* key) const { return file_.floats(full(key)); }

  Error wrong(const char* key, const std::string& what) const {
    return invalid_argument("[", file_.name(), "] tensor ", quoted_name(full(key)), " must ", what,
                            "; correct the case");
  }

  // Ids of a [1, n] tensor, n >= 1, each below vocab_size.
  Result<std::vector<int32_t>> ids(const char* key, int64_t vocab_size) const {
    MELETE_ASSIGN_OR_RETURN(const std::vector<int64_t> values, integers(key));
    const TensorShape& sides = shape(key);
    if (values.empty() || sides.empty() || sides.back() != static_cast<int64_t>(values.size()))
      return wrong(key, "have shape [1, tokens], got " + to_string(sides));
    for (const int64_t id : values)
      if (id < 0 || id >= vocab_size)
        return wrong(key, cat("hold ids from 0 to ", vocab_size - 1, ", got ", id));
    return std::vector<int32_t>(values.begin(), values.end());
  }

 private:
  const TensorFile& file_;
  std::string name_;
};

// Appends the patches of images or videos; returns each new medium's rows (merged cells).
Result<std::vector<int64_t>> read_patches(const CaseTensors& tensors, const char* pixels_key,
                                          const char* grid_key, const VisionConfig& c, ModelInput& input) {
  if (!tensors.has(grid_key))
    return tensors.wrong(pixels_key, cat("come with ", tensors.full(grid_key), ", got none"));
  MELETE_ASSIGN_OR_RETURN(const std::vector<int64_t> sides, tensors.integers(grid_key));
  MELETE_ASSIGN_OR_RETURN(const std::vector<float> pixels, tensors.floats(pixels_key));
  const TensorShape &grid_shape = tensors.shape(grid_key), &pixel_shape = tensors.shape(pixels_key);
  if (grid_shape.size() != 2 || grid_shape[1] != 3 || sides.empty())
    return tensors.wrong(grid_key, "have shape [media, 3], got " + to_string(grid_shape));
  if (pixel_shape.size() != 2 || pixel_shape[1] != c.patch_width())
    return tensors.wrong(pixels_key,
                         cat("have shape [patches, ", c.patch_width(), "], got ", to_string(pixel_shape)));
  std::vector<int64_t> rows;
  int64_t num_patches = 0;
  for (size_t i = 0; i < sides.size(); i += 3) {
    const PatchGrid grid = {sides[i], sides[i + 1], sides[i + 2]};
    const bool in_range =
        std::min({grid.t, grid.h, grid.w}) >= 1 && std::max({grid.t, grid.h, grid.w}) <= kMaxGridSide;
    if (!in_range || grid.h % c.merge_size != 0 || grid.w % c.merge_size != 0)
      return tensors.wrong(grid_key,
                           cat("hold t >= 1 and even h and w, got ", grid.t, " x ", grid.h, " x ", grid.w));
    num_patches += grid.t * grid.h * grid.w;
    if (num_patches > pixel_shape[0]) break;
    rows.push_back(grid.t * grid.h * grid.w / (c.merge_size * c.merge_size));
    input.grids.push_back(grid);
  }
  if (num_patches != pixel_shape[0])
    return tensors.wrong(pixels_key,
                         cat("have as many rows as ", tensors.full(grid_key), " says, got ", pixel_shape[0]));
  input.patches.insert(input.patches.end(), pixels.begin(), pixels.end());
  return rows;
}

// Samples of each clip that count, a multiple of `unit`: all of them, or up to where the mask ends, rounded
// up.
Result<std::vector<int64_t>> clip_lengths(const CaseTensors& tensors, int64_t clips, int64_t samples,
                                          int64_t unit) {
  constexpr const char* kMask = "input_values_mask";
  if (!tensors.has(kMask)) return std::vector<int64_t>(static_cast<size_t>(clips), samples);
  MELETE_ASSIGN_OR_RETURN(const std::vector<int64_t> mask, tensors.integers(kMask));
  if (tensors.shape(kMask) != TensorShape{clips, samples})
    return tensors.wrong(kMask, cat("have the shape of input_values, got ", to_string(tensors.shape(kMask))));
  std::vector<int64_t> lengths;
  for (int64_t clip = 0; clip < clips; ++clip) {
    const auto begin = mask.begin() + clip * samples, end = begin + samples;
    const int64_t ones = std::find(begin, end, 0) - begin;
    if (ones == 0 || std::count(begin, end, 1) != ones || std::count(begin + ones, end, 0) != samples - ones)
      return tensors.wrong(kMask,
                           "be 1 for a clip's samples and 0 for the padding on its right, got another order");
    lengths.push_back((ones + unit - 1) / unit * unit);
  }
  return lengths;
}

Result<std::vector<int64_t>> read_clips(const CaseTensors& tensors, int64_t unit, ModelInput& input) {
  constexpr const char* kSamples = "input_values";
  MELETE_ASSIGN_OR_RETURN(const std::vector<float> samples, tensors.floats(kSamples));
  const TensorShape& shape = tensors.shape(kSamples);
  if (shape.size() != 2 || samples.empty() || shape[1] % unit != 0)
    return tensors.wrong(kSamples,
                         cat("have shape [clips, a multiple of ", unit, "], got ", to_string(shape)));
  MELETE_ASSIGN_OR_RETURN(const std::vector<int64_t> lengths,
                          clip_lengths(tensors, shape[0], shape[1], unit));
  std::vector<int64_t> rows;
  for (size_t clip = 0; clip < lengths.size(); ++clip) {
    const auto begin = samples.begin() + static_cast<int64_t>(clip) * shape[1];
    input.samples.insert(input.samples.end(), begin, begin + lengths[clip]);
    input.clip_samples.push_back(lengths[clip]);
    rows.push_back(lengths[clip] / unit);
  }
  return rows;
}

struct Placeholders {
  RowKind kind;
  int64_t token_id;
  const char* key;  // of the media, for errors
  int64_t first_medium;
  std::vector<int64_t> medium_rows;  // rows of each medium
};

// Gives the placeholder positions, in order, to the media's rows, in order.
Status place(const CaseTensors& tensors, const Placeholders& media, LogitsCase& out,
             std::vector<int64_t>& positions) {
  size_t medium = 0;
  int64_t row = 0;
  for (int64_t i = 0; i < out.num_tokens(); ++i) {
    if (out.input.tokens[static_cast<size_t>(i)] != media.token_id) continue;
    if (medium == media.medium_rows.size())
      return tensors.wrong(media.key, "fill every placeholder, got too few rows");
    const int64_t index = media.first_medium + static_cast<int64_t>(medium);
    MediaRun* last = out.runs.empty() ? nullptr : &out.runs.back();
    const bool continues = last != nullptr && last->kind == media.kind && last->medium == index &&
                           last->begin + last->count == i;
    if (continues)
      ++last->count;
    else
      out.runs.push_back({media.kind, index, row, i, 1});
    positions.push_back(i);
    if (++row == media.medium_rows[medium]) ++medium, row = 0;
  }
  if (medium != media.medium_rows.size())
    return tensors.wrong(media.key, "have a placeholder for every row, got too many rows");
  return ok_status();
}

Status read_media(const CaseTensors& tensors, const ModelConfig& config, LogitsCase& out) {
  ModelInput& input = out.input;
  struct VisionKeys {
    RowKind kind;
    int64_t token_id;
    const char *pixels, *grid;
  };
  for (const VisionKeys& keys :
       {VisionKeys{RowKind::image, config.image_token_id, "pixel_values", "image_grid_thw"},
        VisionKeys{RowKind::video, config.video_token_id, "pixel_values_videos", "video_grid_thw"}}) {
    if (!tensors.has(keys.pixels)) continue;
    if (!config.has_vision)
      return tensors.wrong(keys.pixels, "be absent, since the model has no vision tower");
    const auto first = static_cast<int64_t>(input.grids.size());
    MELETE_ASSIGN_OR_RETURN(auto rows, read_patches(tensors, keys.pixels, keys.grid, config.vision, input));
    MELETE_RETURN_IF_ERROR(place(tensors, {keys.kind, keys.token_id, keys.pixels, first, std::move(rows)},
                                 out, input.vision_rows));
  }
  if (tensors.has("input_values")) {
    if (!config.has_audio)
      return tensors.wrong("input_values", "be absent, since the model has no audio tower");
    MELETE_ASSIGN_OR_RETURN(auto rows, read_clips(tensors, config.audio.samples_per_token(), input));
    MELETE_RETURN_IF_ERROR(place(tensors,
                                 {RowKind::audio, config.audio_token_id, "input_values", 0, std::move(rows)},
                                 out, input.audio_rows));
  }
  std::sort(out.runs.begin(), out.runs.end(),
            [](const MediaRun& a, const MediaRun& b) { return a.begin < b.begin; });
  return ok_status();
}

Result<LogitsCase> read_case(const CaseTensors& tensors, const ModelConfig& config) {
  const int64_t vocab = config.text.vocab_size;
  LogitsCase out;
  out.name = tensors.name();
  MELETE_ASSIGN_OR_RETURN(out.input.tokens, tensors.ids("input_ids", vocab));
  out.input.document_lengths = {out.num_tokens()};
  MELETE_RETURN_IF_ERROR(read_media(tensors, config, out));
  if (tensors.has("logits")) {
    MELETE_ASSIGN_OR_RETURN(out.expected_logits, tensors.floats("logits"));
    if (tensors.shape("logits") != TensorShape{1, out.num_tokens(), vocab})
      return tensors.wrong("logits", cat("have shape [1, ", out.num_tokens(), ", ", vocab, "], got ",
                                         to_string(tensors.shape("logits"))));
  }
  if (tensors.has("output_ids")) {
    MELETE_ASSIGN_OR_RETURN(out.expected_ids, tensors.ids("output_ids", vocab));
    if (out.num_new_tokens() < 0 ||
        !std::equal(out.input.tokens.begin(), out.input.tokens.end(), out.expected_ids.begin()))
      return tensors.wrong("output_ids", "begin with input_ids, got another beginning");
  }
  const int64_t longest = std::max<int64_t>(out.num_tokens(), static_cast<int64_t>(out.expected_ids.size()));
  if (longest > config.text.max_positions)
    return tensors.wrong("input_ids", cat("be at most max_position_embeddings=", config.text.max_positions,
                                          " long, got ", longest));
  return out;
}

}  // namespace

Result<std::vector<LogitsCase>> read_logits_cases(const std::filesystem::path& path,
                                                  const ModelConfig& config) {
  MELETE_ASSIGN_OR_RETURN(const TensorFile file, TensorFile::open(path));
  std::set<std::string> names;
  for (const auto& [name, view] : file.tensors())
    if (name.ends_with(".input_ids")) names.insert(name.substr(0, name.rfind('.')));
  if (names.empty())
    return invalid_argument(
        "[", path.string(),
        "] must hold a tensor CASE.input_ids, got none of that name; see the cases' layout");
  std::vector<LogitsCase> cases;
  for (const std::string& name : names) {
    MELETE_ASSIGN_OR_RETURN(LogitsCase one, read_case(CaseTensors(file, name), config));
    cases.push_back(std::move(one));
  }
  return cases;
}

Status write_logits_results(const std::filesystem::path& path, std::span<const LogitsResult> results,
                            int64_t vocab_size) {
  std::vector<std::vector<int64_t>> ids;
  for (const LogitsResult& result : results)
    ids.emplace_back(result.output_ids.begin(), result.output_ids.end());
  std::vector<TensorSource> tensors;
  for (size_t i = 0; i < results.size(); ++i) {
    const int64_t rows = static_cast<int64_t>(results[i].logits.size()) / vocab_size;
    tensors.push_back({results[i].name + ".logits",
                       DataType::f32,
                       {1, rows, vocab_size},
                       std::span<const float>(results[i].logits)});
    if (!ids[i].empty())
      tensors.push_back({results[i].name + ".output_ids",
                         DataType::i64,
                         {1, static_cast<int64_t>(ids[i].size())},
                         std::span<const int64_t>(ids[i])});
  }
  return write_safetensors(path, tensors);
}

double largest_difference(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (!(difference <= largest))
      largest = std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference;
  }
  return largest;
}

std::string describe_difference(const LogitsCase& expected, const LogitsResult& result) {
  std::string text;
  if (!expected.expected_logits.empty())
    text = cat("largest difference ", largest_difference(expected.expected_logits, result.logits));
  if (!expected.expected_ids.empty())
    text += cat(text.empty() ? "" : ", ", "continuation ",
                expected.expected_ids == result.output_ids ? "equal" : "DIFFERENT");
  return text.empty() ? text : cat(expected.name, ": ", text, "\n");
}

}  // namespace melete
