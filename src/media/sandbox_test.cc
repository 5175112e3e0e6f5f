#include "media/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <vector>

#include "base/file.h"
#include "base/process.h"

namespace melete {
namespace {

// Runs in a child; the exit status is the number of the first expectation that fails, 0 for none.
int locked_child() {
  int ends[2];
  if (::pipe(ends) != 0) return 100;
  if (!enter_decoder_sandbox().ok()) return 101;
  int step = 0;
  const auto refused = [&step](long result) {
    ++step;
    return result == -1 && errno == EPERM;
  };
  const auto page = static_cast<size_t>(4096);
  if (!refused(::open("/etc/hostname", O_RDONLY))) return step;
  if (!refused(::open("/tmp/melete_sandbox_test", O_WRONLY | O_CREAT, 0600))) return step;
  if (!refused(::syscall(SYS_openat2, AT_FDCWD, "/etc/hostname", nullptr, 0))) return step;
  if (!refused(::socket(AF_INET, SOCK_STREAM, 0))) return step;
  if (!refused(::socket(AF_UNIX, SOCK_STREAM, 0))) return step;
  if (!refused(::syscall(SYS_fork))) return step;
  if (!refused(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0))) return step;
  if (!refused(::execl("/bin/true", "true", nullptr))) return step;
  if (!refused(::unlink("/tmp/melete_sandbox_test"))) return step;
  if (!refused(::kill(::getppid(), 0))) return step;
  if (!refused(::syscall(SYS_ptrace, 0, 0, 0, 0))) return step;
  if (!refused(::memfd_create("m", 0))) return step;
  if (::mmap(nullptr, page, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
    return 50;
  std::vector<char> memory(64 << 20, 'm');
  if (::write(ends[1], memory.data(), 5) != 5 || ::read(ends[0], memory.data(), 5) != 5) return 51;
  return 0;
}

TEST(Sandbox, RefusesFilesNetworkAndProcesses) {
  EXPECT_EXIT(::_exit(locked_child()), testing::ExitedWithCode(0), "");
}

class ProgramFilter : public testing::Test {
 protected:
  ProcessOutput run(const std::string& script) {
    ProcessOptions options;
    options.seccomp_program = filter_;
    options.readable_folders = {"/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache"};
    options.write_files = false;
    options.input = "the input";
    auto output = run_process({"/bin/sh", "-c", script}, options);
    EXPECT_TRUE(output.ok()) << output.error().message;
    return output.ok() ? *output : ProcessOutput{};
  }

  const std::string filter_ = program_filter().value();
  const std::string file_ =
      (std::filesystem::temp_directory_path() / cat("melete_filter_", ::getpid())).string();
};

TEST_F(ProgramFilter, LetsAProgramReadAndCompute) {
  EXPECT_EQ(run("read -r line < /proc/self/fd/0; echo \"$line $((6 * 7))\"").out, "the input 42\n");
}

TEST_F(ProgramFilter, RefusesToCreateOrChangeFiles) {
  EXPECT_NE(run("echo x > " + file_).exit_status, 0);
  EXPECT_FALSE(std::filesystem::exists(file_));
  ASSERT_TRUE(write_file(file_, "kept").ok());
  EXPECT_NE(run("echo x >> " + file_).exit_status, 0);
  EXPECT_EQ(read_file(file_).value(), "kept");
  std::filesystem::remove(file_);
}

TEST_F(ProgramFilter, RefusesToStartProcesses) {
  EXPECT_NE(run("/bin/true & wait $!; exit $?").exit_status, 0);
}

TEST_F(ProgramFilter, RefusesTheNetwork) {
  ProcessOptions options;
  options.seccomp_program = filter_;
  const std::string attempt =
      "use Socket; exit(socket(my $s, PF_INET, SOCK_STREAM, 0) ? 7 : $!{EPERM} ? 5 : 6)";
  const auto output = run_process({"perl", "-MErrno", "-e", attempt}, options);
  ASSERT_TRUE(output.ok()) << output.error().message;
  EXPECT_EQ(output->exit_status, 5) << output->err;
}

TEST_F(ProgramFilter, HidesFilesOutsideTheFolders) {
  ASSERT_TRUE(write_file(file_, "a secret").ok());
  const ProcessOutput output = run("read -r line < " + file_ + "; echo \"got $line\"");
  std::filesystem::remove(file_);
  if (::syscall(444, nullptr, 0, 1) < 1) GTEST_SKIP() << "this kernel has no Landlock";
  EXPECT_EQ(output.out.find("a secret"), std::string::npos);
}

}  // namespace
}  // namespace melete
