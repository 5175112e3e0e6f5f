#include "bridges/bridge_host.h"

#include <algorithm>

#include "base/log.h"
#include "base/random.h"
#include "bridges/split_text.h"

namespace melete {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr size_t kMaxWaitingOfChat = 16;
constexpr int64_t kMaxTries = 3;
constexpr milliseconds kTypingEvery{4000}, kRestAfterError{30'000};

std::string refusal_text(const Incoming& message) {
  return cat("Sorry, I answer only those whom my owner has named. Your id here is ", message.sender, ".");
}

}  // namespace

BridgeHost::BridgeHost(std::unique_ptr<Bridge> bridge, const ChatAnswers& answers, Database& database,
                       Options options)
    : bridge_(std::move(bridge)),
      answers_(answers),
      database_(database),
      options_(std::move(options)),
      workers_(std::make_unique<WorkerThreads>(options_.max_chats, int64_t{1} << 20)),
      receiver_([this] { receive_all(); }) {}

BridgeHost::~BridgeHost() {
  stop_.request_stop();
  bridge_->stop();
  {
    const std::lock_guard lock(mutex_);
    for (auto& [id, chat] : chats_) chat.stop.request_stop();
  }
  receiver_.join();
  workers_.reset();
}

void BridgeHost::note(const Status& status) const {
  if (!status.ok()) log_error("[", bridge_->name(), "] ", status.error().message);
}

void BridgeHost::rest(milliseconds time) {
  options_.time.wait(options_.time.now() + time, stop_.get_token());
}

void BridgeHost::receive_all() {
  while (!is_stopping() && !begin()) rest(kRestAfterError);
  while (!is_stopping())
    if (!receive_some()) rest(kRestAfterError);
}

// Finds out who we are, and goes on with what a former run left. False: not yet.
bool BridgeHost::begin() {
  const auto account = bridge_->connect();
  if (!account.ok()) {
    if (!is_stopping()) log_error(account.error().message);
    return false;
  }
  account_ = *account;
  auto store = ChatStore::open(database_, bridge_->name() + " " + account_.id, options_.limits);
  if (!store.ok()) {
    note(store.error());
    return false;
  }
  store_ = *std::move(store);
  auto left = store_->inbox();
  if (!left.ok()) {
    note(left.error());
    return false;
  }
  log_info("[", bridge_->name(), "] connected as ", account_.name, "; ", options_.allow.size(),
           " users may ask");
  for (InboxItem& item : *left) enqueue(std::move(item));
  return true;
}

bool BridgeHost::receive_some() {
  const auto since = store_->since();
  if (!since.ok()) return note(since.error()), false;
  const auto received = bridge_->receive(*since);
  if (!received.ok()) {
    if (!is_stopping()) log_error(received.error().message);
    return is_stopping();
  }
  if (received->messages.empty() && received->next == *since) return true;
  // What can't be kept comes again, since the account hasn't moved on.
  auto taken = store_->take(*received, [this](const Incoming& message) { return judge(message); });
  if (!taken.ok()) return note(taken.error()), false;
  for (InboxItem& item : *taken) enqueue(std::move(item));
  return true;
}

ChatStore::Judgement BridgeHost::judge(const Incoming& message) const {
  using Verdict = ChatStore::Verdict;
  if (message.event.empty() || message.chat.empty() || message.sender.empty()) return {Verdict::ignore, ""};
  if (options_.allow.allows(message)) return {Verdict::take, ""};
  if (message.kind == Incoming::Kind::invite) return {Verdict::ignore, ""};
  return {Verdict::refuse, refusal_text(message)};
}

void BridgeHost::enqueue(InboxItem item) {
  const auto command = item.reply ? std::nullopt : read_command(item.message.text, account_.name);
  if (command && command->kind == BridgeCommand::Kind::stop) stop_chat(item);
  const std::string chat = item.message.chat;
  if (!item.reply && num_waiting(chat) >= kMaxWaitingOfChat)
    keep(item, "I'm still busy with your earlier messages; please wait, or end it with /stop.");
  const std::lock_guard lock(mutex_);
  Chat& state = chats_[chat];
  // Beyond that, not even a reply waits.
  if (state.waiting.size() >= 2 * kMaxWaitingOfChat) return note(store_->remove(item));
  state.waiting.push_back(std::move(item));
  if (state.is_running) return;
  state.is_running = true;
  const Status submitted = workers_->submit({[this, chat] { work(chat); }});
  if (!submitted.ok()) {  // it is in the store for the next time
    log_warn("[", bridge_->name(), "] a message has to wait: ", submitted.error().message);
    chats_.erase(chat);
  }
}

size_t BridgeHost::num_waiting(const std::string& chat) {
  const std::lock_guard lock(mutex_);
  const auto found = chats_.find(chat);
  return found == chats_.end() ? 0 : found->second.waiting.size();
}

// Ends the chat's answer and drops its questions that wait, at once: not in its turn.
void BridgeHost::stop_chat(InboxItem& item) {
  bool was_busy = false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = chats_.find(item.message.chat);
    if (found != chats_.end()) {
      Chat& state = found->second;
      was_busy = state.is_answering || !state.waiting.empty();
      for (const InboxItem& waiting : state.waiting) note(store_->remove(waiting));
      state.waiting.clear();
      state.stop.request_stop();
    }
  }
  keep(item, was_busy ? "Stopped." : "There is nothing to stop.");
}

