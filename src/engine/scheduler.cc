#include "engine/scheduler.h"

#include <algorithm>

namespace melete {

Scheduler::Client& Scheduler::client_of(const QueuePlace& place) {
  Ring& ring = rings_[place.priority];
  const auto found =
      std::find_if(ring.begin(), ring.end(), [&](const Client& c) { return c.id == place.client; });
  if (found != ring.end()) return *found;
  ring.push_back({place.client, {}});
  return ring.back();
}

Status Scheduler::push(SequenceId id, const QueuePlace& place, int64_t rows) {
  MELETE_CHECK(rows > 0 && place.slots >= 0 && !entries_.contains(id), id, " with ", rows);
  if (num_waiting() >= max_queued_)
    return exhausted("[engine] at most ", max_queued_, " prompts may wait, got one more; ask again later");
  entries_[id] = {place, rows, false};
  client_of(place).prompts.push_back(id);
  return ok_status();
}

void Scheduler::set_admitted(Entry& entry, bool admitted) {
  if (entry.admitted == admitted) return;
  entry.admitted = admitted;
  num_admitted_ += admitted ? 1 : -1;
  admitted_slots_ += admitted ? entry.place.slots : -entry.place.slots;
}

void Scheduler::remove(SequenceId id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  set_admitted(found->second, false);
  const QueuePlace place = found->second.place;
  entries_.erase(found);
  const auto ring = rings_.find(place.priority);
  const auto client = std::find_if(ring->second.begin(), ring->second.end(),
                                   [&](const Client& c) { return c.id == place.client; });
  std::erase(client->prompts, id);
  if (client->prompts.empty()) ring->second.erase(client);
  if (ring->second.empty()) rings_.erase(ring);
}

void Scheduler::put_first(SequenceId id, const QueuePlace& place, int64_t rows, bool admitted) {
  remove(id);
  Entry& entry = entries_[id] = {place, rows, false};
  set_admitted(entry, admitted);
  client_of(place).prompts.push_front(id);
}

void Scheduler::skip(SequenceId id, int64_t rows) {
  Entry& entry = entries_.at(id);
  MELETE_CHECK(rows >= 0 && rows < entry.rows, rows, " of ", entry.rows);
  entry.rows -= rows;
}

bool Scheduler::is_admitted(SequenceId id) const {
  const auto found = entries_.find(id);
  return found != entries_.end() && found->second.admitted;
}

void Scheduler::next_of(int32_t priority, int64_t& budget, bool& blocked, std::vector<Share>& shares,
                        Admit admit) {
  int64_t passed = 0;  // clients in a row whose turn came to nothing
  while (budget > 0 && rings_.contains(priority)) {
    Ring& ring = rings_.at(priority);
    if (passed == std::ssize(ring)) return;
    Client& client = ring.front();
    const SequenceId id = client.prompts.front();
    Entry& entry = entries_.at(id);
    if (!entry.admitted && !blocked) {
      bool admitted = false;
      admit(id, entry.place, admitted);
      set_admitted(entry, admitted);
      blocked = !admitted;
    }
    if (!entry.admitted) {
      ring.splice(ring.end(), ring, ring.begin());
      ++passed;
      continue;
    }
    passed = 0;
    const int64_t rows = std::min({budget, client.left, entry.rows});
    const auto share = std::find_if(shares.begin(), shares.end(), [&](const Share& s) { return s.id == id; });
    if (share == shares.end()) {
      shares.push_back({id, rows});
    } else {
      share->rows += rows;
    }
    budget -= rows;
    entry.rows -= rows;
    client.left -= rows;
    if (client.left == 0) {
      client.left = kQuantum;
      ring.splice(ring.end(), ring, ring.begin());
    }
    if (entry.rows == 0) remove(id);
  }
}

std::vector<Scheduler::Share> Scheduler::next(int64_t budget, Admit admit) {
  std::vector<Share> shares;
  std::vector<int32_t> priorities;
  for (const auto& [priority, ring] : rings_) priorities.push_back(priority);
  bool blocked = false;
  for (const int32_t priority : priorities) next_of(priority, budget, blocked, shares, admit);
  return shares;
}

}  // namespace melete
