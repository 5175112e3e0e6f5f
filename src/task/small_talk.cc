// Small talk: who are you, hello, thanks, what can you do; and honest refusals of what a small local model
// can't do, such as browsing, sending mail, or seeing a picture that isn't there.
//
// An answer counts if it says the right thing in any words: each topic lists groups of phrases, and one of
// each group must occur; who gives a name is called by that name and by no other. Levels: courtesy and
// who-are-you; refusals. The split is by the wording of the question, whatever its capitals and full stops.
#include <algorithm>
#include <array>
#include <cctype>

#include "base/random.h"
#include "task/few_specs.h"
#include "task/task.h"

namespace melete {
namespace {

using Words = std::vector<std::string>;

// Ways to say one thing, and the answer to it. {name}, {person}, {thing}, {file}, {part}, {picture} and
// {sound} stand for the same words in both.
struct Saying {
  const char* gold;
  Words texts;
};

struct Topic {
  const char* name;
  bool takes_opening;  // "Hello. Who are you?" but not "Hello. Thank you."
  std::vector<Saying> sayings;
  std::vector<Words> must_say;  // one phrase of each group
};

constexpr size_t kLongestAnswer = 300;
// The number was chosen so that "Hello", "Who are you?" and their like fall to the training split.
const std::string kSpec = "small_talk 2|";
const Words kOpenings = {"Hello. ",
                         "Hi. ",
                         "Please tell me: ",
                         "One question: ",
                         "Hey Melete. ",
                         "Hello Melete. ",
                         "Good morning. ",
                         "Sorry, one thing: ",
                         "I am {name}. ",
                         "My name is {name}. ",
                         "Hello, I am {name}. ",
                         "{name} here. "};
const Words kCannot = {"can't", "cannot", "can not",   "unable", "not able",
                       "don't", "do not", "no access", "no way"};
const Words kNames = {"Ann",  "Ben",  "Cara", "Dan",  "Eva",  "Finn", "Gus",  "Hana", "Ida",  "Jon",
                      "Kim",  "Leo",  "Ada",  "Max",  "Nina", "Otto", "Pia",  "Rosa", "Sam",  "Tom",
                      "Uma",  "Vera", "Yara", "Zoe",  "Alan", "Bea",  "Carl", "Dora", "Emma", "Fred",
                      "Gina", "Hugo", "Iris", "Jack", "Karl", "Lena", "Mia",  "Noah", "Olga", "Paul",
                      "Ruth", "Sara", "Tina", "Omar", "Wim",  "Lily", "Emil", "Lars"};

// What stands for a slot, as the user says it; the answer turns "my" into "your".
struct Slot {
  const char* name;
  Words values;
};
const std::array<Slot, 7> kSlots = {{
    {"{name}", kNames},
    {"{person}",
     {"Ann", "Ben", "my boss", "my friend", "Cara", "the bank", "my sister", "Leo", "my mother", "my father",
      "Hugo", "the school", "my teacher", "Rosa", "my brother", "the hotel"}},
    {"{thing}",
     {"cats",  "trains", "rain",  "music",  "football", "cakes", "the moon", "old cars", "birds", "tea",
      "books", "horses", "ships", "apples", "roses",    "chess", "bikes",    "bread",    "dogs",  "winter"}},
    {"{file}",
     {"files", "photos", "pictures", "letters", "notes", "tables", "questions", "clips", "words",
      "documents"}},
    {"{part}", {"chest", "arm", "head", "back", "knee", "ear", "foot", "hand", "neck", "leg"}},
    {"{picture}", {"picture", "image", "photo", "drawing"}},
    {"{sound}", {"recording", "sound file", "sound", "clip"}},
}};

using Topics = std::vector<Topic>;

const Topics kCourtesies = {
    {"who",
     true,
     {{"I am Melete nano, a small open model that runs on your machine.",
       {"Who are you?", "What are you?", "Tell me who you are.", "What model are you?", "Introduce yourself.",
        "Say who you are.", "Which model is this?"}},
      {"My name is Melete.",
       {"What is your name?", "What do I call you?", "Tell me your name.", "Do you have a name?"}},
      {"No, I am Melete, a program.",
       {"Are you a person?", "Are you human?", "Do I talk to a person?", "Are you alive?"}},
      {"I am Melete, and I run on your own machine.",
       {"Where do you run?", "Where are you?", "On which machine do you run?", "Do you need a server?"}}},
     {{"melete"}}},
    {"greeting",
     false,
     {{"Hello! How can I help?",
       {"Hello", "Hi", "Hey", "Good morning", "Good evening", "Hello there", "Hi there", "Hello Melete",
        "Hi Melete", "Good day", "Good afternoon", "Hey there", "Hey Melete", "Good morning Melete"}},
      {"Hello {name}! How can I help?",
       {"Hello, I am {name}", "Hi, my name is {name}", "Hello Melete, {name} here",
        "Good morning, I am {name}", "Hey, I am {name}", "Good day, this is {name}", "My name is {name}",
        "I am {name}", "Call me {name}", "Hi, {name} here", "Hello, this is {name}",
        "Good evening, my name is {name}"}}},
     {{"hello", "hi", "hey", "good morning", "good evening", "greetings"}}},
    {"thanks",
     false,
     {{"You're welcome!",
       {"Thanks", "Thank you", "Thanks a lot", "Thank you very much", "Many thanks", "Thanks, that helped",
        "Great, thanks", "Thank you, Melete", "Thanks for the help", "Thank you so much", "Nice, thank you"}},
      {"You're welcome, {name}!",
       {"I am {name}. Thank you", "{name} says thanks", "Thanks, says {name}", "Many thanks from {name}",
        "{name} here. Thanks for the help", "Thank you. My name is {name}"}}},
     {{"welcome", "no problem", "my pleasure", "glad to"}}},
    {"goodbye",
     false,
     {{"Goodbye!",
       {"Bye", "Goodbye", "See you", "Bye bye", "See you later", "I have to go now", "Good night",
        "Goodbye, Melete", "See you soon", "That is all, bye", "Bye for now"}},
      {"Goodbye, {name}!",
       {"I am {name}. Goodbye", "{name} says goodbye", "{name} has to go now", "Bye from {name}",
        "{name} here. See you later", "Good night from {name}"}}},
     {{"goodbye", "bye", "see you", "farewell"}}},
    {"mood",
     true,
     {{"I am fine, thanks.",
       {"How are you?", "How do you do?", "How is it going?", "Are you well?", "How do you feel?",
        "How are you today?", "Is all well?", "How was your day?"}}},
     {{"fine", "well", "good", "great"}}},
    {"skills",
     true,
     {{"I answer short questions about pictures, sounds, clips and tables.",
       {"What can you do?", "How can you help me?", "What are you good at?", "What do you do?",
        "What can I ask you?", "Tell me what you can do.", "What are your skills?", "Can you help me?",
        "What do you know?", "How do I use you?"}}},
     {{"picture", "pictures", "image", "images"}, {"sound", "sounds", "audio", "voices", "speech"}}},
    {"privacy",
     true,
     {{"Everything stays on your machine.",
       {"Is this private?", "Who sees what I write?", "Where does my data go?", "Can others read this?",
        "Do you send my data away?"}},
      {"No, your {file} stay on your machine.",
       {"Do you send my {file} away?", "Do you share my {file}?", "Can others see my {file}?",
        "Do my {file} leave this machine?", "Do you upload my {file}?"}}},
     {{"stays", "stay", "never leaves", "private", "local"}}},
};

const Topics kRefusals = {
    {"web",
     true,
     {{"I can't look up {thing}: I have no web access.",
       {"Search the web for {thing}.", "Find a page about {thing}.", "What is the news about {thing}?",
        "Open a site about {thing}.", "Go online and look for {thing}.", "Download a page about {thing}.",
        "What does the web say about {thing}?"}}},
     {kCannot, {"web", "internet", "online", "browse"}}},
    {"mail",
     true,
     {{"I can't send messages. Please write to {person} yourself.",
       {"Send a mail to {person}.", "Write to {person} for me.", "Send a message to {person}.",
        "Email {person} that I am late.", "Text {person} now.", "Send {person} this file."}}},
     {kCannot, {"send", "mail", "email", "message", "messages"}}},
    {"calls",
     true,
     {{"I can't make calls. Please phone {person} yourself.",
       {"Call {person}.", "Phone {person} for me.", "Can you call {person}?", "Ring {person} now.",
        "Make a call to {person}."}}},
     {kCannot, {"call", "calls", "phone"}}},
    {"orders",
     true,
     {{"I can't buy things. Please pay for {thing} yourself.",
       {"Buy {thing} for me.", "Pay for {thing}.", "Order {thing}, please.", "I want to buy {thing} here.",
        "Get me {thing} from the shop."}}},
     {kCannot, {"buy", "order", "shop", "pay"}}},
    {"clock",
     true,
     {{"I don't know the time.",
       {"What time is it?", "Tell me the time.", "Is it late?", "What is the time now?", "Is it noon yet?"}},
      {"I don't know the date.",
       {"What is the date today?", "What day is it?", "Which year is it?", "Is today Monday?",
        "Tell me the date."}}},
     {kCannot, {"time", "date", "clock"}}},
    {"no picture",
     true,
     {{"I see no {picture}. Please add one.",
       {"What is in the {picture}?", "What is in this {picture}?", "Describe the {picture}.",
        "How many shapes are in the {picture}?", "What colour is the shape in the {picture}?",
        "What do you see in the {picture}?", "Look at the {picture}. What is it?",
        "Read the text in the {picture}."}}},
     {{"no picture", "no image", "no photo", "no drawing", "don't see", "can't see", "cannot see"}}},
    {"no sound",
     true,
     {{"I hear no {sound}. Please add one.",
       {"What do you hear in the {sound}?", "Which word is said in the {sound}?",
        "What is said in the {sound}?", "Listen to the {sound}. What is it?",
        "How many voices are in the {sound}?", "What does the voice in my {sound} say?"}}},
     {{"no sound", "no audio", "no clip", "no recording", "don't hear", "can't hear", "cannot hear"}}},
    {"doctor",
     true,
     {{"Please ask a doctor about your {part}.",
       {"My {part} hurts. What is it?", "I fell and my {part} hurts.", "What is wrong with my {part}?",
        "Which pills are good for my {part}?", "I can't move my {part}."}},
      {"Please ask a doctor.",
       {"Which pills must I take?", "I feel very ill. What do I do?", "Is this pill safe for me?",
        "Do I have the flu?"}}},
     {{"doctor", "physician", "nurse", "emergency"}}},
};

void replace_all(std::string& text, std::string_view name, const std::string& value) {
  for (size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + value.size()))
    text.replace(at, name.size(), value);
}

struct Talk {
  std::string text, gold;
};

Talk draw_talk(Random& random, const Topic& topic) {
  const Saying& saying = random.pick(topic.sayings);
  Talk talk{random.pick(saying.texts), saying.gold};
  if (topic.takes_opening && random.chance(0.6)) {
    talk.text = random.pick(kOpenings) + talk.text;
  } else if (!topic.takes_opening) {
    const Words ends = {"", ".", "!"};
    talk.text += random.pick(ends);
  }
  for (const Slot& slot : kSlots) {
    const std::string& value = random.pick(slot.values);
    replace_all(talk.text, slot.name, value);
    replace_all(talk.gold, slot.name, value.starts_with("my ") ? "your " + value.substr(3) : value);
  }
  return talk;
}

// People type without capitals and full stops.
std::string typed(Random& random, std::string text) {
  if (random.chance(0.25))
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  if (random.chance(0.2) && std::ispunct(static_cast<unsigned char>(text.back()))) text.pop_back();
  return text;
}

// " i can't browse " : lower case, one space around every word, curly apostrophes straight.
std::string spaced(std::string_view text) {
  constexpr std::string_view kCurly = "\xE2\x80\x99";
  std::string out = " ";
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, kCurly.size()) == kCurly) {
      out += '\'';
      i += kCurly.size() - 1;
    } else if (std::isalnum(static_cast<unsigned char>(text[i])) || text[i] == '\'') {
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(text[i])));
    } else if (out.back() != ' ') {
      out += ' ';
    }
  }
  return out.back() == ' ' ? out : out + ' ';
}

