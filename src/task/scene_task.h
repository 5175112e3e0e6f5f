// SceneTask: a task whose context is drawn from a small spec. The spec alone decides split and questions.
#pragma once

#include <optional>
#include <string>

#include "task/scene.h"

namespace melete {

// Spec has `std::string canonical() const` (equal for equal contexts), `std::string hold_out` (a name or
// empty).
template <class Spec>
class SceneTask : public Task {
 public:
  Split split_at(uint64_t seed, int level) const final { return split_of(header(draw_spec(seed, level))); }

  Episode make(uint64_t seed, int level, int num_questions) const final {
    const TaskInfo facts = info();
    MELETE_CHECK(level >= 0 && level < facts.num_levels && num_questions >= 1, facts.name, " level=", level,
                 " n=", num_questions);
    Spec spec = draw_spec(seed, level);
    lay_out(spec);
    Episode episode = header(spec);
    episode.context.push_back(draw(spec));
    episode.transcript = transcribe(spec);
    Random random = task_random(facts.name, seed, level, Stream::questions);
    const auto count = static_cast<size_t>(num_questions);
    for (int failures = 0;
         failures < (episode.questions.empty() ? 1000 : kMostFailures) && episode.questions.size() < count;) {
      std::optional<Question> question = ask(spec, level, random);
      failures = question && add_question(episode, std::move(*question)) ? 0 : failures + 1;
    }
    MELETE_CHECK(!episode.questions.empty(), facts.name, " seed=", seed, " level=", level);
    return episode;
  }

 protected:
  virtual Spec draw_spec(uint64_t seed, int level) const = 0;
  // Fills in what drawing and asking need and the split doesn't, if that takes long.
  virtual void lay_out(Spec&) const {}
  virtual Part draw(const Spec& spec) const = 0;
  virtual std::string transcribe(const Spec& spec) const = 0;
  // One random question; empty if what was drawn isn't clear here (it is called again).
  virtual std::optional<Question> ask(const Spec& spec, int level, Random& random) const = 0;

 private:
  static constexpr int kMostFailures = 24;  // in a row: the scene holds no more to ask

  Episode header(const Spec& spec) const {
    Episode episode;
    episode.spec_hash = stable_hash(info().name + "|" + spec.canonical());
    episode.hold_out = spec.hold_out;
    return episode;
  }
};

}  // namespace melete
