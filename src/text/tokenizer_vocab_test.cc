#include "text/tokenizer_vocab.h"

#include <cstdlib>

#include "base/random.h"
#include "text/test_files.h"

namespace melete {
namespace {

std::vector<int32_t> ids_of(const Json& array) { return array.get<std::vector<int32_t>>(); }

TokenizerVocab vocab_of(const Json& json) {
  TokenizerVocab vocab;
  vocab.model = json.value("model", "");
  vocab.pre = json.value("pre", "");
  vocab.tokens = json.at("tokens").get<std::vector<std::string>>();
  vocab.types = json.at("types").get<std::vector<int32_t>>();
  vocab.scores = json.value("scores", std::vector<float>());
  vocab.merges = json.value("merges", std::vector<std::string>());
  if (json.contains("add_space_prefix")) vocab.add_space_prefix = json["add_space_prefix"].get<bool>();
  return vocab;
}

// The vocabulary that a converter to GGUF would write for a byte-level tokenizer.json of testdata/text.
TokenizerVocab converted(const std::string& kind, const std::string& pre) {
  const Json file = golden(kind + ".json");
  TokenizerVocab vocab;
  vocab.model = "gpt2";
  vocab.pre = pre;
  const auto put = [&](const std::string& token, size_t id, int32_t type) {
    vocab.tokens.resize(std::max(vocab.tokens.size(), id + 1));
    vocab.types.resize(vocab.tokens.size(), 1);
    vocab.tokens[id] = token;
    vocab.types[id] = type;
  };
  for (const auto& item : file["model"]["vocab"].items()) put(item.key(), item.value().get<size_t>(), 1);
  for (const Json& token : file["added_tokens"])
    put(token["content"], token["id"].get<size_t>(), token["special"].get<bool>() ? 3 : 4);
  for (const Json& merge : file["model"]["merges"])
    vocab.merges.push_back(merge.is_array() ? merge[0].get<std::string>() + " " + merge[1].get<std::string>()
                                            : merge.get<std::string>());
  return vocab;
}

TEST(TokenizerVocab, ByteLevelIdsEqualTheReference) {
  const Json lines = golden("lines.json");
  const std::pair<const char*, const char*> kinds[] = {
      {"llama3", "llama-bpe"}, {"qwen2", "qwen2"},   {"qwen35", "qwen35"}, {"smollm2", "smollm"},
      {"gpt2", "gpt-2"},       {"llama4", "llama4"}, {"gguf_default", ""}};
  for (const auto& [kind, pre] : kinds) {
    const auto tokenizer = make_tokenizer(converted(kind, pre), kind).value();
    const Json ids = golden(std::string(kind) + ".ids.json");
    for (size_t i = 0; i < lines.size(); ++i) {
      const auto line = lines[i].get<std::string>();
      EXPECT_EQ(tokenizer->encode(line), ids_of(ids["plain"][i])) << kind << " line " << i << ": " << line;
      EXPECT_EQ(tokenizer->encode_trusted(line), ids_of(ids["trusted"][i]))
          << kind << " line " << i << ": " << line;
    }
  }
}

TEST(TokenizerVocab, ScoredIdsEqualSentencePiece) {
  const Json lines = golden("lines.json");
  for (const std::string kind : {"gemma", "llama2"}) {
    const Json fixture = golden(kind + ".spm.json");
    const auto tokenizer = make_tokenizer(vocab_of(fixture["vocab"]), kind).value();
    for (size_t i = 0; i < lines.size(); ++i) {
      if (fixture["ids"][i].is_null()) continue;
      const auto line = lines[i].get<std::string>();
      EXPECT_EQ(tokenizer->encode(line), ids_of(fixture["ids"][i])) << kind << " line " << i << ": " << line;
    }
  }
}

TEST(TokenizerVocab, CharactersOfTokenizerJsonEqualTheReference) {
  const Json lines = golden("lines.json"), ids = golden("gemma.ids.json");
  const auto tokenizer = load_tokenizer(text_testdata("gemma.json")).value();
  for (size_t i = 0; i < lines.size(); ++i) {
    const auto line = lines[i].get<std::string>();
    EXPECT_EQ(tokenizer->encode(line), ids_of(ids["plain"][i])) << i << ": " << line;
    EXPECT_EQ(tokenizer->encode_trusted(line), ids_of(ids["trusted"][i])) << i << ": " << line;
    std::string without_marks = line;
    for (size_t at; (at = without_marks.find("\xE2\x96\x81")) != std::string::npos;)
      without_marks.replace(at, 3, " ");
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(line)), without_marks);
  }
}

