// Every route x every kind of caller: what happens follows from the route's declared Access alone. A route
// without a row in kRows fails.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <map>

#include "agent/run_record.h"
#include "server/api/test_server.h"
#include "server/app/web_files.h"
#include "server/store/export.h"

namespace melete {
namespace {

// What Ann has, made anew for each case.
struct Objects {
  std::string conversation, message, answer, response, file, session, key, invitation, code, name,
      export_text;
};

struct Row {
  std::string body;        // "$NAME" stands for one of the objects
  bool is_of_ann = false;  // the path names something of Ann's
  std::string content_type = "application/json";
};

const std::map<std::string, Row> kRows = {
    {"GET /", {}},
    {"GET /assets/{file}", {}},
    {"GET /sw.js", {}},
    {"GET /healthz", {}},
    {"GET /readyz", {}},
    {"GET /metrics", {}},
    {"GET /openapi.json", {}},
    {"GET /v1/models", {}},
    {"GET /v1/models/{id}", {}},
    {"POST /v1/chat/completions", {R"({"model":"tiny","messages":[{"role":"user","content":"hi"}]})"}},
    {"POST /v1/responses", {R"({"model":"tiny","input":"hi"})"}},
    {"POST /v1/responses/input_tokens", {R"({"model":"tiny","input":"hi"})"}},
    {"GET /v1/responses/{id}", {"", true}},
    {"DELETE /v1/responses/{id}", {"", true}},
    {"POST /v1/responses/{id}/cancel", {"", true}},
    {"POST /v1/responses/{id}/replay", {"", true}},
    {"GET /v1/responses/{id}/input_items", {"", true}},
    {"GET /api/session", {}},
    {"POST /api/session", {R"({"name":"$user","password":"correct horse"})"}},
    {"DELETE /api/session", {}},
    {"GET /api/sessions", {}},
    {"DELETE /api/sessions/{id}", {"", true}},
    {"PUT /api/account/password", {R"({"current_password":"correct horse","new_password":"correct horse"})"}},
    {"GET /api/account", {}},
    {"GET /api/usage", {}},
    {"GET /api/keys", {}},
    {"POST /api/keys", {R"({"name":"another"})"}},
    {"DELETE /api/keys/{id}", {"", true}},
    {"GET /api/users", {}},
    {"POST /api/users", {R"({"name":"$name-2"})"}},
    {"PUT /api/users/{name}/quota", {R"({"tokens_per_day":5})"}},
    {"DELETE /api/users/{name}", {}},
    {"GET /api/invitations", {}},
    {"POST /api/invitations", {"{}"}},
    {"DELETE /api/invitations/{id}", {}},
    {"POST /api/invitations/redeem", {R"({"code":"$code","name":"$name-3"})"}},
    {"GET /api/conversations", {}},
    {"POST /api/conversations", {R"({"title":"new"})"}},
    {"GET /api/conversations/{id}", {"", true}},
    {"PATCH /api/conversations/{id}", {R"({"title":"other","pinned":true,"show":"$message"})", true}},
    {"DELETE /api/conversations/{id}", {"", true}},
    {"POST /api/conversations/{id}/fork", {R"({"message":"$message"})", true}},
    {"GET /api/search", {}},
    {"GET /api/artifacts", {}},
    {"POST /v1/tokenize", {R"({"model":"tiny","text":"hi"})"}},
    {"POST /v1/embeddings", {R"({"model":"tiny","input":"hi"})"}},
    {"POST /v1/messages", {R"({"model":"tiny","max_tokens":8,"messages":[{"role":"user","content":"hi"}]})"}},
    {"POST /v1/messages/count_tokens", {R"({"model":"tiny","messages":[{"role":"user","content":"hi"}]})"}},
    {"POST /api/conversations/{id}/messages", {R"({"content":"more"})", true}},
    {"PUT /api/conversations/{id}/messages/{message}", {R"({"content":"other"})", true}},
    {"DELETE /api/conversations/{id}/messages/{message}", {"", true}},
    {"POST /api/conversations/{id}/answers",
     {R"({"model":"tiny","message":{"content":"hi","parent":"$message"}})", true}},
    {"GET /api/answers/{answer}", {"", true}},
    {"GET /api/answers/{answer}/events", {"", true}},
    {"POST /api/answers/{answer}/stop", {"", true}},
    {"POST /api/answers/{answer}/replay", {"", true}},
    {"POST /api/answers/{answer}/steer", {R"({"action":"pin","agent":0})", true}},
    {"POST /api/speech", {R"({"text":"Four."})"}},
    {"POST /api/files",
     {"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"b\"\r\n\r\nxyz\r\n--b--\r\n", false,
      "multipart/form-data; boundary=b"}},
    {"GET /api/files", {}},
    {"GET /api/files/{id}", {"", true}},
    {"GET /api/files/{id}/content", {"", true}},
    {"DELETE /api/files/{id}", {"", true}},
    {"GET /api/settings", {}},
    {"PUT /api/settings", {R"({"theme":"dark"})"}},
    {"GET /api/export", {}},
    {"POST /api/import",
     {R"({"format":"melete export","version":1,"files":[],"conversations":[],"responses":[],"answers":[]})"}},
};

struct Kind {
  std::string name;
  std::function<HttpHeaders()> headers;  // new ones: a case may use up a session
  bool is_known = true, is_key = false, is_admin = false, sends_csrf = true, has_quota = true, is_ann = true;
  Scopes scopes = Scopes::all();
};

// The status that Access alone allows; 0: whatever a success is.
int expected_status(const Route& route, const Row& row, const Kind& kind) {
  const Access access = route.access;
  if (access == Access::anyone) return 0;
  if (!kind.is_known) return 401;
  const bool generates = access == Access::generate || access == Access::chat;
  const bool reads_data = access == Access::data || access == Access::chat;
  if (generates && !kind.scopes.has(Scope::generate)) return 403;
  if (reads_data && !kind.scopes.has(Scope::data)) return 403;
  if (access == Access::person && kind.is_key) return 403;
  if (access == Access::admin && !(kind.is_admin && kind.scopes.has(Scope::admin))) return 403;
  if (!kind.is_key && route.method != "GET" && !kind.sends_csrf) return 403;
  if (generates && route.method != "GET" && !kind.has_quota) return 429;
  return row.is_of_ann && !kind.is_ann ? 404 : 0;
}

class AccessMatrix : public ::testing::Test {
 protected:
  AccessMatrix() {
    store_ = ok(Store::open(folder_.path() / "data"));
    Accounts::Options options;
    options.password_cost = {1, 8192};
    accounts_.emplace(store_->database(), options);
    keys_.emplace(store_->database());
    ok(accounts_->set_password(kLocalOwner, "correct horse"));
    bob_ = ok(accounts_->add("bob", UserRole::user, "correct horse")).id;
    ApiServerOptions server;
    server.http.port = 0;
    server.password_cost = options.password_cost;
    server_ = ok(ApiServer::start(server, scripted_models("Four.<|eot|>"), *store_));
  }

