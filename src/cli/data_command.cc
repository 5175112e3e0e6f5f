// `melete data export|import`: everything of a user as one file, and back.
#include <iostream>

#include "base/file.h"
#include "base/file_writer.h"
#include "cli/account_command_options.h"
#include "cli/command.h"
#include "server/accounts/account_json.h"
#include "server/store/export.h"

namespace melete {
namespace {

class DataExportCommand : public Command {
 public:
  CommandInfo info() const override {
    return {"data export",
            "write everything of a user as one JSON file, or as a page to read",
            "The JSON file holds conversations with all branches, files, responses and the event logs of "
            "answers, and "
            "can be imported again. The page (--html) shows conversations and files in any browser.",
            {"data export melete.json", "data export melete.html --html --user ann"}};
  }
  void declare(CLI::App& app) override {
    app.add_option("file", file_, "the file to write")->required();
    app.add_flag("--html", html_, "a page instead of JSON");
    app.add_option("--user", user_, "whose data")->capture_default_str();
    data_.declare(app);
  }
  Result<int> run() override {
    MELETE_ASSIGN_OR_RETURN(const auto store, data_.open());
    MELETE_ASSIGN_OR_RETURN(const User user, Accounts(store->database()).find(user_));
    MELETE_ASSIGN_OR_RETURN(FileWriter file, FileWriter::create(file_));
    const TextSink out = [&](std::string_view piece) { return file.write(piece); };
    if (html_) {
      MELETE_RETURN_IF_ERROR(export_html(*store, user.id, user.name, out));
    } else {
      MELETE_ASSIGN_OR_RETURN(const Json account, account_json(Keys(store->database()), user));
      MELETE_RETURN_IF_ERROR(export_json(*store, user.id, account, out));
    }
    MELETE_RETURN_IF_ERROR(file.commit());
    data_.print({{"file", file_}, {"user", user.name}}, {{"wrote " + file_}});
    return 0;
  }

 private:
  std::string file_, user_ = "local";
  bool html_ = false;
  DataOptions data_;
};

class DataImportCommand : public Command {
 public:
  CommandInfo info() const override {
    return {"data import",
            "add what an export holds to a user's data",
            "What is there already stays as it is; importing twice changes nothing.",
            {"data import melete.json --user ann"}};
  }
  void declare(CLI::App& app) override {
    app.add_option("file", file_, "a JSON file that `melete data export` wrote")->required();
    app.add_option("--user", user_, "to whose data")->capture_default_str();
    data_.declare(app);
  }
  Result<int> run() override {
    constexpr uint64_t kMaxBytes = uint64_t{8} << 30;
    MELETE_ASSIGN_OR_RETURN(const auto store, data_.open());
    MELETE_ASSIGN_OR_RETURN(const User user, Accounts(store->database()).find(user_));
    MELETE_ASSIGN_OR_RETURN(const std::string text, read_file(file_, kMaxBytes));
    MELETE_ASSIGN_OR_RETURN(const ImportCounts counts, import_json(*store, user.id, text, file_));
    data_.print({{"files", counts.files},
                 {"conversations", counts.conversations},
                 {"responses", counts.responses},
                 {"answers", counts.answers}},
                {{cat(counts.conversations, " conversations, ", counts.files, " files, ", counts.responses,
                      " responses and ", counts.answers, " event logs are there")}});
    return 0;
  }

 private:
  std::string file_, user_ = "local";
  DataOptions data_;
};

MELETE_REGISTER_COMMAND(DataExportCommand);
MELETE_REGISTER_COMMAND(DataImportCommand);

}  // namespace
}  // namespace melete
