#include "media/video.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>

#include "base/json.h"
#include "base/process.h"
#include "media/decoders.h"
#include "media/preprocess.h"
#include "media/sandbox.h"

namespace melete {
namespace {

constexpr int64_t kMaxPackets = 200'000;
constexpr double kWholeDecodePixels = 2.5e8;  // about a second's decoding; above it, key frames only
constexpr const char* kInput = "file:/proc/self/fd/0";

Error broken(std::string_view problem) {
  constexpr size_t kMostShown = 200;
  return corrupt("[video] must be a whole clip, got: ",
                 problem.substr(0, std::min(problem.find('\n'), kMostShown)), "; save the file again");
}

struct Packet {
  double time_s = 0.0;
  bool key = false;
};

struct Probe {
  bool has_video = false, has_sound = false;
  int64_t width = 0, height = 0;
  double fps = 0.0;             // average; 0: unknown
  int64_t promised_frames = 0;  // as the header says; 0: it doesn't
  std::vector<Packet> packets;  // of the video stream, in order of time
};

class Tool {
 public:
  Tool(std::string_view bytes, const char* demuxer) : bytes_(bytes), demuxer_(demuxer) {}

  // Runs ffprobe or ffmpeg with the input set, within what is left of the processor time.
  Result<std::string> run(const char* program, const std::vector<std::string>& before_input,
                          const std::vector<std::string>& after_input, uint64_t max_output_bytes) {
    MELETE_ASSIGN_OR_RETURN(const std::string filter, program_filter());
    ProcessOptions options;
    options.input = bytes_;
    options.time_limit = kDecodeWall;
    options.max_output_bytes = max_output_bytes;
    options.max_memory_bytes = kDecodeMemoryBytes;
    options.max_cpu = std::max(std::chrono::milliseconds(1), kDecodeCpu - used_);
    options.write_files = false;
    options.seccomp_program = filter;
    options.readable_folders = {"/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/alternatives"};
    std::vector<std::string> arguments = {program, "-v", "error", "-protocol_whitelist", "file,pipe"};
    arguments.insert(arguments.end(), before_input.begin(), before_input.end());
    for (const char* argument : {"-f", demuxer_, "-i", kInput}) arguments.emplace_back(argument);
    arguments.insert(arguments.end(), after_input.begin(), after_input.end());
    auto output = run_process(arguments, options);
    if (!output.ok()) return problem_with(program, output.error());
    used_ += output->cpu;
    if (output->exit_status != 0) return broken(output->err.empty() ? "a damaged stream" : output->err);
    return std::move(output->out);
  }

 private:
  static Error too_slow() {
    return timed_out("[video] decoding must take at most ", kDecodeCpu.count(),
                     " ms, got more; cut or scale the clip");
  }

  static Error problem_with(const char* program, const Error& error) {
    if (error.kind == ErrorKind::not_found)
      return unavailable("[video] clips need the ", program, " program, got none; install ffmpeg");
    if (error.kind == ErrorKind::timeout) return too_slow();
    if (error.kind == ErrorKind::exhausted)
      return exhausted("[video] must have sensible numbers of frames and samples, got more; cut the clip");
    return error;
  }

  std::string_view bytes_;
  const char* demuxer_;
  std::chrono::milliseconds used_{0};
};

double to_double(const Json& object, const char* key, double otherwise) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return otherwise;
  const auto& text = found->get_ref<const std::string&>();
  double value = otherwise;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || !std::isfinite(value)) return otherwise;
  if (end == text.data() + text.size() || *end != '/') return value;
  double below = 0.0;
  std::from_chars(end + 1, text.data() + text.size(), below);
  return below > 0.0 ? value / below : otherwise;
}

void read_stream(const Json& stream, Probe& probe) {
  const std::string type = stream.value("codec_type", "");
  if (type == "audio") probe.has_sound = true;
  if (type != "video" || probe.has_video) return;
  probe.has_video = true;
  probe.width = stream.value("width", int64_t{0});
  probe.height = stream.value("height", int64_t{0});
  probe.fps = to_double(stream, "avg_frame_rate", 0.0);
  probe.promised_frames = static_cast<int64_t>(std::clamp(to_double(stream, "nb_frames", 0.0), 0.0, 1e9));
}

void read_packet(const Json& packet, Probe& probe) {
  const std::string flags = packet.value("flags", "");
  if (packet.value("codec_type", "") != "video" || flags.find('D') != std::string::npos) return;
  probe.packets.push_back({to_double(packet, "pts_time", NAN), flags.find('K') != std::string::npos});
}

