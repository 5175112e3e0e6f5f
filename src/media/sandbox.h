// System-call filters (seccomp) for code that reads hostile bytes. A refused call returns EPERM.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/result.h"

namespace melete {

// What decoding one file may take, in all its processes together. Processor time, so that a busy machine
// doesn't refuse good files; the wall limit is for a decoder that is stuck.
inline constexpr std::chrono::milliseconds kDecodeCpu{1800}, kDecodeWall{10'000};
inline constexpr uint64_t kDecodeMemoryBytes = uint64_t{1} << 30;

// Locks this process for the rest of its life: it may read and write descriptors that are already open,
// allocate memory and end; no files, no network, no other processes, no executable memory. For
// single-threaded processes. Error: unavailable (a kernel without seccomp).
Status enter_decoder_sandbox();

// The same for a program that has yet to be started (ProcessOptions::seccomp_program): it may also load its
// libraries, open files for reading and start threads; it can't create or change files, use the network or
// start processes. Error: unavailable. Made once, then copied.
Result<std::string> program_filter();

}  // namespace melete