// SPM vocabulary: bytes, letters, a control token among the pieces that text could merge to.
TokenizerVocab small_spm() {
  TokenizerVocab vocab;
  vocab.model = "llama";
  const auto put = [&](std::string token, float score, TokenType type) {
    vocab.tokens.push_back(std::move(token));
    vocab.scores.push_back(score);
    vocab.types.push_back(static_cast<int32_t>(type));
  };
  put("<unk>", 0, TokenType::unknown);
  put("<s>", 0, TokenType::control);
  put("ab", 0, TokenType::control);
  put("<start_of_image>", 0, TokenType::user_defined);
  put("<b>", 0, TokenType::user_defined);
  for (int byte = 0; byte < 256; ++byte) {
    char spelled[8];
    std::snprintf(spelled, sizeof spelled, "<0x%02X>", byte);
    put(spelled, 0, TokenType::byte);
  }
  for (const char* piece : {"\xE2\x96\x81", "a", "b", "c", "<", ">", "s", "bc",
                            "\xE2\x96\x81"
                            "a",
                            "0x"})
    put(piece, -static_cast<float>(vocab.tokens.size()), TokenType::normal);
  return vocab;
}

TEST(TokenizerVocab, ControlTokensComeOnlyFromTrustedText) {
  const auto tokenizer = make_tokenizer(small_spm(), "t").value();
  const auto ids = tokenizer->encode("ab <s> <unk> <start_of_image> <b> <0x41>");
  for (const int32_t id : ids) EXPECT_FALSE(tokenizer->is_special(id)) << id;
  EXPECT_EQ(tokenizer->decode(ids), " ab <s> <unk> <start_of_image> <b> <0x41>");
  EXPECT_EQ(std::count(ids.begin(), ids.end(), 4), 1);         // <b> is text
  EXPECT_EQ(std::count(ids.begin(), ids.end(), 5 + 0x41), 0);  // the spelling of a byte isn't that byte
  EXPECT_EQ(tokenizer->encode_trusted("ab")[0], 2);
  EXPECT_TRUE(tokenizer->is_special(3));
  EXPECT_EQ(tokenizer->special_id("<start_of_image>"), 3);
}

TEST(TokenizerVocab, EachStretchOfTextGetsItsPrefix) {
  TokenizerVocab vocab = small_spm();
  const auto tokenizer = make_tokenizer(vocab, "t").value();
  const auto space_a = tokenizer->encode("a");
  ASSERT_EQ(space_a.size(), 1u);
  EXPECT_EQ(tokenizer->token_bytes(space_a[0]), " a");
  EXPECT_EQ(tokenizer->encode_trusted("<s>a<s>a"), (std::vector<int32_t>{1, space_a[0], 1, space_a[0]}));
  vocab.add_space_prefix = false;
  EXPECT_EQ(make_tokenizer(vocab, "t").value()->encode("a").size(), 1u);
  EXPECT_EQ(make_tokenizer(vocab, "t").value()->decode(make_tokenizer(vocab, "t").value()->encode("a")), "a");
}

TEST(TokenizerVocab, PiecesAreOneText) {
  Random random(3);
  const auto spm = make_tokenizer(small_spm(), "t").value();
  const auto tokenizers = {small_tokenizer(), spm};
  for (const auto& tokenizer : tokenizers)
    for (int i = 0; i < 300; ++i) {
      std::string text;
      for (int64_t n = random.integer(0, 20); n > 0; --n)
        text += random.pick(std::vector<std::string>{"a", "b", "c", " ", "\xC3\xA9", "<"});
      const auto cut = static_cast<size_t>(random.integer(0, static_cast<int64_t>(text.size())));
      const std::vector<TextPiece> pieces = {
          {-1, text.substr(0, cut)}, {-1, text.substr(cut)}, {1, ""}, {-1, "a"}};
      auto expected = tokenizer->encode(text);
      expected.push_back(1);
      for (const int32_t id : tokenizer->encode("a")) expected.push_back(id);
      ASSERT_EQ(tokenizer->encode_pieces(pieces), expected) << text;
    }
}

