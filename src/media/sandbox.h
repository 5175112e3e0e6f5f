// System-call filters (seccomp) for code that reads hostile bytes. A refused call returns EPERM.
#pragma once

#include <string>

#include "base/result.h"

namespace melete {

// Locks this process for the rest of its life: it may read and write descriptors that are already open,
// allocate memory and end; no files, no network, no other processes, no executable memory. For
// single-threaded processes. Error: unavailable (a kernel without seccomp).
Status enter_decoder_sandbox();

// The same for a program that has yet to be started (ProcessOptions::seccomp_program): it may also load its
// libraries, open files for reading and start threads; it can't create or change files, use the network or
// start processes. Error: unavailable. Made once, then copied.
Result<std::string> program_filter();

}  // namespace melete
