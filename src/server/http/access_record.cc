#include "server/http/access_record.h"

#include "server/http/request_id.h"

namespace melete {

Json access_line(const AccessRecord& record, const std::string& id, const std::string& client,
                 const Json& notes) {
  const auto ms = [&](std::chrono::steady_clock::time_point until) {
    return std::chrono::duration<double, std::milli>(until - record.begin).count();
  };
  Json line = {{"time", time_text()},
               {"id", id},
               {"client", client},
               {"method", record.method},
               {"path", record.target},
               {"status", record.status},
               {"bytes_in", record.body_bytes},
               {"bytes_out", record.bytes},
               {"ms", ms(std::chrono::steady_clock::now())}};
  if (record.is_stream) line["first_byte_ms"] = ms(record.first_byte);
  if (!record.whole) line["cut"] = true;
  line.update(notes);
  return line;
}

}  // namespace melete
