// Any bytes as config.json: an error, or a usable config that is written and read back equal.
#include "model/config.h"
#include "model/weights.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto config = melete::parse_model_config({reinterpret_cast<const char*>(data), size}, "input");
  if (!config.ok()) return 0;
  MELETE_CHECK(config->problem().empty(), config->problem());
  const melete::Json json = melete::to_json(*config);
  const auto again = melete::parse_model_config(json.dump(), "written");
  MELETE_CHECK(again.ok(), json.dump());
  MELETE_CHECK(melete::to_json(*again) == json, json.dump());
  for (const melete::WeightSpec& spec : melete::weight_specs(*config))
    for (const int64_t side : spec.shape) MELETE_CHECK(side >= 1, spec.name);
  return 0;
}
