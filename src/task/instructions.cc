// Following short instructions about words, numbers and JSON; the answer is the result alone, in exactly that
// form.
//
// Levels: say, repeat, capitals; letters and places; sorting and counting; reversing, joining and JSON.
// Hold-out: the words of a fixed list that no training question holds.
#include <algorithm>
#include <array>
#include <cctype>

#include "base/json.h"
#include "base/random.h"
#include "task/few_specs.h"
#include "task/task.h"
#include "task/verify.h"

namespace melete {
namespace {

using Words = std::vector<std::string>;

const Words kWords = {
    "cat",   "dog",   "sun",   "tree",   "book",  "red",   "blue",  "fish",  "bird",  "milk",  "rain",
    "snow",  "door",  "hand",  "star",   "ship",  "cake",  "lamp",  "rose",  "frog",  "wolf",  "gold",
    "salt",  "wind",  "sand",  "king",   "ring",  "leaf",  "boat",  "road",  "hill",  "lake",  "coat",
    "desk",  "drum",  "fork",  "game",   "horn",  "iron",  "jump",  "apple", "bear",  "bread", "brick",
    "bus",   "camp",  "card",  "chair",  "clock", "cloud", "corn",  "cow",   "cup",   "deer",  "dish",
    "duck",  "ear",   "egg",   "farm",   "field", "fire",  "flag",  "fox",   "glass", "goat",  "goose",
    "grass", "green", "hat",   "hen",    "horse", "house", "ice",   "ink",   "jar",   "key",   "knee",
    "lemon", "lion",  "map",   "moon",   "mouse", "nest",  "nose",  "nut",   "oak",   "owl",   "paint",
    "pan",   "park",  "pear",  "pen",    "pig",   "pink",  "plane", "plum",  "queen", "rice",  "river",
    "roof",  "rope",  "salad", "school", "sea",   "seed",  "sheep", "shoe",  "sky",   "snail", "soap",
    "sock",  "song",  "soup",  "spoon",  "stone", "sugar", "swan",  "table", "tea",   "tiger", "train",
    "truck", "van",   "wall",  "water",  "wave",  "wheat", "white", "wood",  "yard",  "zoo",   "ant",
    "arm",   "ball",  "bank",  "bat",    "bed",   "bike",  "bone"};
const Words kHeldOutWords = {"pond", "kite", "moss", "bell"};
const Words kNames = {"Ann", "Ben", "Cara", "Dan", "Eva", "Finn", "Gus", "Hana"};
const Words kPlaces = {"first", "second", "third"};
constexpr double kHoldOutShare = 0.03;
constexpr int kLevels = 4;

std::string changed(std::string text, int (*change)(int)) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [change](unsigned char c) { return static_cast<char>(change(c)); });
  return text;
}

std::string joined(const Words& words, const char* between) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) text += (i ? between : "") + words[i];
  return text;
}

// "c a t"
std::string letters_of(const std::string& word) {
  Words letters;
  for (const char c : word) letters.emplace_back(1, c);
  return joined(letters, " ");
}

// Different words, the first of them held out if asked for.
Words draw_words(Random& random, bool held_out, size_t count) {
  Words words = kWords;
  random.shuffle(words);
  if (held_out) words[0] = random.pick(kHeldOutWords);
  words.resize(count);
  return words;
}

Question question_of(std::string text, std::string gold, std::string terse, std::string full,
                     const char* kind) {
  const std::string check = cat(full, " So: ", gold);
  return {std::move(text), std::move(gold), {"", std::move(terse), std::move(full), check}, {}, kind};
}

// `words`: one or two, which all but repeating take as they are.
Question say_question(Random& random, const Words& words) {
  const std::string word = joined(words, " ");
  const char* noun = words.size() == 1 ? "word" : "words";
  switch (random.integer(0, 3)) {
    case 0: {
      const Words texts = {cat("Say only the ", noun, ' ', word, '.'),
                           cat("Answer with the ", noun, ' ', word, '.'),
                           cat("Write ", word, " and nothing else.")};
      return question_of(random.pick(texts), word, cat(noun, ' ', word),
                         cat("I write the ", noun, ' ', word, '.'), "say");
    }
    case 1: {
      const int64_t times = random.integer(2, 4);
      const std::string& once = words[0];
      const Words texts = {cat("Say ", once, ' ', times, " times."),
                           cat("Repeat ", once, ' ', times, " times."),
                           cat("Write ", once, ' ', times, " times.")};
      Words repeated, counted;
      for (int64_t i = 1; i <= times; ++i) {
        repeated.push_back(once);
        counted.push_back(cat(i, ' ', once));
      }
      return question_of(random.pick(texts), joined(repeated, " "), cat(times, " times ", once),
                         joined(counted, ", ") + '.', "repeat");
    }
    case 2: {
      const Words texts = {cat("Write ", word, " in capital letters."), cat("Put ", word, " in capitals."),
                           cat("Make ", word, " upper case.")};
      const std::string gold = changed(word, std::toupper);
      return question_of(random.pick(texts), gold, cat(word, ' ', gold),
                         cat(letters_of(word), " is ", letters_of(gold), '.'), "capitals");
    }
    default: {
      const std::string upper = changed(word, std::toupper);
      const Words texts = {cat("Write ", upper, " in small letters."), cat("Make ", upper, " lower case.")};
      return question_of(random.pick(texts), word, cat(upper, ' ', word),
                         cat(letters_of(upper), " is ", letters_of(word), '.'), "small letters");
    }
  }
}

