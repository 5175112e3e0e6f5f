// Runs a program to its end: arguments as they are (never a shell), bytes in, bytes out, everything limited.
//
// The child leads a process group of its own, which is killed as a whole at the time limit, at the output
// limit and when the child has ended, so nothing that it started stays behind. It inherits no descriptors but
// 0, 1 and 2. Started by vfork, so the cost doesn't grow with this process's memory. Safe to call from any
// thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace melete {

struct ProcessOptions {
  std::string_view input;                        // the child's stdin: a sealed in-memory file, so it can seek
  std::chrono::milliseconds time_limit{10'000};  // wall time
  uint64_t max_output_bytes = uint64_t{64} << 20;  // for stdout and stderr together
  // The child's whole environment, as NAME=value.
  std::vector<std::string> environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8"};
  uint64_t max_memory_bytes = 0;              // address space; 0: no limit
  std::chrono::milliseconds max_cpu{0};       // processor time of the child, all its threads; 0: no limit
  bool write_files = true;                    // false: any file it writes is cut at 0 bytes
  std::string_view seccomp_program;           // sock_filter records, in force from before exec; empty: none
  std::vector<std::string> readable_folders;  // Landlock: read and execute only below these; empty: anywhere
};

struct ProcessOutput {
  int exit_status = 0;  // of exit(), or 128 + the number of the signal that ended it
  std::string out, err;
  std::chrono::milliseconds cpu{0};  // processor time that it took
};

// arguments[0] is a path, or a name that is looked up in this process's PATH. A non-zero exit status is not
// an Error: the caller knows what it means. Errors: invalid_argument (no arguments, or a NUL byte in one),
// not_found (no such program), timeout (time_limit or max_cpu), exhausted (more output than
// max_output_bytes), unavailable (no processes, memory or pipes left).
Result<ProcessOutput> run_process(const std::vector<std::string>& arguments,
                                  const ProcessOptions& options = {});

// The path of a program: `name` itself if it holds a slash, else the first executable of that name in this
// process's PATH. Error: not_found.
Result<std::string> find_program(const std::string& name);

}  // namespace melete
