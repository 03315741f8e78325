/* What a program loads as libcuda.so.1: the two calls that decide whether a fork can use the card. A call of cuInit adds
   a byte to the file that DEADHEAT_STUB_CUDA names. */
#include <stdio.h>
#include <stdlib.h>

static int begun;

int cuInit(unsigned flags) {
    FILE *file = fopen(getenv("DEADHEAT_STUB_CUDA"), "a");
    fputc('1', file);
    fclose(file);
    begun = 1;
    return 0;
}

int cuDeviceGetCount(int *count) {
    if (!begun) return 3; /* not initialised */
    *count = 1;
    return 0;
}
