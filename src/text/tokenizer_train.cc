// Training by counted words: pairs are counted once over the distinct pre-tokens, and a merge touches only
// the words that hold its pair. Ties: the smaller pair of ids first, as the `tokenizers` trainer has it.
#include <algorithm>
#include <map>
#include <queue>
#include <unordered_map>
#include <unordered_set>

#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/pretokenizer.h"
#include "text/special_tokens.h"
#include "text/tokenizer.h"
#include "text/tokenizer_json.h"

namespace melete {
namespace {

using Pair = std::pair<int32_t, int32_t>;

struct PairHash {
  size_t operator()(const Pair& pair) const {
    const uint64_t key =
        static_cast<uint64_t>(static_cast<uint32_t>(pair.first)) << 32 | static_cast<uint32_t>(pair.second);
    return static_cast<size_t>((key * 0x9E3779B97F4A7C15ULL) >> 7);
  }
};

struct Word {
  std::vector<int32_t> symbols;
  int64_t count = 0;
};

// Distinct pre-tokens in order of their bytes, with their counts.
std::map<std::string, int64_t> count_words(const std::vector<std::string>& lines) {
  std::vector<AddedToken> specials;
  for (const std::string& token : special_tokens()) specials.push_back({.content = token});
  const AddedTokenMatcher matcher(std::move(specials));
  std::unordered_map<std::string_view, int64_t> distinct_lines;
  for (const std::string& line : lines) ++distinct_lines[line];
  std::unordered_map<std::string, int64_t> words;
  for (const auto& [line, count] : distinct_lines) {
    const auto add = [&, times = count](std::string_view piece) { words[std::string(piece)] += times; };
    matcher.split(
        line, [&](std::string_view text) { split_text({SplitKind::cl100k_one_digit}, 0, text, add); },
        [](int32_t) {});
  }
  return {words.begin(), words.end()};
}

class Trainer {
 public:
  explicit Trainer(const std::vector<std::string>& lines) : token_bytes_(special_tokens()) {
    num_special_ = token_bytes_.size();
    for (int byte = 0; byte < 256; ++byte) token_bytes_.emplace_back(1, static_cast<char>(byte));
    for (size_t id = num_special_; id < token_bytes_.size(); ++id)
      ids_[token_bytes_[id]] = static_cast<int32_t>(id);
    for (const auto& [text, count] : count_words(lines)) {
      Word word{{}, count};
      for (const char c : text)
        word.symbols.push_back(static_cast<int32_t>(num_special_) + static_cast<uint8_t>(c));
      words_.push_back(std::move(word));
    }
    for (size_t index = 0; index < words_.size(); ++index) count_pairs(index, +1);
    for (const auto& [pair, count] : counts_) queue_.emplace(count, Pair{-pair.first, -pair.second});
  }

  std::string train(size_t vocab_size) {
    while (token_bytes_.size() < vocab_size && !queue_.empty()) {
      const auto [count, negated] = queue_.top();
      queue_.pop();
      const Pair pair{-negated.first, -negated.second};
      const int64_t now = counts_[pair];
      if (now != count) {
        if (now > 0) queue_.emplace(now, negated);
      } else if (count > 0) {
        apply(pair);
      }
    }
    return write_tokenizer_json(token_bytes_, num_special_, merges_);
  }

 private:
  void count_pairs(size_t index, int64_t sign) {
    const Word& word = words_[index];
    for (size_t i = 0; i + 1 < word.symbols.size(); ++i) {
      const Pair pair{word.symbols[i], word.symbols[i + 1]};
      counts_[pair] += sign * word.count;
      if (sign > 0) holders_[pair].insert(index);
    }
  }

  void apply(const Pair& pair) {
    const std::string bytes =
        token_bytes_[static_cast<size_t>(pair.first)] + token_bytes_[static_cast<size_t>(pair.second)];
    const auto [found, is_new] = ids_.try_emplace(bytes, static_cast<int32_t>(token_bytes_.size()));
    if (is_new) token_bytes_.push_back(bytes);
    const int32_t merged = found->second;
    merges_.push_back({pair.first, pair.second, merged});
    const std::unordered_set<size_t> holders = std::move(holders_[pair]);
    std::unordered_set<Pair, PairHash> raised;
    for (const size_t index : holders) {
      count_pairs(index, -1);
      join(words_[index].symbols, pair, merged);
      count_pairs(index, +1);
      const auto& symbols = words_[index].symbols;
      for (size_t i = 0; i + 1 < symbols.size(); ++i)
        if (symbols[i] == merged || symbols[i + 1] == merged) raised.insert({symbols[i], symbols[i + 1]});
    }
    for (const Pair& grown : raised) queue_.emplace(counts_[grown], Pair{-grown.first, -grown.second});
    counts_.erase(pair);
    holders_.erase(pair);
  }

  static void join(std::vector<int32_t>& symbols, const Pair& pair, int32_t merged) {
    size_t out = 0;
    for (size_t i = 0; i < symbols.size(); ++out) {
      const bool is_pair =
          i + 1 < symbols.size() && symbols[i] == pair.first && symbols[i + 1] == pair.second;
      symbols[out] = is_pair ? merged : symbols[i];
      i += is_pair ? 2 : 1;
    }
    symbols.resize(out);
  }

  std::vector<std::string> token_bytes_;
  size_t num_special_ = 0;
  std::unordered_map<std::string, int32_t> ids_;
  std::vector<Word> words_;
  std::unordered_map<Pair, int64_t, PairHash> counts_;
  std::unordered_map<Pair, std::unordered_set<size_t>, PairHash> holders_;
  std::priority_queue<std::pair<int64_t, Pair>> queue_;  // ids negated: the smaller pair wins a tie
  std::vector<Merge> merges_;
};

}  // namespace

Result<std::string> train_tokenizer(const std::vector<std::string>& lines, int64_t vocab_size) {
  const auto smallest = static_cast<int64_t>(special_tokens().size()) + 256;
  if (vocab_size < smallest || vocab_size > (int64_t{1} << 20))
    return invalid_argument("[tokenizer train] vocabulary size must be ", smallest,
                            " (special tokens and bytes) to ", 1 << 20, ", got ", vocab_size,
                            "; choose another size");
  return Trainer(lines).train(static_cast<size_t>(vocab_size));
}

}  // namespace melete
