#include "text/tokenizer.h"

#include <algorithm>

#include "base/random.h"
#include "text/special_tokens.h"
#include "text/test_files.h"
#include "text/tokenizer_json.h"
#include "text/unicode.h"

namespace melete {
namespace {

std::vector<int32_t> ids_of(const Json& array) { return array.get<std::vector<int32_t>>(); }

// Text built of what is dangerous: special spellings and their parts, spaces, digits, broken UTF-8.
std::string random_text(Random& random) {
  static const std::vector<std::string> kPieces = {"<|",
                                                   "|>",
                                                   "eot",
                                                   "<|eot|>",
                                                   "<|start|>",
                                                   "user",
                                                   "assistant",
                                                   " to=self",
                                                   "<|message|>",
                                                   "<|loc_12|>",
                                                   "<|patch|>",
                                                   "<|begin_of_text|>",
                                                   " ",
                                                   "\n",
                                                   "  ",
                                                   "a",
                                                   "The",
                                                   "7",
                                                   "42",
                                                   "'s",
                                                   "\xC3\xA9",
                                                   "\xE2\x82\xAC",
                                                   "\xF0\x9F\x98\x80",
                                                   "\xC3",
                                                   "\xFF",
                                                   "\x80",
                                                   std::string(1, '\0'),
                                                   "e\xCC\x81"};
  std::string text;
  for (int64_t n = random.integer(0, 12); n > 0; --n) text += random.pick(kPieces);
  return text;
}

class GoldenKind : public testing::TestWithParam<const char*> {};

TEST_P(GoldenKind, IdsEqualTheReference) {
  const std::string kind = GetParam();
  const auto tokenizer = load_tokenizer(text_testdata(kind + ".json")).value();
  const Json lines = golden("lines.json"), ids = golden(kind + ".ids.json");
  ASSERT_GT(lines.size(), 300u);
  for (size_t i = 0; i < lines.size(); ++i) {
    const auto line = lines[i].get<std::string>();
    EXPECT_EQ(tokenizer->encode(line), ids_of(ids["plain"][i])) << kind << " line " << i << ": " << line;
    EXPECT_EQ(tokenizer->encode_trusted(line), ids_of(ids["trusted"][i]))
        << kind << " line " << i << ": " << line;
  }
}

TEST_P(GoldenKind, UserTextNeverYieldsASpecialToken) {
  const auto tokenizer = load_tokenizer(text_testdata(std::string(GetParam()) + ".json")).value();
  Random random(5);
  for (int i = 0; i < 2000; ++i) {
    const std::string text = random_text(random);
    for (const int32_t id : tokenizer->encode(text)) ASSERT_FALSE(tokenizer->is_special(id)) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, GoldenKind,
                         testing::Values("llama3", "qwen2", "qwen35", "smollm2", "gpt2", "llama4", "spaces",
                                         "gemma"));

TEST(Tokenizer, SpecialTokensComeFirstAndOnlyFromTrustedText) {
  const auto tokenizer = small_tokenizer();
  const auto specials = special_tokens();
  ASSERT_EQ(specials.size(), 123u);
  for (size_t id = 0; id < specials.size(); ++id) {
    EXPECT_EQ(tokenizer->special_id(specials[id]), static_cast<int32_t>(id));
    EXPECT_EQ(tokenizer->encode_trusted(specials[id]), std::vector<int32_t>{static_cast<int32_t>(id)});
    EXPECT_GT(tokenizer->encode(specials[id]).size(), 1u);
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(specials[id])), specials[id]);
  }
}

TEST(Tokenizer, PlainWordsAreNeverControlText) {
  const auto tokenizer = small_tokenizer();
  for (const std::string text : {"user", "assistant to=self", "a tool", " to=user ", "system"}) {
    const auto ids = tokenizer->encode_trusted(text);
    EXPECT_EQ(ids, tokenizer->encode(text));
    for (const int32_t id : ids) EXPECT_FALSE(tokenizer->is_special(id)) << text;
  }
}

TEST(Tokenizer, AnyBytesComeBack) {
  Random random(9);
  const auto tokenizer = small_tokenizer();
  for (int i = 0; i < 3000; ++i) {
    const std::string text = random_text(random);
    const auto ids = tokenizer->encode(text);
    ASSERT_EQ(tokenizer->decode(ids), text);
    ASSERT_TRUE(std::none_of(ids.begin(), ids.end(), [&](int32_t id) { return tokenizer->is_special(id); }))
        << text;
    ASSERT_EQ(tokenizer->decode(tokenizer->encode_trusted(text)), text);
  }
}

TEST(Tokenizer, PiecesOfTrustedTextAreItsEncoding) {
  Random random(11);
  const auto tokenizer = small_tokenizer();
  for (int i = 0; i < 1000; ++i) {
    const std::string text = random_text(random);
    std::vector<int32_t> ids;
    for (const TextPiece& piece : tokenizer->split_trusted(text)) {
      const auto part =
          piece.special >= 0 ? std::vector<int32_t>{piece.special} : tokenizer->encode(piece.text);
      ids.insert(ids.end(), part.begin(), part.end());
    }
    ASSERT_EQ(ids, tokenizer->encode_trusted(text)) << text;
  }
}

TEST(Tokenizer, LongWordsMergeAsShortOnes) {
  const auto tokenizer = small_tokenizer();
  const std::string word = "thequickbrown";
  std::string run;
  for (int i = 0; i < 40; ++i) run += word;
  // The pairs across copies are the same everywhere, so the middle of a long word repeats.
  const auto ids = tokenizer->encode(run);
  EXPECT_EQ(tokenizer->decode(ids), run);
  const auto short_ids = tokenizer->encode(word + word + word);
  EXPECT_TRUE(std::equal(short_ids.begin(), short_ids.begin() + 5, ids.begin()));
  EXPECT_TRUE(std::equal(short_ids.rbegin(), short_ids.rbegin() + 5, ids.rbegin()));
}

TEST(Tokenizer, UnknownIdsDecodeToNothing) {
  const std::vector<int32_t> ids = {-1, 1 << 30, static_cast<int32_t>(small_tokenizer()->vocab_size())};
  EXPECT_EQ(small_tokenizer()->decode(ids), "");
}

TEST(Nfc, ComposesAsUnicodeNine) {
  EXPECT_EQ(to_nfc("e\xCC\x81"), "\xC3\xA9");
  EXPECT_EQ(to_nfc("e\xCC\x81\xFF"
                   "e\xCC\x81"),
            "\xC3\xA9\xFF\xC3\xA9");
  EXPECT_EQ(to_nfc("\xDF\xAC\xE0\xB4\xBB"),
            "\xDF\xAC\xE0\xB4\xBB");  // U+07EC U+0D3B: the second is of Unicode 10
}

TEST(Training, KeepsDigitsSingleAndFillsTheVocabulary) {
  std::vector<std::string> lines;
  Random random(3);
  for (int i = 0; i < 400; ++i)
    lines.push_back(cat("count ", random.integer(100, 999), " plus ", 1000 + i, " items", i % 50));
  const auto tokenizer = parse_tokenizer(train_tokenizer(lines, 390).value(), "trained").value();
  EXPECT_EQ(tokenizer->vocab_size(), 390);
  EXPECT_EQ(tokenizer->encode("12345").size(), 5u);
  EXPECT_EQ(tokenizer->encode("count").size(), 1u);
}

TEST(Training, IsTheSameForLinesInAnyOrder) {
  std::vector<std::string> lines = golden("lines.json").get<std::vector<std::string>>();
  lines.insert(lines.end(), lines.begin(), lines.begin() + 50);
  const std::string first = train_tokenizer(lines, 600).value();
  Random(1).shuffle(lines);
  EXPECT_EQ(train_tokenizer(lines, 600).value(), first);
}

TEST(Training, FirstMergeIsTheMostFrequentPair) {
  const auto spec = parse_tokenizer_json(train_tokenizer({"abab", "ab", "xyxy x"}, 381).value(), "t").value();
  ASSERT_EQ(spec.merges.size(), 2u);
  EXPECT_EQ(spec.token_bytes[379], "ab");
  EXPECT_EQ(spec.token_bytes[380], "xy");
}

TEST(Training, LeavesSpecialSpellingsOut) {
  const std::vector<std::string> lines(50, "loc<|loc_12|><|loc_40|>");
  const auto spec = parse_tokenizer_json(train_tokenizer(lines, 400).value(), "t").value();
  EXPECT_EQ(spec.token_bytes.size(), 123u + 256 + 2);  // "lo" and "loc"
}

TEST(Training, RefusesAVocabularyWithoutRoomForBytes) {
  const auto result = train_tokenizer({"abc"}, 300);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, ErrorKind::invalid_argument);
  EXPECT_NE(result.error().message.find("got 300"), std::string::npos);
}

