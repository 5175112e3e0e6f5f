#include "server/api/chat_tools.h"

#include <algorithm>

#include "server/api/conversation.h"
#include "text/tool_markup.h"

namespace melete {
namespace {

// What the nested form has in an object of that name, the flat one has in place.
template <class Read>
void read_fields(WireReader& reader, ToolForm form, const char* name, std::optional<ApiError>& problem,
                 Read read) {
  if (form == ToolForm::flat) return read(reader);
  WireReader fields(reader.required_object(name), reader.path_of(name), problem);
  read(fields);
  fields.finish();
}

template <class Read>
void read_function(const Json& json, const std::string& path, ToolForm form, std::optional<ApiError>& problem,
                   Read read) {
  WireReader tool(json, path, problem);
  tool.require("type");
  tool.choice("type", {"function"});
  read_fields(tool, form, "function", problem, read);
  tool.finish();
}

Json read_definition(WireReader& function) {
  Json definition = {{"name", function.required_text("name")}};
  if (std::string wrong = problem_of_tool_name(definition["name"]); !wrong.empty())
    function.fail(function.path_of("name"), "invalid_value", std::move(wrong));
  if (auto description = function.text("description")) definition["description"] = *std::move(description);
  if (const Json* parameters = function.object("parameters")) definition["parameters"] = *parameters;
  // A call that must come is held to its schema with and without it; another is as the model writes it.
  function.flag("strict");
  return definition;
}

// Only those of the tools stay.
void read_allowed(WireReader& allowed, ToolForm form, AnswerOptions& options,
                  std::optional<ApiError>& problem) {
  constexpr ToolChoice::Kind kKinds[] = {ToolChoice::Kind::automatic, ToolChoice::Kind::required,
                                         ToolChoice::Kind::none};
  options.tool_choice.kind = kKinds[allowed.choice("mode", {"auto", "required", "none"}).value_or(0)];
  const Json* list = allowed.required_array("tools");
  std::vector<Json> kept;
  for (size_t i = 0; list && i < list->size() && !problem; ++i) {
    const std::string path = cat(allowed.path_of("tools"), "[", i, "]");
    read_function((*list)[i], path, form, problem, [&](WireReader& function) {
      const std::string name = function.required_text("name");
      const auto found = std::find_if(options.tools.begin(), options.tools.end(),
                                      [&](const Json& tool) { return tool_name(tool) == name; });
      if (found != options.tools.end()) return kept.push_back(*found);
      function.fail(function.path_of("name"), "invalid_value",
                    "must name one of the tools, got " + in_quotes(name));
    });
  }
  options.tools = std::move(kept);
}

void read_choice(WireReader& body, ToolForm form, AnswerOptions& options, std::optional<ApiError>& problem) {
  using Choice = ToolChoice::Kind;
  const Json* json = body.find("tool_choice");
  if (!json) return;
  if (json->is_string()) {
    constexpr Choice kKinds[] = {Choice::automatic, Choice::none, Choice::required};
    options.tool_choice.kind = kKinds[body.choice("tool_choice", {"auto", "none", "required"}).value_or(0)];
    return;
  }
  WireReader choice(*json, "tool_choice", problem);
  choice.require("type");
  if (choice.choice("type", {"function", "allowed_tools"}) == 1u)
    read_fields(choice, form, "allowed_tools", problem,
                [&](WireReader& allowed) { read_allowed(allowed, form, options, problem); });
  else
    read_fields(choice, form, "function", problem, [&](WireReader& function) {
      options.tool_choice = {Choice::named, function.required_text("name")};
    });
  choice.finish();
}

}  // namespace

void read_tools(WireReader& body, ToolForm form, AnswerOptions& options, std::optional<ApiError>& problem) {
  options.schema_field = form == ToolForm::flat ? "parameters" : "function.parameters";
  const Json* tools = body.array("tools");
  for (size_t i = 0; tools && i < tools->size() && !problem; ++i)
    read_function((*tools)[i], cat("tools[", i, "]"), form, problem,
                  [&](WireReader& function) { options.tools.push_back(read_definition(function)); });
  read_choice(body, form, options, problem);
  options.parallel_calls = body.flag("parallel_tool_calls").value_or(true);
}

}  // namespace melete
