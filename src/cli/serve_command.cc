// `melete serve`: the server on this machine.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "base/interrupt.h"
#include "base/log.h"
#include "bridges/bridge_config.h"
#include "catalogue/best_model.h"
#include "cli/ask_command_options.h"
#include "cli/command.h"
#include "remote/remote_model.h"
#include "server/api/api_server.h"

namespace melete {
namespace {

constexpr auto kPoll = std::chrono::milliseconds(50);

// "127.0.0.1:8080", "[::1]:8080", "localhost:0".
Status parse_listen(const std::string& listen, HttpOptions& http) {
  const size_t colon = listen.rfind(':');
  const std::string port = colon == std::string::npos ? "" : listen.substr(colon + 1);
  const bool is_number =
      !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string::npos;
  if (!is_number || std::stoi(port) > 65535)
    return invalid_argument("[--listen] must be HOST:PORT with a port of 0 to 65535, got ", listen,
                            "; 127.0.0.1:8080 is usual");
  http.port = static_cast<uint16_t>(std::stoi(port));
  http.host = listen.substr(0, colon);
  if (http.host.size() > 2 && http.host.front() == '[' && http.host.back() == ']')
    http.host = http.host.substr(1, http.host.size() - 2);
  return ok_status();
}

// The last part of a path without .gguf, or the name as given.
std::string id_of(const std::filesystem::path& path) {
  const std::filesystem::path named = path.has_filename() ? path : path.parent_path();
  return (named.extension() == ".gguf" ? named.stem() : named.filename()).string();
}

// What the files of a model may take when it is chosen without being named: half of the machine's memory.
int64_t room_for_a_model() {
  return static_cast<int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE) / 2;
}

class ServeCommand : public Command {
 public:
  CommandInfo info() const override {
    return {"serve",
            "the assistant in the browser, and the API",
            "Serves the model on this machine until Ctrl-C: open the address that it prints in a browser, or "
            "ask it as "
            "OpenAI's and Anthropic's clients do; docs/serve.md has the addresses and examples. "
            "Only this machine can reach it unless --allow-remote is given. As soon as there is a user, a "
            "password or a key (`melete user add`, `melete key add`), callers must say who they are.",
            {"serve", "serve --model smollm2 --listen 127.0.0.1:9000", "serve --data /srv/melete"}};
  }

  void declare(CLI::App& app) override {
    app.add_option(
           "--model,-m", models_,
           "a model's folder, .gguf file or name of `models list`; can be given again, and the first is what "
           "melete-instant, melete-thinking and melete-contemplating mean; if not given, the largest that "
           "`melete models list` has here and that fits into memory, or else the shipped melete-nano")
        ->take_all()
        ->allow_extra_args(false);
    app.add_option(
        "--remote", remote_.url,
        "a server that speaks OpenAI's chat completions, up to /v1, as in http://127.0.0.1:8000/v1: its "
        "model answers first; its key comes from MELETE_REMOTE_KEY");
    app.add_option("--remote-model", remote_.model,
                   "its model's id there; the first that it lists if not given")
        ->needs("--remote");
    app.add_option("--listen", listen_, "the address and port; port 0 takes a free one")
        ->capture_default_str();
    app.add_option(
        "--artifacts-port", options_.artifacts_port,
        "the port of the page that artifacts run in, at the same address; the one after --listen's, or a "
        "free one, if not given");
    app.add_option("--data", data_,
                   "the folder of conversations, files, users and keys; $XDG_DATA_HOME/melete if not given");
    app.add_flag("--allow-remote", options_.identify,
                 "listen where other machines can reach it; every caller must log in or send a key");
    app.add_option("--cert", options_.http.certificate, "serve HTTPS with this certificate chain (PEM)");
    app.add_option("--key", options_.http.key, "the certificate's private key (PEM)");
    app.add_option("--host-name", options_.http.origins.hosts,
                   "a further name under which browsers may open this server; can be given again")
        ->take_all()
        ->allow_extra_args(false);
    app.add_option("--allow-origin", options_.http.origins.origins,
                   "pages of this origin may use the server, as in https://app.example; can be given again")
        ->take_all()
        ->allow_extra_args(false);
    declare_limits(app);
    app.add_option("--bridge", bridge_files_,
                   "answer on Telegram or Matrix too, as this TOML file says (docs/bridges.md); can be given "
                   "again")
        ->take_all()
        ->allow_extra_args(false);
    app.add_option("--access-log", access_log_,
                   "a JSON line a request goes to this file; - is standard error");
  }

