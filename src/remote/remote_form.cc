#include "remote/remote_form.h"

#include <utility>

namespace melete {
namespace {

// Kept beside the grammar, which is the engine's and has no place for it.
struct Source {
  std::shared_ptr<const Grammar> grammar;
  GrammarSource source;
  void operator()(const Grammar*) const {}
};

}  // namespace

std::shared_ptr<const Grammar> make_remote_form(std::shared_ptr<const Grammar> grammar,
                                                GrammarSource source) {
  const Grammar* made = grammar.get();
  return std::shared_ptr<const Grammar>(made, Source{std::move(grammar), std::move(source)});
}

const GrammarSource* remote_form_source(const std::shared_ptr<const Grammar>& grammar) {
  const Source* kept = std::get_deleter<Source>(grammar);
  return kept ? &kept->source : nullptr;
}

}  // namespace melete
