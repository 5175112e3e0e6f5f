// Asks llama.cpp about a picture or sound through its mtmd library: what its muse-spark build makes of an
// exported model.
//
// usage: mtmd_probe MODEL.gguf MMPROJ.gguf|- PROMPT.txt LOGITS.f32 [MEDIUM]
// The prompt has <__media__> where the medium stands. Writes the logits after the prompt as floats and prints
// the greedy answer.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "llama.h"
#include "mtmd-helper.h"
#include "mtmd.h"

namespace {

constexpr int kMaxTokens = 64, kBatch = 512;

int fail(const char* what) {
  std::fprintf(stderr, "mtmd_probe: %s\n", what);
  return 1;
}

std::string read_file(const char* path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

llama_context* make_context(llama_model* model) {
  llama_context_params how = llama_context_default_params();
  how.n_ctx = 2048;
  how.n_batch = kBatch;
  how.n_threads = how.n_threads_batch = 2;
  how.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
  how.type_k = how.type_v = GGML_TYPE_F32;
  return llama_init_from_model(model, how);
}

// 64 tokens a picture: melete-nano's limit, which the file format has no place for.
mtmd_context* make_towers(const char* path, llama_model* model) {
  mtmd_context_params how = mtmd_context_params_default();
  how.use_gpu = false;
  how.n_threads = 2;
  how.warmup = false;
  how.image_max_tokens = 64;
  how.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
  return mtmd_init_from_file(path, model, how);
}

bool read_with_media(mtmd_context* towers, llama_context* context, const std::string& prompt,
                     const char* medium) {
  const mtmd_bitmap* bitmap =
      mtmd_helper_bitmap_init_from_file(towers, medium, false, mtmd_helper_init_opt_default()).bitmap;
  if (bitmap == nullptr) return false;
  mtmd_input_text text{};
  text.text = prompt.c_str();
  text.text_len = prompt.size();
  text.parse_special = true;
  mtmd_input_chunks* chunks = mtmd_input_chunks_init();
  llama_pos past = 0;
  return mtmd_tokenize(towers, chunks, &text, &bitmap, 1) == 0 &&
         mtmd_helper_eval_chunks(towers, context, chunks, 0, 0, kBatch, true, &past) == 0;
}

bool read_text(const llama_vocab* vocab, llama_context* context, const std::string& prompt) {
  std::vector<llama_token> tokens(prompt.size() + 8);
  const int count = llama_tokenize(vocab, prompt.data(), static_cast<int>(prompt.size()), tokens.data(),
                                   static_cast<int>(tokens.size()), false, true);
  return count > 0 && llama_decode(context, llama_batch_get_one(tokens.data(), count)) == 0;
}

bool save(const char* path, const float* values, int count) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(values), static_cast<std::streamsize>(sizeof(float)) * count);
  return file.good();
}

std::string answer(const llama_vocab* vocab, llama_context* context) {
  const int size = llama_vocab_n_tokens(vocab);
  std::string text;
  for (int step = 0; step < kMaxTokens; ++step) {
    const float* logits = llama_get_logits_ith(context, -1);
    llama_token best = static_cast<llama_token>(std::max_element(logits, logits + size) - logits);
    if (llama_vocab_is_eog(vocab, best)) break;
    char piece[256];
    text.append(piece, static_cast<size_t>(
                           std::max(0, llama_token_to_piece(vocab, best, piece, sizeof piece, 0, true))));
    if (llama_decode(context, llama_batch_get_one(&best, 1)) != 0) break;
  }
  return text;
}

void quiet(ggml_log_level level, const char* text, void*) {
  if (level == GGML_LOG_LEVEL_ERROR) std::fputs(text, stderr);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return fail("usage: mtmd_probe MODEL.gguf MMPROJ.gguf|- PROMPT.txt LOGITS.f32 [MEDIUM]");
  llama_log_set(quiet, nullptr);
  mtmd_log_set(quiet, nullptr);
  mtmd_helper_log_set(quiet, nullptr);
  llama_backend_init();
  llama_model* model = llama_model_load_from_file(argv[1], llama_model_default_params());
  if (model == nullptr) return fail("the model can't be loaded");
  llama_context* context = make_context(model);
  const llama_vocab* vocab = llama_model_get_vocab(model);
  const std::string prompt = read_file(argv[3]);
  bool read = false;
  if (argc > 5 && std::strcmp(argv[2], "-") != 0) {
    mtmd_context* towers = make_towers(argv[2], model);
    if (towers == nullptr) return fail("the towers can't be loaded");
    read = read_with_media(towers, context, prompt, argv[5]);
  } else {
    read = read_text(vocab, context, prompt);
  }
  if (!read) return fail("the prompt can't be read");
  if (!save(argv[4], llama_get_logits_ith(context, -1), llama_vocab_n_tokens(vocab)))
    return fail("no room for the logits");
  std::puts(answer(vocab, context).c_str());
}