  Result<int> run() override {
    MELETE_RETURN_IF_ERROR(parse_listen(listen_, options_.http));
    if (!is_loopback(options_.http.host) && !options_.identify)
      return invalid_argument("[--listen] must be an address of this machine alone, such as 127.0.0.1, got ",
                              options_.http.host,
                              "; with --allow-remote others can reach the server, and log in or send a key");
    MELETE_RETURN_IF_ERROR(open_access_log());
    MELETE_ASSIGN_OR_RETURN(const std::vector<BridgeSetup> setups, read_bridges());
    MELETE_ASSIGN_OR_RETURN(const std::filesystem::path folder, data_folder(data_));
    MELETE_ASSIGN_OR_RETURN(const auto store, Store::open(folder));
    MELETE_ASSIGN_OR_RETURN(ModelList models, load_models());
    MELETE_RETURN_IF_ERROR(advise(*store));
    catch_interrupts();
    MELETE_ASSIGN_OR_RETURN(const auto server, ApiServer::start(options_, std::move(models), *store));
    std::cout << "melete serves at " << server->http().url() << " (open it in a browser; Ctrl-C stops it)"
              << std::endl;
    std::cout << "artifacts run at " << server->artifacts().url() << ", apart from the app" << std::endl;
    MELETE_ASSIGN_OR_RETURN(auto bridges, start_bridges(setups, folder, *server));
    while (!interrupted()) std::this_thread::sleep_for(kPoll);
    bridges.reset();  // what they have begun is answered at the next start
    if (const int64_t answering = server->num_answering(); answering > 0)
      std::cerr << "melete: " << answering << " answers are being finished\n";
    server->stop(std::chrono::seconds(10));
    for (const auto& model : server->models().all()) MELETE_RETURN_IF_ERROR(model->keep_prompts());
    return 0;
  }

 private:
  void declare_limits(CLI::App& app) {
    app.add_option("--threads", threads_, "threads; all cores if not given")->check(CLI::Range(1, 1024));
    app.add_option("--max-running", options_.max_running, "answers at a time; others wait")
        ->check(CLI::Range(1, 1024))
        ->capture_default_str();
    app.add_option("--max-waiting", options_.max_waiting,
                   "answers that may wait; further ones are refused with 429")
        ->check(CLI::Range(0, 1 << 20))
        ->capture_default_str();
    app.add_option("--cache-mb", cache_mb_,
                   "memory for what the models remember of conversations, each, in MiB")
        ->check(CLI::Range(1, 1 << 24))
        ->capture_default_str();
    app.add_option("--prompt-cache", prompt_cache_,
                   "keep what the models remember of conversations in this folder, a file a model, from one "
                   "run of the server to the next");
  }

  Result<std::vector<BridgeSetup>> read_bridges() const {
    std::vector<BridgeSetup> setups;
    for (const std::string& file : bridge_files_) {
      MELETE_ASSIGN_OR_RETURN(BridgeSetup setup,
                              read_bridge_setup(file, [](const char* name) { return std::getenv(name); }));
      if (setup.config.allow.empty())
        std::cerr << "melete: " << file
                  << " allows nobody yet; write to the account, which tells you the id to put into allow\n";
      setups.push_back(std::move(setup));
    }
    return setups;
  }

  static Result<std::unique_ptr<Bridges>> start_bridges(const std::vector<BridgeSetup>& setups,
                                                        const std::filesystem::path& folder,
                                                        ApiServer& server) {
    if (setups.empty()) return std::unique_ptr<Bridges>();
    MELETE_ASSIGN_OR_RETURN(
        auto bridges, Bridges::start(setups, folder, server.models(), server.runners(), server.metrics()));
    for (const BridgeSetup& setup : setups)
      std::cout << "melete answers on " << setup.config.service << " (" << setup.config.allow.size()
                << " users may ask)" << std::endl;
    return bridges;
  }

  // A server that asks everyone who they are, and knows nobody, would answer nobody.
  Status advise(Store& store) const {
    MELETE_ASSIGN_OR_RETURN(const auto single, Accounts(store.database()).single_user());
    if (options_.identify && single)
      std::cerr << "melete: there is no user or key yet, so nobody can use the server; make one with `melete "
                   "user add NAME --role admin` or `melete key add`\n";
    return ok_status();
  }

