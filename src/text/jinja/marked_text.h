// Text in which every byte is known to be ours (a template's literals) or another's (contents of messages,
// names and definitions of tools). Every way to make a text out of others keeps the marks of the bytes that
// it takes, so that what users write can never become control text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace melete::jinja {

struct Piece {
  std::string text;
  bool trusted = false;
};

class MarkedText {
 public:
  MarkedText() = default;
  MarkedText(std::string text, bool trusted);

  const std::string& str() const { return bytes_; }
  size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }

  void append(std::string_view text, bool trusted);
  void append(const MarkedText& other);
  void append_part(const MarkedText& other, size_t begin, size_t end);  // bytes [begin, end) of other
  MarkedText part(size_t begin, size_t end) const;

  // Whether byte `at` is ours.
  bool trusted_at(size_t at) const;
  // Calls visit(bytes, trusted) for each run of one mark, in order.
  template <class Visit>
  void for_each_run(Visit&& visit) const {
    size_t begin = 0;
    for (const Run& run : runs_) {
      visit(std::string_view(bytes_).substr(begin, run.end - begin), run.trusted);
      begin = run.end;
    }
  }
  std::vector<Piece> pieces() const;

 private:
  struct Run {
    size_t end = 0;
    bool trusted = false;
  };
  size_t run_at(size_t at) const;  // index of the run that holds byte `at`

  std::string bytes_;
  std::vector<Run> runs_;  // ascending, neighbours differ; the last one ends with the text
};

}  // namespace melete::jinja