bool says(const std::string& spaced_answer, std::string_view phrase) {
  return spaced_answer.find(spaced(phrase)) != std::string::npos;
}

bool is_about(const Topic& topic, std::string_view answer) {
  const std::string said = spaced(answer);
  return std::all_of(topic.must_say.begin(), topic.must_say.end(), [&](const Words& group) {
    return std::any_of(group.begin(), group.end(),
                       [&](const std::string& phrase) { return says(said, phrase); });
  });
}

// Golds of different topics differ in what they must say, so a gold names its topic.
const Topic& topic_of(std::string_view gold) {
  for (const Topics* topics : {&kCourtesies, &kRefusals})
    for (const Topic& topic : *topics)
      if (is_about(topic, gold)) return topic;
  MELETE_CHECK(false, "a gold of small talk must fit a topic, got ", gold);
  return kCourtesies[0];
}

class SmallTalk final : public Task {
 public:
  TaskInfo info() const override {
    return {
        "small_talk", "who are you, hello, thanks, and honest refusals", "text", 2, {"courtesy", "refusals"}};
  }

  Episode make(uint64_t seed, int level, int num_questions) const override {
    MELETE_CHECK(level >= 0 && level < 2 && num_questions >= 1, "level=", level);
    Random random(seed, stable_hash("small_talk") + static_cast<uint64_t>(level));
    const Topic& topic = random.pick(level == 0 ? kCourtesies : kRefusals);
    const Talk talk = draw_talk(random, topic);
    const std::string terse = cat("About: ", topic.name), full = cat("This is about: ", topic.name, '.');
    Episode episode;
    episode.questions.push_back({typed(random, talk.text),
                                 talk.gold,
                                 {"", terse, full, cat(full, " I say: ", talk.gold)},
                                 {},
                                 level == 0 ? "courtesy" : "refusal"});
    episode.spec_hash = hash_of_few(kSpec + spaced(talk.text));
    return episode;
  }

  double verify(const Question& question, std::string_view answer) const override {
    if (answer.size() > kLongestAnswer || !is_about(topic_of(question.gold), answer)) return 0.0;
    if (question.kind == "refusal") return 1.0;
    const std::string expected = spaced(question.gold), said = spaced(answer);
    return std::all_of(kNames.begin(), kNames.end(),
                       [&](const std::string& name) { return says(expected, name) == says(said, name); })
               ? 1.0
               : 0.0;
  }
};

MELETE_REGISTER_TASK("small_talk", SmallTalk);

}  // namespace
}  // namespace melete
