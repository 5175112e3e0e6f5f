// What a Matrix homeserver says, read without trust. Source: Matrix specification v1.16, client-server API,
// "Syncing", "m.room.message" and its msgtypes, "Replacements", "Content repository".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bridges/bridge.h"

namespace melete {

// What is new in a room, oldest first.
struct MatrixRoom {
  std::string id;
  std::vector<Incoming> messages;
  std::string gap;  // more came before it, to be had backwards from this token; empty: no
};

struct MatrixSync {
  std::string next;
  std::vector<MatrixRoom> rooms;  // joined ones
  std::vector<Incoming> invites;
};

// The answer to /sync for the account `self`. Messages of `self`, notices, edits and what isn't understood
// are left out, and what stands before `self` joined. A room's encrypted messages have one event id, so that
// they count as one. Error: corrupt (no next_batch).
Result<MatrixSync> read_matrix_sync(const Json& body, const std::string& self);

// A page of /rooms/{room}/messages that was read backwards.
struct MatrixPage {
  std::vector<Incoming> messages;  // oldest first
  std::string next;                // further back; empty: there is no more that matters
};
MatrixPage read_matrix_page(const Json& body, const std::string& room, const std::string& self);

// "example.org/abc" of mxc://example.org/abc; empty if it isn't of that form, or if one of its parts isn't
// made of what such parts are made of.
std::string media_path(const std::string& url);

// retry_after_ms of a refusal; 0 without it.
int64_t matrix_delay_ms(const Json& refusal);

}  // namespace melete