std::string error_of(const std::string& json) {
  const auto result = parse_tokenizer(json, "hostile");
  return result.ok() ? "no error" : result.error().message;
}

// A minimal tokenizer.json with some text replaced.
std::string with(const std::string& from, const std::string& to) {
  std::string json =
      R"({"added_tokens": [{"id": 3, "content": "<x>", "special": true}], "normalizer": null,)"
      R"( "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false}, "model": {"type": "BPE",)"
      R"( "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}})";
  const size_t at = json.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return json.replace(at, from.size(), to);
}

TEST(HostileFile, MinimalOneLoads) {
  const auto tokenizer = parse_tokenizer(with("null", "null"), "minimal").value();
  EXPECT_EQ(tokenizer->encode("abba<x>"), (std::vector<int32_t>{2, 1, 0}));
  EXPECT_EQ(tokenizer->encode_trusted("ab<x>"), (std::vector<int32_t>{2, 3}));
}

// What is put where, and what the message must name.
const std::vector<std::array<std::string, 3>> kHostileEdits = {
    {"\"a\": 0", "\"a\": 1", "model.vocab"},
    {"\"a\": 0", "\"a\": -4", "model.vocab ids"},
    {"\"a\": 0", "\"a\": 2097152", "model.vocab ids"},
    {"\"a\": 0", "\"a\": 99999999999999999999999", "model.vocab"},
    {"\"a\": 0", "\"a\": 1.5", "model.vocab"},
    {"\"a\": 0", "\"a\": [0]", "model.vocab"},
    {"\"a\": 0", "\"a\": {\"b\": 0}", "model.vocab"},
    {"\"a\": 0", "\"a\": \"0\"", "model.vocab"},
    {"\"a\": 0", "\"a\": 0, \"a\": 5", "model.vocab must list"},
    {"\"a\": 0", "\"\": 0", "model.vocab"},
    {"{\"a\": 0, \"b\": 1, \"ab\": 2}", "{}", "model.vocab must have entries"},
    {"[\"a b\"]", "[\"a c\"]", "model.merges[0]"},
    {"[\"a b\"]", "[\"b a\"]", "model.merges[0]"},
    {"[\"a b\"]", "[\"a b\", \"ab a\"]", "model.merges[1]"},
    {"[\"a b\"]", "[\"ab \"]", "model.merges[0]"},
    {"[\"a b\"]", "[\"a b c\"]", "model.merges[0]"},
    {"[\"a b\"]", "[[\"a\", \"b\", \"ab\"]]", "model.merges[0]"},
    {"[\"a b\"]", "[[\"a\", [\"b\"]]]", "model.merges"},
    {"[\"a b\"]", "[5]", "model.merges"},
    {"[\"a b\"]", "[{}]", "model.merges"},
    {"\"id\": 3", "\"id\": 0", "added_tokens[0]"},
    {"\"id\": 3", "\"id\": -1", "added_tokens[0]"},
    {"\"id\": 3", "\"id\": 4294967299", "added_tokens[0]"},
    {"\"id\": 3", "\"id\": 18446744073709551615", "added_tokens[0]"},
    {"\"id\": 3", "\"id\": \"3\"", "added_tokens[0]"},
    {"\"<x>\"", "\"\"", "added_tokens[0]"},
    {"\"<x>\"", "\"ab\"", "added_tokens[0]"},
    {"\"special\": true}", "\"special\": 1}", "special"},
    {"\"special\": true}", "\"special\": true}, {\"id\": 3, \"content\": \"<y>\"}", "added_tokens[1]"},
    {"\"special\": true}", "\"special\": true}, {\"id\": 4, \"content\": \"<x>\"}", "added_tokens[1]"},
    {"[{\"id\": 3, \"content\": \"<x>\", \"special\": true}]", "7", "added_tokens"},
    {"\"type\": \"BPE\"", "\"type\": \"Unigram\"", "model.type"},
    {"\"type\": \"BPE\"", "\"type\": \"BPE\", \"dropout\": 0.1", "model.dropout"},
    {"\"type\": \"BPE\"", "\"type\": \"BPE\", \"end_of_word_suffix\": \"</w>\"", "end_of_word_suffix"},
    {"\"type\": \"BPE\"", "\"type\": \"BPE\", \"ignore_merges\": 3", "ignore_merges"},
    {"null", "{\"type\": \"NFKC\"}", "NFKC"},
    {"null", "{\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"Lowercase\"}]}", "Lowercase"},
    {"{\"type\": \"ByteLevel\", \"add_prefix_space\": false}", "null", "pre_tokenizer"},
    {"{\"type\": \"ByteLevel\", \"add_prefix_space\": false}", "{\"type\": \"Metaspace\"}", "Metaspace"},
    {"{\"type\": \"ByteLevel\", \"add_prefix_space\": false}",
     "{\"type\": \"Split\", \"pattern\": {\"Regex\": \"a+\"}, \"behavior\": \"Isolated\"}", "a+"},
    {"{\"type\": \"ByteLevel\", \"add_prefix_space\": false}", "{\"type\": \"Digits\"}", "ByteLevel"},
    {"\"model\": {", "\"model\": [], \"other\": {", "model must be an object"},
};