// All that the chat has to do, one after another.
void BridgeHost::work(const std::string& chat) {
  while (true) {
    InboxItem item;
    std::stop_token stop;
    {
      const std::lock_guard lock(mutex_);
      Chat& state = chats_[chat];
      if (state.waiting.empty() || is_stopping()) {
        chats_.erase(chat);
        return;
      }
      item = std::move(state.waiting.front());
      state.waiting.pop_front();
      state.stop = std::stop_source();
      state.is_answering = !item.reply;
      stop = state.stop.get_token();
    }
    try {
      handle(std::move(item), stop);
    } catch (const std::exception& e) {  // a bug of ours ends this message, not the chat
      log_error("[", bridge_->name(), "] a message failed: ", e.what());
    }
  }
}

// Leaves the item in the store where the bridge stops half-way.
void BridgeHost::handle(InboxItem item, const std::stop_token& stop) {
  if (!item.reply && !reply_to(item, stop)) return;
  if (show(item, *item.reply, Patience::until_it_works)) note(store_->remove(item));
}

// Finds the reply and keeps it. False: there is none yet.
bool BridgeHost::reply_to(InboxItem& item, const std::stop_token& stop) {
  const Incoming& message = item.message;
  if (message.kind == Incoming::Kind::invite) return accept_invite(item);
  if (const auto command = read_command(message.text, account_.name)) return keep(item, obey(item, *command));
  if (!message.unreadable.empty() && message.files.empty())
    return keep(item, cat("I can't read ", message.unreadable, ". I take text, pictures and voice notes",
                          message.unreadable.starts_with("an encrypted") ? ", unencrypted." : "."));
  if (item.tries >= kMaxTries)
    return keep(item, "I have failed at that message several times; please put it differently.");
  note(store_->count_try(item, item.tries + 1));
  if (answer(item, stop)) return true;
  if (is_stopping()) note(store_->count_try(item, item.tries));
  return false;
}

bool BridgeHost::accept_invite(InboxItem& item) {
  const Status joined = bridge_->join(item.message.chat);
  if (!joined.ok() && is_stopping()) return false;
  if (!joined.ok()) log_warn(joined.error().message);
  return keep(item, joined.ok() ? help_text() : "");
}

std::string BridgeHost::obey(const InboxItem& item, const BridgeCommand& command) {
  using Kind = BridgeCommand::Kind;
  const std::string& chat = item.message.chat;
  const auto failed = [&](const Status& status) {
    note(status);
    return !status.ok();
  };
  const std::string sorry = "I couldn't do that, something went wrong here; please try again later.";
  switch (command.kind) {
    case Kind::fresh:
      return failed(store_->forget(chat)) ? sorry
                                          : "This is a new conversation; I have forgotten the last one.";
    case Kind::stop: return "There is nothing to stop.";
    case Kind::help: return help_text();
    case Kind::unknown: return cat("I don't know /", command.argument, ".\n\n", help_text());
    case Kind::mode: break;
  }
  const auto is_mode = [&](const char* mode) { return command.argument == mode; };
  if (std::any_of(std::begin(kChatModes), std::end(kChatModes), is_mode))
    return failed(store_->set_mode(chat, command.argument))
               ? sorry
               : cat("I answer in the mode ", command.argument, " now.");
  const auto mode = store_->mode(chat);
  return cat(command.argument.empty() ? "" : "There is no such mode. ", "The mode is ",
             mode.ok() && !mode->empty() ? *mode : options_.mode,
             "; choose with /mode instant, /mode thinking or /mode contemplating.");
}

