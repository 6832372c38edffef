// How many cores this process may use.
#ifndef WEFT_REFERENCE_BASE_CPU_COUNT_H_
#define WEFT_REFERENCE_BASE_CPU_COUNT_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace weft::engine {

// The cores in the affinity mask (taskset, numactl, cpuset), or fewer where a control group grants less processor time
// (containers). At least 1.
size_t UsableCores();

// The whole cores' worth of time that a quota grants, at least one: a thread more than that would only be held up in
// turn with the others. The text is "QUOTA PERIOD" or "max PERIOD", as in `cpu.max`. 0: no limit, or not such a text.
size_t CoresOfQuota(std::string_view quota_and_period);

// The smallest such limit of the control groups that `self_cgroup` (the text of /proc/self/cgroup) names and of those
// above them, of both versions (`cpu.max`, and `cpu.cfs_quota_us` with `cpu.cfs_period_us`), where `mountinfo` (the
// text of /proc/self/mountinfo) says that they are mounted. 0: none.
size_t CgroupCores(std::string_view self_cgroup, std::string_view mountinfo);

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_BASE_CPU_COUNT_H_
