// A parsed template.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "text/jinja/value.h"

namespace melete::jinja {

struct Expression;
struct Statement;
using ExpressionPtr = std::unique_ptr<Expression>;
using Body = std::vector<std::unique_ptr<Statement>>;

struct Expression {
  enum class Kind {
    constant,     // value
    name,         // text
    list,         // operands
    tuple,        // operands
    dict,         // operands: key, value, key, value ...
    attribute,    // operands[0].text
    item,         // operands[0][operands[1]]
    slice,        // operands: object, begin, end, step; null: absent
    call,         // operands: function, then positional arguments; named
    filter,       // operands: value (null in a filter block), then positional arguments; text: the filter
    test,         // operands: value, then positional arguments; text: the test
    negate,       // -x
    plus,         // +x
    logical_not,  // not x
    logical_and,
    logical_or,
    arithmetic,   // text: the operator
    concat,       // ~
    compare,      // operands in a row; operators between them
    conditional,  // operands: condition, then, else (may be null)
  };
  Kind kind = Kind::constant;
  int line = 1;
  int depth = 1;  // of the tree below
  std::string text;
  Value value;
  std::vector<ExpressionPtr> operands;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
  std::vector<std::string> operators;
};

// What an assignment writes to: a name, a namespace's attribute (object.name), or several.
struct Target {
  std::string object, name;
  std::vector<Target> parts;  // not empty: a tuple is taken apart
};

struct Parameter {
  std::string name;
  ExpressionPtr fallback;  // null: none
};

struct Statement {
  enum class Kind {
    data,      // text
    output,    // value
    branch,    // {% if %}: conditions, and bodies, which may have one more (else)
    loop,      // {% for target in value if condition %}: bodies[0], else bodies[1]
    assign,    // target = value
    capture,   // {% set target %}bodies[0]{% endset %}, through value (a filter) if there is one
    macro,     // text: its name; parameters; bodies[0]
    call,      // {% call(parameters) value %}bodies[0]{% endcall %}
    filtered,  // {% filter value %}bodies[0]{% endfilter %}
    scope,     // {% with %}: target parts = conditions; bodies[0]
    plain,     // bodies[0] as it stands ({% generation %})
    leave,     // {% break %}
    next,      // {% continue %}
  };
  Kind kind = Kind::data;
  int line = 1;
  std::string text;
  ExpressionPtr value, condition;
  std::vector<ExpressionPtr> conditions;
  std::vector<Body> bodies;
  Target target;
  std::vector<Parameter> parameters;
};

}  // namespace melete::jinja
