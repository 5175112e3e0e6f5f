// A run's request as JSON, whole: what its log needs to be run again, as the event "run.request" before the
// run's own. Media stand by the hash of what their tower is given; where they come from is the caller's to
// say.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "agent/chat_model.h"
#include "agent/mode.h"

namespace melete {

// The data of "run.request": `origin`, which says {"model": {"identity", ...}, "files": [...]} of what the
// run is about, and "request", everything else that an answer is a function of. grammar: the source of
// request.grammar.
Json run_record(const Request& request, const std::optional<GrammarSource>& grammar, Json origin);

using MediaByHash = std::map<std::string, std::shared_ptr<const Media>>;  // by media_hash()
std::string media_hash(const Media& media);

// Adds the medium that a file of the origin comes to, which is what `part` was decoded from. `file`: its
// entry there, whose max_image_tokens, if it has any, bounds a picture further. Text adds nothing. Errors:
// those of preprocess().
Status add_medium(const Json& file, const Part& part, MediaLimits limits, MediaByHash& media);

// The request of such data again, without its deadline, which would depend on the machine. `chat` is of the
// model that it ran on. Errors: corrupt (no such record), not_found (a medium), those of
// ChatModel::grammar().
Result<Request> request_of_record(const Json& record, const MediaByHash& media, const ChatModel& chat);

// What tells a model's files from others: a hash of their names, sizes and contents; of a file beyond 1 GiB,
// of a GiB of it in evenly spread pieces. Errors: those of reading.
Result<std::string> model_identity(const std::filesystem::path& model);

}  // namespace melete
