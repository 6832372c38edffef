#include "reference/base/cpu_count.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

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

// The words of a line, or the parts of a list.
std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream{std::string(text)};
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

bool Lists(std::string_view list, std::string_view name) {
  return std::ranges::count(Split(list, ','), std::string(name)) != 0;
}

// mountinfo writes blanks and backslashes as \ooo.
std::string Unescaped(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned code = 0;
    const auto octal = text.substr(i, 4);
    const bool escape = octal.size() == 4 && octal[0] == '\\' &&
                        std::from_chars(octal.data() + 1, octal.data() + 4, code, 8).ptr == octal.data() + 4;
    result += escape ? static_cast<char>(code) : text[i];
    if (escape) i += 3;
  }
  return result;
}

// A tree of control groups: where the group `root` is to be found.
struct CgroupMount {
  bool second_version;
  std::string root, folder;
};

// Those that may limit processor time. A line is: id, parent, device, root, mount point, options, optional fields, "-",
// type, source, options of the type.
std::vector<CgroupMount> CgroupMounts(std::string_view mountinfo) {
  std::vector<CgroupMount> mounts;
  for (const std::string& line : Split(mountinfo, '\n')) {
    const std::vector<std::string> words = Split(line, ' ');
    const auto dash = std::ranges::find(words, "-");
    if (words.end() - dash < 4 || dash - words.begin() < 6) continue;
    const bool second_version = dash[1] == "cgroup2";
    if (!second_version && !(dash[1] == "cgroup" && Lists(dash[3], "cpu"))) continue;
    mounts.push_back({second_version, Unescaped(words[3]), Unescaped(words[4])});
  }
  return mounts;
}

size_t CoresOfGroup(const CgroupMount& mount, const std::string& group) {
  const std::string folder = mount.folder + group;
  return mount.second_version
             ? CoresOfQuota(ReadText(folder + "/cpu.max"))
             : CoresOfQuota(ReadText(folder + "/cpu.cfs_quota_us") + " " + ReadText(folder + "/cpu.cfs_period_us"));
}

// The smaller of two limits, where 0 is none.
size_t Smaller(size_t a, size_t b) { return a == 0 || b == 0 ? std::max(a, b) : std::min(a, b); }

// Of a group and those above it, as far as they are mounted. In a container `group` may be named as its host sees it:
// then only what is mounted counts.
size_t CoresOfGroups(const CgroupMount& mount, std::string group) {
  if (mount.root != "/" && (group + "/").starts_with(mount.root + "/")) group.erase(0, mount.root.size());
  size_t limit = 0;
  for (;;) {
    while (!group.empty() && group.back() == '/') group.pop_back();
    limit = Smaller(limit, CoresOfGroup(mount, group));
    if (group.empty()) return limit;
    const size_t slash = group.rfind('/');
    group.resize(slash == std::string::npos ? 0 : slash);
  }
}

}  // namespace

size_t CoresOfQuota(std::string_view quota_and_period) {
  std::istringstream text{std::string(quota_and_period)};
  double quota = 0, period = 0;
  if (!(text >> quota >> period) || !(quota > 0) || !(period > 0) || quota / period > 1e6) return 0;
  return std::max<size_t>(1, static_cast<size_t>(quota / period));
}

// A line of self_cgroup is: hierarchy, controllers, group; in version 2 the first two are "0" and empty.
size_t CgroupCores(std::string_view self_cgroup, std::string_view mountinfo) {
  size_t limit = 0;
  for (const CgroupMount& mount : CgroupMounts(mountinfo)) {
    std::string group;
    for (const std::string& line : Split(self_cgroup, '\n')) {
      const size_t first = line.find(':');
      const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
      if (second == std::string::npos) continue;
      const std::string controllers = line.substr(first + 1, second - first - 1);
      if (mount.second_version ? controllers.empty() : Lists(controllers, "cpu")) group = line.substr(second + 1);
    }
    limit = Smaller(limit, CoresOfGroups(mount, group));
  }
  return limit;
}

size_t UsableCores() {
  const size_t cores = std::max<size_t>(1, AffinityCores());
  const size_t limit = CgroupCores(ReadText("/proc/self/cgroup"), ReadText("/proc/self/mountinfo"));
  return limit == 0 ? cores : std::min(cores, limit);
}

}  // namespace weft::engine
