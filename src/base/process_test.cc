#include "base/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace melete {
namespace {

TEST(Process, PassesArgumentsInputAndOutputAsTheyAre) {
  std::string bytes(300'000, 'x');
  bytes[7] = '\0';
  ProcessOptions options;
  options.input = bytes;
  const auto copied = run_process({"cat"}, options);
  ASSERT_TRUE(copied.ok()) << copied.error().message;
  EXPECT_EQ(copied->out, bytes);
  EXPECT_EQ(copied->exit_status, 0);
  const auto printed = run_process({"printf", "%s|", "$HOME; ls", "a b", ""});
  ASSERT_TRUE(printed.ok());
  EXPECT_EQ(printed->out, "$HOME; ls|a b||");
}

TEST(Process, KeepsOutputAndErrorsApartAndReportsTheStatus) {
  const auto result = run_process({"sh", "-c", "echo out; echo err >&2; exit 3"});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->out, "out\n");
  EXPECT_EQ(result->err, "err\n");
  EXPECT_EQ(result->exit_status, 3);
  EXPECT_EQ(run_process({"sh", "-c", "kill -TERM $$"})->exit_status, 128 + SIGTERM);
}

TEST(Process, GivesExactlyTheEnvironmentAskedFor) {
  ProcessOptions options;
  options.environment = {"A=1", "B=two words"};
  EXPECT_EQ(run_process({"env"}, options)->out, "A=1\nB=two words\n");
}

TEST(Process, InheritsOnlyThreeDescriptors) {
  const int open_here = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC, as a careless library leaves it
  const auto listed = run_process({"sh", "-c", cat("test -e /proc/$$/fd/", open_here, "; echo $?")});
  ::close(open_here);
  EXPECT_EQ(listed->out, "1\n");
}

TEST(Process, ReportsAMissingProgram) {
  EXPECT_EQ(run_process({"no-such-program-here"}).error().kind, ErrorKind::not_found);
  EXPECT_EQ(run_process({"/no/such/program"}).error().kind, ErrorKind::not_found);
  EXPECT_EQ(run_process({}).error().kind, ErrorKind::invalid_argument);
  EXPECT_EQ(run_process({"echo", std::string("a\0b", 3)}).error().kind, ErrorKind::invalid_argument);
  EXPECT_EQ(run_process({"/etc/hostname/"}).error().kind, ErrorKind::not_found);
}

bool alive(const std::string& pid) {
  std::ifstream status(cat("/proc/", pid, "/stat"));
  std::string text;
  std::getline(status, text);
  return !text.empty() && text.find(") Z ") == std::string::npos;
}

TEST(Process, KillsTheWholeGroupAtTheTimeLimit) {
  const auto pid_file = std::filesystem::temp_directory_path() / cat("melete_process_test_", ::getpid());
  ProcessOptions options;
  options.time_limit = std::chrono::milliseconds(200);
  const auto result =
      run_process({"sh", "-c", cat("sleep 1000 & echo $! > ", pid_file.string(), "; wait")}, options);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, ErrorKind::timeout);
  std::string pid;
  std::getline(std::ifstream(pid_file) >> std::ws, pid);
  std::filesystem::remove(pid_file);
  ASSERT_FALSE(pid.empty());
  while (alive(pid)) std::this_thread::yield();  // the signal is sent; the kernel ends it in its own time
  EXPECT_FALSE(alive(pid));
}

TEST(Process, EndsWhatTheChildLeavesBehind) {
  const auto result = run_process({"sh", "-c", "sleep 1000 & echo started"});  // the sleep holds our pipes
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->out, "started\n");
}

TEST(Process, StopsAtTheOutputLimit) {
  ProcessOptions options;
  options.max_output_bytes = 1 << 20;
  EXPECT_EQ(run_process({"yes"}, options).error().kind, ErrorKind::exhausted);
}

TEST(Process, HoldsMemoryAndFileLimits) {
  ProcessOptions options;
  options.max_memory_bytes = uint64_t{64} << 20;
  EXPECT_NE(run_process({"dd", "if=/dev/zero", "of=/dev/null", "bs=128M", "count=1"}, options)->exit_status,
            0);
  const auto path = std::filesystem::temp_directory_path() / cat("melete_process_write_", ::getpid());
  ProcessOptions read_only;
  read_only.write_files = false;
  EXPECT_NE(
      run_process({"dd", "if=/dev/zero", "of=" + path.string(), "bs=4k", "count=1"}, read_only)->exit_status,
      0);
  EXPECT_EQ(std::filesystem::file_size(path), 0U);
  std::filesystem::remove(path);
}

TEST(Process, StopsAtTheLimitOnProcessorTime) {
  ProcessOptions options;
  options.max_cpu = std::chrono::milliseconds(100);
  const auto result = run_process({"sh", "-c", "while :; do :; done"}, options);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, ErrorKind::timeout);
  EXPECT_NE(result.error().message.find("processor time"), std::string::npos) << result.error().message;
  EXPECT_TRUE(run_process({"sleep", "0.3"}, options).ok());
}

TEST(Process, TellsThatTheKernelEndedItAtTheLimit) {
  const pid_t caller = ::fork();
  if (caller == 0) {
    ProcessOptions options;
    options.max_cpu = std::chrono::milliseconds(100);
    const auto result = run_process({"sh", "-c", "while :; do :; done"}, options);
    ::_exit(!result.ok() && result.error().kind == ErrorKind::timeout ? 0 : 1);
  }
  const auto first_word = [](const std::string& path, int skip) {
    std::ifstream file(path);
    std::string word;
    for (int i = 0; i <= skip; ++i) file >> word;
    return word;
  };
  std::string child;
  while (child.empty()) child = first_word(cat("/proc/", caller, "/task/", caller, "/children"), 0);
  ASSERT_EQ(::kill(caller, SIGSTOP), 0);  // it can't look, as on a machine with too much to do
  while (first_word(cat("/proc/", child, "/stat"), 2) != "Z") std::this_thread::yield();
  ASSERT_EQ(::kill(caller, SIGCONT), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(caller, &status, 0), caller);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Process, WorksFromManyThreads) {
  std::vector<std::thread> threads;
  std::vector<std::string> outputs(8);
  for (size_t i = 0; i < outputs.size(); ++i)
    threads.emplace_back([&outputs, i] { outputs[i] = run_process({"echo", std::to_string(i)})->out; });
  for (auto& thread : threads) thread.join();
  for (size_t i = 0; i < outputs.size(); ++i) EXPECT_EQ(outputs[i], cat(i, "\n"));
}

}  // namespace
}  // namespace melete
