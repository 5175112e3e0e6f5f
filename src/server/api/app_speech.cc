// Text read aloud: espeak-ng as a program of its own, which gets the text as its input and nothing else of
// ours.
#include <algorithm>

#include "media/encode.h"
#include "media/speech.h"
#include "server/api/app_data.h"

namespace melete {
namespace {

// Names of languages and variants as espeak-ng has them ("en-us", "de", "zh-yue+f2"): no path, no option.
bool is_voice(const std::string& name) {
  const auto is_part = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '+';
  };
  return !name.empty() && name.size() <= 24 && name[0] >= 'a' && name[0] <= 'z' &&
         std::all_of(name.begin(), name.end(), is_part);
}

// What is said never stays on the disk.
Speech& server_speech() {
  static Speech speech("");
  return speech;
}

Reply speak(const AppServices&, Exchange& exchange) {
  std::optional<ApiError> problem;
  const Json json = read_json_body(exchange, problem);
  WireReader body(json, "", problem);
  Utterance utterance;
  utterance.text = body.required_text("text");
  utterance.voice = body.text("language").value_or(utterance.voice);
  utterance.words_per_minute = static_cast<int>(body.integer("words_per_minute", 80, 450).value_or(170));
  if (utterance.text.size() > kMaxSpokenBytes)
    body.fail("text", "invalid_value", cat("must have at most ", kMaxSpokenBytes, " bytes"));
  if (!is_voice(utterance.voice))
    body.fail("language", "invalid_value", "must be the name of a voice, as en-us");
  body.finish();
  if (problem) return *problem;
  MELETE_ASSIGN_OR_RETURN(const auto clip, server_speech().say(utterance));
  MELETE_ASSIGN_OR_RETURN(std::string wav, encode_wav(*clip));
  return HttpResponse{200, std::move(wav), "audio/wav", {}};
}

}  // namespace

void add_speech_routes(Router& router, const AppServices& services) {
  Route speech{"POST", "/api/speech", Access::data, "read a text aloud (needs the program espeak-ng)",
               on_worker(services, &speak)};
  speech.request = schema_named("Speech");
  speech.response = {{"type", "string"}, {"format", "binary"}};
  speech.response_type = "audio/wav";
  router.add(std::move(speech));
}

}  // namespace melete
