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

// The cores' worth of time that a control group file grants, rounded up: the text of `cpu.max` ("QUOTA PERIOD" or
// "max PERIOD"). 0: no limit, or not such a text.
size_t CoresOfQuota(std::string_view cpu_max);

// The smallest such limit of the control group (version 2) that `self_cgroup` (the text of /proc/self/cgroup) names,
// and of the groups above it, in the tree mounted at `root`. 0: none.
size_t CgroupCores(std::string_view self_cgroup, const std::string& root);

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_BASE_CPU_COUNT_H_