  HttpHeaders key_of(OwnerId owner, KeySpec spec, bool revoked = false) {
    const NewKey key = ok(keys_->add(owner, spec));
    if (revoked) ok(keys_->revoke(owner, key.info.id));
    return {{"authorization", "Bearer " + key.secret}};
  }
  HttpHeaders session_of(OwnerId owner, bool csrf = true, bool ended = false) {
    const NewSession session = ok(accounts_->open_session(owner, "test"));
    if (ended) ok(accounts_->end_session(owner, session.id));
    HttpHeaders headers = {{"cookie", "melete_session=" + session.token}};
    if (csrf) headers.emplace_back("x-csrf-token", csrf_token(session.token));
    return headers;
  }

  std::vector<Kind> kinds() {
    const Scopes all = {Scope::generate, Scope::data}, generate = {Scope::generate}, data = {Scope::data};
    Kind nobody{"nobody", [] { return HttpHeaders(); }};
    Kind wrong{"wrong key", [] { return HttpHeaders{{"authorization", "Bearer mlt_0123456789ab_x"}}; }};
    Kind basic{"basic", [] { return HttpHeaders{{"authorization", "Basic YTpi"}}; }};
    Kind expired{"expired key", [=, this] { return key_of(ann_, {"k", all, {}, 1}); }};
    Kind revoked{"revoked key", [=, this] { return key_of(ann_, {"k", all, {}, {}}, true); }};
    Kind ended{"ended session", [this] { return session_of(ann_, true, true); }};
    std::vector<Kind> kinds = {nobody, wrong, basic, expired, revoked, ended};
    for (Kind& kind : kinds) kind.is_known = false;
    const auto add_key = [&](const std::string& name, OwnerId owner, const Scopes& scopes, Quota quota = {}) {
      Kind kind{name, [=, this] { return key_of(owner, {"k", scopes, quota, {}}); }};
      kind.is_key = true;
      kind.is_admin = owner == kLocalOwner;
      kind.is_ann = owner == ann_;
      kind.scopes = scopes;
      kind.has_quota = !quota.requests_per_day && !quota.tokens_per_day;
      kinds.push_back(kind);
    };
    add_key("key for all", ann_, all);
    add_key("key to generate", ann_, generate);
    add_key("key for data", ann_, data);
    add_key("key without requests left", ann_, all, {0, {}});
    add_key("key without tokens left", ann_, all, {{}, 0});
    add_key("another's key", bob_, all);
    add_key("admin's key", kLocalOwner, Scopes::all());
    add_key("admin's key without that scope", kLocalOwner, all);
    const auto add_session = [&](const std::string& name, OwnerId owner, bool csrf = true) {
      Kind kind{name, [=, this] { return session_of(owner, csrf); }};
      kind.is_admin = owner == kLocalOwner;
      kind.is_ann = owner == ann_;
      kind.sends_csrf = csrf;
      kinds.push_back(kind);
    };
    add_session("session", ann_);
    add_session("session without its token", ann_, false);
    add_session("another's session", bob_);
    add_session("admin's session", kLocalOwner);
    return kinds;
  }

