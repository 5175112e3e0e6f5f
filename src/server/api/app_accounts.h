// /api/session, sessions, account, keys and usage: what a person does with their own account; and for admins
// users and invitations.
#pragma once

#include "server/api/app_route.h"
#include "server/http/router.h"

namespace melete {

// The services outlive the router.
void add_session_routes(Router& router, const AppServices& services);
void add_account_routes(Router& router, const AppServices& services);
void add_admin_routes(Router& router, const AppServices& services);

// requests_per_day and tokens_per_day.
Quota read_quota(WireReader& body);

// Why the local owner without a password may not make a user or a key yet: nobody could log in any more.
std::optional<ApiError> would_lock_out(const AppServices& services, const Caller& caller);

}  // namespace melete
