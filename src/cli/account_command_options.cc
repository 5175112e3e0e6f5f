#include "cli/account_command_options.h"

#include <termios.h>
#include <unistd.h>

#include <ctime>
#include <iostream>

#include "cli/text_table.h"

namespace melete {
namespace {

// While it lives the terminal shows nothing of what is typed.
class NoEcho {
 public:
  NoEcho() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  ~NoEcho() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

Result<std::string> read_line() {
  std::string line;
  if (std::getline(std::cin, line)) return line;
  return invalid_argument(
      "[password] a password must come from the terminal or stdin, got no line; type or pipe one");
}

}  // namespace

void DataOptions::declare(CLI::App& app) {
  app.add_option("--data", folder, "the data folder; $XDG_DATA_HOME/melete if not given");
  app.add_flag("--json", json, "print JSON");
}

Result<std::unique_ptr<Store>> DataOptions::open() const {
  MELETE_ASSIGN_OR_RETURN(const std::filesystem::path path, data_folder(folder));
  StoreOptions options;
  options.erase_in_background = false;
  return Store::open(path, options);
}

void DataOptions::print(const Json& value, const std::vector<std::vector<std::string>>& rows) const {
  if (json)
    std::cout << json_text(value, 2) << "\n";
  else
    print_table(rows);
}

void QuotaOptions::declare(CLI::App& app, bool with_expiry) {
  app.add_option("--requests-per-day", requests_per_day, "most requests a day; no limit if not given")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--tokens-per-day", tokens_per_day,
                 "most tokens a day, read and written; no limit if not given")
      ->check(CLI::NonNegativeNumber);
  if (with_expiry)
    app.add_option("--expires-days", expires_days, "days until it expires; never if not given")
        ->check(CLI::Range(1, 36'500));
}

std::optional<int64_t> QuotaOptions::expires_ms() const {
  if (!expires_days) return std::nullopt;
  return system_time_ms() + *expires_days * kDayMs;
}

std::string limit_text(const std::optional<int64_t>& limit) {
  return limit ? std::to_string(*limit) : "none";
}

std::string time_text(const std::optional<int64_t>& time_ms) {
  if (!time_ms) return "never";
  const std::time_t seconds = *time_ms / 1000;
  std::tm parts{};
  char text[40] = "";
  if (::gmtime_r(&seconds, &parts) != nullptr) std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &parts);
  return text;
}

Result<std::string> read_new_password(const std::string& whose) {
  if (::isatty(STDIN_FILENO) == 0) return read_line();
  const NoEcho silence;
  std::cerr << "Password of " << whose << ": " << std::flush;
  MELETE_ASSIGN_OR_RETURN(const std::string first, read_line());
  std::cerr << "\nThe same again: " << std::flush;
  MELETE_ASSIGN_OR_RETURN(const std::string second, read_line());
  std::cerr << "\n";
  if (first != second)
    return invalid_argument(
        "[password] a password must be typed twice alike, got two different ones; try again");
  return first;
}

}  // namespace melete