  Result<std::unique_ptr<ServedModel>> connect_remote() const {
    RemoteModel::Options options = remote_;
    if (const char* key = std::getenv("MELETE_REMOTE_KEY")) options.key = key;
    std::cerr << "melete: asking " << options.url << " what it can do\n";
    MELETE_ASSIGN_OR_RETURN(auto remote, RemoteModel::connect(options));
    const RemoteAbilities& can = remote->abilities();
    const std::string name = id_of(remote->name());
    std::cerr << "melete: " << name << " there takes text" << (can.vision ? ", pictures" : "")
              << (can.tools ? ", tools" : "") << (can.reasons ? ", and reasons" : "") << "\n";
    return std::make_unique<ServedModel>(name, std::move(remote));
  }

  Result<ServedModel::Options> model_options(const std::string& given) const {
    ServedModel::Options options;
    MELETE_ASSIGN_OR_RETURN(options.path, find_model(given));
    options.name = id_of(options.path);
    options.catalogue = catalogue_advice(given);
    options.num_threads = threads_;
    options.max_kv_bytes = cache_mb_ << 20;
    if (!prompt_cache_.empty())
      options.prompt_cache = std::filesystem::path(prompt_cache_) / (options.name + ".prompts");
    return options;
  }

  Result<std::unique_ptr<ServedModel>> load_model(const ServedModel::Options& options) {
    MELETE_ASSIGN_OR_RETURN(auto model, ServedModel::load(options));
    options_.model_paths[options.name] = options.path;
    return model;
  }

  // The best of the models' folder that this engine can load, else the shipped one.
  Result<std::unique_ptr<ServedModel>> load_best_model() {
    const auto folder = ModelsFolder::at("");
    const auto candidates =
        folder.ok() ? models_that_answer(*folder, room_for_a_model()) : std::vector<LocalModel>();
    for (const LocalModel& candidate : candidates) {
      MELETE_ASSIGN_OR_RETURN(const auto options, model_options(candidate.name));
      auto model = load_model(options);
      if (!model.ok()) {
        log_warn(model.error().message);
        continue;
      }
      std::cerr << "melete: " << candidate.name << " answers, the largest model in "
                << folder->path().string() << " that fits; --model chooses another\n";
      return model;
    }
    MELETE_ASSIGN_OR_RETURN(const auto options, model_options(""));
    return load_model(options);
  }

  Result<ModelList> load_models() {
    std::error_code error;
    if (!prompt_cache_.empty()) std::filesystem::create_directories(prompt_cache_, error);
    if (error)
      return unavailable("[--prompt-cache] must be a folder that can be written, got ", prompt_cache_, ": ",
                         error.message(), "; check the path");
    std::vector<std::unique_ptr<ServedModel>> served;
    if (!remote_.url.empty()) {
      MELETE_ASSIGN_OR_RETURN(auto model, connect_remote());
      served.push_back(std::move(model));
    }
    for (const std::string& given : models_) {
      MELETE_ASSIGN_OR_RETURN(const auto options, model_options(given));
      for (const auto& other : served)
        if (other->name() == options.name)
          return invalid_argument("[--model] names must differ, got ", options.name, " twice; leave one out");
      MELETE_ASSIGN_OR_RETURN(auto model, load_model(options));
      served.push_back(std::move(model));
    }
    if (served.empty()) {
      MELETE_ASSIGN_OR_RETURN(auto model, load_best_model());
      served.push_back(std::move(model));
    }
    return ModelList(std::move(served));
  }

  Status open_access_log() {
    if (access_log_.empty()) return ok_status();
    const auto close = [](std::FILE* open) {
      if (open != nullptr && open != stderr) std::fclose(open);
    };
    const std::shared_ptr<std::FILE> file(access_log_ == "-" ? stderr : std::fopen(access_log_.c_str(), "a"),
                                          close);
    if (!file)
      return unavailable("[--access-log] ", access_log_,
                         " must be possible to write, got an error; check the path");
    options_.http.access_log = [file](const Json& line) {
      const std::string text = json_text(line) + "\n";
      std::fwrite(text.data(), 1, text.size(), file.get());
      std::fflush(file.get());
    };
    return ok_status();
  }

  ApiServerOptions options_;
  RemoteModel::Options remote_;
  std::vector<std::string> models_, bridge_files_;
  std::string listen_ = "127.0.0.1:8080", access_log_, data_, prompt_cache_;
  int threads_ = 0;
  int64_t cache_mb_ = 2048;
};

MELETE_REGISTER_COMMAND(ServeCommand);

}  // namespace
}  // namespace melete
