// A conversation as the `messages` and `tools` of a chat template, fitted to what that template can show.
//
// What a template has no place for is written as text instead: the system message before the first user's,
// definitions of tools and calls in the words of tool_guide(), results as the user's. Found out by rendering
// small samples, since templates don't say what they can do.
#pragma once

#include <string>
#include <vector>

#include "text/conversation.h"
#include "text/jinja/template.h"
#include "text/markup_parser.h"

namespace melete {

struct TemplateTraits {
  bool has_system = true;      // shows a system message
  bool has_tools = true;       // shows `tools`
  bool has_calls = true;       // shows an assistant's tool_calls
  bool has_results = true;     // shows messages of role "tool"
  bool has_many_calls = true;  // takes several of them in one message
  bool repeats_roles = true;   // takes two messages of one role in a row
  bool typed_content = false;  // contents must be lists of {"type": "text", "text": ...}
  bool can_reason = false;     // has enable_thinking, or begins <think> itself
  MarkupStyle::Calls calls = MarkupStyle::Calls::tagged;
  bool has_think_markup = false;
};

// Errors: none; a template that takes no sample at all has the fewest traits.
TemplateTraits traits_of(const jinja::Template& chat_template, std::string_view source,
                         const jinja::Dict& globals);

// The variables "messages" and "tools". Errors: invalid_argument (media, a tool without a valid name).
Result<jinja::Dict> template_variables(const Conversation& conversation, const TemplateTraits& traits);

// How a model without tools of its own is told of them.
std::string tool_guide(const std::vector<Json>& tools, MarkupStyle::Calls calls);

}  // namespace melete