Question letter_question(Random& random, const Words& words) {
  const std::string& word = words[0];
  const std::string spelled = cat(word, ": ", letters_of(word));
  switch (random.integer(0, 3)) {
    case 0: {
      const Words texts = {cat("What is the first letter of ", word, "?"),
                           cat("Give the first letter of ", word, '.')};
      return question_of(random.pick(texts), word.substr(0, 1), spelled,
                         cat(spelled, ". First is ", word.front(), '.'), "first letter");
    }
    case 1: {
      const Words texts = {cat("What is the last letter of ", word, "?"),
                           cat("Give the last letter of ", word, '.')};
      return question_of(random.pick(texts), word.substr(word.size() - 1), spelled,
                         cat(spelled, ". Last is ", word.back(), '.'), "last letter");
    }
    case 2: {
      const Words texts = {cat("Spell ", word, '.'), cat("Write the letters of ", word, " with spaces.")};
      return question_of(random.pick(texts), letters_of(word), spelled, spelled + '.', "spell");
    }
    default: {
      Words list = words;
      random.shuffle(list);
      const auto place = static_cast<size_t>(random.integer(0, std::ssize(list) - 1));
      const std::string shown = joined(list, ", ");
      const Words texts = {cat("What is the ", kPlaces[place], " word? ", shown),
                           cat("Give the ", kPlaces[place], " word of: ", shown)};
      return question_of(random.pick(texts), list[place], cat(place + 1, ' ', list[place]),
                         cat("1 ", list[0], ", 2 ", list[1], ", 3 ", list[2], '.'), "place");
    }
  }
}

Question order_question(Random& random, const Words& words) {
  std::vector<int64_t> numbers;
  while (numbers.size() < 3) {
    const int64_t number = random.integer(0, 99);
    if (std::find(numbers.begin(), numbers.end(), number) == numbers.end()) numbers.push_back(number);
  }
  const std::string shown = cat(numbers[0], ", ", numbers[1], ", ", numbers[2]);
  const bool falling = random.chance(0.5);
  auto sorted = numbers;
  std::sort(sorted.begin(), sorted.end());
  if (falling) std::reverse(sorted.begin(), sorted.end());
  switch (random.integer(0, 3)) {
    case 0: {
      const std::string gold = cat(sorted[0], ", ", sorted[1], ", ", sorted[2]);
      const char* order = falling ? "from large to small" : "from small to large";
      const Words texts = {cat("Sort ", order, ": ", shown), cat("Put in order ", order, ": ", shown)};
      return question_of(
          random.pick(texts), gold, cat(falling ? "largest " : "smallest ", sorted[0]),
          cat(falling ? "largest " : "smallest ", sorted[0], ", then ", sorted[1], ", then ", sorted[2], '.'),
          "sort");
    }
    case 1: {
      const char* which = falling ? "largest" : "smallest";
      const Words texts = {cat("Which is the ", which, ": ", shown, "?"),
                           cat("Give the ", which, " number of: ", shown)};
      return question_of(random.pick(texts), cat(sorted[0]), cat(sorted[0], ' ', sorted[1], ' ', sorted[2]),
                         cat(which, " of ", shown, " is ", sorted[0], '.'), "extreme");
    }
    case 2: {
      const Words list(words.begin(), words.begin() + random.integer(1, std::ssize(words)));
      std::string counted;
      for (size_t i = 0; i < list.size(); ++i) counted += cat(i ? ", " : "", i + 1, ' ', list[i]);
      const Words texts = {cat("How many words: ", joined(list, " "), "?"),
                           cat("Count the words: ", joined(list, " "))};
      return question_of(random.pick(texts), cat(list.size()), counted, counted + '.', "count words");
    }
    default: {
      Words list(words.begin(), words.begin() + 3);
      const std::string given = joined(list, ", ");
      std::sort(list.begin(), list.end());
      const Words texts = {cat("Sort by the alphabet: ", given),
                           cat("Put in the order of the alphabet: ", given)};
      return question_of(random.pick(texts), joined(list, ", "), cat("first ", list[0]),
                         cat("first ", list[0], ", then ", list[1], ", then ", list[2], '.'), "sort words");
    }
  }
}

