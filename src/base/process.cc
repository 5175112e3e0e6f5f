#include "base/process.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <optional>

#include "base/descriptor.h"

namespace melete {
namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
  Descriptor read, write;
};

Error system_error(const std::string& program, const char* what) {
  return unavailable("[", program, "] the system must allow ", what, ", got: ", std::strerror(errno),
                     "; close other programs or raise its limits");
}

Result<Pipe> make_pipe(const std::string& program) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error(program, "a pipe");
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

Result<Descriptor> make_input(const std::string& program, std::string_view bytes) {
  Descriptor file(static_cast<int>(::memfd_create("stdin", MFD_CLOEXEC | MFD_ALLOW_SEALING)));
  if (!file.valid()) return system_error(program, "an in-memory file");
  while (!bytes.empty()) {
    const ssize_t n = ::write(file.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return system_error(program, "an in-memory file of this size");
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  if (::lseek(file.get(), 0, SEEK_SET) != 0 ||
      ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
    return system_error(program, "a sealed in-memory file");
  return file;
}

// A Landlock rule set for the folders, invalid where the kernel has none: seccomp and limits still hold
// there.
Descriptor make_landlock(const std::vector<std::string>& folders) {
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;  // all of the first version's rights
  Descriptor rules(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
  if (!rules.valid()) return rules;
  for (const std::string& folder : folders) {
    const Descriptor root(::open(folder.c_str(), O_PATH | O_CLOEXEC));
    if (!root.valid()) continue;
    landlock_path_beneath_attr rule{};
    rule.allowed_access =
        LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
    rule.parent_fd = root.get();
    ::syscall(SYS_landlock_add_rule, rules.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
  }
  return rules;
}

// All that the child needs between vfork and exec, made before: the child shares our memory and must not
// allocate.
struct Launch {
  const char* path;
  char* const* arguments;
  char* const* environment;
  int input, output, errors, landlock;
  sock_fprog filter;
  uint64_t max_memory_bytes;
  uint64_t max_cpu_s;
  bool write_files;
  pid_t parent;
  volatile int failure = 0;  // errno of the step that failed, written by the child through the shared memory
};

bool limit(__rlimit_resource resource, uint64_t value) {
  const rlimit both{static_cast<rlim_t>(value), static_cast<rlim_t>(value)};
  return ::setrlimit(resource, &both) == 0;
}

bool confine(const Launch& launch) {
  if (!limit(RLIMIT_CORE, 0)) return false;
  if (launch.max_memory_bytes > 0 && !limit(RLIMIT_AS, launch.max_memory_bytes)) return false;
  if (launch.max_cpu_s > 0 && !limit(RLIMIT_CPU, launch.max_cpu_s)) return false;
  if (!launch.write_files && !limit(RLIMIT_FSIZE, 0)) return false;
  if (launch.landlock < 0 && launch.filter.len == 0) return true;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  if (launch.landlock >= 0 && ::syscall(SYS_landlock_restrict_self, launch.landlock, 0) != 0) return false;
  return launch.filter.len == 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &launch.filter) == 0;
}

[[noreturn]] void child(Launch& launch) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const bool orphaned = ::getppid() != launch.parent;
  for (int number = 1; number < SIGRTMIN; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  if (!orphaned && ::dup2(launch.input, 0) == 0 && ::dup2(launch.output, 1) == 1 &&
      ::dup2(launch.errors, 2) == 2 && ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0 &&
      ::sigprocmask(SIG_SETMASK, &none, nullptr) == 0 && confine(launch))
    ::execve(launch.path, launch.arguments, launch.environment);
  launch.failure = errno != 0 ? errno : ECHILD;
  ::_exit(127);
}

// The descriptors of the child must be above 2, or dup2 onto 0..2 would overwrite one that is still needed.
bool lift(Descriptor& descriptor) {
  if (descriptor.get() > 2) return true;
  Descriptor lifted(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, 3));
  std::swap(descriptor, lifted);
  return descriptor.valid();
}

// noinline: a caller's variables must not live in registers across vfork.
[[gnu::noinline]] pid_t start(Launch& launch) {
  sigset_t all, before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // no handler of ours may run in the child
  const pid_t pid = ::vfork();
  if (pid == 0) child(launch);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return pid;
}

// Ends the whole group, then collects the leader, whose process number is ours until then.
void end_group(pid_t pid, ProcessOutput& output) {
  ::kill(-pid, SIGKILL);
  ::kill(pid, SIGKILL);
  int status = 0;
  rusage usage{};
  while (::wait4(pid, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  output.exit_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  for (const timeval& part : {usage.ru_utime, usage.ru_stime})
    output.cpu += std::chrono::milliseconds(part.tv_sec * 1000 + part.tv_usec / 1000);
}

// What is left of the limit on processor time; the limit itself where the child's clock can't be read.
int64_t cpu_left_ms(pid_t pid, std::chrono::milliseconds max_cpu) {
  clockid_t clock{};
  timespec used{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &used) != 0) return max_cpu.count();
  return max_cpu.count() - (used.tv_sec * 1000 + used.tv_nsec / 1'000'000);
}

bool has_ended(pid_t pid) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == pid;
}

// Reads what is there; closes the pipe at its end.
void drain(Descriptor& pipe, std::string& into) {
  static thread_local std::array<char, 1 << 16> buffer;
  const ssize_t n = ::read(pipe.get(), buffer.data(), buffer.size());
  if (n > 0) into.append(buffer.data(), static_cast<size_t>(n));
  if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) pipe.close();
}

Error too_much(const std::string& program, const ProcessOptions& options) {
  return exhausted("[", program, "] must write at most ", options.max_output_bytes,
                   " bytes, got more; give it less work");
}

Error too_long(const std::string& program, const ProcessOptions& options) {
  return timed_out("[", program, "] must take at most ", options.max_cpu.count(),
                   " ms of processor time, got more; give it less work");
}

// Which limit the child has passed, if any; else sets how long the next wait may last.
std::optional<Error> over_limit(const std::string& program, pid_t pid, bool running,
                                Clock::time_point deadline, const ProcessOptions& options,
                                const ProcessOutput& output, int64_t& wait_ms) {
  constexpr int64_t kMaxThreads = 4;  // processor time may run out this much faster than wall time
  wait_ms = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  if (wait_ms <= 0)
    return timed_out("[", program, "] must end within ", options.time_limit.count(),
                     " ms, got no end; give it less work or more time");
  if (output.out.size() + output.err.size() > options.max_output_bytes) return too_much(program, options);
  if (!running || options.max_cpu.count() == 0) return std::nullopt;
  const int64_t cpu_ms = cpu_left_ms(pid, options.max_cpu);
  if (cpu_ms <= 0) return too_long(program, options);
  wait_ms = std::min(wait_ms, cpu_ms / kMaxThreads + 1);
  return std::nullopt;
}

Result<ProcessOutput> collect(const std::string& program, pid_t pid, Descriptor out, Descriptor err,
                              const ProcessOptions& options) {
  const auto deadline = Clock::now() + options.time_limit;
  const Descriptor ended(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  ProcessOutput output;
  bool running = true;
  while (running || out.valid() || err.valid()) {
    int64_t wait_ms = 0;
    if (const auto error = over_limit(program, pid, running, deadline, options, output, wait_ms)) {
      if (running) end_group(pid, output);
      return *error;
    }
    if (running && !ended.valid()) wait_ms = std::min<int64_t>(wait_ms, 5);
    std::array<pollfd, 3> events{
        {{out.get(), POLLIN, 0}, {err.get(), POLLIN, 0}, {running ? ended.get() : -1, POLLIN, 0}}};
    ::poll(events.data(), events.size(), static_cast<int>(std::min<int64_t>(wait_ms, 1 << 30)));
    if (events[0].revents != 0) drain(out, output.out);
    if (events[1].revents != 0) drain(err, output.err);
    if (running && has_ended(pid)) {
      end_group(pid, output);
      running = false;
    }
  }
  if (output.out.size() + output.err.size() > options.max_output_bytes) return too_much(program, options);
  // Where this process was kept from looking, the kernel's own limit has ended the child.
  if (options.max_cpu.count() > 0 && output.exit_status > 128 && output.cpu >= options.max_cpu)
    return too_long(program, options);
  return output;
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> list;
  for (const std::string& s : strings) list.push_back(const_cast<char*>(s.c_str()));
  list.push_back(nullptr);
  return list;
}

}  // namespace

Result<std::string> find_program(const std::string& name) {
  const auto missing = [&] {
    return not_found("[", name, "] must be an installed program, got none in PATH; install it");
  };
  if (name.find('/') != std::string::npos) {
    if (::access(name.c_str(), X_OK) != 0) return missing();
    return name;
  }
  const char* variable = std::getenv("PATH");
  std::string_view folders = variable != nullptr ? variable : "/usr/local/bin:/usr/bin:/bin";
  while (!name.empty() && !folders.empty()) {
    const std::string_view folder = folders.substr(0, folders.find(':'));
    folders.remove_prefix(std::min(folders.size(), folder.size() + 1));
    const std::string path = cat(folder, "/", name);
    if (!folder.empty() && ::access(path.c_str(), X_OK) == 0) return path;
  }
  return missing();
}

Result<ProcessOutput> run_process(const std::vector<std::string>& arguments, const ProcessOptions& options) {
  if (arguments.empty()) return invalid_argument("[run_process] needs a program, got no arguments; name one");
  for (const auto* list : {&arguments, &options.environment})
    for (const std::string& s : *list)
      if (s.find('\0') != std::string::npos)
        return invalid_argument("[", arguments[0].c_str(),
                                "] arguments must hold no NUL byte, got one; remove it");
  MELETE_CHECK(options.seccomp_program.size() % sizeof(sock_filter) == 0);
  const std::string& program = arguments[0];
  MELETE_ASSIGN_OR_RETURN(const std::string path, find_program(program));
  MELETE_ASSIGN_OR_RETURN(Descriptor input, make_input(program, options.input));
  MELETE_ASSIGN_OR_RETURN(Pipe out, make_pipe(program));
  MELETE_ASSIGN_OR_RETURN(Pipe err, make_pipe(program));
  Descriptor landlock =
      options.readable_folders.empty() ? Descriptor() : make_landlock(options.readable_folders);
  if (!lift(input) || !lift(out.write) || !lift(err.write) || (landlock.valid() && !lift(landlock)))
    return system_error(program, "a descriptor");

  const std::vector<char*> argument_list = pointers(arguments),
                           environment_list = pointers(options.environment);
  std::vector<sock_filter> filter(options.seccomp_program.size() / sizeof(sock_filter));
  if (!filter.empty())
    std::memcpy(filter.data(), options.seccomp_program.data(), options.seccomp_program.size());
  // The kernel counts whole seconds by its ticks; over_limit is exact, this holds if we are stopped.
  const auto whole_s = std::chrono::floor<std::chrono::seconds>(options.max_cpu).count();
  Launch launch{path.c_str(),
                argument_list.data(),
                environment_list.data(),
                input.get(),
                out.write.get(),
                err.write.get(),
                landlock.get(),
                {static_cast<unsigned short>(filter.size()), filter.data()},
                options.max_memory_bytes,
                options.max_cpu.count() > 0 ? static_cast<uint64_t>(whole_s) + 1 : 0,
                options.write_files,
                ::getpid()};
  errno = 0;
  const pid_t pid = start(launch);
  if (pid < 0) return system_error(program, "another process");
  if (launch.failure != 0) {
    ProcessOutput ignored;
    end_group(pid, ignored);
    errno = launch.failure;
    return system_error(program, "this program to start");
  }
  out.write.close();
  err.write.close();
  return collect(program, pid, std::move(out.read), std::move(err.read), options);
}

}  // namespace melete
