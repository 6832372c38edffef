#include "reference/base/cpu_count.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>

#ifdef __linux__
#include <sched.h>
#endif

namespace weft::engine {
namespace {

std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  return text.str();
}

size_t AffinityCores() {
#ifdef __linux__
  // A fixed-size mask holds 1024 cores; machines with more than that fall through to the library's answer.
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return static_cast<size_t>(CPU_COUNT(&set));
#endif
  return std::thread::hardware_concurrency();
}

}  // namespace

size_t CoresOfQuota(std::string_view cpu_max) {
  std::istringstream text{std::string(cpu_max)};
  double quota = 0, period = 0;
  if (!(text >> quota >> period) || !(quota > 0) || !(period > 0) || quota / period > 1e6) return 0;
  const double cores = quota / period;
  const size_t whole = static_cast<size_t>(cores);
  return whole + (cores > static_cast<double>(whole) ? 1 : 0);
}

size_t CgroupCores(std::string_view self_cgroup, const std::string& root) {
  std::istringstream lines{std::string(self_cgroup)};
  std::string group;
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("0::", 0) == 0) group = line.substr(3);
  }
  size_t limit = 0;
  for (;;) {
    while (!group.empty() && group.back() == '/') group.pop_back();
    const size_t cores = CoresOfQuota(ReadText(root + group + "/cpu.max"));
    if (cores > 0) limit = limit == 0 ? cores : std::min(limit, cores);
    if (group.empty()) return limit;
    const size_t slash = group.rfind('/');
    group.resize(slash == std::string::npos ? 0 : slash);
  }
}

size_t UsableCores() {
  const size_t cores = std::max<size_t>(1, AffinityCores());
  const size_t limit = CgroupCores(ReadText("/proc/self/cgroup"), "/sys/fs/cgroup");
  return limit == 0 ? cores : std::min(cores, limit);
}

}  // namespace weft::engine
