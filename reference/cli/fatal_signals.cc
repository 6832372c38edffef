#include "reference/cli/fatal_signals.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstddef>

namespace weft::engine::cli {
namespace {

// A text in fixed memory. What handlers read is written before `length` says that it is there.
template <size_t kSize>
class SharedText {
 public:
  void Set(const std::string& text) {
    length_.store(0);
    if (text.size() >= kSize) return;
    std::copy(text.begin(), text.end(), text_);
    text_[text.size()] = '\0';
    length_.store(text.size());
  }
  size_t length() const { return length_.load(); }
  const char* data() const { return text_; }

 private:
  static_assert(std::atomic<size_t>::is_always_lock_free);
  char text_[kSize] = {};
  std::atomic<size_t> length_{0};
};

constexpr size_t kPathBytes = 4096;  // of the longest path that can be opened, PATH_MAX

SharedText<kPathBytes> temporary;
SharedText<kPathBytes + 128> message;
std::atomic<uintptr_t> mapping{0};
std::atomic<size_t> mapping_bytes{0};
std::atomic_flag ending = ATOMIC_FLAG_INIT;

void RemoveTemporary() {
  if (temporary.length() != 0) unlink(temporary.data());
}

// The signal is blocked until the handler returns; then it does what it does to programs without a handler.
void EndBy(int signal_number) {
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

void OnBusError(int signal_number, siginfo_t* info, void*) {
  const bool by_access = info->si_code > 0;  // not sent by another process
  const uintptr_t offset = reinterpret_cast<uintptr_t>(info->si_addr) - mapping.load();
  if (!by_access || offset >= mapping_bytes.load()) return EndBy(signal_number);
  while (ending.test_and_set()) pause();  // another thread is at it
  RemoveTemporary();
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, message.data(), message.length());
  _exit(1);
}

void OnTermination(int signal_number) {
  RemoveTemporary();
  EndBy(signal_number);
}

}  // namespace

void WatchMapping(std::span<const uint8_t> bytes, const std::string& path) {
  message.Set("weft: " + path + ": the file has become shorter while it was read\n");
  mapping_bytes.store(0);
  mapping.store(reinterpret_cast<uintptr_t>(bytes.data()));
  mapping_bytes.store(bytes.size());
  struct sigaction action = {};
  action.sa_sigaction = OnBusError;
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, nullptr);
}

void SetTemporaryFile(const std::string& path) {
  temporary.Set(path);
  if (path.empty()) return;
  for (const int signal_number : {SIGINT, SIGHUP, SIGTERM}) {
    struct sigaction action = {};
    if (sigaction(signal_number, nullptr, &action) != 0 || action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = OnTermination;
    sigemptyset(&action.sa_mask);
    sigaction(signal_number, &action, nullptr);
  }
}

}  // namespace weft::engine::cli
