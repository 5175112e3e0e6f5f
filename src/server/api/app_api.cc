#include "server/api/app_api.h"

#include "server/api/app_accounts.h"
#include "server/api/app_conversations.h"
#include "server/api/app_data.h"

namespace melete {
namespace {

Accounts::Options accounts_options(const Clock& clock, const PasswordCost& password_cost) {
  Accounts::Options options;
  options.clock = clock;
  options.password_cost = password_cost;
  return options;
}

}  // namespace

AppApi::AppApi(Store& store, const PasswordCost& password_cost, const Gatekeeper& gate,
               const ModelList& models, ModelIdentities& identities, WorkerThreads& workers,
               WorkerThreads& runners, ServerMetrics& metrics, const ArtifactsPlace& artifacts)
    : accounts_(store.database(), accounts_options(store.clock(), password_cost)),
      keys_(store.database(), store.clock()),
      invitations_(store.database(), accounts_, store.clock()),
      services_{store, accounts_, keys_, invitations_, gate, live_, workers, artifacts},
      answers_(store, models, identities, workers, runners, metrics, live_) {}

void AppApi::add_routes(Router& router) {
  add_session_routes(router, services_);
  add_account_routes(router, services_);
  add_admin_routes(router, services_);
  add_conversation_routes(router, services_);
  add_message_routes(router, services_);
  answers_.add_routes(router);
  add_file_routes(router, services_);
  add_data_routes(router, services_);
  add_speech_routes(router, services_);
}

}  // namespace melete
