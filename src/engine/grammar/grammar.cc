#include "engine/grammar/grammar.h"

#include "engine/grammar/grammar_workspace.h"
#include "engine/grammar/json_schema.h"
#include "engine/grammar/regex.h"

namespace melete {
namespace {

Result<std::shared_ptr<const Automaton>> build(const GrammarSource& source, const ByteSet& allowed) {
  switch (source.kind) {
    case GrammarKind::json: return json_schema_automaton(Json(true), allowed);
    case GrammarKind::json_object: return json_schema_automaton(Json{{"type", "object"}}, allowed);
    case GrammarKind::json_schema: {
      MELETE_ASSIGN_OR_RETURN(const Json schema, parse_json(source.text, "schema"));
      return json_schema_automaton(schema, allowed);
    }
    case GrammarKind::regex: break;
  }
  MELETE_ASSIGN_OR_RETURN(const Expr whole, parse_regex(source.text, RegexMatch::whole, "regex"));
  AutomatonBuilder builder;
  const int32_t rule = builder.add_rule("the expression", whole);
  return builder.finish(rule, allowed, "regex");
}

}  // namespace

Result<std::shared_ptr<const Grammar>> Grammar::compile(const GrammarSource& source,
                                                        std::shared_ptr<const Vocabulary> vocabulary) {
  MELETE_ASSIGN_OR_RETURN(auto automaton, build(source, vocabulary->single_bytes()));
  return std::shared_ptr<const Grammar>(
      std::make_shared<Grammar>(std::move(automaton), std::move(vocabulary)));
}

Status Grammar::check(const GrammarSource& source) {
  MELETE_RETURN_IF_ERROR(build(source, all_bytes()));
  return ok_status();
}

Grammar::Grammar(std::shared_ptr<const Automaton> automaton, std::shared_ptr<const Vocabulary> vocabulary)
    : automaton_(std::move(automaton)),
      vocabulary_(std::move(vocabulary)),
      workspace_(std::make_shared<GrammarWorkspace>(automaton_, vocabulary_)) {}

std::shared_ptr<GrammarWorkspace> Grammar::workspace() const {
  const std::lock_guard lock(mutex_);
  if (workspace_->is_full()) workspace_ = std::make_shared<GrammarWorkspace>(automaton_, vocabulary_);
  return workspace_;
}

int64_t Grammar::shortest_tokens() const {
  const auto held = workspace();
  return held->shortest_tokens(held->start());
}

bool Grammar::matches(std::string_view text) const {
  const auto held = workspace();
  return held->accepts(held->after(held->start(), text));
}

GrammarConstraint::GrammarConstraint(std::shared_ptr<const Grammar> grammar, int64_t max_tokens)
    : grammar_(std::move(grammar)),
      workspace_(grammar_->workspace()),
      state_(workspace_->start()),
      tokens_left_(max_tokens) {}

void GrammarConstraint::take_room() {
  if (!workspace_->is_full()) return;
  const auto roomy = grammar_->workspace();
  state_ = roomy->import(*workspace_, state_);
  workspace_ = roomy;
}

std::span<const uint32_t> GrammarConstraint::mask() {
  take_room();
  mask_ = ended_ ? std::make_shared<const MaskWords>(grammar_->vocabulary().num_words())
                 : workspace_->mask(state_, tokens_left_);
  return *mask_;
}

void GrammarConstraint::accept(int32_t id) {
  --tokens_left_;
  const std::string_view text = grammar_->vocabulary().bytes_of(id);
  if (text.empty()) {
    MELETE_CHECK(is_complete(), "token ", id, " inside of a grammar's text");
    ended_ = true;
    return;
  }
  MELETE_CHECK(accept_text(text), "token ", id, " leads out of the grammar");
}

bool GrammarConstraint::accept_text(std::string_view text) {
  const int32_t after = ended_ ? Recognizer::kDead : workspace_->after(state_, text);
  if (after == Recognizer::kDead) return false;
  state_ = after;
  return true;
}

bool GrammarConstraint::is_complete() const { return workspace_->accepts(state_); }

}  // namespace melete
