// What the Open Responses specification of 2026-04-24 asks of a response, an item and an event, as a list of
// what is wrong: for tests.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace melete {

// "name:types" a member, where types are letters: s text, i integer, n number, b boolean, a array, o object,
// 0 null. Members with types that start with ? may be absent.
inline void check_members(const Json& json, const std::string& where, std::string_view rules,
                          std::vector<std::string>& wrong) {
  const auto is = [](const Json& value, char type) {
    switch (type) {
      case 's': return value.is_string();
      case 'i': return value.is_number_integer();
      case 'n': return value.is_number();
      case 'b': return value.is_boolean();
      case 'a': return value.is_array();
      case 'o': return value.is_object();
      default: return value.is_null();
    }
  };
  while (!rules.empty()) {
    const std::string_view rule = rules.substr(0, rules.find(' '));
    rules.remove_prefix(std::min(rule.size() + 1, rules.size()));
    const std::string name(rule.substr(0, rule.find(':')));
    std::string_view types = rule.substr(name.size() + 1);
    const bool may_lack = types.starts_with('?');
    if (may_lack) types.remove_prefix(1);
    const auto found = json.find(name);
    if (found == json.end()) {
      if (!may_lack) wrong.push_back(where + "." + name + " is missing");
      continue;
    }
    bool fits = false;
    for (const char type : types) fits = fits || is(*found, type);
    if (!fits) wrong.push_back(where + "." + name + " is " + found->dump());
  }
}

inline void check_one_of(const Json& value, const std::string& where, std::vector<std::string> words,
                         std::vector<std::string>& wrong) {
  for (const std::string& word : words)
    if (value == word) return;
  wrong.push_back(where + " is " + value.dump());
}

inline void check_part(const Json& part, const std::string& where, std::vector<std::string>& wrong) {
  static const std::map<std::string, std::string> kRules = {
      {"output_text", "text:s annotations:a logprobs:?a"},
      {"reasoning_text", "text:s"},
      {"summary_text", "text:s"},
      {"refusal", "refusal:s"},
      {"input_text", "text:s"},
      {"input_image", "image_url:s0 detail:s"},
      {"input_file", "filename:?s0 file_url:?s0"},
      {"input_video", "video_url:s"}};
  const auto rules = kRules.find(part.value("type", ""));
  if (rules == kRules.end())
    wrong.push_back(where + " has the type " + part.value("type", ""));
  else
    check_members(part, where, rules->second, wrong);
}

inline void check_item(const Json& item, const std::string& where, std::vector<std::string>& wrong) {
  const std::string type = item.value("type", "");
  const std::vector<std::string> kStatuses = {"in_progress", "completed", "incomplete"};
  if (type == "message") {
    check_members(item, where, "id:s status:s role:s content:a phase:?s0", wrong);
    check_one_of(item.value("role", ""), where + ".role", {"user", "assistant", "system", "developer"},
                 wrong);
  } else if (type == "function_call") {
    check_members(item, where, "id:s call_id:s name:s arguments:s status:s", wrong);
  } else if (type == "function_call_output") {
    check_members(item, where, "id:s call_id:s output:sa status:s", wrong);
  } else if (type == "reasoning") {
    check_members(item, where, "id:s summary:a content:?a0 encrypted_content:?s0", wrong);
  } else {
    wrong.push_back(where + " has the type " + type);
  }
  if (type != "reasoning") check_one_of(item.value("status", ""), where + ".status", kStatuses, wrong);
  for (const char* field : {"content", "summary"})
    if (item.contains(field) && item[field].is_array())
      for (const Json& part : item[field]) check_part(part, where + "." + field, wrong);
}

inline void check_response(const Json& response, std::vector<std::string>& wrong) {
  const std::string where = "response";
  check_members(
      response, where,
      "id:s object:s created_at:i completed_at:i0 status:s incomplete_details:o0 model:s "
      "previous_response_id:s0 instructions:s0 output:a error:o0 tools:a tool_choice:so truncation:s "
      "parallel_tool_calls:b text:o top_p:n presence_penalty:n frequency_penalty:n top_logprobs:i "
      "temperature:n reasoning:o0 usage:o0 max_output_tokens:i0 max_tool_calls:i0 store:b "
      "background:b service_tier:s metadata:o safety_identifier:s0 prompt_cache_key:s0",
      wrong);
  if (!wrong.empty()) return;
  check_one_of(response["object"], where + ".object", {"response"}, wrong);
  check_one_of(response["truncation"], where + ".truncation", {"auto", "disabled"}, wrong);
  for (const Json& item : response["output"]) check_item(item, where + ".output", wrong);
  for (const Json& tool : response["tools"])
    check_members(tool, where + ".tools", "type:s name:s description:s0 parameters:o0 strict:b0", wrong);
  check_members(response["text"], where + ".text", "format:o verbosity:?s0", wrong);
  const Json& format = response["text"]["format"];
  if (format.value("type", "") == "json_schema")
    check_members(format, where + ".text.format", "name:s description:s0 schema:0 strict:b", wrong);
  if (response["reasoning"].is_object()) {
    const Json& reasoning = response["reasoning"];
    check_members(reasoning, where + ".reasoning", "effort:s0 summary:s0", wrong);
    if (reasoning["effort"].is_string())
      check_one_of(reasoning["effort"], where + ".reasoning.effort",
                   {"none", "low", "medium", "high", "xhigh"}, wrong);
  }
  if (response["error"].is_object())
    check_members(response["error"], where + ".error", "code:s message:s", wrong);
  if (!response["usage"].is_object()) return;
  check_members(
      response["usage"], where + ".usage",
      "input_tokens:i output_tokens:i total_tokens:i input_tokens_details:o output_tokens_details:o", wrong);
  check_members(response["usage"]["input_tokens_details"], where + ".usage", "cached_tokens:i", wrong);
  check_members(response["usage"]["output_tokens_details"], where + ".usage", "reasoning_tokens:i", wrong);
}

