// How many threads a process gets by default: limits of control groups, of both versions.
#include "reference/base/cpu_count.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "tests/engine/child_process.h"

namespace weft::engine::test {
namespace {

// A folder as if it were /sys/fs/cgroup.
struct CgroupTree {
  void Write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(folder / name).parent_path());
    std::ofstream(folder / name) << text;
  }
  // A line of mountinfo; `at` is where in the folder the group `root` is mounted.
  std::string Mount(const std::string& type, const std::string& at, const std::string& root,
                    const std::string& options) const {
    return "30 23 0:26 " + root + " " + (at.empty() ? folder / "" : folder / at) + " rw,nosuid shared:4 - " + type +
           " cgroup " + options + "\n";
  }
  TemporaryFolder folder;
};

}  // namespace

TEST_CASE("Cores: quotas are rounded down, to one at least") {
  CHECK(CoresOfQuota("max 100000\n") == 0);
  CHECK(CoresOfQuota("100000 100000\n") == 1);
  CHECK(CoresOfQuota("150000 100000\n") == 1);
  CHECK(CoresOfQuota("299999 100000\n") == 2);
  CHECK(CoresOfQuota("5000 100000\n") == 1);
  CHECK(CoresOfQuota("800000 100000\n") == 8);
  for (const char* text : {"", "max", "100000", "-1 100000", "0 100000", "100000 0", "1e300 1", "nan nan", "x y"}) {
    CAPTURE(text);
    CHECK(CoresOfQuota(text) == 0);
  }
  CHECK(UsableCores() >= 1);
  CHECK(UsableCores() <= std::max(1u, std::thread::hardware_concurrency()));
}

TEST_CASE("Cores: control groups of version 2") {
  const CgroupTree tree;
  const std::string mounts = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n" + tree.Mount("cgroup2", "", "/", "rw");
  CHECK(CgroupCores("0::/outer/inner\n", mounts) == 0);
  tree.Write("outer/cpu.max", "300000 100000\n");
  CHECK(CgroupCores("0::/outer/inner\n", mounts) == 3);
  CHECK(CgroupCores("1:cpu:/x\n0::/outer\n", mounts) == 3);
  tree.Write("outer/inner/cpu.max", "250000 100000\n");
  CHECK(CgroupCores("0::/outer/inner\n", mounts) == 2);
  tree.Write("cpu.max", "100000 100000\n");
  CHECK(CgroupCores("0::/outer/inner\n", mounts) == 1);
  CHECK(CgroupCores("0::/\n", mounts) == 1);
  CHECK(CgroupCores("", mounts) == 1);
  CHECK(CgroupCores("0::/outer\n", "") == 0);
  CHECK(CgroupCores("0::/../../..\n", "1 2 0:1 / /nowhere rw - cgroup2 cgroup2 rw\n") == 0);
  CHECK(CgroupCores("::\n:\nx\n", "x\n- - -\n1 2 3 4 5 6 - cgroup2\n") == 0);
}

TEST_CASE("Cores: control groups of version 1, alone and beside version 2") {
  const CgroupTree tree;
  const std::string cpu = tree.Mount("cgroup", "cpu,cpuacct", "/", "rw,cpu,cpuacct");
  const std::string others =
      tree.Mount("cgroup", "cpuset", "/", "rw,cpuset") + tree.Mount("cgroup2", "unified", "/", "rw");
  const std::string self = "5:cpuset:/\n4:cpu,cpuacct:/job/step\n1:name=systemd:/init\n0::/init\n";
  tree.Write("cpuset/cpu.cfs_quota_us", "100000\n");  // not where this controller is
  tree.Write("cpuset/cpu.cfs_period_us", "100000\n");
  CHECK(CgroupCores(self, others + cpu) == 0);
  tree.Write("cpu,cpuacct/job/cpu.cfs_quota_us", "-1\n");
  tree.Write("cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
  CHECK(CgroupCores(self, others + cpu) == 0);
  tree.Write("cpu,cpuacct/job/cpu.cfs_quota_us", "450000\n");
  CHECK(CgroupCores(self, others + cpu) == 4);
  CHECK(CgroupCores(self, cpu) == 4);
  tree.Write("cpu,cpuacct/job/step/cpu.cfs_quota_us", "150000\n");
  tree.Write("cpu,cpuacct/job/step/cpu.cfs_period_us", "50000\n");
  CHECK(CgroupCores(self, others + cpu) == 3);
  tree.Write("unified/cpu.max", "200000 100000\n");
  CHECK(CgroupCores(self, others + cpu) == 2);
}

TEST_CASE("Cores: in a container, whose group is the root of what is mounted") {
  const CgroupTree tree;
  tree.Write("a b/cpu.cfs_quota_us", "200000\n");
  tree.Write("a b/cpu.cfs_period_us", "100000\n");
  tree.Write("a b/inner/cpu.cfs_quota_us", "100000\n");
  tree.Write("a b/inner/cpu.cfs_period_us", "100000\n");
  const std::string mounts = tree.Mount("cgroup", "a\\040b", "/docker/1234", "rw,cpu");
  CHECK(CgroupCores("4:cpu:/docker/1234\n", mounts) == 2);
  CHECK(CgroupCores("4:cpu:/docker/1234/inner\n", mounts) == 1);
  CHECK(CgroupCores("4:cpu:/docker/12345/inner\n", mounts) == 2);
  CHECK(CgroupCores("4:cpu:/\n", mounts) == 2);
}

}  // namespace weft::engine::test