// Times from 0, rising; from the frame rate where the container has none.
void order_packets(Probe& probe) {
  const bool timed = std::none_of(probe.packets.begin(), probe.packets.end(),
                                  [](const Packet& packet) { return std::isnan(packet.time_s); });
  const double fps = probe.fps > 0.0 ? probe.fps : 25.0;
  if (!timed)
    for (size_t i = 0; i < probe.packets.size(); ++i) probe.packets[i].time_s = static_cast<double>(i) / fps;
  std::stable_sort(probe.packets.begin(), probe.packets.end(),
                   [](const Packet& a, const Packet& b) { return a.time_s < b.time_s; });
  const double start = probe.packets.empty() ? 0.0 : probe.packets[0].time_s;
  for (Packet& packet : probe.packets) packet.time_s -= start;
}

Result<Probe> probe_file(Tool& tool) {
  MELETE_ASSIGN_OR_RETURN(
      const std::string text,
      tool.run("ffprobe", {},
               {"-of", "json=compact=1", "-show_entries",
                "stream=codec_type,width,height,avg_frame_rate,nb_frames:packet=codec_type,pts_time,flags"},
               kMaxPackets * 100));
  MELETE_ASSIGN_OR_RETURN(const Json json, parse_json(text, "ffprobe"));
  Probe probe;
  try {
    for (const Json& stream : json.value("streams", Json::array())) read_stream(stream, probe);
    for (const Json& packet : json.value("packets", Json::array())) read_packet(packet, probe);
  } catch (const Json::exception& error) {
    return broken(error.what());
  }
  const auto packets = static_cast<int64_t>(probe.packets.size());
  if (packets > kMaxPackets)
    return exhausted("[video] must have at most ", kMaxPackets, " frames; cut the clip");
  order_packets(probe);
  return probe;
}

// Which frames to take, and how.
struct Plan {
  bool key_frames_only = false;
  bool all = false;
  std::vector<int64_t> picks;   // indices among the frames that the decoder gives
  std::vector<double> times_s;  // of the picks
  int64_t width = 0, height = 0;
};

Plan make_plan(const Probe& probe) {
  constexpr int64_t kEnoughKeyFrames = 4;
  Plan plan;
  const int64_t frame_bytes = probe.width * probe.height * 3;
  std::vector<Packet> candidates = probe.packets;
  const auto keys =
      std::count_if(candidates.begin(), candidates.end(), [](const Packet& p) { return p.key; });
  const double cost =
      static_cast<double>(candidates.size()) * static_cast<double>(probe.width * probe.height);
  plan.key_frames_only = cost > kWholeDecodePixels && keys >= kEnoughKeyFrames;
  if (plan.key_frames_only) std::erase_if(candidates, [](const Packet& p) { return !p.key; });
  const auto count = static_cast<int64_t>(candidates.size());
  plan.all = count <= kMaxVideoBytes / frame_bytes;
  const double duration = candidates.back().time_s;
  const double fps = duration > 0.0 ? static_cast<double>(count - 1) / duration : 25.0;
  plan.picks = plan.all ? std::vector<int64_t>() : sampled_frames(count, fps, MediaLimits{});
  if (plan.all)
    for (int64_t i = 0; i < count; ++i) plan.picks.push_back(i);
  for (const int64_t pick : plan.picks) plan.times_s.push_back(candidates[static_cast<size_t>(pick)].time_s);
  const double fit = std::sqrt(static_cast<double>(kMaxVideoBytes) /
                               (static_cast<double>(frame_bytes) * static_cast<double>(plan.picks.size())));
  plan.width =
      std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(probe.width) * std::min(fit, 1.0)));
  plan.height =
      std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(probe.height) * std::min(fit, 1.0)));
  return plan;
}

// iw, ih rather than numbers: ffmpeg may have turned the picture by then, as the file says.
std::string filters(const Probe& probe, const Plan& plan) {
  std::string text;
  if (!plan.all) {
    text = "select='";
    for (size_t i = 0; i < plan.picks.size(); ++i) text += cat(i > 0 ? "+" : "", "eq(n,", plan.picks[i], ")");
    text += "',";
  }
  const double scale = static_cast<double>(plan.width) / static_cast<double>(probe.width);
  if (plan.width < probe.width)
    text += cat("scale='max(1,trunc(iw*", scale, "))':'max(1,trunc(ih*", scale, "))':flags=area,");
  return text + "format=rgb24";
}

