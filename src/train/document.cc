#include "train/document.h"

#include <algorithm>
#include <cmath>

#include "text/attachment.h"
#include "train/task_lists.h"

namespace melete {
namespace {

constexpr int kMaxDraws = 20000;  // one in 100 episodes is of the dev split

int32_t family_index(const std::string& name) {
  const auto found = std::find(kFamilies.begin(), kFamilies.end(), name);
  return found == kFamilies.end() ? -1 : static_cast<int32_t>(found - kFamilies.begin());
}

// Where each task begins.
Status apply_curriculum(const CurriculumConfig& config, std::vector<TrainingTask>& tasks) {
  MELETE_ASSIGN_OR_RETURN(const auto start, parse_task_numbers("curriculum.start", config.start));
  MELETE_ASSIGN_OR_RETURN(const auto first, parse_task_names("curriculum.first", config.first));
  for (TrainingTask& entry : tasks) {
    const TaskInfo& info = entry.info;
    entry.is_first = first.count(info.name) > 0;
    const auto level = start.find(info.name);
    if (level == start.end()) continue;
    if (level->second >= info.num_levels)
      return invalid_argument("[curriculum.start] ", info.name, " must be below its number of levels, ",
                              info.num_levels, ", got ", level->second);
    entry.start_level = static_cast<int32_t>(level->second);
  }
  return ok_status();
}

std::string describe_request(const Episode& episode, Random& random) {
  static const std::vector<std::string> picture = {"Describe the picture.", "What is in the picture?",
                                                   "List what you see."};
  static const std::vector<std::string> sound = {"Write down what you hear.", "What do you hear?"};
  static const std::vector<std::string> clip = {"Describe the clip.", "What happens in the clip?"};
  for (const Part& part : episode.context) {
    if (std::holds_alternative<Audio>(part)) return random.pick(sound);
    if (std::holds_alternative<Video>(part)) return random.pick(clip);
    if (std::holds_alternative<Image>(part)) return random.pick(picture);
  }
  return "Describe it.";
}

// The message that each answer's targets belong to, so that they can be found in the rendered tokens.
struct AnswerMessages {
  AnswerKind kind;
  int32_t first, last;
};

void add_user_turn(Conversation& conversation, std::vector<MessagePart> parts, const std::string& text) {
  if (!parts.empty() && std::holds_alternative<TextPart>(parts.back()))
    std::get<TextPart>(parts.back()).text += text;
  else
    parts.emplace_back(TextPart{text, false});
  conversation.messages.push_back({Role::user, "", std::move(parts), true});
}

AnswerMessages add_answer(Conversation& conversation, const std::string& trace, const std::string& answer,
                          bool answer_is_trusted, AnswerKind kind) {
  const auto first = static_cast<int32_t>(conversation.messages.size());
  if (!trace.empty())
    conversation.messages.push_back({Role::assistant, "self", {TextPart{trace, true}}, false});
  conversation.messages.push_back({Role::assistant, "user", {TextPart{answer, answer_is_trusted}}, true});
  return {kind, first, static_cast<int32_t>(conversation.messages.size()) - 1};
}

Document to_document(SupervisedPrompt supervised, const std::vector<AnswerMessages>& messages) {
  Document document;
  std::vector<int32_t> message_of;
  for (size_t i = 1; i < supervised.target.size(); ++i) {
    if (!supervised.target[i]) continue;
    document.target_at.push_back(static_cast<int64_t>(i));
    message_of.push_back(supervised.message_of[i]);
  }
  for (const AnswerMessages& answer : messages) {
    const auto begin = std::lower_bound(message_of.begin(), message_of.end(), answer.first);
    const auto end = std::upper_bound(begin, message_of.end(), answer.last);
    document.answers.push_back({answer.kind, begin - message_of.begin(), end - message_of.begin()});
  }
  document.prompt = std::move(supervised.prompt);
  return document;
}

}  // namespace

std::string MixtureConfig::problem() const {
  for (const FamilyShares* shares : {&documents, &loss}) {
    double sum = 0;
    for (const double value : shares->values()) {
      if (!(value >= 0))
        return cat(shares == &loss ? "loss" : "documents", " must hold shares of 0 or more, got ", value);
      sum += value;
    }
    if (!(sum > 0)) return cat(shares == &loss ? "loss" : "documents", " must hold one share above 0");
  }
  if (!(instant_share >= 0 && instant_share <= 1))
    return cat("instant_share must be 0 to 1, got ", instant_share);
  if (!(transcript_share >= 0 && transcript_share <= 1))
    return cat("transcript_share must be 0 to 1, got ", transcript_share);
  if (max_questions < 1) return cat("max_questions must be at least 1, got ", max_questions);
  if (max_thinking_questions < 1)
    return cat("max_thinking_questions must be at least 1, got ", max_thinking_questions);
  if (!(length_power >= 0 && length_power <= 1))
    return cat("length_power must be 0 to 1, got ", length_power);
  return {};
}

std::string MediaConfig::problem() const {
  if (max_image_tokens < 1) return cat("max_image_tokens must be at least 1, got ", max_image_tokens);
  if (max_video_frame_tokens < 1)
    return cat("max_video_frame_tokens must be at least 1, got ", max_video_frame_tokens);
  if (max_video_frames < 2) return cat("max_video_frames must be at least 2, got ", max_video_frames);
  if (!(video_fps > 0)) return cat("video_fps must be above 0, got ", video_fps);
  return {};
}

MediaLimits MediaConfig::limits() const {
  MediaLimits limits;
  limits.max_image_tokens = max_image_tokens;
  limits.max_video_frame_tokens = max_video_frame_tokens;
  limits.max_video_frames = max_video_frames;
  limits.video_fps = video_fps;
  return limits;
}

Result<DocumentMaker> DocumentMaker::create(const MixtureConfig& mixture, const CurriculumConfig& curriculum,
                                            const MediaConfig& media,
                                            std::shared_ptr<const Tokenizer> tokenizer) {
  DocumentMaker maker;
  maker.mixture_ = mixture;
  maker.curriculum_ = curriculum;
  maker.limits_ = media.limits();
  maker.tokenizer_ = std::move(tokenizer);
  MELETE_ASSIGN_OR_RETURN(const auto weights,
                          parse_task_numbers("mixture.task_weights", mixture.task_weights));
  std::array<double, 5> weight_sum{};
  for (const std::string& name : Registry<Task>::instance().names()) {
    TrainingTask entry;
    entry.task = Registry<Task>::instance().make(name);
    entry.info = entry.task->info();
    entry.family = family_index(entry.info.family);
    if (entry.family < 0)
      return invalid_argument("[task ", name,
                              "] must be of the family vision, audio, video, data or text, got \"",
                              entry.info.family, "\"");
    const auto weight = weights.find(name);
    entry.share = weight == weights.end() ? 1.0 : weight->second;
    if (entry.share <= 0 || mixture.documents.values()[static_cast<size_t>(entry.family)] <= 0) continue;
    if (const std::string problem = entry.task->problem(); !problem.empty())
      return unavailable("[task ", name, "] ", problem, "; or leave it out: --set mixture.task_weights=\"",
                         name, "=0\"");
    weight_sum[static_cast<size_t>(entry.family)] += entry.share;
    maker.tasks_.push_back(std::move(entry));
  }
  MELETE_RETURN_IF_ERROR(apply_curriculum(curriculum, maker.tasks_));
  double documents = 0, loss = 0;
  for (size_t f = 0; f < kFamilies.size(); ++f) {
    if (weight_sum[f] <= 0) continue;
    documents += mixture.documents.values()[f];
    loss += mixture.loss.values()[f];
  }
  if (maker.tasks_.empty())
    return invalid_argument("[mixture] must leave at least one task, got none; raise a share");
  if (!(loss > 0))
    return invalid_argument("[mixture.loss] must give a family that has documents a share above 0");
  for (TrainingTask& entry : maker.tasks_) {
    const auto f = static_cast<size_t>(entry.family);
    const double family_share = mixture.documents.values()[f] / documents;
    entry.share *= family_share / weight_sum[f];
    entry.loss_factor = mixture.loss.values()[f] / loss / family_share;
  }
  return maker;
}

std::vector<TaskLevels> DocumentMaker::levels() const {
  std::vector<TaskLevels> levels;
  for (const TrainingTask& entry : tasks_)
    levels.push_back({entry.info.name, entry.info.num_levels, entry.start_level, entry.is_first});
  return levels;
}

DocumentMaker::Style DocumentMaker::draw_style(Random& random) const {
  Style style;
  int64_t most = mixture_.max_questions;
  if (!random.chance(mixture_.instant_share)) {
    style.verbosity = static_cast<int>(random.integer(1, 3));
    style.effort = static_cast<Effort>(static_cast<int>(Effort::none) + style.verbosity);
    most = mixture_.max_thinking_questions;
  }
  style.transcript = random.chance(mixture_.transcript_share);
  if (style.transcript) most = std::min<int64_t>(most, 2);
  style.num_questions = static_cast<int>(random.integer((most + 1) / 2, most));
  return style;
}

Result<Document> DocumentMaker::render_episode(const Episode& episode, int32_t task, int32_t level,
                                               const Style& style, Random& random) const {
  Conversation conversation;
  conversation.effort = style.effort;
  std::vector<AnswerMessages> answers;
  MELETE_ASSIGN_OR_RETURN(std::vector<MessagePart> parts, attached_parts(episode.context, "", limits_));
  for (const Question& question : episode.questions) {
    const std::string& trace = question.traces[static_cast<size_t>(style.verbosity)];
    add_user_turn(conversation, std::move(parts), question.text);
    parts.clear();
    answers.push_back(add_answer(conversation, trace, question.gold, true,
                                 trace.empty() ? AnswerKind::instant : AnswerKind::thinking));
  }
  // Last, since every question could be answered from the words of the description.
  if (style.transcript && !episode.transcript.empty()) {
    add_user_turn(conversation, std::move(parts), describe_request(episode, random));
    answers.push_back(add_answer(conversation, "", episode.transcript, true, AnswerKind::transcript));
  }
  MELETE_ASSIGN_OR_RETURN(SupervisedPrompt supervised, render_supervised(conversation, *tokenizer_));
  Document document = to_document(std::move(supervised), answers);
  document.task = task;
  document.level = level;
  document.family = tasks_[static_cast<size_t>(task)].family;
  return document;
}

Result<Document> DocumentMaker::make(uint64_t seed, const OpenLevels& open, int64_t max_tokens) const {
  Random random(seed, stable_hash("document"));
  double open_share = 0;
  size_t t = 0;
  for (size_t i = 0; i < tasks_.size(); ++i)
    if (open.at(i) >= 0) open_share += tasks_[i].share, t = i;  // the last one, should rounding pass them all
  double at = random.uniform() * open_share;
  for (size_t i = 0; i < tasks_.size(); ++i) {
    if (open[i] < 0) continue;
    if (at < tasks_[i].share) {
      t = i;
      break;
    }
    at -= tasks_[i].share;
  }
  const TrainingTask& entry = tasks_[t];
  const int32_t level = pick_level(curriculum_, open.at(t), entry.info.num_levels, random);
  const Style style = draw_style(random);
  for (int draw = 0; draw < kMaxDraws; ++draw) {
    const uint64_t episode_seed = random.next_u64();
    if (entry.task->split_at(episode_seed, level) != Split::train) continue;
    const Episode episode = entry.task->make(episode_seed, level, style.num_questions);
    MELETE_ASSIGN_OR_RETURN(Document document,
                            render_episode(episode, static_cast<int32_t>(t), level, style, random));
    if (document.num_tokens() <= max_tokens) return document;
  }
  return invalid_argument("[task ", entry.info.name, "] must make training documents of at most ", max_tokens,
                          " tokens at level ", level,
                          ", got none; raise data.tokens_per_step or lower the media limits");
}

Result<Document> DocumentMaker::make_of(int32_t task, int32_t level, AnswerKind kind, Split split,
                                        uint64_t seed, int64_t max_tokens) const {
  Random random(seed, stable_hash("evaluation"));
  Style style;
  if (kind == AnswerKind::thinking) {
    style.verbosity = 2;
    style.effort = Effort::medium;
  }
  for (int draw = 0; draw < kMaxDraws; ++draw) {
    const TrainingTask& entry = tasks_.at(static_cast<size_t>(task));
    const uint64_t episode_seed = random.next_u64();
    if (entry.task->split_at(episode_seed, level) != split) continue;
    const Episode episode = entry.task->make(episode_seed, level, 1);
    MELETE_ASSIGN_OR_RETURN(Document document, render_episode(episode, task, level, style, random));
    if (document.num_tokens() <= max_tokens) return document;
  }
  return not_found("[task ", tasks_[static_cast<size_t>(task)].info.name,
                   "] must have episodes of the split at level ", level);
}

std::vector<std::string> tokenizer_corpus(int64_t per_level, uint64_t seed) {
  std::vector<std::string> lines;
  for (const std::string& name : Registry<Task>::instance().names()) {
    const auto task = Registry<Task>::instance().make(name);
    if (!task->problem().empty()) continue;
    for (int level = 0; level < task->info().num_levels; ++level) {
      Random random(seed, mix_seed(stable_hash(name), static_cast<uint64_t>(level)));
      for (int64_t i = 0; i < per_level; ++i) {
        const uint64_t episode_seed = random.next_u64();
        if (task->split_at(episode_seed, level) != Split::train) continue;
        const Episode episode = task->make(episode_seed, level, 4);
        for (const Part& part : episode.context)
          if (const auto* text = std::get_if<std::string>(&part)) lines.push_back(*text);
        if (!episode.transcript.empty()) lines.push_back(episode.transcript);
        for (const Question& question : episode.questions) {
          lines.push_back(question.text);
          lines.push_back(question.gold);
          for (const std::string& trace : question.traces)
            if (!trace.empty()) lines.push_back(trace);
        }
      }
    }
  }
  return lines;
}

}  // namespace melete
