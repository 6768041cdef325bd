#include "runtime/cpu_limits.hpp"

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(_OPENMP)
#include <omp.h>
#endif

namespace backpass::runtime {
namespace {

#if defined(__linux__)
#if defined(_OPENMP)
cpu_set_t cpus_of_place(int place) {
  std::vector<int> ids(static_cast<std::size_t>(std::max(0, omp_get_place_num_procs(place))));
  omp_get_place_proc_ids(place, ids.data());
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  for (const int id : ids) {
    if (id >= 0 && id < CPU_SETSIZE) {
      CPU_SET(id, &cpus);
    }
  }
  return cpus;
}

/// The CPUs of OpenMP's places. OpenMP binds each thread of a team to one place. The set is empty if OpenMP does not
/// bind threads, or binds all threads to the first thread's place. The function does not bind the calling thread.
cpu_set_t cpus_of_places(const cpu_set_t& mask) {
  cpu_set_t all;
  CPU_ZERO(&all);
  const omp_proc_bind_t binding = omp_get_proc_bind();
  if (binding == omp_proc_bind_false || binding == omp_proc_bind_master) {
    return all;
  }
  bool bound = false;
  for (int place = 0; place < omp_get_num_places(); ++place) {
    const cpu_set_t cpus = cpus_of_place(place);
    CPU_OR(&all, &all, &cpus);
    bound = bound || CPU_EQUAL(&cpus, &mask);
  }
  // A mask that equals none of the places was not set by OpenMP, and is the limit. (LLVM's runtime binds the thread
  // later: the mask then contains all places.)
  cpu_set_t allowed;
  CPU_AND(&allowed, &all, &mask);
  if (!bound && !CPU_EQUAL(&allowed, &all)) {
    CPU_ZERO(&all);
  }
  return all;
}
#endif

/// If OMP_PROC_BIND, OMP_PLACES or GOMP_CPU_AFFINITY request it, GCC's runtime binds the program's first thread to the
/// first place when the runtime is loaded. Every thread that starts later inherits this mask. The mask with which the
/// process started cannot be read any more, but the places lie within it.
int affinity_cpus() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof(mask), &mask) != 0) {
    return INT_MAX;  // more than CPU_SETSIZE CPUs: only the other limits apply
  }
#if defined(_OPENMP)
  const cpu_set_t places = cpus_of_places(mask);
  return CPU_COUNT(&places) > 0 ? CPU_COUNT(&places) : CPU_COUNT(&mask);
#else
  return CPU_COUNT(&mask);
#endif
}

int quota_cpus(double quota, double period) {
  return quota > 0 && period > 0 ? std::max(1, static_cast<int>(std::ceil(quota / period))) : INT_MAX;
}

/// The quota of one cgroup directory, of version 2 (cpu.max: "max 100000" or "50000 100000") or version 1.
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

/// The smallest limit of this process's cgroup and all its ancestors. A line of /proc/self/cgroup is
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
