#include "text/jinja/template.h"

#include "text/jinja/interpreter.h"
#include "text/jinja/parser.h"

namespace melete::jinja {

struct Template::Parsed {
  std::string where;
  Body body;
};

Result<Value> to_value(const Json& json, bool trusted) {
  try {
    return Value::from_json(json, trusted);
  } catch (const Failure& failure) {
    return invalid_argument("[chat template] ", failure.message, "; simplify the value");
  }
}

Result<Template> Template::parse(std::string_view source, std::string_view where) {
  try {
    return Template(std::make_shared<const Parsed>(Parsed{std::string(where), jinja::parse(source)}));
  } catch (const Failure& failure) {
    return corrupt("[", where, "] must be a Jinja template, ", failure.message, "; check the template");
  }
}

Result<MarkedText> Template::render(const Dict& variables, const RenderOptions& options) const {
  Interpreter interpreter(options, variables);
  try {
    return interpreter.run(parsed_->body);
  } catch (const Failure& failure) {
    const std::string message =
        cat("[", parsed_->where, "] line ", interpreter.line(), ": ", failure.message);
    if (failure.kind == Failure::Kind::limit)
      return exhausted(message, "; use a smaller conversation or another template");
    return invalid_argument(message, "; change the messages or the template");
  }
}

}  // namespace melete::jinja
