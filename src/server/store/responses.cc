#include "server/store/responses.h"

#include <algorithm>
#include <array>

#include "server/store/rows.h"
#include "server/store/secret.h"
#include "text/utf8.h"

namespace melete {
namespace {

constexpr std::array kStatuses = {"queued", "in_progress", "completed", "incomplete", "failed", "cancelled"};
constexpr const char* kResponse =
    "SELECT id, previous, status, model, request, output, created_ms FROM responses r WHERE owner = ?1";

Error no_response(const std::string& id) {
  return not_found("[responses] the response must exist, got \"", valid_utf8(id.substr(0, 64)),
                   "\"; it may have been deleted, or was never stored");
}

Status check_status(const std::string& status) {
  if (std::find(kStatuses.begin(), kStatuses.end(), status) != kStatuses.end()) return ok_status();
  return invalid_argument(
      "[responses] a status must be queued, in_progress, completed, incomplete, failed or cancelled, got \"",
      valid_utf8(status.substr(0, 40)), "\"; give one of them");
}

}  // namespace

Responses::Responses(Database& database, OwnerId owner, Clock clock)
    : owned_(database, owner), clock_(std::move(clock)) {}

Result<StoredResponse> Responses::read(const Statement& row) const {
  StoredResponse response{row.text(0), row.text(1), row.text(2), row.text(3), {}, {}, {}, row.integer(6)};
  MELETE_ASSIGN_OR_RETURN(response.request, parse_json(row.text(4), "request of " + response.id));
  MELETE_ASSIGN_OR_RETURN(response.output, parse_json(row.text(5), "output of " + response.id));
  MELETE_ASSIGN_OR_RETURN(
      Statement files,
      owned_.prepare("reading a response",
                     "SELECT file FROM response_files WHERE owner = ?1 AND response = ?2 ORDER BY file",
                     response.id));
  MELETE_ASSIGN_OR_RETURN(response.files,
                          read_rows(files, [](const Statement& file) { return file.text(0); }));
  return response;
}

Result<StoredResponse> Responses::create(StoredResponse response) {
  if (response.id.empty()) response.id = new_id("resp");
  if (response.created_ms == 0) response.created_ms = clock_();
  MELETE_ASSIGN_OR_RETURN(Transaction transaction,
                          Transaction::begin(owned_.database(), "keeping a response"));
  if (!response.previous.empty()) MELETE_RETURN_IF_ERROR(get(response.previous));
  MELETE_RETURN_IF_ERROR(insert(response));
  MELETE_RETURN_IF_ERROR(transaction.commit());
  return response;
}

Status Responses::restore(const StoredResponse& response) {
  MELETE_ASSIGN_OR_RETURN(Transaction transaction,
                          Transaction::begin(owned_.database(), "putting back a response"));
  MELETE_RETURN_IF_ERROR(insert(response));
  return transaction.commit();
}

// Inside a transaction.
Status Responses::insert(const StoredResponse& response) {
  if (!is_id(response.id))
    return invalid_argument("[responses] an id must be 1 to 64 letters, digits, '_' and '-', got \"",
                            valid_utf8(response.id.substr(0, 80)), "\"; leave it out to get one");
  MELETE_RETURN_IF_ERROR(check_status(response.status));
  const std::string request = json_text(response.request), output = json_text(response.output);
  MELETE_RETURN_IF_ERROR(parse_json(request, "request"));  // nested too deep to be read back
  MELETE_RETURN_IF_ERROR(parse_json(output, "output"));
  MELETE_RETURN_IF_ERROR(owned_.run("keeping a response",
                                    "INSERT INTO responses(owner, id, previous, status, model, request, "
                                    "output, created_ms) VALUES (?1, ?2, "
                                    "nullif(?3, ''), ?4, ?5, ?6, ?7, ?8)",
                                    response.id, response.previous, response.status, response.model, request,
                                    output, response.created_ms));
  for (const std::string& file : response.files) {
    const auto linked =
        owned_.run("keeping a response",
                   "INSERT OR IGNORE INTO response_files(owner, response, file) SELECT ?1, ?2, id "
                   "FROM files WHERE owner = ?1 AND id = ?3",
                   response.id, file);
    if (!linked.ok()) return linked.error();
    if (*linked == 0)
      return not_found("[responses] a response's files must exist, each named once, got \"",
                       valid_utf8(file.substr(0, 80)), "\"; upload it first");
  }
  return ok_status();
}

Status Responses::update(const std::string& id, const std::string& status, const Json& output) {
  MELETE_RETURN_IF_ERROR(check_status(status));
  MELETE_RETURN_IF_ERROR(parse_json(json_text(output), "output"));
  MELETE_ASSIGN_OR_RETURN(
      const int64_t changed,
      owned_.run("changing a response",
                 "UPDATE responses SET status = ?3, output = ?4 WHERE owner = ?1 AND id = ?2", id, status,
                 json_text(output)));
  return changed == 0 ? Status(no_response(id)) : ok_status();
}

Result<StoredResponse> Responses::get(const std::string& id) const {
  MELETE_ASSIGN_OR_RETURN(Statement find,
                          owned_.prepare("reading a response", cat(kResponse, " AND id = ?2"), id));
  MELETE_ASSIGN_OR_RETURN(const bool found, find.step());
  if (!found) return no_response(id);
  return read(find);
}

Result<std::vector<StoredResponse>> Responses::chain(const std::string& id, int64_t max_length) const {
  std::vector<StoredResponse> chain;
  for (std::string next = id; !next.empty(); next = chain.back().previous) {
    if (static_cast<int64_t>(chain.size()) == max_length)
      return exhausted("[responses] a chain must have at most ", max_length,
                       " responses, got more; begin another");
    MELETE_ASSIGN_OR_RETURN(StoredResponse response, get(next));
    chain.push_back(std::move(response));
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

Result<std::vector<StoredResponse>> Responses::list() const {
  MELETE_ASSIGN_OR_RETURN(Statement rows,
                          owned_.prepare("listing responses", cat(kResponse, " ORDER BY row")));
  return read_rows(rows, [this](const Statement& row) { return read(row); });
}

Status Responses::remove(const std::string& id) {
  MELETE_ASSIGN_OR_RETURN(
      const int64_t changed,
      owned_.run("deleting a response", "DELETE FROM responses WHERE owner = ?1 AND id = ?2", id));
  return changed == 0 ? Status(no_response(id)) : ok_status();
}

Result<int64_t> Responses::recover(Database& database) {
  return database.run("ending responses of a former server",
                      "UPDATE responses SET status = 'failed' WHERE status IN ('queued', 'in_progress')");
}

}  // namespace melete