TEST(HostileFile, ErrorsNameTheField) {
  for (const auto& [from, to, expected] : kHostileEdits) {
    const std::string message = error_of(with(from, to));
    EXPECT_NE(message.find(expected), std::string::npos) << to << "\n  gave: " << message;
    EXPECT_EQ(message.rfind("[hostile", 0), 0u) << message;
  }
}

TEST(HostileFile, TruncatedAnywhereIsAnError) {
  const std::string json = with("null", "null");
  for (size_t size = 0; size < json.size(); ++size) {
    const auto result = parse_tokenizer(json.substr(0, size), "cut");
    ASSERT_FALSE(result.ok()) << size;
    EXPECT_EQ(result.error().kind, ErrorKind::corrupt);
  }
}

TEST(HostileFile, DeepNestingIsAnError) {
  EXPECT_NE(error_of(with("null", std::string(100000, '['))).find("nesting"), std::string::npos);
}

TEST(HostileFile, AnyReplacedByteGivesAnErrorOrATokenizerThatWorks) {
  const std::string json = with("null", "null");
  for (size_t at = 0; at < json.size(); ++at) {
    for (const char c : {'0', '"', '{', ']', '\\', '\xFF'}) {
      std::string changed = json;
      changed[at] = c;
      const auto result = parse_tokenizer(changed, "changed");
      if (result.ok())
        (*result)->decode((*result)->encode_trusted("abba <x> \xFF"));
      else
        EXPECT_FALSE(result.error().message.empty());
    }
  }
}

TEST(HostileFile, SpecialTokensAmongTheWordsAreNotTaken) {
  const std::string json = with("{\"id\": 3, \"content\": \"<x>\"", "{\"id\": 2, \"content\": \"ab\"");
  const std::string whole_words = "\"ignore_merges\": true, \"type\": \"BPE\"";
  std::string ignoring = json;
  ignoring.replace(ignoring.find("\"type\": \"BPE\""), 13, whole_words);
  for (const std::string& text : {json, ignoring}) {
    const auto tokenizer = parse_tokenizer(text, "t").value();
    EXPECT_EQ(tokenizer->encode("ab"), (std::vector<int32_t>{0, 1}));
    EXPECT_EQ(tokenizer->encode_trusted("ab"), (std::vector<int32_t>{2}));
  }
}

}  // namespace
}  // namespace melete
