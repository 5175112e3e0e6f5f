#include "text/template_messages.h"

#include <algorithm>
#include <utility>

#include "text/tool_call.h"
#include "text/tool_markup.h"

namespace melete {
namespace {

using jinja::Dict;
using jinja::MarkedText;
using jinja::Value;
using Calls = MarkupStyle::Calls;

Value trusted(std::string_view text) { return Value::text(std::string(text), true); }

void put(Dict& dict, std::string_view key, Value value) { dict.put(trusted(key), std::move(value)); }

struct EntryCall {
  std::string tool, id;
  Value value;
};

// One message of a template.
struct Entry {
  std::string role;
  MarkedText content;
  MarkedText reasoning = {};
  std::vector<EntryCall> calls = {};
  std::string name = {};  // of a tool, whose call has the id `call_id`
  std::string call_id = {};
  bool ends_turn = true;
};

// Some templates want ids of nine letters and digits.
std::string id_of_call(size_t number) {
  const std::string digits = std::to_string(number % 100000);
  return "call" + std::string(5 - digits.size(), '0') + digits;
}

Result<MarkedText> text_of(const Message& message) {
  MarkedText text;
  for (const MessagePart& part : message.parts) {
    const auto* words = std::get_if<TextPart>(&part);
    if (!words)
      return invalid_argument(
          "[conversation] this model takes text only, got a picture, sound or video; leave it out or "
          "use a model that takes it");
    text.append(words->text, words->trusted);
  }
  return text;
}

// The text of a call in the words of tool_guide().
MarkedText call_text(const ToolCall& call, Calls style) {
  MarkedText text;
  if (style == Calls::fenced) {
    text.append("```tool_code\n", true);
    text.append(call.name + "(", false);
    bool is_first = true;
    for (const auto& [key, value] : call.arguments.items()) {
      text.append(cat(is_first ? "" : ", ", key, "=", spaced_json(value)), false);
      is_first = false;
    }
    text.append(")", false);
    text.append("\n```", true);
    return text;
  }
  const bool is_tagged = style == Calls::tagged;
  if (is_tagged) text.append("<tool_call>\n", true);
  text.append(
      spaced_json(Json{{"name", call.name}, {is_tagged ? "arguments" : "parameters", call.arguments}}),
      false);
  if (is_tagged) text.append("\n</tool_call>", true);
  return text;
}

EntryCall entry_call(const ToolCall& call, const std::string& id) {
  Dict function, dict;
  put(function, "name", Value::text(call.name, false));
  put(function, "arguments", Value::from_json(call.arguments, false));
  put(dict, "id", trusted(id));
  put(dict, "type", trusted("function"));
  put(dict, "function", Value(std::move(function)));
  return {call.name, id, Value(std::move(dict))};
}

class Builder {
 public:
  Builder(const Conversation& conversation, const TemplateTraits& traits)
      : given_(conversation), traits_(traits) {}

  Result<Dict> build() {
    for (const Json& tool : given_.tools)
      if (!is_valid_name(tool_name(tool)))
        return invalid_argument("[conversation] a tool must have a name of letters, digits and _.:/-, got ",
                                spaced_json(tool).substr(0, 200), "; rename it");
    for (const Message& message : given_.messages) MELETE_RETURN_IF_ERROR(add(message));
    put_system();
    if (!traits_.repeats_roles) merge_repeats();
    if (!traits_.has_many_calls) part_calls();
    return variables();
  }

 private:
  // Messages of one turn of the assistant (reasoning, answer, calls) are one message here.
  Status add(const Message& message) {
    MELETE_ASSIGN_OR_RETURN(MarkedText text, text_of(message));
    if (message.role != Role::assistant) {
      message.role == Role::tool ? add_result(message, std::move(text))
                                 : add_entry(name_of(message.role), std::move(text));
      return ok_status();
    }
    const bool goes_on =
        !entries_.empty() && entries_.back().role == "assistant" && !entries_.back().ends_turn;
    if (!goes_on) {
      add_entry("assistant", {});
      open_calls_.clear();
    }
    Entry& entry = entries_.back();
    entry.ends_turn = message.ends_turn;
    const std::string& to = message.recipient;
    if (to == "self") {
      entry.reasoning.append(text);
    } else if (to.empty() || to == "user" || to == "commentary") {
      entry.content.append(text);
    } else {
      add_calls(text, entry);
    }
    return ok_status();
  }

  void add_entry(std::string role, MarkedText text) {
    entries_.push_back({.role = std::move(role), .content = std::move(text)});
  }

  void add_calls(const MarkedText& text, Entry& entry) {
    const auto calls = parse_tool_calls(text.str(), given_.tools);
    if (!calls) return entry.content.append(text);
    for (const ToolCall& call : *calls) {
      if (traits_.has_calls) {
        entry.calls.push_back(entry_call(call, id_of_call(++num_calls_)));
        open_calls_.push_back(entry.calls.back());
      } else {
        if (!entry.content.empty()) entry.content.append("\n", true);
        entry.content.append(call_text(call, traits_.calls));
      }
    }
  }