Question form_question(Random& random, const Words& words) {
  switch (random.integer(0, 3)) {
    case 0: {
      const std::string& word = words[0];
      const std::string gold(word.rbegin(), word.rend());
      const Words texts = {cat("Write ", word, " backwards."), cat("Reverse the letters of ", word, '.'),
                           cat("Spell ", word, " backwards as one word.")};
      return question_of(random.pick(texts), gold, letters_of(gold),
                         cat(letters_of(word), ", backwards ", letters_of(gold), '.'), "reverse");
    }
    case 1: {
      const char* sign = random.chance(0.5) ? "-" : "+";
      const Words list(words.begin(), words.begin() + 3);
      const Words texts = {cat("Join with ", sign, ": ", joined(list, " ")),
                           cat("Put ", sign, " between the words: ", joined(list, " "))};
      return question_of(random.pick(texts), joined(list, sign), cat("sign ", sign),
                         cat("words ", joined(list, ", "), ", sign ", sign, '.'), "join");
    }
    case 2: {
      const std::string& name = random.pick(kNames);
      const int64_t age = random.integer(1, 99);
      const Json gold = {{"name", name}, {"age", age}, {"likes", words[0]}};
      const Words texts = {
          cat("Write JSON with name ", name, ", age ", age, " and likes ", words[0], '.'),
          cat("Make a JSON object: name is ", name, ", age is ", age, ", likes is ", words[0], '.')};
      return question_of(random.pick(texts), json_text(gold), "keys name, age, likes",
                         cat("name ", name, ", age ", age, ", likes ", words[0], '.'), "json");
    }
    default: {
      const Words list(words.begin(), words.begin() + random.integer(2, 4));
      const Words texts = {cat("Write as a JSON list: ", joined(list, " ")),
                           cat("Make a JSON list of these words: ", joined(list, " "))};
      return question_of(random.pick(texts), json_text(list), cat(list.size(), " words"),
                         joined(list, ", ") + '.', "json");
    }
  }
}

std::string_view stripped(std::string_view text) {
  constexpr std::string_view kAround = " \n\t\"'`.";
  while (!text.empty() && kAround.find(text.front()) != std::string_view::npos) text.remove_prefix(1);
  while (!text.empty() && kAround.find(text.back()) != std::string_view::npos) text.remove_suffix(1);
  return text;
}

class Instructions final : public Task {
 public:
  TaskInfo info() const override {
    return {"instructions",
            "do exactly what a short instruction says",
            "text",
            kLevels,
            {"say, repeat, capitals", "letters and places", "sort and count", "reverse, join, JSON"}};
  }

  Episode make(uint64_t seed, int level, int num_questions) const override {
    MELETE_CHECK(level >= 0 && level < kLevels && num_questions >= 1, "level=", level);
    Random random(seed, stable_hash("instructions") + static_cast<uint64_t>(level));
    const bool held_out = random.chance(kHoldOutShare);
    Episode episode;
    Question question = level == 0
                            ? say_question(random, draw_words(random, held_out, random.chance(0.5) ? 1 : 2))
                        : level == 1 ? letter_question(random, draw_words(random, held_out, 3))
                        : level == 2 ? order_question(random, draw_words(random, held_out, 6))
                                     : form_question(random, draw_words(random, held_out, 4));
    episode.spec_hash = hash_of_few("instructions|" + question.text);
    const bool has_held_out_word =
        std::any_of(kHeldOutWords.begin(), kHeldOutWords.end(), [&](const std::string& word) {
          return changed(question.text, std::tolower).find(word) != std::string::npos;
        });
    if (has_held_out_word) episode.hold_out = "unseen words";
    episode.questions.push_back(std::move(question));
    return episode;
  }

  double verify(const Question& question, std::string_view answer) const override {
    if (question.kind == "json") {
      const auto expected = parse_json(question.gold, "gold"), given = parse_json(answer, "answer");
      // Keys may come in any order, which nlohmann's ordered objects would tell apart.
      return given.ok() && nlohmann::json::parse(given->dump()) == nlohmann::json::parse(expected->dump())
                 ? 1.0
                 : 0.0;
    }
    if (question.kind == "capitals" || question.kind == "small letters")
      return stripped(answer) == question.gold ? 1.0 : 0.0;
    return same_answer(question.gold, answer) ? 1.0 : 0.0;
  }
};

MELETE_REGISTER_TASK("instructions", Instructions);

}  // namespace
}  // namespace melete
