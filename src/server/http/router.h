// Router: the one table of what a server answers. Requests are matched against it, and openapi.json and the
// tests of who may do what are made from it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "server/http/exchange.h"

namespace melete {

enum class Access {
  anyone,  // health and metrics: nothing of any user
  user,    // whoever may use the models
};

struct Route {
  std::string method;  // GET routes answer HEAD too
  std::string path;    // "/v1/models/{id}": a part in braces matches one part of a path
  Access access = Access::user;
  std::string summary;  // one line without a full stop
  std::function<void(ExchangePtr)> handle;
  Json request = {};   // JSON schema of the body; null: none
  Json response = {};  // of the answer; null: not JSON
};

class Router : public HttpApplication {
 public:
  // How errors look: status and a sentence to a whole answer.
  using ErrorWriter = std::function<HttpResponse(int status, const std::string& message)>;

  explicit Router(ErrorWriter errors) : errors_(std::move(errors)) {}

  void add(Route route);
  const std::vector<Route>& routes() const { return routes_; }

  // 404 and 405 for what isn't in the table.
  void handle(ExchangePtr exchange) override;
  HttpResponse refuse(std::string_view path, int status, const std::string& message) override {
    return errors_(status, message);
  }

 private:
  struct Pattern {
    std::vector<std::string> parts;
  };
  static bool matches(const Pattern& pattern, const std::vector<std::string>& parts,
                      std::map<std::string, std::string>& parameters);

  ErrorWriter errors_;
  std::vector<Route> routes_;
  std::vector<Pattern> patterns_;
};

}  // namespace melete
