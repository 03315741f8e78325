/* What is loaded as libcuda.so.1. DEADHEAT_STUB_CUDA is the number of cards, or "! 100" for cuInit's error 100. */
#include <stdlib.h>

static const char *said(void) { return getenv("DEADHEAT_STUB_CUDA"); }

int cuInit(unsigned flags) { return said() && said()[0] == '!' ? atoi(said() + 1) : 0; }
int cuDeviceGetCount(int *count) { *count = said() ? atoi(said()) : 0; return 0; }
