#include "media/sandbox.h"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>
#include <memory>

namespace melete {
namespace {

using Filter = std::unique_ptr<void, void (*)(scmp_filter_ctx)>;

Filter make_filter() { return {seccomp_init(SCMP_ACT_ERRNO(EPERM)), seccomp_release}; }

// Names that this architecture doesn't have are passed over: they can't be called there either.
bool allow(const Filter& filter, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const int call = seccomp_syscall_resolve_name(name);
    if (call >= 0 && seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0) != 0) return false;
  }
  return true;
}

// Allows `name` where the bits `mask` of its argument `index` are `value`.
bool allow_bits(const Filter& filter, const char* name, unsigned index, uint64_t mask, uint64_t value) {
  const int call = seccomp_syscall_resolve_name(name);
  const scmp_arg_cmp condition{index, SCMP_CMP_MASKED_EQ, mask, value};
  return call < 0 || seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, call, 1, &condition) == 0;
}

bool allow_memory_and_ending(const Filter& filter) {
  return allow(filter, {"read",
                        "write",
                        "readv",
                        "writev",
                        "pread64",
                        "lseek",
                        "close",
                        "fstat",
                        "munmap",
                        "mremap",
                        "brk",
                        "madvise",
                        "futex",
                        "exit",
                        "exit_group",
                        "rt_sigreturn",
                        "rt_sigprocmask",
                        "rt_sigaction",
                        "sigaltstack",
                        "getrandom",
                        "clock_gettime",
                        "clock_getres",
                        "gettimeofday",
                        "time",
                        "sched_yield",
                        "restart_syscall",
                        "rseq",
                        "getpid",
                        "gettid"});
}

Error no_seccomp() {
  return unavailable(
      "[media] decoding needs a Linux kernel with seccomp filters, got none; run it where they are allowed");
}

bool allow_program(const Filter& filter) {
  constexpr uint64_t kWriting = O_ACCMODE | O_CREAT | O_TRUNC;
  return allow_memory_and_ending(filter) &&
         allow(filter, {"mmap",
                        "mprotect",
                        "stat",
                        "lstat",
                        "newfstatat",
                        "statx",
                        "access",
                        "faccessat",
                        "faccessat2",
                        "readlink",
                        "readlinkat",
                        "getcwd",
                        "getdents64",
                        "execve",
                        "arch_prctl",
                        "set_tid_address",
                        "set_robust_list",
                        "prlimit64",
                        "getrlimit",
                        "sched_getaffinity",
                        "sched_setaffinity",
                        "sched_getparam",
                        "sched_getscheduler",
                        "sched_get_priority_min",
                        "sched_get_priority_max",
                        "getcpu",
                        "membarrier",
                        "uname",
                        "sysinfo",
                        "getuid",
                        "geteuid",
                        "getgid",
                        "getegid",
                        "getppid",
                        "getrusage",
                        "times",
                        "fcntl",
                        "dup",
                        "dup2",
                        "dup3",
                        "pipe",
                        "pipe2",
                        "poll",
                        "ppoll",
                        "select",
                        "pselect6",
                        "nanosleep",
                        "clock_nanosleep",
                        "eventfd2",
                        "fadvise64",
                        "fstatfs",
                        "statfs",
                        "tgkill",
                        "get_mempolicy",
                        "exit"}) &&
         allow_bits(filter, "open", 1, kWriting, O_RDONLY) &&
         allow_bits(filter, "openat", 2, kWriting, O_RDONLY) &&
         allow_bits(filter, "clone", 0, CLONE_THREAD, CLONE_THREAD) &&
         // glibc falls back to clone, whose flags a filter can see.
         seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), seccomp_syscall_resolve_name("clone3"), 0) ==
             0;
}

std::string export_filter(const Filter& filter) {
  const int file = ::memfd_create("filter", MFD_CLOEXEC);
  std::string bytes;
  if (file >= 0 && seccomp_export_bpf(filter.get(), file) == 0) {
    bytes.resize(static_cast<size_t>(::lseek(file, 0, SEEK_END)));
    if (::pread(file, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) bytes.clear();
  }
  if (file >= 0) ::close(file);
  return bytes;
}

}  // namespace

Status enter_decoder_sandbox() {
  const Filter filter = make_filter();
  if (filter == nullptr || !allow_memory_and_ending(filter) || !allow_bits(filter, "mmap", 2, PROT_EXEC, 0) ||
      !allow_bits(filter, "mprotect", 2, PROT_EXEC, 0) || seccomp_load(filter.get()) != 0)
    return no_seccomp();
  return ok_status();
}

Result<std::string> program_filter() {
  static const std::string program = [] {
    const Filter filter = make_filter();
    return filter != nullptr && allow_program(filter) ? export_filter(filter) : std::string();
  }();
  if (program.empty()) return no_seccomp();
  return program;
}

}  // namespace melete
