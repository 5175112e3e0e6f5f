// Items of the Responses API, as bodies bring them and as they are kept: messages, calls, their results and
// reasoning.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "server/api/content.h"

namespace melete {

// A file of the caller's that a part names by its id.
struct KeptFile {
  std::string bytes, name, type;  // type: "image/png"
};
using FileLookup = std::function<Result<KeptFile>(const std::string& id)>;

// Reads the items at `path` ("input") after one another; `messages` goes on. A call belongs to the
// assistant's message that it follows. Reasoning is read over: a model isn't shown its earlier reasoning.
// False: `problem` is set, by an unknown item or part, a wrong field, a file that isn't there.
bool read_items(const Json& items, const std::string& path, const FileLookup& files,
                std::vector<WireMessage>& messages, std::optional<ApiError>& problem);

// Items that read_items() took, as they are kept and listed: each with type, id and status, content always as
// parts. `suffix` makes their ids.
Json whole_items(const Json& items, const std::string& suffix);

// Puts the bytes of inline media away by `keep`, which gives a file's id: the parts then name files. Errors:
// those of `keep`.
using FileKeeper = std::function<Result<std::string>(const KeptFile& file)>;
Result<Json> with_files(Json items, const FileKeeper& keep);
// The other way round: the parts hold data: URLs and base64 again. Errors: those of `files`.
Result<Json> with_data(Json items, const FileLookup& files);

// The files that the parts name, each once.
std::vector<std::string> file_ids(const Json& items);

}  // namespace melete