bool BridgeHost::answer(InboxItem& item, const std::stop_token& stop) {
  const std::string& chat = item.message.chat;
  bridge_->show_typing(chat);
  ChatTurn asked{true, item.message.text, {}};
  if (!fetch_files(item, asked)) return item.reply.has_value();
  ChatQuestion question{
      options_.model,     options_.mode, options_.system, {}, stable_hash(item.message.event) >> 11,
      options_.deadline_s};
  if (const auto mode = store_->mode(chat); mode.ok() && !mode->empty()) question.mode = *mode;
  if (auto conversation = store_->conversation(chat); conversation.ok())
    question.conversation = *std::move(conversation);
  else
    note(conversation.error());
  question.conversation.push_back(asked);
  auto typed = SteadyClock::now(), shown = typed;
  const auto tick = [&](const std::string& so_far) {
    const auto now = SteadyClock::now();
    const bool can_show = bridge_->can_edit() && !so_far.empty();
    if (can_show && now - shown >= options_.edit_pace) {
      show(item, so_far, Patience::once);
      shown = SteadyClock::now();
    } else if (!can_show && now - typed >= kTypingEvery) {
      bridge_->show_typing(chat);
      typed = now;
    }
  };
  const auto reply = answers_.answer(question, stop, options_.tick_pace, tick);
  if (is_stopping()) return false;  // cut short: it is answered anew, whole
  if (!reply.ok()) return keep(item, "");
  if (!reply->is_answer) return keep(item, reply->text);
  const std::string text = plain_text(reply->text);
  const bool is_empty = split_text(text, bridge_->max_text_units()).empty();
  return keep(item, is_empty ? "(I have no answer.)" : text, {asked, ChatTurn{false, text, {}}});
}

// False: a file can't be had; the reply says so, or the bridge stops.
bool BridgeHost::fetch_files(InboxItem& item, ChatTurn& turn) {
  const auto refuse = [&](const std::string& reply) { return keep(item, reply), false; };
  const std::string too_large =
      cat("That file is too large for me; I take up to ", options_.max_file_bytes >> 20, " MB.");
  int64_t left = options_.max_file_bytes;
  if (static_cast<int64_t>(item.message.files.size()) > options_.limits.max_files)
    return refuse(
        cat("These are too many files for me; I take up to ", options_.limits.max_files, " at a time."));
  for (const IncomingFile& file : item.message.files) {
    if (file.bytes > left) return refuse(too_large);
    auto bytes = bridge_->fetch(file.id, left);
    if (!bytes.ok() && is_stopping()) return false;
    if (!bytes.ok()) {
      log_warn(bytes.error().message);
      return refuse(bytes.error().kind == ErrorKind::exhausted
                        ? too_large
                        : "I couldn't get that file; please send it again.");
    }
    left -= static_cast<int64_t>(bytes->size());
    turn.files.push_back(*std::move(bytes));
  }
  return true;
}

bool BridgeHost::keep(InboxItem& item, const std::string& reply, const std::vector<ChatTurn>& turns) {
  item.reply = reply;
  note(store_->keep_reply(item, turns));  // if it can't be kept, it is sent at least
  return true;
}

Status BridgeHost::send_part(InboxItem& item, size_t i, const std::string& text, Patience patience) {
  const auto sent = bridge_->send(item.message.chat, text, cat(item.message.event, "/", i), patience);
  if (!sent.ok()) return sent.error();
  item.shown.resize(std::max(item.shown.size(), i + 1));
  item.shown_texts.resize(item.shown.size());
  item.shown[i] = *sent;
  note(store_->keep_shown(item));
  return ok_status();
}

// Makes the chat's messages say the text: those that show its beginning are edited, further ones are sent.
// False: it has to be done another time.
bool BridgeHost::show(InboxItem& item, const std::string& text, Patience patience) {
  const std::string& chat = item.message.chat;
  std::vector<std::string> parts = split_text(plain_text(text), bridge_->max_text_units());
  // An earlier try may have said more.
  while (patience == Patience::until_it_works && parts.size() < item.shown.size()) parts.push_back("(...)");
  item.shown_texts.resize(item.shown.size());
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool is_shown = i < item.shown.size();
    if (is_shown && (!bridge_->can_edit() || item.shown_texts[i] == parts[i])) continue;
    Status done = is_shown ? bridge_->edit(chat, item.shown[i], parts[i], patience)
                           : send_part(item, i, parts[i], patience);
    // A message that is gone is written anew.
    const bool is_gone = is_shown && !done.ok() && done.error().kind == ErrorKind::invalid_argument;
    if (is_gone && patience == Patience::until_it_works) done = send_part(item, i, parts[i], patience);
    if (!done.ok()) {
      if (!is_stopping() && patience == Patience::until_it_works) log_warn(done.error().message);
      // What the service refuses for good is given up.
      return done.error().kind == ErrorKind::invalid_argument;
    }
    item.shown_texts[i] = parts[i];
  }
  return true;
}

}  // namespace melete