Result<Part> decode_frames(Tool& tool, const Probe& probe) {
  MELETE_RETURN_IF_ERROR(check_picture_size("video", probe.width, probe.height));
  if (probe.packets.empty()) return broken("no frames");
  if (probe.promised_frames > static_cast<int64_t>(probe.packets.size()) + 1)
    return broken(cat(probe.packets.size(), " of the ", probe.promised_frames, " frames that it promises"));
  const Plan plan = make_plan(probe);
  std::vector<std::string> before = {"-nostdin", "-threads", "2"};
  if (plan.key_frames_only) before.insert(before.end(), {"-skip_frame", "nokey"});
  MELETE_ASSIGN_OR_RETURN(
      const std::string pictures,
      tool.run("ffmpeg", before,
               {"-map", "0:v:0", "-vf", filters(probe, plan), "-fps_mode", "passthrough", "-frames:v",
                std::to_string(plan.picks.size()), "-c:v", "ppm", "-f", "image2pipe", "pipe:1"},
               static_cast<uint64_t>(kMaxVideoBytes) + (8 << 20)));
  Video video;
  MELETE_ASSIGN_OR_RETURN(video.frames, parse_ppm_frames(pictures));
  if (video.frames.empty() || video.frames.size() * 4 < plan.picks.size() * 3)
    return broken(cat(video.frames.size(), " readable frames of ", plan.picks.size()));
  video.times_s.assign(plan.times_s.begin(),
                       plan.times_s.begin() + static_cast<int64_t>(video.frames.size()));
  return Part(std::move(video));
}

Result<Part> decode_track(Tool& tool) {
  Audio audio{24000, {}};
  MELETE_ASSIGN_OR_RETURN(
      const std::string samples,
      tool.run("ffmpeg", {"-nostdin"},
               {"-map", "0:a:0", "-ac", "1", "-ar", "24000", "-c:a", "pcm_f32le", "-f", "f32le", "pipe:1"},
               static_cast<uint64_t>(kMaxSamples) * sizeof(float)));
  audio.samples.resize(samples.size() / sizeof(float));
  std::memcpy(audio.samples.data(), samples.data(), audio.samples.size() * sizeof(float));
  for (float& sample : audio.samples) sample = std::isfinite(sample) ? std::clamp(sample, -1.0F, 1.0F) : 0.0F;
  if (audio.samples.empty()) return broken("no samples");
  return Part(std::move(audio));
}

// The number that `bytes` starts with, and the white space after it, are taken off; nothing if there is none.
std::optional<int64_t> take_number(std::string_view& bytes) {
  int64_t value = 0;
  const auto [end, failure] =
      std::from_chars(bytes.data(), bytes.data() + std::min<size_t>(bytes.size(), 10), value);
  const auto digits = static_cast<size_t>(end - bytes.data());
  if (failure != std::errc() || value < 1 || digits >= bytes.size() ||
      (bytes[digits] != ' ' && bytes[digits] != '\n'))
    return std::nullopt;
  bytes.remove_prefix(digits + 1);
  return value;
}

}  // namespace

Result<std::vector<Image>> parse_ppm_frames(std::string_view bytes) {
  std::vector<Image> frames;
  while (!bytes.empty()) {
    if (!bytes.starts_with("P6\n")) return broken("a frame without a header");
    bytes.remove_prefix(3);
    const auto width = take_number(bytes), height = width ? take_number(bytes) : std::nullopt;
    const auto most = height ? take_number(bytes) : std::nullopt;
    if (!most || *most != 255) return broken("a frame with a damaged header");
    MELETE_RETURN_IF_ERROR(check_picture_size("video", *width, *height));
    const auto size = static_cast<size_t>(*width * *height * 3);
    if (size > bytes.size()) return broken("a frame that ends too early");
    if (!frames.empty() && (frames[0].width != *width || frames[0].height != *height))
      return broken("frames of different sizes");
    frames.push_back(
        {*width, *height, std::vector<uint8_t>(bytes.begin(), bytes.begin() + static_cast<int64_t>(size))});
    bytes.remove_prefix(size);
  }
  return frames;
}

Result<Part> decode_video(std::string_view bytes, const char* demuxer) {
  Tool tool(bytes, demuxer);
  MELETE_ASSIGN_OR_RETURN(const Probe probe, probe_file(tool));
  if (probe.has_video) return decode_frames(tool, probe);
  if (probe.has_sound) return decode_track(tool);
  return broken("neither pictures nor sound");
}

}  // namespace melete
