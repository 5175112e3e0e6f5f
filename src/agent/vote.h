// Votes of parallel agents and when to stop: self-consistency 2203.11171 with an anytime-valid stop.
//
// The certificate is an e-process for "the leader is the most likely answer" (mode), after CITE 2605.05873:
// against each rival r of candidate c, votes for one of the two are coin tosses whose chance for c is at most
// 1/2 under the null. The e-value mixes the likelihood ratio over chances above 1/2 with the one-sided
// Jeffreys prior,
//   E(n_c, n_r) = 2^(n+1) / pi * integral_{1/2}^{1} t^(n_c - 1/2) (1 - t)^(n_r - 1/2) dt,   n = n_c + n_r,
// and the smallest over all rivals counts, an unseen one (n_r = 0) included. The leader is chosen from the
// data, so the i-th answer to appear (from 1) is certified only at 2^i / delta (union bound). Votes must be
// put in a fixed order, by agent number: first finishers are no fair sample, since short answers come first.
// It says nothing about being right.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace melete {

// E(n_c, n_r) as above; at least 0.
double mode_e_value(int64_t votes_for, int64_t votes_against);

class Vote {
 public:
  struct Candidate {
    std::string key;
    int64_t votes = 0;
  };

  // delta: the largest chance of a false certificate, in (0, 1).
  explicit Vote(double delta) : delta_(delta) {}

  // One agent's vote; an empty key abstains.
  void put(const std::string& key);

  const std::vector<Candidate>& candidates() const { return candidates_; }  // in order of appearance
  // The most voted candidate, the earlier on a tie; -1 without votes.
  int64_t leader() const;
  double leader_e_value() const;  // the smallest over its rivals; 0 without votes
  bool certified() const;         // leader_e_value() reaches 2^i / delta
  // No outcome of `remaining` more votes can change the leader.
  bool locked(int64_t remaining) const;

 private:
  double delta_;
  std::vector<Candidate> candidates_;
};

}  // namespace melete
