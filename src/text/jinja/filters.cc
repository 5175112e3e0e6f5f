// `x | FILTER` over texts, numbers and whole values; those that choose among items are in item_filters.cc.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_map>

#include "text/jinja/builtins.h"
#include "text/jinja/item_filters.h"
#include "text/jinja/text_functions.h"

namespace melete::jinja {
namespace {

using In = Interpreter&;
using V = const Value&;
using A = const Arguments&;

Value default_filter(In, V value, A arguments) {
  const bool is_missing =
      value.undefined() || (argument(arguments, 1, "boolean").is_truthy() && !value.is_truthy());
  if (!is_missing) return value;
  const Value* fallback = arguments.find(0, "default_value");
  return fallback ? *fallback : Value::text("", true);
}

Value length_filter(In in, V value, A) {
  if (value.undefined()) return int64_t{0};
  if (const MarkedText* text = value.text()) {
    in.charge(text->size());
    return static_cast<int64_t>(character_starts(*text).size()) - 1;
  }
  if (value.list()) return static_cast<int64_t>(value.list()->items.size());
  if (value.dict()) return static_cast<int64_t>(value.dict()->items().size());
  fail("a ", value.type_name(), " has no length");
}

Value tojson_filter(In in, V value, A arguments) {
  JsonLayout layout;
  if (const Value& indent = argument(arguments, 1, "indent"); !indent.is_none()) {
    layout.indent = static_cast<int>(std::clamp<int64_t>(integer_of(indent, "indent"), 0, 64));
    layout.item_separator = ",";
  }
  layout.ascii = argument(arguments, 0, "ensure_ascii").is_truthy();
  if (const Value& separators = argument(arguments, 2, "separators"); !separators.is_none()) {
    const std::vector<Value> pair = in.items_of(separators);
    if (pair.size() != 2) fail("separators must be two texts");
    layout.item_separator = text_of(pair[0], "a separator").str();
    layout.key_separator = text_of(pair[1], "a separator").str();
  }
  layout.sort_keys = argument(arguments, 3, "sort_keys").is_truthy();
  const size_t growth =
      1 + static_cast<size_t>(std::max(layout.indent, 0)) * static_cast<size_t>(value.depth() + 1) +
      layout.item_separator.size() + layout.key_separator.size();
  size_t cost = 0;
  if (__builtin_mul_overflow(value.weight(), growth, &cost)) cost = SIZE_MAX / 2;
  in.charge(cost);
  MarkedText out;
  append_json(value, layout, out);
  return in.text(std::move(out));
}

Value trim_filter(In in, V value, A arguments) {
  const Value& characters = argument(arguments, 0, "chars");
  return in.text(
      stripped(str(in, value), Side::both, characters.is_none() ? nullptr : &text_of(characters, "chars")));
}

template <MarkedText (*change)(const MarkedText&)>
Value text_filter(In in, V value, A) {
  return in.text(change(str(in, value)));
}

MarkedText jinja_title(const MarkedText& text) { return titled(text, true); }
MarkedText unchanged(const MarkedText& text) { return text; }

MarkedText escaped(const MarkedText& text) {
  MarkedText out;
  for (size_t pos = 0; pos < text.size(); ++pos) {
    constexpr std::string_view kSpecial = "&<>'\"";
    constexpr std::string_view kNames[] = {"&amp;", "&lt;", "&gt;", "&#39;", "&#34;"};
    const size_t special = kSpecial.find(text.str()[pos]);
    if (special == std::string_view::npos)
      out.append_part(text, pos, pos + 1);
    else
      out.append(kNames[special], text.trusted_at(pos));
  }
  return out;
}

Value replace_filter(In in, V value, A arguments) {
  return in.call(in.attribute(in.text(str(in, value)), "replace"), arguments);
}

Value indent_filter(In in, V value, A arguments) {
  const Value* width = arguments.find(0, "width");
  const MarkedText space =
      width && width->text() ? *width->text()
                             : MarkedText(std::string(static_cast<size_t>(std::clamp<int64_t>(
                                                          width ? integer_of(*width, "width") : 4, 0, 1000)),
                                                      ' '),
                                          true);
  const bool blank = argument(arguments, 2, "blank").is_truthy();
  MarkedText text = str(in, value);
  text.append("\n", true);
  const std::vector<MarkedText> lines = split_lines(text, false);
  MarkedText out;
  if (argument(arguments, 1, "first").is_truthy()) out.append(space);
  for (size_t i = 0; i < lines.size(); ++i) {
    in.charge(space.size());
    if (i > 0) out.append("\n", true);
    if (i > 0 && (blank || !lines[i].empty())) out.append(space);
    out.append(lines[i]);
  }
  return in.text(std::move(out));
}

std::optional<double> parsed_number(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\n\r+"), last = text.find_last_not_of(" \t\n\r");
  if (begin == std::string::npos) return std::nullopt;
  double number = 0;
  const auto read = std::from_chars(text.data() + begin, text.data() + last + 1, number);
  if (read.ec != std::errc() || read.ptr != text.data() + last + 1) return std::nullopt;
  return number;
}

Value int_filter(In, V value, A arguments) {
  const Value* fallback = arguments.find(0, "default");
  const Value missing = fallback ? *fallback : Value(int64_t{0});
  if (value.as_integer()) return *value.as_integer();
  const auto number = value.real()   ? std::optional(*value.real())
                      : value.text() ? parsed_number(value.text()->str())
                                     : std::nullopt;
  if (!number || !(std::abs(*number) < 9.2e18)) return missing;
  return static_cast<int64_t>(*number);
}

Value float_filter(In, V value, A arguments) {
  const Value* fallback = arguments.find(0, "default");
  if (value.is_number()) return value.as_double();
  const auto number = value.text() ? parsed_number(value.text()->str()) : std::nullopt;
  return number ? Value(*number) : fallback ? *fallback : Value(0.0);
}

Value abs_filter(In, V value, A) {
  if (value.real()) return std::abs(*value.real());
  const int64_t number = integer_of(value, "abs's value");
  if (number == INT64_MIN) fail("an integer must fit 64 bits");
  return number < 0 ? -number : number;
}

Value round_filter(In, V value, A arguments) {
  const Value& places = argument(arguments, 0, "precision");
  const int64_t precision =
      places.is_none() ? 0 : std::clamp<int64_t>(integer_of(places, "precision"), -300, 300);
  const Value& method = argument(arguments, 1, "method");
  const std::string how = method.is_none() ? "common" : text_of(method, "method").str();
  if (!value.is_number()) fail("round needs a number, got ", value.type_name());
  if (value.integer() && how == "common" && precision >= 0) return value;
  const double scale = std::pow(10.0, static_cast<double>(precision)), scaled = value.as_double() * scale;
  const double rounded = how == "ceil"    ? std::ceil(scaled)
                         : how == "floor" ? std::floor(scaled)
                                          : std::nearbyint(scaled);
  return std::isfinite(scaled) ? rounded / scale : value.as_double();
}

Value reverse_filter(In in, V value, A) {
  if (value.text()) return in.text(reversed(*value.text()));
  std::vector<Value> items = in.items_of(value);
  std::reverse(items.begin(), items.end());
  return in.list(std::move(items));
}

Value list_filter(In in, V value, A) { return in.list(in.items_of(value)); }

Value items_filter(In in, V value, A arguments) {
  if (value.undefined()) return in.list({});
  if (!value.dict()) fail("items needs a dict, got ", value.type_name());
  return in.call(in.attribute(value, "items"), arguments);
}

Value format_filter(In in, V value, A arguments) {
  return format_text(in, text_of(value, "a format"), arguments.positional);
}

Value wordcount_filter(In in, V value, A) {
  return static_cast<int64_t>(split(str(in, value), nullptr, -1, false).size());
}

Value attr_filter(In in, V value, A arguments) {
  return in.attribute(value, text_of(required(arguments, 0, "name"), "name").str());
}

const std::unordered_map<std::string_view, Filter>& filters() {
  static const std::unordered_map<std::string_view, Filter> all = [] {
    std::unordered_map<std::string_view, Filter> made = {
        {"default", default_filter},
        {"d", default_filter},
        {"length", length_filter},
        {"count", length_filter},
        {"tojson", tojson_filter},
        {"trim", trim_filter},
        {"upper", text_filter<upper>},
        {"lower", text_filter<lower>},
        {"capitalize", text_filter<capitalized>},
        {"title", text_filter<jinja_title>},
        {"string", text_filter<unchanged>},
        {"safe", text_filter<unchanged>},
        {"escape", text_filter<escaped>},
        {"e", text_filter<escaped>},
        {"replace", replace_filter},
        {"indent", indent_filter},
        {"int", int_filter},
        {"float", float_filter},
        {"abs", abs_filter},
        {"round", round_filter},
        {"reverse", reverse_filter},
        {"list", list_filter},
        {"items", items_filter},
        {"format", format_filter},
        {"wordcount", wordcount_filter},
        {"attr", attr_filter},
    };
    for (const auto& [name, filter] : item_filters()) made.emplace(name, filter);
    return made;
  }();
  return all;
}

}  // namespace

Filter find_filter(const std::string& name) {
  const auto found = filters().find(name);
  return found == filters().end() ? nullptr : found->second;
}

}  // namespace melete::jinja