inline void check_event(const Json& event, std::vector<std::string>& wrong) {
  static const std::map<std::string, std::string> kRules = {
      {"created", "response:o"},
      {"queued", "response:o"},
      {"in_progress", "response:o"},
      {"completed", "response:o"},
      {"failed", "response:o"},
      {"incomplete", "response:o"},
      {"output_item.added", "output_index:i item:o"},
      {"output_item.done", "output_index:i item:o"},
      {"content_part.added", "item_id:s output_index:i content_index:i part:o"},
      {"content_part.done", "item_id:s output_index:i content_index:i part:o"},
      {"output_text.delta", "item_id:s output_index:i content_index:i delta:s logprobs:a"},
      {"output_text.done", "item_id:s output_index:i content_index:i text:s logprobs:a"},
      {"reasoning.delta", "item_id:s output_index:i content_index:i delta:s"},
      {"reasoning.done", "item_id:s output_index:i content_index:i text:s"},
      {"reasoning_summary_part.added", "item_id:s output_index:i summary_index:i part:o"},
      {"reasoning_summary_part.done", "item_id:s output_index:i summary_index:i part:o"},
      {"reasoning_summary_text.delta", "item_id:s output_index:i summary_index:i delta:s"},
      {"reasoning_summary_text.done", "item_id:s output_index:i summary_index:i text:s"},
      {"function_call_arguments.delta", "item_id:s output_index:i delta:s"},
      {"function_call_arguments.done", "item_id:s output_index:i arguments:s"}};
  const std::string type = event.value("type", "");
  check_members(event, type, "type:s sequence_number:i", wrong);
  if (type.starts_with("melete:")) return;
  const auto rules = type.starts_with("response.") ? kRules.find(type.substr(9)) : kRules.end();
  if (rules == kRules.end()) {
    wrong.push_back("no event is called " + type);
    return;
  }
  check_members(event, type, rules->second, wrong);
  if (event.contains("response")) check_response(event["response"], wrong);
  if (event.contains("item")) check_item(event["item"], type + ".item", wrong);
  if (event.contains("part")) check_part(event["part"], type + ".part", wrong);
}

// What is wrong with a response, or with the events of a stream: their members, their order (an item is
// added, written and done before the next, deltas add up to what is done), their numbers.
inline std::vector<std::string> problems_of(const Json& response) {
  std::vector<std::string> wrong;
  check_response(response, wrong);
  return wrong;
}

inline std::vector<std::string> problems_of(const std::vector<Json>& events) {
  std::vector<std::string> wrong;
  std::string open, text, call;
  int64_t index = 0;
  const auto expect = [&](bool holds, const Json& event) {
    if (!holds) wrong.push_back("out of place: " + event.dump());
  };
  for (size_t i = 0; i < events.size(); ++i) {
    const Json& event = events[i];
    const std::string type = event.value("type", "");
    check_event(event, wrong);
    expect(event.value("sequence_number", -1) == static_cast<int64_t>(i), event);
    if (event.contains("output_index")) expect(event["output_index"] == index, event);
    if (event.contains("item_id")) expect(event["item_id"] == open, event);
    if (type == "response.output_item.added") {
      expect(open.empty(), event);
      open = event["item"].value("id", "");
    } else if (type == "response.output_item.done") {
      expect(event["item"].value("id", "") == open, event);
      open.clear();
      text.clear();
      ++index;
    } else if (type.ends_with(".delta") && type.find("summary") == std::string::npos) {
      text += event.value("delta", "");
    } else if (type == "response.output_text.done" || type == "response.reasoning.done") {
      expect(event["text"] == text, event);
    } else if (type == "response.function_call_arguments.done") {
      expect(event["arguments"] == text, event);
    }
  }
  const std::string last = events.empty() ? "" : events.back().value("type", "");
  if (events.empty() || events.front().value("type", "") != "response.created" ||
      (last != "response.completed" && last != "response.incomplete" && last != "response.failed"))
    wrong.push_back("the stream begins or ends wrongly, with " + last);
  return wrong;
}

}  // namespace melete
