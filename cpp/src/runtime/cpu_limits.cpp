#include "runtime/cpu_limits.hpp"

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace backpass::runtime {
namespace {

#if defined(__linux__)
int affinity_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  // A machine with more than CPU_SETSIZE CPUs answers EINVAL; its limit then comes from the others.
  return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : INT_MAX;
}

int quota_cpus(double quota, double period) {
  return quota > 0 && period > 0 ? std::max(1, static_cast<int>(std::ceil(quota / period))) : INT_MAX;
}

/// The quota of one cgroup directory, version 2 (cpu.max: "max 100000" or "50000 100000") or 1.
int directory_quota(const std::string& directory) {
  std::ifstream v2(directory + "/cpu.max");
  std::string quota;
  double period = 0;
  if (v2 >> quota >> period) {
    return quota == "max" ? INT_MAX : quota_cpus(std::strtod(quota.c_str(), nullptr), period);
  }
  std::ifstream v1_quota(directory + "/cpu.cfs_quota_us");
  std::ifstream v1_period(directory + "/cpu.cfs_period_us");
  double quota_us = 0;
  return v1_quota >> quota_us && v1_period >> period ? quota_cpus(quota_us, period) : INT_MAX;
}

/// Limits of this process's cgroup and of all its ancestors. A line of /proc/self/cgroup is
/// "hierarchy:controllers:path".
int cgroup_cpus() {
  int limit = INT_MAX;
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) {
      continue;
    }
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (!controllers.empty() && controllers.find("cpu") == std::string::npos) {
      continue;
    }
    const std::string root = controllers.empty() ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu";
    for (std::string path = line.substr(second + 1);; path.resize(path.find_last_of('/'))) {
      limit = std::min(limit, directory_quota(root + (path == "/" ? "" : path)));
      if (path.find_last_of('/') == std::string::npos) {
        break;
      }
    }
  }
  return limit;
}
#else
int affinity_cpus() { return INT_MAX; }
int cgroup_cpus() { return INT_MAX; }
#endif

}  // namespace

int available_cpus() {
  const int machine = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  return std::max(1, std::min({machine, affinity_cpus(), cgroup_cpus()}));
}

}  // namespace backpass::runtime
