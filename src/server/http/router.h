// Router: the one table of what a server answers. Requests are matched against it and let in by one gate, and
// openapi.json and the tests of who may do what are made from it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/exchange.h"

namespace melete {

// Who may use a route; the gate enforces it.
enum class Access {
  anyone,    // nothing of any user: health, metrics, logging in
  generate,  // whoever may use the models
  data,      // whoever may use the caller's own conversations, files and settings
  chat,      // both: to say something in a conversation and have it answered
  person,    // the caller in person, not a program with a key: sessions and keys
  admin,     // users and invitations
};
const char* name_of(Access access);

struct Route {
  std::string method;  // GET routes answer HEAD too
  std::string path;    // "/v1/models/{id}": a part in braces matches one part of a path
  Access access = Access::admin;
  std::string summary;  // one line without a full stop
  std::function<void(ExchangePtr)> handle;
  Json request = {};   // JSON schema of the body; null: none
  Json response = {};  // of the answer; null: not JSON
  Json query = {};     // of the query's fields, by name; null: none
  std::string request_type = "application/json";
  std::string response_type = {};  // empty: JSON if it has a schema, else nothing
};

// The largest body that a stranger may send, to a route of Access::anyone.
inline constexpr size_t kMaxStrangersBytes = size_t{64} << 10;

// Why a request gets no answer, apart from how a surface writes it.
struct HttpProblem {
  int status = 400;
  std::string message;  // a sentence
  std::string code = {};
  int64_t retry_after_s = 0;  // 0: nothing is known
};

class Router : public HttpApplication {
 public:
  // How errors look at a path.
  using ErrorWriter = std::function<HttpResponse(std::string_view path, const HttpProblem& problem)>;
  // Says who calls (Exchange::caller) and lets them use the route, or says why not.
  using Gate = std::function<std::optional<HttpProblem>(const Route& route, Exchange& exchange)>;

  Router(ErrorWriter errors, Gate gate) : errors_(std::move(errors)), gate_(std::move(gate)) {}

  void add(Route route);
  const std::vector<Route>& routes() const { return routes_; }

  // Finds the route and asks the gate: nothing, if the route's handler may have it. 404 and 405 for what
  // isn't in the table.
  std::optional<HttpResponse> admit(Exchange& exchange) override;
  void handle(ExchangePtr exchange) override;
  HttpResponse refuse(std::string_view path, int status, const std::string& message) override {
    return errors_(path, {status, message});
  }

 private:
  struct Pattern {
    std::vector<std::string> parts;
  };
  static bool matches(const Pattern& pattern, const std::vector<std::string_view>& parts,
                      std::map<std::string, std::string>& parameters);
  std::optional<HttpResponse> enter(const Route& route, Exchange& exchange) const;

  ErrorWriter errors_;
  Gate gate_;
  std::vector<Route> routes_;
  std::vector<Pattern> patterns_;
};

}  // namespace melete
