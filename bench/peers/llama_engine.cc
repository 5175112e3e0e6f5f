// The engine benchmark's peer: the commands of bench/engine_steps.cc, answered by llama.cpp's C interface.
//
// usage: llama_engine MODEL.gguf THREADS CONTEXT SEQUENCES [flash] [split] [kv8|kv32]
//        llama_engine quantize IN.gguf OUT.gguf q8_0|q4_0|f32
// flash: with flash attention. split: a cache of its own for each sequence instead of a unified one. kv8:
// keys and values as Q8_0, which needs flash; kv32: as floats.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "llama.h"

namespace {

using Tokens = std::vector<llama_token>;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

long peak_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmHWM:", 0) == 0) return 1024 * std::stol(line.substr(6));
  return 0;
}

class Peer {
 public:
  Peer(const char* path, int threads, int context, int sequences, bool flash, bool split, ggml_type kv)
      : context_(context) {
    llama_backend_init();
    llama_model_params how = llama_model_default_params();
    how.n_gpu_layers = 0;
    model_ = llama_model_load_from_file(path, how);
    if (model_ == nullptr) std::exit(1);
    llama_context_params c = llama_context_default_params();
    c.n_ctx = static_cast<uint32_t>(split ? context * sequences : context + 64 * (sequences - 1));
    c.n_batch = 2048;
    c.n_ubatch = 512;
    c.n_seq_max = static_cast<uint32_t>(sequences);
    c.n_threads = c.n_threads_batch = threads;
    c.flash_attn_type = flash ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
    c.kv_unified = !split;
    c.type_k = c.type_v = kv;
    c.no_perf = true;
    llama_ = llama_init_from_model(model_, c);
    if (llama_ == nullptr) std::exit(1);
    vocab_size_ = llama_vocab_n_tokens(llama_model_get_vocab(model_));
    batch_ = llama_batch_init(std::max(context, sequences), 0, 1);
  }
  ~Peer() {
    llama_batch_free(batch_);
    llama_free(llama_);
    llama_model_free(model_);
  }

  Tokens ids(const std::string& text) const {
    Tokens tokens(text.size() + 8);
    const int count =
        llama_tokenize(llama_model_get_vocab(model_), text.data(), static_cast<int>(text.size()),
                       tokens.data(), static_cast<int>(tokens.size()), false, false);
    tokens.resize(static_cast<size_t>(std::max(count, 0)));
    return tokens;
  }

  // Seconds until the logits after the last token are there.
  double prompt(const Tokens& tokens) {
    llama_memory_clear(llama_get_memory(llama_), false);
    const double start = now();
    batch_.n_tokens = 0;
    for (const llama_token token : tokens) add(token, batch_.n_tokens, 0, false);
    batch_.logits[batch_.n_tokens - 1] = 1;
    run();
    length_ = batch_.n_tokens;
    best_ = best(-1);
    return now() - start;
  }

  // Seconds of `count` steps of `sequences` continuations of the prompt, each its own greedy text after a
  // first token of its own.
  double steps(int sequences, int count) {
    llama_memory_t memory = llama_get_memory(llama_);
    for (int s = 1; s < sequences; ++s) llama_memory_seq_cp(memory, 0, s, -1, -1);
    Tokens next(static_cast<size_t>(sequences), best_);
    for (int s = 1; s < sequences; ++s) next[static_cast<size_t>(s)] = (best_ + 37 * s) % vocab_size_;
    const double start = now();
    for (int step = 0; step < count; ++step) {
      batch_.n_tokens = 0;
      for (int s = 0; s < sequences; ++s) add(next[static_cast<size_t>(s)], length_ + step, s, true);
      run();
      for (int s = 0; s < sequences; ++s) next[static_cast<size_t>(s)] = best(s);
    }
    const double seconds = now() - start;
    for (int s = 1; s < sequences; ++s) llama_memory_seq_rm(memory, s, -1, -1);
    llama_memory_seq_rm(memory, 0, length_, -1);
    return seconds;
  }

