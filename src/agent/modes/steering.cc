#include "agent/modes/steering.h"

namespace melete {

Status pass_room(Status status, Status& room) {
  if (status.ok() || status.error().kind != ErrorKind::exhausted) return status;
  room = std::move(status);
  return ok_status();
}

Status Steering::follow(bool is_deadline_near, Status& room) {
  for (const Steer& steer : request_.steers()) take(steer);
  // Asked again each time: an agent that is just choosing whom to address goes on first.
  for (const auto& agent : agents_) {
    if (hurried_.contains(agent->id())) MELETE_RETURN_IF_ERROR(pass_room(agent->hurry("user"), room));
    if (is_deadline_near) MELETE_RETURN_IF_ERROR(pass_room(agent->hurry("deadline"), room));
    MELETE_RETURN_IF_ERROR(pass_room(agent->keep_appointments(), room));
  }
  return ok_status();
}

void Steering::take(const Steer& steer) {
  if (steer.kind == Steer::Kind::pin) {
    if (ballot_) pin_agent(*ballot_, agents_, steer, log_);
    return;
  }
  for (const auto& agent : agents_) {
    if (!steer.concerns(agent->id())) continue;
    if (steer.tokens >= 0)
      agent->appoint(steer);
    else if (steer.kind == Steer::Kind::kill)
      agent->kill(steer.by);
    else
      hurried_.insert(agent->id());
  }
}

}  // namespace melete