  Objects make_objects() {
    Objects made;
    Conversations all = store_->conversations(ann_);
    made.conversation = ok(all.create("Fruit")).id;
    made.message = ok(all.add(made.conversation, {"", "user", "apples"})).id;
    made.answer = "ans_" + std::to_string(++number_);
    const Json meta = {{"answer", made.answer}, {"status", "completed"}};
    ok(all.add(made.conversation, {made.message, "assistant", "yes", meta}));
    const auto log = ok(store_->event_logs().create(ann_, {made.conversation, ""}, made.answer));
    put_run(*log);
    made.file = ok(store_->files(ann_).put("abc" + std::to_string(number_), "a.txt", "text/plain")).id;
    made.response = keep_response();
    made.session = ok(accounts_->open_session(ann_, "other")).id;
    made.key = ok(keys_->add(ann_, {"other"})).info.id;
    Invitations invitations(store_->database(), *accounts_);
    const NewInvitation invitation = ok(invitations.add(kLocalOwner, {}));
    made.invitation = invitation.info.id;
    made.code = invitation.code;
    made.name = "u" + std::to_string(number_);
    ok(accounts_->add(made.name, UserRole::user, std::nullopt));
    made.export_text = export_of_ann();
    return made;
  }
  // One that can be shown, cancelled again and replayed.
  std::string keep_response() {
    StoredResponse row;
    row.id = "resp_" + std::to_string(number_);
    row.status = "cancelled";
    row.model = "tiny";
    row.request = {{"body", {{"input", Json::array()}}}};
    row.output = {{"id", row.id}, {"output", Json::array()}};
    ok(store_->responses(ann_).create(row));
    put_run(*ok(store_->event_logs().create(ann_, {"", row.id}, row.id)));
    return row.id;
  }
  // One that can be replayed.
  void put_run(AnswerLog& log) {
    Request run;
    run.conversation.messages.push_back({Role::user, "", {TextPart{"hi", false}}});
    log.put(
        {0, -1, "run.request", 0, run_record(run, {}, {{"model", {{"name", "tiny"}, {"identity", ""}}}})});
    log.put({0, -1, "run.started", 0, {{"mode", "instant"}}});
    log.put({1, -1, "run.completed", 0, Json::object()});
    ok(store_->event_logs().finish(log, "completed"));
  }
  std::string export_of_ann() {
    std::string text;
    ok(export_json(*store_, ann_, Json::object(), [&](std::string_view piece) {
      text += piece;
      return ok_status();
    }));
    return text + cat(ok(accounts_->sessions(ann_)).size(), ok(keys_->list(ann_)).size());
  }

