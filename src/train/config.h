// The configuration of a training run: what runs/*.toml may say.
#pragma once

#include <string>
#include <vector>

#include "model/config.h"
#include "train/curriculum.h"
#include "train/document.h"
#include "train/optimizer_config.h"
#include "train/schedule.h"
#include "train/stream.h"

namespace melete {

struct RunConfig {
  std::string name = "unnamed";
  uint64_t seed = 1;
  int64_t threads = 0;
  std::string tokenizer;
  std::string init_from;
  std::string precision = "float32";
  double checkpoint_minutes = 5;
  int64_t log_steps = 10;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("name", name, "the run's folder is run/NAME");
    field("seed", seed, "of the start weights and of the data");
    field("threads", threads,
          "threads, each with micro-batches of its own (data.micro_batches should be a multiple); 0: one a "
          "processor; changes no bit");
    field("tokenizer", tokenizer, "a tokenizer.json; empty: one is trained on the tasks' texts");
    field("init_from", init_from, "a model folder whose weights the run starts from; empty: random weights");
    field("precision", precision,
          "of matrix products: float32, bfloat16, or auto (bfloat16 where the processor has it); "
          "weights, sums and the loss are float32 in any case");
    field("checkpoint_minutes", checkpoint_minutes, "minutes between checkpoints");
    field("log_steps", log_steps, "steps between lines of metrics.jsonl");
  }

  std::string problem() const;
  bool uses_bf16() const;  // what `precision` comes to on this processor
};

struct TextShape {
  int64_t vocab_size = 4096, width = 256, layers = 6, heads = 4, kv_heads = 2, head_dim = 64, mlp = 704;
  int64_t sliding_window = 512, max_positions = 4096;
  double output_multiplier = 1, qk_scale = 0;
  int64_t sparse_every = 0, experts = 8, experts_per_token = 2, latent = 128, expert_mlp = 128;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("vocab_size", vocab_size, "entries of the token table");
    field("width", width, "residual width D");
    field("layers", layers,
          "decoder layers; every fourth from the last attends globally, without rotary positions");
    field("heads", heads, "query heads");
    field("kv_heads", kv_heads, "key/value heads; divides heads");
    field("head_dim", head_dim, "width of a head, even");
    field("mlp", mlp, "width of the dense MLP");
    field("sliding_window", sliding_window, "positions that a sliding layer sees");
    field("max_positions", max_positions, "longest context");
    field("output_multiplier", output_multiplier, "factor on the logits; 0: sqrt(256 / width)");
    field("qk_scale", qk_scale,
          "factor on normalised queries, the sharpness of attention; 0: 3.87 sqrt(128 / head_dim)");
    field("sparse_every", sparse_every, "every n-th layer is a latent mixture of experts; 0: none");
    field("experts", experts, "experts of a sparse layer");
    field("experts_per_token", experts_per_token, "experts that a token visits");
    field("latent", latent, "latent width of a sparse layer");
    field("expert_mlp", expert_mlp, "width of an expert");
  }
};

struct VisionShape {
  int64_t width = 128, layers = 6, heads = 4, mlp = 352, table = 12, projector = 256;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("width", width, "width of the vision tower; 0: no vision tower");
    field("layers", layers, "its layers; every fourth and the last attend over the whole picture");
    field("heads", heads, "its heads; width / heads must be a multiple of 4");
    field("mlp", mlp, "width of its MLPs");
    field("table", table, "sides of its position table, patches; attention windows have the same size");
    field("projector", projector, "width of the adapter after it");
  }
};

struct AudioShape {
  std::vector<int64_t> widths = {32, 48, 96, 160}, depths = {1, 1, 2, 2};

  template <class Visitor>
  void visit(Visitor&& field) {
    field("widths", widths, "widths of the four stages; empty: no audio tower");
    field("depths", depths, "convolution blocks of each stage");
  }
};

struct ModelShape {
  TextShape text;
  VisionShape vision;
  AudioShape audio;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("text", text, "the decoder");
    field("vision", vision, "the vision tower");
    field("audio", audio, "the audio tower");
  }

  std::string problem() const;
};

// The model's config.json, without the special tokens' ids (those are the tokenizer's).
ModelConfig to_model_config(const ModelShape& shape);

struct EvalConfig {
  int64_t every_steps = 500;
  int64_t questions_per_level = 16;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("every_steps", every_steps, "steps between evaluations on the dev split; 0: none");
    field("questions_per_level", questions_per_level, "dev questions of each task and level");
  }

  std::string problem() const;
};

struct TrainConfig {
  RunConfig run;
  ModelShape model;
  StreamConfig data;
  MixtureConfig mixture;
  MediaConfig media;
  CurriculumConfig curriculum;
  OptimizerConfig optimizer;
  ScheduleConfig schedule;
  EvalConfig eval;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("run", run, "name, seed, start and folders");
    field("model", model, "the model's shape");
    field("data", data, "batches");
    field("mixture", mixture, "what the documents are");
    field("media", media, "sizes of pictures, clips and sounds");
    field("curriculum", curriculum, "how tasks widen from their first level");
    field("optimizer", optimizer, "Muon and AdamW");
    field("schedule", schedule, "steps and learning rate");
    field("eval", eval, "evaluation during training");
  }
};

}  // namespace melete
