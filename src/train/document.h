// Makes training documents from tasks: which task, level, style and split, then the conversation and its
// tokens.
//
// A document is a pure function of (config, tokenizer, seed, open levels). Its conversation: the medium with
// the first question in one user message (media first, then text; tables before the question, a blank line
// between), then more questions about it. Either every answer comes at once (no effort line), or every answer
// follows its reasoning at the verbosity of the effort line (low 1, medium 2, high 3). A share of the media
// with a scene transcript is described at the end.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "media/preprocess.h"
#include "task/task.h"
#include "text/conversation.h"
#include "text/tokenizer.h"
#include "train/batch.h"
#include "train/curriculum.h"

namespace melete {

constexpr std::array<const char*, 5> kFamilies = {"vision", "audio", "video", "data", "text"};

struct FamilyShares {
  double vision = 0.44, audio = 0.2, video = 0.08, data = 0.12, text = 0.16;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("vision", vision, "pictures");
    field("audio", audio, "sounds and speech");
    field("video", video, "clips of moving things");
    field("data", data, "CSV and JSON as text");
    field("text", text, "text alone");
  }

  std::array<double, 5> values() const { return {vision, audio, video, data, text}; }
};

struct MixtureConfig {
  FamilyShares documents, loss;
  std::string task_weights;  // "addition=2,clock=0": within a family; 1 unless named
  double instant_share = 0.5;
  double transcript_share = 0.4;
  int64_t max_questions = 6;
  int64_t max_thinking_questions = 2;
  double length_power = 0.5;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("documents", documents,
          "share of the documents that each family has; families without tasks are left out");
    field("loss", loss, "share of the loss that each family has, whatever its token counts");
    field("task_weights", task_weights,
          "weights within a family, as in \"addition=2,clock=0\"; 1 unless named");
    field("instant_share", instant_share, "share of the documents that are answered without reasoning");
    field("transcript_share", transcript_share,
          "share of the pictures, clips and sounds that are described after the questions");
    field("max_questions", max_questions,
          "questions about one medium, at most; at most two before a description");
    field("max_thinking_questions", max_thinking_questions, "the same where answers carry reasoning");
    field("length_power", length_power,
          "a document's weight in its family grows with its number of targets to this power: "
          "0 every document counts the same, 1 every target token does");
  }

  std::string problem() const;
};

struct MediaConfig {
  int64_t max_image_tokens = 64, max_video_frame_tokens = 16, max_video_frames = 16;
  double video_fps = 2.0;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("max_image_tokens", max_image_tokens, "a larger picture is scaled down; one token a 28 x 28 cell");
    field("max_video_frame_tokens", max_video_frame_tokens, "the same for a frame of a clip");
    field("max_video_frames", max_video_frames, "frames taken from a clip, at most");
    field("video_fps", video_fps, "frames a second taken from a clip");
  }

  std::string problem() const;
  MediaLimits limits() const;
};

struct TrainingTask {
  TaskInfo info;
  int32_t family = 0;
  double share = 0;        // of all documents
  double loss_factor = 1;  // loss share / document share of its family
  int32_t start_level = 0;
  bool is_first = false;
  std::unique_ptr<const Task> task;
};

class DocumentMaker {
 public:
  // Takes every registered task whose share isn't 0. Errors: invalid_argument (a bad mixture, an unknown task
  // name or family, no tasks at all), unavailable (a task that lacks a program or a font).
  static Result<DocumentMaker> create(const MixtureConfig& mixture, const CurriculumConfig& curriculum,
                                      const MediaConfig& media, std::shared_ptr<const Tokenizer> tokenizer);

  // A training document (Split::train) of at most max_tokens. Errors: invalid_argument (no such document was
  // found in many draws; a medium or a template that can't be rendered), naming task, level and seed.
  Result<Document> make(uint64_t seed, const OpenLevels& open, int64_t max_tokens) const;

  // One document of a given task, level, split and kind of answer, for evaluation.
  Result<Document> make_of(int32_t task, int32_t level, AnswerKind kind, Split split, uint64_t seed,
                           int64_t max_tokens) const;

  const std::vector<TrainingTask>& tasks() const { return tasks_; }
  std::vector<TaskLevels> levels() const;  // with the levels that are open from the start
  const MixtureConfig& mixture() const { return mixture_; }

 private:
  struct Style {
    Effort effort = Effort::none;
    int verbosity = 0;  // index into Question::traces
    bool transcript = false;
    int num_questions = 1;
  };

  Style draw_style(Random& random) const;
  Result<Document> render_episode(const Episode& episode, int32_t task, int32_t level, const Style& style,
                                  Random& random) const;

  MixtureConfig mixture_;
  CurriculumConfig curriculum_;
  MediaLimits limits_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::vector<TrainingTask> tasks_;
};

// Texts that a tokenizer for these tasks should know: questions, answers, reasoning, transcripts and tables
// of `per_level` training episodes of every task and level. Deterministic.
std::vector<std::string> tokenizer_corpus(int64_t per_level, uint64_t seed);

}  // namespace melete
