#include "server/api/models_wire.h"

#include "server/api/answer_options.h"

namespace melete {

Json model_json(const std::string& id, const ServedModel& model, int64_t created_s) {
  Json inputs = Json::array({"text"});
  if (model.facts().sees) inputs.push_back("image");
  if (model.facts().sees && !model.is_remote()) inputs.push_back("video");
  if (model.facts().hears) inputs.push_back("audio");
  AnswerOptions options;
  options.model = id;
  std::optional<ApiError> problem;
  Json efforts = Json::array();
  for (const std::string& effort : effort_names()) {
    options.effort = effort;
    problem.reset();
    if (choose_mode(options, problem)) efforts.push_back(effort);
  }
  options.effort.reset();
  problem.reset();
  return {{"id", id},
          {"object", "model"},
          {"created", created_s},
          {"owned_by", "melete"},
          {"capabilities",
           {{"model", model.name()},
            {"family", model.facts().family},
            {"mode", choose_mode(options, problem)->mode},
            {"reasoning", model.chat().format().can_reason()},
            {"reasoning_efforts", std::move(efforts)},
            {"tools", model.facts().calls},
            {"logprobs", model.facts().scores},
            {"input", std::move(inputs)},
            {"output", Json::array({"text"})},
            {"context_length", model.facts().context_length},
            {"response_formats", Json::array({"text", "json_object", "json_schema"})}}}};
}

}  // namespace melete
