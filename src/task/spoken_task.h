// SpokenTask: a task whose context is one clip of a voice, with one question. The clip decides the split.
#pragma once

#include <string>

#include "task/spoken.h"

namespace melete {

// Said: what the voice says, with the facts that questions ask about.
template <class Said>
class SpokenTask : public Task {
 public:
  std::string problem() const final { return Speech::shared().problem(); }

  Split split_at(uint64_t seed, int level) const final {
    Random random = random_of(seed, level);
    Said said;
    return split_of(draw(random, level, said));
  }

  Episode make(uint64_t seed, int level, int num_questions) const final {
    const TaskInfo facts = info();
    MELETE_CHECK(level >= 0 && level < facts.num_levels && num_questions >= 1, facts.name, " level=", level);
    Random random = random_of(seed, level);
    Said said;
    const SpokenClip clip = draw(random, level, said);
    Episode episode;
    fill_in(random, range_of(level), clip, episode);
    episode.questions = {ask(random, said, level)};
    return episode;
  }

 protected:
  virtual const SpokenRange& range_of(int level) const = 0;
  virtual Said draw_said(Random& random, int level) const = 0;
  virtual SpokenText text_of(const Said& said, int level) const = 0;
  virtual Question ask(Random& random, const Said& said, int level) const = 0;

 private:
  Random random_of(uint64_t seed, int level) const {
    return Random(seed, stable_hash(info().name) + static_cast<uint64_t>(level));
  }
  SpokenClip draw(Random& random, int level, Said& said) const {
    return draw_clip(random, range_of(level), [&](Random& each) {
      said = draw_said(each, level);
      return text_of(said, level);
    });
  }
};

}  // namespace melete