  void add_result(const Message& message, MarkedText text) {
    if (traits_.has_results) {
      add_entry("tool", std::move(text));
      entries_.back().name = message.recipient;
      entries_.back().call_id = answered_call(message.recipient);
      return;
    }
    const bool is_fenced = traits_.calls == Calls::fenced;
    MarkedText shown(is_fenced ? "```tool_output\n" : "<tool_response>\n", true);
    shown.append(text);
    shown.append(is_fenced ? "\n```" : "\n</tool_response>", true);
    add_entry("user", std::move(shown));
  }

  // The id of the call that a result answers: the turn's first of that tool without one, else its first.
  std::string answered_call(const std::string& tool) {
    if (open_calls_.empty()) return id_of_call(num_calls_);
    auto call = std::find_if(open_calls_.begin(), open_calls_.end(),
                             [&](const EntryCall& open) { return open.tool == tool; });
    if (call == open_calls_.end()) call = open_calls_.begin();
    std::string id = std::move(call->id);
    open_calls_.erase(call);
    return id;
  }

  // Several calls of one message become messages of one call, each with its result behind it.
  void part_calls() {
    std::vector<Entry> parted;
    for (size_t i = 0; i < entries_.size(); ++i) {
      const std::vector<EntryCall> calls = std::exchange(entries_[i].calls, {});
      size_t end = i + 1;
      while (calls.size() > 1 && end < entries_.size() && entries_[end].role == "tool") ++end;
      for (size_t n = 0; n < std::max<size_t>(calls.size(), 1); ++n) {
        parted.push_back(n == 0 ? entries_[i] : Entry{.role = "assistant", .content = {}});
        if (n < calls.size()) parted.back().calls = {calls[n]};
        for (size_t at = i + 1; at < end; ++at)
          if (entries_[at].call_id == calls[n].id) parted.push_back(entries_[at]);
      }
      i = end - 1;
    }
    entries_ = std::move(parted);
  }

  void put_system() {
    MarkedText text(given_.system, false);
    if (!given_.tools.empty() && !traits_.has_tools) {
      if (!text.empty()) text.append("\n\n", true);
      text.append(tool_guide(given_.tools, traits_.calls), false);
    }
    if (text.empty()) return;
    const auto user =
        std::find_if(entries_.begin(), entries_.end(), [](const Entry& e) { return e.role == "user"; });
    if (traits_.has_system || user == entries_.end()) {
      entries_.insert(entries_.begin(),
                      Entry{.role = traits_.has_system ? "system" : "user", .content = std::move(text)});
      return;
    }
    text.append("\n\n", true);
    text.append(user->content);
    user->content = std::move(text);
  }

  void merge_repeats() {
    std::vector<Entry> merged;
    for (Entry& entry : entries_) {
      const bool is_own = entry.role == "tool" || !entry.calls.empty();
      if (merged.empty() || merged.back().role != entry.role || is_own) {
        merged.push_back(std::move(entry));
        continue;
      }
      merged.back().content.append("\n\n", true);
      merged.back().content.append(entry.content);
    }
    entries_ = std::move(merged);
  }

  Value content_value(MarkedText text) const {
    if (!traits_.typed_content) return Value(std::move(text));
    Dict part;
    put(part, "type", trusted("text"));
    put(part, "text", Value(std::move(text)));
    return Value::list({Value(std::move(part))});
  }

  Dict variables() {
    std::vector<Value> messages, tools;
    for (Entry& entry : entries_) {
      Dict message;
      put(message, "role", trusted(entry.role));
      put(message, "content", content_value(std::move(entry.content)));
      if (!entry.reasoning.empty()) put(message, "reasoning_content", Value(std::move(entry.reasoning)));
      std::vector<Value> calls;
      for (EntryCall& call : entry.calls) calls.push_back(std::move(call.value));
      if (!calls.empty()) put(message, "tool_calls", Value::list(std::move(calls)));
      if (entry.role == "tool") {
        put(message, "name", Value::text(entry.name, false));
        put(message, "tool_call_id", trusted(entry.call_id));
      }
      messages.push_back(Value(std::move(message)));
    }
    for (const Json& tool : given_.tools) {
      Dict definition;
      put(definition, "type", trusted("function"));
      put(definition, "function", Value::from_json(tool_function(tool), false));
      tools.push_back(Value(std::move(definition)));
    }
    Dict all;
    put(all, "messages", Value::list(std::move(messages)));
    put(all, "tools", tools.empty() || !traits_.has_tools ? Value() : Value::list(std::move(tools)));
    return all;
  }

  const Conversation& given_;
  const TemplateTraits& traits_;
  std::vector<Entry> entries_;
  std::vector<EntryCall> open_calls_;  // of the last turn, without a result yet
  size_t num_calls_ = 0;
};

Message said(Role role, std::string text, std::string recipient = {}) {
  return {role, std::move(recipient), {TextPart{std::move(text), false}}, true};
}

// Renders small conversations and looks for words of theirs.
class Prober {
 public:
  Prober(const jinja::Template& chat_template, const Dict& globals)
      : template_(chat_template), globals_(globals) {}

