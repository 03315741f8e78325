/* What nvidia-ml-py loads as libnvidia-ml.so.1, with a card that answers what a test has written.

   The file that DEADHEAT_STUB_NVML names has a line for each function: its name, and a number or the name of an
   error. "NAME 250" answers 250; "NAME + 5000" answers 5000 more at every call; "NAME ! 3" answers with NVML's error
   3 (not supported). A function without a line answers 0. The file is read at every call, so a test may change it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long long u64;
enum { OK = 0, NO_ROOM = 7 };

static u64 calls[64];
static char known[64][64];

static u64 *counter(const char *name) {
    for (int i = 0; i < 64; i++) {
        if (!known[i][0]) strncpy(known[i], name, 63);
        if (!strcmp(known[i], name)) return &calls[i];
    }
    abort();
}

/* The answer of a function, or NVML's error. */
static int ask(const char *name, u64 *answer) {
    char line[256], found[64], sign[8];
    u64 value;
    FILE *file = fopen(getenv("DEADHEAT_STUB_NVML"), "r");
    *answer = 0;
    if (!file) return 999;
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "%63s %1[+!] %llu", found, sign, &value) == 3 && !strcmp(found, name)) {
            fclose(file);
            if (sign[0] == '!') return (int)value;
            *answer = value * ++*counter(name);
            return OK;
        }
        if (sscanf(line, "%63s %llu", found, &value) == 2 && !strcmp(found, name)) {
            fclose(file);
            *answer = value;
            return OK;
        }
    }
    fclose(file);
    return OK;
}

static int ask_unsigned(const char *name, unsigned *answer) {
    u64 value;
    int error = ask(name, &value);
    *answer = (unsigned)value;
    return error;
}

#define NUMBER(name) \
    int name(void *card, unsigned *answer) { return ask_unsigned(#name, answer); }
#define NUMBER_OF_KIND(name) \
    int name(void *card, int kind, unsigned *answer) { return ask_unsigned(#name, answer); }
#define BIG_NUMBER(name) \
    int name(void *card, u64 *answer) { return ask(#name, answer); }
#define PAIR(name) \
    int name(void *card, unsigned *now, unsigned *later) { *later = 0; return ask_unsigned(#name, now); }

NUMBER(nvmlDeviceGetPowerUsage)
NUMBER(nvmlDeviceGetEnforcedPowerLimit)
NUMBER(nvmlDeviceGetPersistenceMode)
NUMBER_OF_KIND(nvmlDeviceGetClockInfo)
NUMBER_OF_KIND(nvmlDeviceGetMaxClockInfo)
NUMBER_OF_KIND(nvmlDeviceGetTemperature)
BIG_NUMBER(nvmlDeviceGetTotalEnergyConsumption)
#ifndef OLD_DRIVER
BIG_NUMBER(nvmlDeviceGetCurrentClocksEventReasons)
#endif
BIG_NUMBER(nvmlDeviceGetCurrentClocksThrottleReasons)
PAIR(nvmlDeviceGetMigMode)
PAIR(nvmlDeviceGetEccMode)

int nvmlInitWithFlags(unsigned flags) { u64 none; return ask("nvmlInit", &none); }
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlShutdown(void) { return OK; }

const char *nvmlErrorString(int error) {
    switch (error) {
        case 3: return "Not Supported";
        case 4: return "Insufficient Permissions";
        case 9: return "Driver Not Loaded";
        case 15: return "GPU is lost";
        case 18: return "RM has detected an NVML/RM version mismatch.";
        default: return "Unknown Error";
    }
}

int nvmlSystemGetDriverVersion(char *text, unsigned length) { snprintf(text, length, "999.1"); return OK; }
int nvmlDeviceGetCount_v2(unsigned *count) { return ask_unsigned("nvmlDeviceGetCount", count); }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **card) {
    u64 none;
    *card = (void *)1;
    return ask("nvmlDeviceGetHandleByIndex", &none);
}
int nvmlDeviceGetHandleByUUID(const char *uuid, void **card) { return nvmlDeviceGetHandleByIndex_v2(0, card); }
int nvmlDeviceGetName(void *card, char *text, unsigned length) { snprintf(text, length, "Stub 1000"); return OK; }
int nvmlDeviceGetUUID(void *card, char *text, unsigned length) { snprintf(text, length, "GPU-stub"); return OK; }

int nvmlDeviceGetMemoryInfo(void *card, u64 *memory) { /* total, free, used */
    int error = ask("nvmlDeviceGetMemoryInfo.total", &memory[0]);
    ask("nvmlDeviceGetMemoryInfo.used", &memory[2]);
    memory[1] = memory[0] - memory[2];
    return error;
}

int nvmlDeviceGetUtilizationRates(void *card, unsigned *rates) { /* gpu, memory */
    int error = ask_unsigned("nvmlDeviceGetUtilizationRates", &rates[0]);
    rates[1] = rates[0] / 2;
    return error;
}

struct process { unsigned pid; u64 memory; unsigned gpu_instance, compute_instance; };

/* Process ids: that of `own`, if it is not 0, and `foreign` others. */
int nvmlDeviceGetComputeRunningProcesses_v3(void *card, unsigned *count, struct process *processes) {
    u64 own, foreign, memory;
    int error = ask("nvmlDeviceGetComputeRunningProcesses", &memory);
    ask("processes.own", &own);
    ask("processes.foreign", &foreign);
    ask("processes.memory", &memory);
    unsigned all = (own != 0) + (unsigned)foreign;
    if (error || !all) { *count = 0; return error; }
    if (!processes || *count < all) { *count = all; return NO_ROOM; }
    *count = all;
    for (unsigned i = 0; i < all; i++)
        processes[i] = (struct process){ own && !i ? (unsigned)own : 1000000 + i, memory, 0, 0 };
    return OK;
}
