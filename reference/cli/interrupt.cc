#include "reference/cli/interrupt.h"

#include <csignal>

namespace weft::engine::cli {
namespace {

volatile std::sig_atomic_t interrupted = 0;

}  // namespace

void CatchInterrupt() {
  struct sigaction action = {};
  action.sa_handler = [](int) { interrupted = 1; };
  // Restart what it interrupts: neither a write nor a sleeping thread need know of it.
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
}

bool Interrupted() { return interrupted != 0; }

}  // namespace weft::engine::cli
