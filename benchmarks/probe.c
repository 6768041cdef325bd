/* Measures the limits of the machine: `probe THREADS` prints GFLOP/s of float32 multiply-adds, and GB/s of reading
   memory. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LANES 16
#define CHAINS 12
typedef float vec __attribute__((vector_size(4 * LANES)));

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

/* Independent chains of a = a * x + y: more than latency times throughput of any CPU's multiply-add. */
static float multiply_add(long n) {
  vec a[CHAINS], x = {0}, y = {0};
  x += 0.999f;
  y += 0.001f;
  for (int j = 0; j < CHAINS; ++j) a[j] = x * (float)j;
  for (long i = 0; i < n; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < CHAINS; ++j) a[j] = a[j] * x + y;
  }
  for (int j = 1; j < CHAINS; ++j) a[0] += a[j];
  return a[0][0];
}

int main(int argc, char** argv) {
  const int threads = argc > 1 ? atoi(argv[1]) : 1;
  const long n = 3000000;
  double best_flops = 0, best_bytes = 0;
  float sink = 0;
  const size_t count = (size_t)64 << 20;
  float* memory = malloc(count * sizeof(float));
  for (size_t i = 0; i < count; ++i) memory[i] = 1;
  for (int repeat = 0; repeat < 7; ++repeat) {
    double start = now();
#pragma omp parallel for num_threads(threads) reduction(+ : sink) schedule(static, 1)
    for (int t = 0; t < threads; ++t) sink += multiply_add(n);
    const double flops = 2.0 * LANES * CHAINS * n * threads / (now() - start);
    best_flops = flops > best_flops ? flops : best_flops;
    start = now();
#pragma omp parallel for simd num_threads(threads) reduction(+ : sink)
    for (size_t i = 0; i < count; ++i) sink += memory[i];
    const double bytes = count * sizeof(float) / (now() - start);
    best_bytes = bytes > best_bytes ? bytes : best_bytes;
  }
  fprintf(stderr, "%g\n", sink);
  printf("%.1f %.1f\n", best_flops * 1e-9, best_bytes * 1e-9);
  free(memory);
  return 0;
}