  static std::string id_at(const std::string& path, const Objects& objects) {
    if (path.starts_with("/api/sessions")) return objects.session;
    if (path.starts_with("/api/keys")) return objects.key;
    if (path.starts_with("/api/invitations")) return objects.invitation;
    if (path.starts_with("/api/files")) return objects.file;
    if (path.starts_with("/v1/responses")) return objects.response;
    return path.starts_with("/v1/models") ? "tiny" : objects.conversation;
  }
  static std::string fill(std::string text, const char* open, const char* close,
                          const std::map<std::string, std::string>& values) {
    for (const auto& [name, value] : values)
      for (size_t at; (at = text.find(open + name + close)) != std::string::npos;)
        text.replace(at, name.size() + std::strlen(open) + std::strlen(close), value);
    return text;
  }

  void check(const Route& route, const Row& row, const Kind& kind) {
    const HttpHeaders headers = kind.headers();
    const Objects objects = make_objects();
    const std::map<std::string, std::string> values = {
        {"message", objects.message},
        {"answer", objects.answer},
        {"name", objects.name},
        {"code", objects.code},
        {"user", ann_name_},
        {"id", id_at(route.path, objects)},
        {"file", std::string(web_files().front().path.substr(7))}};
    HttpRequest request;
    request.method = route.method;
    request.path = fill(route.path, "{", "}", values);
    request.body = fill(row.body, "$", "", values);
    request.headers = headers;
    request.headers.emplace_back("content-type", row.content_type);
    request.client = "127.0.0.1:1";
    const Asked asked(server_->router(), std::move(request));
    const std::string what = route.method + " " + route.path + " by " + kind.name + ": " + asked.body;
    const int expected = expected_status(route, row, kind);
    if (expected != 0)
      EXPECT_EQ(asked.status, expected) << what;
    else
      EXPECT_TRUE(asked.status >= 200 && asked.status < 300) << asked.status << " " << what;
    EXPECT_EQ(asked.header("WWW-Authenticate").empty(), expected != 401) << what;
    EXPECT_EQ(asked.header("Retry-After").empty(), expected != 429) << what;
    if (expected != 0 || (row.is_of_ann && !kind.is_ann)) {
      EXPECT_EQ(export_of_ann(), objects.export_text) << "nothing may have changed: " << what;
      EXPECT_TRUE(Json::parse(asked.body).contains("error")) << what;
    }
  }

  TestFolder folder_;
  std::unique_ptr<Store> store_;
  std::optional<Accounts> accounts_;
  std::optional<Keys> keys_;
  std::string ann_name_;
  OwnerId ann_ = 0, bob_ = 0;
  int number_ = 0;
  std::unique_ptr<ApiServer> server_;
};

TEST_F(AccessMatrix, FollowsFromTheDeclaredAccess) {
  std::map<std::string, Row> rows = kRows;
  for (const Route& route : server_->router().routes()) {
    const std::string name = route.method + " " + route.path;
    const auto row = kRows.find(name);
    ASSERT_NE(row, kRows.end()) << "no row says how " << name << " is called";
    rows.erase(name);
    ann_name_ = cat("ann", rows.size());  // a new one, whose things stay few
    ann_ = ok(accounts_->add(ann_name_, UserRole::user, "correct horse")).id;
    for (const Kind& kind : kinds()) check(route, row->second, kind);
  }
  EXPECT_TRUE(rows.empty()) << "there is no route " << rows.begin()->first;
}

}  // namespace
}  // namespace melete