  // The greedy continuation, and by how much its tokens' logits are above the second best.
  void greedy(const Tokens& tokens, int count) {
    prompt(tokens);
    std::ostringstream ids, gaps;
    for (int i = 0; i < count; ++i) {
      const float* logits = llama_get_logits_ith(llama_, -1);
      const llama_token first = best(-1);
      float second = -1e30f;
      for (int t = 0; t < vocab_size_; ++t)
        if (t != first) second = std::max(second, logits[t]);
      ids << (i > 0 ? "," : "") << first;
      gaps << (i > 0 ? "," : "") << logits[first] - second;
      batch_.n_tokens = 0;
      add(first, length_ + i, 0, true);
      if (i + 1 < count) run();
    }
    std::printf("{\"ids\":[%s],\"gaps\":[%s]}\n", ids.str().c_str(), gaps.str().c_str());
  }

  int context() const { return context_; }

 private:
  void add(llama_token token, llama_pos position, llama_seq_id sequence, bool wanted) {
    const auto i = static_cast<size_t>(batch_.n_tokens++);
    batch_.token[i] = token;
    batch_.pos[i] = position;
    batch_.n_seq_id[i] = 1;
    batch_.seq_id[i][0] = sequence;
    batch_.logits[i] = wanted;
  }
  void run() {
    if (llama_decode(llama_, batch_) != 0) {
      std::fprintf(stderr, "llama_decode failed\n");
      std::exit(1);
    }
  }
  llama_token best(int row) const {
    const float* logits = llama_get_logits_ith(llama_, row);
    return static_cast<llama_token>(std::max_element(logits, logits + vocab_size_) - logits);
  }

  llama_model* model_ = nullptr;
  llama_context* llama_ = nullptr;
  llama_batch batch_{};
  int context_, vocab_size_ = 0;
  llama_pos length_ = 0;
  llama_token best_ = 0;
};

int quantize(const char* from, const char* to, const std::string& type) {
  llama_model_quantize_params how = llama_model_quantize_default_params();
  how.ftype = type == "f32"    ? LLAMA_FTYPE_ALL_F32
              : type == "q8_0" ? LLAMA_FTYPE_MOSTLY_Q8_0
                               : LLAMA_FTYPE_MOSTLY_Q4_0;
  how.allow_requantize = true;
  return static_cast<int>(llama_model_quantize(from, to, &how));
}

Tokens read_tokens(std::istream& line) {
  Tokens tokens;
  for (llama_token id; line >> id;) tokens.push_back(id);
  return tokens;
}

void answer(Peer& peer, const std::string& text) {
  std::istringstream line(text);
  std::string command;
  int a = 0, b = 0;
  line >> command;
  if (command == "ids") {
    std::string rest;
    std::getline(line >> std::ws, rest);
    std::string list;
    for (const llama_token id : peer.ids(rest)) list += (list.empty() ? "" : ",") + std::to_string(id);
    std::printf("{\"ids\":[%s]}\n", list.c_str());
  } else if (command == "greedy") {
    line >> a;
    peer.greedy(read_tokens(line), a);
  } else if (command == "prompt") {
    std::printf("{\"seconds\":%.6f}\n", peer.prompt(read_tokens(line)));
  } else if (command == "steps") {
    line >> a >> b;
    std::printf("{\"seconds\":%.6f}\n", peer.steps(a, b));
  } else {
    std::printf("{\"peak_bytes\":%ld}\n", peak_bytes());
  }
}

void quiet(ggml_log_level level, const char* text, void*) {
  if (level == GGML_LOG_LEVEL_ERROR) std::fputs(text, stderr);
}

}  // namespace

int main(int argc, char** argv) {
  llama_log_set(quiet, nullptr);
  if (argc == 5 && std::strcmp(argv[1], "quantize") == 0) return quantize(argv[2], argv[3], argv[4]);
  if (argc < 5) return 2;
  bool flash = false, split = false;
  ggml_type kv = GGML_TYPE_F16;
  for (int i = 5; i < argc; ++i) {
    flash = flash || std::strcmp(argv[i], "flash") == 0;
    split = split || std::strcmp(argv[i], "split") == 0;
    if (std::strcmp(argv[i], "kv8") == 0) kv = GGML_TYPE_Q8_0;
    if (std::strcmp(argv[i], "kv32") == 0) kv = GGML_TYPE_F32;
  }
  Peer peer(argv[1], std::atoi(argv[2]), std::atoi(argv[3]), std::atoi(argv[4]), flash, split, kv);
  std::printf("{}\n");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    answer(peer, line);
    std::fflush(stdout);
  }
}