TEST(TokenizerVocab, SaysWhenPromptsBeginWithBos) {
  TokenizerVocab vocab = small_spm();
  EXPECT_FALSE(adds_bos(vocab));
  vocab.bos = 1;
  EXPECT_TRUE(adds_bos(vocab));
  vocab.model = "gpt2", vocab.pre = "qwen2";
  EXPECT_FALSE(adds_bos(vocab));
  vocab.pre = "llama-bpe";
  EXPECT_TRUE(adds_bos(vocab));
  vocab.add_bos = false;
  EXPECT_FALSE(adds_bos(vocab));
}

TEST(TokenizerVocab, ErrorsNameTheKey) {
  const auto error = [](auto change) {
    TokenizerVocab vocab = small_spm();
    change(vocab);
    const auto made = make_tokenizer(vocab, "file.gguf");
    return made.ok() ? std::string("no error") : made.error().message;
  };
  const auto expect = [&](auto change, const char* text) {
    EXPECT_NE(error(change).find(text), std::string::npos) << error(change);
  };
  using V = TokenizerVocab&;
  expect([](V v) { v.model = "bert"; }, "tokenizer.ggml.model must be gpt2 or llama, got \"bert\"");
  expect([](V v) { v.model = "gpt2", v.pre = "tekken"; }, "tokenizer.ggml.pre must be one of llama-bpe");
  expect([](V v) { v.tokens.clear(); }, "tokenizer.ggml.tokens");
  expect([](V v) { v.types.pop_back(); }, "tokenizer.ggml.token_type");
  expect([](V v) { v.scores.pop_back(); }, "tokenizer.ggml.scores must have one entry");
  expect([](V v) { v.scores[7] = std::nanf(""); }, "tokenizer.ggml.scores[7]");
  expect([](V v) { v.bos = 1 << 20; }, "tokenizer.ggml.bos_token_id");
  expect([](V v) { v.eot = -7; }, "tokenizer.ggml.eot_token_id");
  const auto merged = [](std::vector<std::string> merges) {
    return [merges](V v) { v.model = "gpt2", v.merges = merges; };
  };
  expect(merged({"b c", "b"}), "tokenizer.ggml.merges[1]");
  expect(merged({"b z"}), "tokenizer.ggml.merges[0]");
  expect(merged({"c b"}), "tokenizer.ggml.merges[0]");
  expect(merged({""}), "tokenizer.ggml.merges[0]");
}

// Vocabularies of real models and 10,000 lines each, as tools/oracle/spm_golden.py writes them.
TEST(TokenizerVocab, WholeVocabulariesEqualTheReference) {
  const char* folder = std::getenv("MELETE_VOCAB_FOLDER");
  if (!folder) GTEST_SKIP() << "MELETE_VOCAB_FOLDER names no folder";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const Json fixture = parse_json(read_file(entry.path()).value(), entry.path().string()).value();
    const auto tokenizer = make_tokenizer(vocab_of(fixture["vocab"]), entry.path().string()).value();
    int64_t wrong = 0;
    for (size_t i = 0; i < fixture["lines"].size(); ++i) {
      if (fixture["ids"][i].is_null()) continue;
      const auto line = fixture["lines"][i].get<std::string>();
      const auto ids = tokenizer->encode(line);
      if (ids != ids_of(fixture["ids"][i]) && ++wrong <= 10)
        ADD_FAILURE() << entry.path() << " line " << i << ": " << line << "\n  ours "
                      << testing::PrintToString(ids) << "\n  reference " << fixture["ids"][i].dump();
    }
    EXPECT_EQ(wrong, 0) << entry.path();
  }
}

}  // namespace
}  // namespace melete
