// Ctrl-C: the first asks long work to stop at its next safe point, the second ends the process at once.
#pragma once

namespace melete {

// From now on SIGINT and SIGTERM set the flag instead of ending the process. Idempotent.
void catch_interrupts();

// What the second signal does before the process ends: only what a signal handler may. Null: nothing.
void before_ending_at_once(void (*act)());

// True after the first signal; long loops ask at every step and return cancelled(...).
bool interrupted();

}  // namespace melete
