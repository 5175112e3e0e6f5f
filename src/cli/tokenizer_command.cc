// `melete tokenizer train|encode|decode`: makes and tries tokenizers (text/tokenizer.h).
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <sstream>

#include "base/file.h"
#include "base/progress.h"
#include "cli/command.h"
#include "task/task.h"
#include "text/conversation.h"
#include "text/tokenizer.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

void append_lines(std::string_view text, std::vector<std::string>& lines) {
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    lines.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
}

// Questions, golds, traces, transcripts and text contexts of `count` episodes of every task and level.
void append_tasks(int64_t count, std::vector<std::string>& lines) {
  auto& registry = Registry<Task>::instance();
  int64_t num_levels = 0, done = 0;
  for (const std::string& name : registry.names()) num_levels += registry.make(name)->info().num_levels;
  Progress progress("reading tasks", num_levels * count, "episodes");
  for (const std::string& name : registry.names()) {
    const auto task = registry.make(name);
    for (int level = 0; level < task->info().num_levels; ++level) {
      for (int64_t seed = 0; seed < count; ++seed) {
        const Episode episode = task->make(static_cast<uint64_t>(seed), level, 4);
        progress.set(++done, name);
        lines.push_back(episode.transcript);
        for (const Part& part : episode.context)
          if (const auto* text = std::get_if<std::string>(&part)) append_lines(*text, lines);
        for (const Question& question : episode.questions) {
          lines.push_back(question.text);
          lines.push_back(question.gold);
          lines.insert(lines.end(), question.traces.begin(), question.traces.end());
        }
      }
    }
  }
}

// The format's own words, once for every 200 lines, so that no system block is spelled out in bytes.
void append_format(std::vector<std::string>& lines) {
  std::vector<std::string> blocks = {"Time: 0.5s",
                                     "<tool_output name=\"",
                                     "</tool_output>",
                                     "<atem:function_calls>\n<atem:invoke name=\"",
                                     "<atem:parameter name=\"",
                                     "</atem:parameter>\n</atem:invoke>\n</atem:function_calls>"};
  for (const Effort effort : {Effort::low, Effort::medium, Effort::high, Effort::xhigh})
    blocks.push_back(system_block({.effort = effort}));
  const size_t times = lines.size() / 200 + 1;
  for (size_t i = 0; i < times; ++i) lines.insert(lines.end(), blocks.begin(), blocks.end());
}

fs::path tokenizer_file(const std::string& given) {
  const fs::path path(given);
  return fs::is_directory(path) ? path / "tokenizer.json" : path;
}

std::string read_stdin() {
  std::ostringstream out;
  out << std::cin.rdbuf();
  return out.str();
}

class TokenizerTrainCommand : public Command {
 public:
  CommandInfo info() const override {
    return {.name = "tokenizer train",
            .summary = "train a byte-level BPE tokenizer on text files or on the tasks' own text",
            .examples = {"tokenizer train tokenizer.json --from-tasks 2000",
                         "tokenizer train tokenizer.json book.txt --vocab 8192"}};
  }

  void declare(CLI::App& app) override {
    app.add_option("out", out_, "the tokenizer.json to write")->required();
    app.add_option("files", files_, "UTF-8 text files");
    app.add_option("--vocab", vocab_size_, "entries, special tokens and bytes included")
        ->capture_default_str();
    app.add_option("--from-tasks", from_tasks_, "also train on N episodes of every task and level")
        ->check(CLI::NonNegativeNumber);
  }

