#include "train/metrics.h"

#include <fmt/format.h>

#include <fstream>
#include <map>

#include "base/file.h"
#include "base/plot.h"

namespace melete {
namespace {

std::string kind_of(const Json& line) { return line.value("kind", ""); }

PlotSeries series_of(const std::vector<Json>& lines, const std::string& label, const Json::json_pointer& at,
                     const std::string& kind = "train") {
  PlotSeries series{label, {}, {}};
  for (const Json& line : lines) {
    if (kind_of(line) != kind || !line.contains("step") || !line.contains(at) || !line.at(at).is_number())
      continue;
    series.x.push_back(line["step"].get<double>());
    series.y.push_back(line.at(at).get<double>());
  }
  return series;
}

Json::json_pointer pointer(std::initializer_list<std::string> keys) {
  Json::json_pointer at;
  for (const std::string& key : keys) at /= key;
  return at;
}

std::vector<std::string> keys_of(const std::vector<Json>& lines, const Json::json_pointer& at) {
  std::map<std::string, bool> keys;
  for (const Json& line : lines)
    if (line.contains(at) && line.at(at).is_object())
      for (const auto& [key, unused] : line.at(at).items()) keys[key] = true;
  std::vector<std::string> names;
  for (const auto& [key, unused] : keys) names.push_back(key);
  return names;
}

std::string loss_plot(const std::vector<Json>& lines, const std::string& kind, const std::string& title) {
  PlotSpec spec;
  spec.title = title;
  spec.x_label = "step";
  spec.y_label = "nats a target token";
  spec.log_y = true;
  for (const std::string& family : keys_of(lines, pointer({"nll"})))
    spec.series.push_back(series_of(lines, family, pointer({"nll", family}), kind));
  return svg_plot(spec);
}

// One plot a task: a curve for each level and kind of answer.
std::string accuracy_plots(const std::vector<Json>& lines, const std::string& kind) {
  std::string out;
  for (const std::string& task : keys_of(lines, pointer({"accuracy"}))) {
    PlotSpec spec;
    spec.title = task;
    spec.x_label = "step";
    spec.y_label = "exact match";
    spec.from_zero = true;
    for (const std::string& level : keys_of(lines, pointer({"accuracy", task})))
      for (const std::string& how : keys_of(lines, pointer({"accuracy", task, level})))
        spec.series.push_back(
            series_of(lines, "level " + level + " " + how, pointer({"accuracy", task, level, how}), kind));
    out += svg_plot(spec);
  }
  return out;
}

std::string plain_plot(const std::vector<Json>& lines, const std::string& key, const std::string& title,
                       bool log_y) {
  PlotSpec spec;
  spec.title = title;
  spec.x_label = "step";
  spec.log_y = log_y;
  spec.from_zero = !log_y;
  spec.series = {series_of(lines, key, pointer({key}))};
  return svg_plot(spec);
}

}  // namespace

Result<MetricsFile> MetricsFile::open(const std::filesystem::path& path, uint64_t bytes) {
  MetricsFile file;
  file.path_ = path;
  std::error_code error;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  const uint64_t size = std::filesystem::exists(path) ? std::filesystem::file_size(path, error) : 0;
  if (bytes > 0 && size < bytes) bytes = size;
  if (size > bytes) std::filesystem::resize_file(path, bytes, error);
  if (error) return unavailable("[", path.string(), "] must be possible to write, got: ", error.message());
  file.bytes_ = bytes;
  return file;
}

Status MetricsFile::add(const Json& line) {
  const std::string text = line.dump() + "\n";
  std::ofstream out(path_, std::ios::app | std::ios::binary);
  out << text << std::flush;
  if (!out) return unavailable("[", path_.string(), "] must be possible to append to; is the disk full?");
  bytes_ += text.size();
  return ok_status();
}

Result<std::vector<Json>> read_metrics(const std::filesystem::path& path) {
  MELETE_ASSIGN_OR_RETURN(const std::string text, read_file(path));
  std::vector<Json> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    auto line = parse_json(std::string_view(text).substr(begin, end - begin), path.string());
    if (line.ok() && line->is_object()) lines.push_back(*std::move(line));
    begin = end + 1;
  }
  return lines;
}

std::string html_report(const std::string& title,
                        const std::vector<std::pair<std::string, std::string>>& facts,
                        const std::vector<Json>& lines) {
  std::string out = fmt::format(
      "<!doctype html><html lang='en'><meta charset='utf-8'><title>{0}</title><style>body{{font:14px "
      "sans-serif;"
      "max-width:1180px;margin:2em auto;padding:0 1em;color:#222}}td{{padding:2px 12px 2px "
      "0}}svg{{margin:4px}}</style>"
      "<h1>{0}</h1><table>",
      escape_html(title));
  for (const auto& [name, value] : facts)
    out += fmt::format("<tr><td>{}<td>{}", escape_html(name), escape_html(value));
  out += "</table><h2>Loss</h2>" + loss_plot(lines, "train", "training loss by family") +
         loss_plot(lines, "dev", "dev loss by family");
  out += "<h2>Accuracy on fresh training questions</h2>" + accuracy_plots(lines, "train");
  out += "<h2>Accuracy on dev questions</h2>" + accuracy_plots(lines, "dev");
  out += "<h2>The run</h2>" + plain_plot(lines, "rate", "learning rate, factor of the peak", false) +
         plain_plot(lines, "gradient_norm", "gradient norm", true) +
         plain_plot(lines, "tokens_per_s", "tokens a second", false) +
         plain_plot(lines, "wait_share", "share of time waiting for data", false);
  return out + "</html>\n";
}

}  // namespace melete