  // The text, or empty if the template refuses.
  std::string render(const Conversation& conversation, const TemplateTraits& traits,
                     bool generates = false) const {
    auto variables = template_variables(conversation, traits);
    if (!variables.ok()) return {};
    for (const auto& [key, value] : globals_.items()) variables->put(key, value);
    put(*variables, "add_generation_prompt", Value(generates));
    const auto text = template_.render(*variables);
    return text.ok() ? text->str() : std::string();
  }

  bool shows(const Conversation& conversation, const TemplateTraits& traits,
             std::initializer_list<const char*> words) const {
    const std::string text = render(conversation, traits);
    return std::all_of(words.begin(), words.end(),
                       [&](const char* word) { return text.find(word) != std::string::npos; });
  }

 private:
  const jinja::Template& template_;
  const Dict& globals_;
};

Calls call_style(std::string_view source) {
  const auto has = [&](std::string_view word) { return source.find(word) != std::string_view::npos; };
  if (has("<tool_call>")) return Calls::tagged;
  if (has("<|python_tag|>") || has("ipython")) return Calls::whole;
  if (has("<start_of_turn>")) return Calls::fenced;
  return Calls::tagged;
}

}  // namespace

std::string tool_guide(const std::vector<Json>& tools, Calls calls) {
  std::string guide = "You may call functions. Their definitions:\n";
  for (const Json& tool : tools) guide += spaced_json(tool_function(tool)) + "\n";
  switch (calls) {
    case Calls::fenced:
      return guide +
             "To call one, write only\n```tool_code\nNAME(ARGUMENT=VALUE)\n```\nThe result comes in "
             "```tool_output.";
    case Calls::whole:
      return guide + "To call one, write only {\"name\": NAME, \"parameters\": {ARGUMENT: VALUE}}.";
    default:
      return guide +
             "To call one, write only\n<tool_call>\n{\"name\": NAME, \"arguments\": {ARGUMENT: "
             "VALUE}}\n</tool_call>\nThe result comes in <tool_response>.";
  }
}

Result<Dict> template_variables(const Conversation& conversation, const TemplateTraits& traits) {
  try {
    return Builder(conversation, traits).build();
  } catch (const jinja::Failure& failure) {
    return invalid_argument("[conversation] ", failure.message, "; simplify the tools");
  }
}

TemplateTraits traits_of(const jinja::Template& chat_template, std::string_view source, const Dict& globals) {
  const Prober prober(chat_template, globals);
  const Json tool = {{"name", "zqtool"},
                     {"description", "d"},
                     {"parameters", {{"type", "object"}, {"properties", {{"zqkey", {{"type", "string"}}}}}}}};
  TemplateTraits traits;
  traits.calls = call_style(source);
  traits.has_think_markup =
      source.find("</think>") != std::string_view::npos || source.find("<think>") != std::string_view::npos;
  const Conversation plain = {.messages = {said(Role::user, "zquser")}};
  traits.typed_content = !prober.shows(plain, traits, {"zquser"});
  if (traits.typed_content && !prober.shows(plain, traits, {"zquser"})) traits.typed_content = false;
  Conversation probe = plain;
  probe.system = "zqsystem";
  traits.has_system = prober.shows(probe, traits, {"zqsystem", "zquser"});
  probe = plain;
  probe.tools = {tool};
  traits.has_tools = prober.shows(probe, traits, {"zqtool", "zquser"});
  probe.tools.clear();
  probe.messages.push_back(said(Role::assistant, tool_call_text("zqcall", {{"zqkey", "zqvalue"}}), "zqcall"));
  Conversation answered = probe;
  answered.messages.push_back(said(Role::tool, "zqresult", "zqcall"));
  traits.has_results = prober.shows(answered, traits, {"zqresult"});
  traits.has_calls = prober.shows(traits.has_results ? answered : probe, traits, {"zqcall", "zqvalue"});
  answered = probe;
  answered.messages.push_back(
      said(Role::assistant, tool_call_text("zqcall", {{"zqkey", "zqother"}}), "zqcall"));
  answered.messages[1].ends_turn = false;
  for (int i = 0; i < 2 && traits.has_results; ++i)
    answered.messages.push_back(said(Role::tool, "zqresult", "zqcall"));
  traits.has_many_calls = !traits.has_calls || prober.shows(answered, traits, {"zqvalue", "zqother"});
  // One that only writes any role's name knows no tools, and is told by tool_guide() where results come.
  traits.has_results = traits.has_results && (traits.has_tools || traits.has_calls);
  probe = plain;
  probe.messages.push_back(said(Role::user, "zqsecond"));
  traits.repeats_roles = prober.shows(probe, traits, {"zquser", "zqsecond"});
  const std::string prompt = prober.render(plain, traits, true);
  const size_t open = prompt.rfind("<think>");
  const bool begins = open != std::string::npos && prompt.find("</think>", open) == std::string::npos;
  traits.can_reason =
      traits.has_think_markup && (begins || source.find("enable_thinking") != std::string_view::npos);
  return traits;
}

}  // namespace melete
