// What an answer of a remote model is held to: a grammar that remembers what it was made of, since the server
// there wants the source and only the answer can be checked here.
#pragma once

#include <memory>

#include "engine/grammar/grammar.h"

namespace melete {

// For Request::grammar.
std::shared_ptr<const Grammar> make_remote_form(std::shared_ptr<const Grammar> grammar, GrammarSource source);

// Null if the grammar isn't one made by make_remote_form().
const GrammarSource* remote_form_source(const std::shared_ptr<const Grammar>& grammar);

}  // namespace melete