  Result<int> run() override {
    std::vector<std::string> lines;
    for (const std::string& file : files_) {
      MELETE_ASSIGN_OR_RETURN(const std::string text, read_file(file));
      append_lines(text, lines);
    }
    if (from_tasks_ > 0) append_tasks(from_tasks_, lines);
    if (lines.empty())
      return invalid_argument(
          "[tokenizer train] there must be text to train on, got none; name files or use --from-tasks N");
    append_format(lines);
    MELETE_ASSIGN_OR_RETURN(const std::string json, train_tokenizer(lines, vocab_size_));
    MELETE_ASSIGN_OR_RETURN(const auto tokenizer, parse_tokenizer(json, out_));
    MELETE_RETURN_IF_ERROR(write_file(out_, json));
    int64_t bytes = 0, tokens = 0;
    for (size_t i = 0; i < lines.size(); i += lines.size() / 2000 + 1) {
      bytes += static_cast<int64_t>(lines[i].size());
      tokens += static_cast<int64_t>(tokenizer->encode_trusted(lines[i]).size());
    }
    std::printf("%s: %lld entries from %zu lines, %.2f bytes a token\n", out_.c_str(),
                static_cast<long long>(tokenizer->vocab_size()), lines.size(),
                static_cast<double>(bytes) / static_cast<double>(std::max<int64_t>(tokens, 1)));
    return 0;
  }

 private:
  std::string out_;
  std::vector<std::string> files_;
  int64_t vocab_size_ = 4096, from_tasks_ = 0;
};

class TokenizerEncodeCommand : public Command {
 public:
  CommandInfo info() const override {
    return {.name = "tokenizer encode",
            .summary = "print the token ids of the text on stdin",
            .description =
                "The text is a user's: it never yields a special token. With --trusted, special tokens are "
                "recognised by their spelling; with --lines, each line gives a line of ids.",
            .examples = {"tokenizer encode models/melete-nano < question.txt"}};
  }

  void declare(CLI::App& app) override {
    app.add_option("model", model_, "a model folder or a tokenizer.json")->required();
    app.add_flag("--trusted", trusted_, "recognise special tokens by their spelling");
    app.add_flag("--lines", by_lines_, "one line of ids for each line of text");
  }

  Result<int> run() override {
    MELETE_ASSIGN_OR_RETURN(const auto tokenizer, load_tokenizer(tokenizer_file(model_)));
    const auto print = [&](std::string_view text) {
      const auto ids = trusted_ ? tokenizer->encode_trusted(text) : tokenizer->encode(text);
      std::string line;
      for (const int32_t id : ids) line += (line.empty() ? "" : " ") + std::to_string(id);
      std::cout << line << '\n';
    };
    if (!by_lines_) {
      print(read_stdin());
      return 0;
    }
    for (std::string line; std::getline(std::cin, line);) print(line);
    return 0;
  }

 private:
  std::string model_;
  bool trusted_ = false, by_lines_ = false;
};

class TokenizerDecodeCommand : public Command {
 public:
  CommandInfo info() const override {
    return {.name = "tokenizer decode",
            .summary = "print the text of the token ids on stdin",
            .examples = {"tokenizer decode models/melete-nano < ids.txt"}};
  }

  void declare(CLI::App& app) override {
    app.add_option("model", model_, "a model folder or a tokenizer.json")->required();
  }

  Result<int> run() override {
    MELETE_ASSIGN_OR_RETURN(const auto tokenizer, load_tokenizer(tokenizer_file(model_)));
    std::vector<int32_t> ids;
    for (std::string word; std::cin >> word;) {
      size_t used = 0;
      int64_t id = -1;
      try {
        id = std::stoll(word, &used);
      } catch (const std::logic_error&) {
        used = 0;
      }
      if (used != word.size() || id < 0 || id >= tokenizer->vocab_size())
        return invalid_argument("[tokenizer decode] ids must be 0 to ", tokenizer->vocab_size() - 1, ", got ",
                                word.substr(0, 40), "; give ids separated by spaces");
      ids.push_back(static_cast<int32_t>(id));
    }
    std::cout << tokenizer->decode(ids);
    return 0;
  }

 private:
  std::string model_;
};

MELETE_REGISTER_COMMAND(TokenizerTrainCommand);
MELETE_REGISTER_COMMAND(TokenizerEncodeCommand);
MELETE_REGISTER_COMMAND(TokenizerDecodeCommand);

}  // namespace
}  // namespace melete
