// Values as text: Python's str, repr and json.dumps.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "text/jinja/value.h"
#include "text/unicode.h"

namespace melete::jinja {
namespace {

void append_escaped_control(unsigned code_point, const char* format, MarkedText& out, bool trusted) {
  char escaped[16];
  std::snprintf(escaped, sizeof escaped, format, code_point);
  out.append(escaped, trusted);
}

// Python's repr of one run of a text.
void append_repr_run(std::string_view run, char quote, MarkedText& out, bool trusted) {
  for (size_t pos = 0; pos < run.size();) {
    const Char c = char_at(run, pos);
    const char byte = run[pos];
    if (byte == quote || byte == '\\')
      out.append(std::string{'\\', byte}, trusted);
    else if (byte == '\n' || byte == '\r' || byte == '\t')
      out.append(byte == '\n' ? "\\n" : byte == '\r' ? "\\r" : "\\t", trusted);
    else if (c.code_point >= 0 &&
             (c.code_point < 0x20 || (c.code_point >= 0x7F && c.code_point <= 0xA0) || c.code_point == 0xAD))
      append_escaped_control(static_cast<unsigned>(c.code_point), "\\x%02x", out, trusted);
    else
      out.append(run.substr(pos, c.length), trusted);
    pos += c.length;
  }
}

void append_repr_text(const MarkedText& text, MarkedText& out) {
  const bool has_single = text.str().find('\'') != std::string::npos;
  const bool has_double = text.str().find('"') != std::string::npos;
  const char quote = has_single && !has_double ? '"' : '\'';
  out.append(std::string_view(&quote, 1), true);
  text.for_each_run([&](std::string_view run, bool trusted) { append_repr_run(run, quote, out, trusted); });
  out.append(std::string_view(&quote, 1), true);
}

void append_json_text(const MarkedText& text, bool ascii, MarkedText& out) {
  out.append("\"", true);
  text.for_each_run([&](std::string_view run, bool trusted) {
    for (size_t pos = 0; pos < run.size();) {
      const Char c = char_at(run, pos);
      constexpr std::string_view kNamed = "\"\\\n\r\t\b\f", kLetters = "\"\\nrtbf";
      const size_t named = kNamed.find(run[pos]);
      if (named != std::string_view::npos) {
        out.append(std::string{'\\', kLetters[named]}, trusted);
      } else if (c.code_point >= 0 &&
                 (c.code_point < 0x20 || (ascii && c.code_point >= 0x7F && c.code_point < 0x10000))) {
        append_escaped_control(static_cast<unsigned>(c.code_point), "\\u%04x", out, trusted);
      } else if (ascii && c.code_point >= 0x10000) {
        const auto rest = static_cast<unsigned>(c.code_point - 0x10000);
        append_escaped_control(0xD800 + (rest >> 10), "\\u%04x", out, trusted);
        append_escaped_control(0xDC00 + (rest & 0x3FF), "\\u%04x", out, trusted);
      } else {
        out.append(run.substr(pos, c.length), trusted);
      }
      pos += c.length;
    }
  });
  out.append("\"", true);
}

void append_line(const JsonLayout& layout, int level, MarkedText& out) {
  if (layout.indent < 0) return;
  out.append("\n" + std::string(static_cast<size_t>(layout.indent * level), ' '), true);
}

// A key of a JSON object: Python spells numbers, none and booleans out.
void append_json_key(const Value& key, const JsonLayout& layout, MarkedText& out) {
  if (key.text()) return append_json_text(*key.text(), layout.ascii, out);
  out.append("\"", true);
  append_json(key, layout, out);
  out.append("\"", true);
}

void append_json_items(const Value& value, const JsonLayout& layout, MarkedText& out, int level) {
  bool is_first = true;
  const auto begin_item = [&] {
    if (!is_first) out.append(layout.item_separator, true);
    is_first = false;
    append_line(layout, level + 1, out);
  };
  if (const List* list = value.list()) {
    for (const Value& item : list->items) {
      begin_item();
      append_json(item, layout, out, level + 1);
    }
  } else if (const Dict* dict = value.dict()) {
    auto items = dict->items();
    if (layout.sort_keys)
      std::stable_sort(items.begin(), items.end(),
                       [](const auto& a, const auto& b) { return less(a.first, b.first); });
    for (const auto& [key, item] : items) {
      begin_item();
      append_json_key(key, layout, out);
      out.append(layout.key_separator, true);
      append_json(item, layout, out, level + 1);
    }
  }
  if (!is_first) append_line(layout, level, out);
}

}  // namespace

std::string number_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char buffer[64];
  const double size = std::abs(value);
  const bool is_plain = size == 0 || (size >= 1e-4 && size < 1e16);
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value,
                                 is_plain ? std::chars_format::fixed : std::chars_format::scientific)
                       .ptr;
  std::string text(buffer, end);
  return is_plain && text.find('.') == std::string::npos ? text + ".0" : text;
}

void append_str(const Value& value, MarkedText& out) {
  if (value.text()) return out.append(*value.text());
  if (!value.undefined()) append_repr(value, out);
}

void append_repr(const Value& value, MarkedText& out) {
  if (value.undefined()) {
    out.append("Undefined", true);
  } else if (value.is_none()) {
    out.append("None", true);
  } else if (const bool* boolean = value.boolean()) {
    out.append(*boolean ? "True" : "False", true);
  } else if (const int64_t* integer = value.integer()) {
    out.append(std::to_string(*integer), true);
  } else if (const double* real = value.real()) {
    out.append(number_text(*real), true);
  } else if (const MarkedText* text = value.text()) {
    append_repr_text(*text, out);
  } else if (const List* list = value.list()) {
    out.append(list->is_tuple ? "(" : "[", true);
    for (size_t i = 0; i < list->items.size(); ++i) {
      if (i) out.append(", ", true);
      append_repr(list->items[i], out);
    }
    if (list->is_tuple && list->items.size() == 1) out.append(",", true);
    out.append(list->is_tuple ? ")" : "]", true);
  } else if (const Dict* dict = value.dict()) {
    out.append("{", true);
    bool is_first = true;
    for (const auto& [key, item] : dict->items()) {
      if (!is_first) out.append(", ", true);
      is_first = false;
      append_repr(key, out);
      out.append(": ", true);
      append_repr(item, out);
    }
    out.append("}", true);
  } else {
    out.append(cat("<", value.type_name(), ">"), true);
  }
}

void append_json(const Value& value, const JsonLayout& layout, MarkedText& out, int level) {
  if (value.is_none()) {
    out.append("null", true);
  } else if (const bool* boolean = value.boolean()) {
    out.append(*boolean ? "true" : "false", true);
  } else if (const double* real = value.real(); real && !std::isfinite(*real)) {
    out.append(std::isnan(*real) ? "NaN" : *real > 0 ? "Infinity" : "-Infinity", true);
  } else if (value.integer() || value.real()) {
    append_repr(value, out);
  } else if (const MarkedText* text = value.text()) {
    append_json_text(*text, layout.ascii, out);
  } else if (value.list() || value.dict()) {
    out.append(value.list() ? "[" : "{", true);
    append_json_items(value, layout, out, level);
    out.append(value.list() ? "]" : "}", true);
  } else {
    fail("tojson needs a value that JSON has, got ", value.type_name());
  }
}

}  // namespace melete::jinja
