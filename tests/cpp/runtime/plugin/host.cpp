// A program without OpenMP loads the plug-in, lets it predict on several threads, and unloads it, many times.
// Usage: plugin_host PLUGIN [TIMES]
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>

int main(int count, char** arguments) {
  if (count < 2) {
    return 2;
  }
  const int times = count > 2 ? std::atoi(arguments[2]) : 100;
  float first = 0.0F;
  for (int i = 0; i < times; ++i) {
    void* const plugin = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    if (plugin == nullptr) {
      std::fprintf(stderr, "%s\n", dlerror());
      return 3;
    }
    const auto predict = reinterpret_cast<float (*)(int)>(dlsym(plugin, "predict_in_plugin"));
    if (predict == nullptr) {
      return 4;
    }
    const float sum = predict(2 + i % 3);
    first = i == 0 ? sum : first;
    if (sum != first) {
      return 5;
    }
    dlclose(plugin);
    if (dlopen(arguments[1], RTLD_NOW | RTLD_NOLOAD) != nullptr) {
      std::fprintf(stderr, "the plug-in is still loaded\n");
      return 6;
    }
  }
  std::printf("%d times, sum %g\n", times, static_cast<double>(first));
  return 0;
}
