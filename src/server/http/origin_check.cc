#include "server/http/origin_check.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/check.h"

namespace melete {
namespace {

// "name" of "name:8080" and "[::1]:8080".
std::string without_port(const std::string& host) {
  if (!host.empty() && host[0] == '[') return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

// IPv4 in its usual form, or IPv6 in brackets: nobody's DNS answers for it.
bool is_address(const std::string& name) {
  if (name.size() > 2 && name.front() == '[' && name.back() == ']') return true;
  return !name.empty() && name.find_first_not_of("0123456789.") == std::string::npos;
}

bool is_own_name(const std::string& name, const OriginPolicy& policy) {
  const bool is_local = name == "localhost" || (name.size() > 10 && name.ends_with(".localhost"));
  return is_local || is_address(name) ||
         std::any_of(policy.hosts.begin(), policy.hosts.end(),
                     [&](const std::string& host) { return lower_ascii(host) == name; });
}

bool is_allowed(std::string_view origin, const OriginPolicy& policy) {
  return std::find(policy.origins.begin(), policy.origins.end(), origin) != policy.origins.end();
}

}  // namespace

std::string origin_problem(const HttpRequest& request, const OriginPolicy& policy) {
  const std::string host = lower_ascii(request.header("host"));
  if (!is_own_name(without_port(host), policy))
    return cat("Host must be an address, localhost or a name given with --host-name, got \"", host,
               "\"; open the server by its address");
  const std::string_view origin = request.header("origin");
  if (origin.empty() || is_allowed(origin, policy)) return {};
  const size_t scheme = origin.find("://");
  if (scheme != std::string_view::npos && lower_ascii(origin.substr(scheme + 3)) == host) return {};
  return cat("Origin must be this server's own or one given with --allow-origin, got \"", origin,
             "\"; pages of other sites may not use this server");
}

HttpHeaders origin_headers(const HttpRequest& request, const OriginPolicy& policy) {
  const std::string_view origin = request.header("origin");
  if (origin.empty() || !is_allowed(origin, policy)) return {};
  HttpHeaders headers = {{"Access-Control-Allow-Origin", std::string(origin)},
                         {"Access-Control-Expose-Headers", "x-request-id, retry-after"},
                         {"Vary", "Origin"}};
  if (request.method == "OPTIONS") {
    headers.emplace_back("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE");
    if (const std::string_view wanted = request.header("access-control-request-headers"); !wanted.empty())
      headers.emplace_back("Access-Control-Allow-Headers", std::string(wanted));
    headers.emplace_back("Access-Control-Max-Age", "600");
  }
  return headers;
}

}  // namespace melete
