// The app's own surface, /api/*: accounts, conversations, answers, files and settings.
#pragma once

#include "server/api/app_answers.h"
#include "server/api/app_route.h"

namespace melete {

class AppApi {
 public:
  // Handlers run on `workers`, answers on `runners`; both end before this object, and all else after it.
  AppApi(Store& store, const PasswordCost& password_cost, const Gatekeeper& gate, const ModelList& models,
         ModelIdentities& identities, WorkerThreads& workers, WorkerThreads& runners, ServerMetrics& metrics,
         const ArtifactsPlace& artifacts);
  AppApi(const AppApi&) = delete;
  AppApi& operator=(const AppApi&) = delete;

  void add_routes(Router& router);
  // Ends the answers under way with what they have.
  void stop_answers() { live_.stop_all(); }

 private:
  Accounts accounts_;
  Keys keys_;
  Invitations invitations_;
  LiveAnswers live_;
  const AppServices services_;
  AppAnswers answers_;
};

// Schemas that the routes refer to, for openapi.json.
Json app_schemas();

}  // namespace melete
