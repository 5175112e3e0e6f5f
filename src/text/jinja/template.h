// Chat templates: a subset of Jinja 3.1 that covers what public models' templates use, with the environment
// that transformers gives them (trim_blocks, lstrip_blocks, tojson, raise_exception, strftime_now, loop
// controls, the
// {% generation %} block). The output's bytes are marked as the template's own or as its input's
// (marked_text.h).
//
// Not in the subset: include, import, extends, block, recursive loops, line statements, autoescape (`safe`
// changes nothing), async.
#pragma once

#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/jinja/value.h"

namespace melete::jinja {

// What a template may cost, so that a hostile one ends.
struct Limits {
  int64_t steps = 2'000'000;              // statements and expressions
  size_t work_bytes = size_t{256} << 20;  // all text and lists made on the way
  size_t output_bytes = size_t{32} << 20;
  int depth = 400;  // of evaluation
};

struct RenderOptions {
  Limits limits = {};
  std::tm now = {};  // for strftime_now
};

// A JSON value as a template's. Errors: invalid_argument (nested deeper than kMaxDepth).
Result<Value> to_value(const Json& json, bool trusted);

// Immutable and safe to use from many threads.
class Template {
 public:
  // `where` names the source in errors. Errors: corrupt (naming the line).
  static Result<Template> parse(std::string_view source, std::string_view where);

  // Errors: invalid_argument (an exception that the template raises, or a fault in it, naming the line),
  // exhausted (a limit, named).
  Result<MarkedText> render(const Dict& variables, const RenderOptions& options = {}) const;

 private:
  struct Parsed;
  explicit Template(std::shared_ptr<const Parsed> parsed) : parsed_(std::move(parsed)) {}
  std::shared_ptr<const Parsed> parsed_;
};

}  // namespace melete::jinja
