#include "agent/mode.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace melete {

int64_t reasoning_budget(Effort effort) {
  switch (effort) {
    case Effort::none:
      return 0;
    case Effort::low:
      return 96;
    case Effort::medium:
      return 192;
    case Effort::high:
      return 384;
    case Effort::xhigh:
      return 768;
  }
  return 0;
}

Result<Answer> run_mode(const std::string& name, const Request& request, Services& services, EventLog& log) {
  const auto mode = Registry<Mode>::instance().make(name);
  if (!mode)
    return not_found("[mode] must be one of ", fmt::format("{}", fmt::join(Registry<Mode>::instance().names(), ", ")), ", got ",
                     name, "; choose one of them");
  log.put(-1, "run.started", 0,
          {{"mode", name}, {"effort", name_of(request.effort)}, {"agents", request.num_agents}, {"seed", request.seed}});
  const auto begin = std::chrono::steady_clock::now();
  Result<Answer> answer = mode->run(request, services, log);
  if (!answer.ok()) {
    log.put(-1, "run.failed", 0, {{"kind", name_of(answer.error().kind)}, {"message", answer.error().message}});
    return answer;
  }
  Usage& usage = answer->usage;
  usage.total_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  log.put(-1, "meter", 0,
          {{"prompt_tokens", usage.prompt_tokens}, {"reasoning_tokens", usage.reasoning_tokens},
           {"answer_tokens", usage.answer_tokens}, {"forced_tokens", usage.forced_tokens}, {"prefill_s", usage.prefill_s},
           {"first_token_s", usage.first_token_s}, {"total_s", usage.total_s}});
  log.put(-1, "run.completed", 0, {{"agent", answer->agent}, {"answer", answer->text}, {"finish", answer->finish}});
  return answer;
}

}  // namespace melete
