/* What nvidia-ml-py loads as libnvidia-ml.so.1, with cards that answer what a test has written.

   The file that DEADHEAT_STUB_NVML names has a line for each function: its name, and a number or the number of an
   error. "NAME 250" answers 250; "NAME + 5000" answers 5000 more at every call; "NAME ~ 250000" answers a count that
   grows by 250000 a second, in steps of 100 ms; "NAME ! 3" answers with NVML's error 3 (not supported). "1/NAME 250" is
   of the card with index 1 only, and comes before a line for all cards in the file. A function without a line answers 0.
   The file is read at every call, so a test may change it.

   Cards have the UUIDs GPU-5ba1e000-0000-4000-8000-00000000000N, N from 0. `mig.slices 2` divides card 0 into two MIG
   devices, MIG-5ba1e000-0000-4000-8000-00000000010N. As with the driver, UUIDs are found whole only, and a MIG device
   has no clocks, power, temperature, energy and utilisation of its own.

   Processes: `processes.own PID`, in `processes.entries` entries (1 without a line); `processes.foreign` others;
   `processes.workers 1` for the grandchildren of the process that asks, which are a harness's launches;
   `processes.memory` bytes each. `processes.graphics` is the number of graphics processes. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef unsigned long long u64;
enum { OK = 0, INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, NO_ROOM = 7 };
enum { FIRST_CARD = 1, FIRST_SLICE = 101, MOST = 64 };
static const char *CARD_UUID = "GPU-5ba1e000-0000-4000-8000-0000000000%02u";
static const char *SLICE_UUID = "MIG-5ba1e000-0000-4000-8000-0000000001%02u";

static u64 calls[MOST];
static char known[MOST][64];

static u64 *counter(const char *name) {
    for (int i = 0; i < MOST; i++) {
        if (!known[i][0]) strncpy(known[i], name, 63);
        if (!strcmp(known[i], name)) return &calls[i];
    }
    abort();
}

static u64 tenths(void) { /* of a second, since some time */
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (u64)now.tv_sec * 10 + (u64)now.tv_nsec / 100000000;
}

static unsigned long number_of(void *card) { return (unsigned long)card; }
static int is_slice(void *card) { return number_of(card) >= FIRST_SLICE; }

/* The answer of a function, or NVML's error. */
static int ask(void *card, const char *name, u64 *answer) {
    char line[256], found[64], own[64], sign[8];
    u64 value;
    FILE *file = fopen(getenv("DEADHEAT_STUB_NVML"), "r");
    int error = OK;
    *answer = 0;
    if (!file) return 999;
    snprintf(own, sizeof own, "%lu/%s", is_slice(card) ? 0 : number_of(card) - FIRST_CARD, name);
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "%63s", found) != 1 || (strcmp(found, name) && strcmp(found, own))) continue;
        if (sscanf(line, "%63s %1[+!~] %llu", found, sign, &value) == 3) {
            if (sign[0] == '!') error = (int)value;
            if (sign[0] == '+') *answer = value * ++*counter(name);
            if (sign[0] == '~') *answer = value / 10 * tenths();
        } else if (sscanf(line, "%63s %llu", found, &value) == 2) {
            *answer = value;
        }
        break;
    }
    fclose(file);
    return error;
}

static unsigned told(void *card, const char *name) {
    u64 value;
    ask(card, name, &value);
    return (unsigned)value;
}

static int ask_of_card(void *card, const char *name, u64 *answer) {
    return is_slice(card) ? NOT_SUPPORTED : ask(card, name, answer);
}

static int ask_unsigned(void *card, const char *name, unsigned *answer) {
    u64 value = 0;
    int error = ask_of_card(card, name, &value);
    *answer = (unsigned)value;
    return error;
}

#define NUMBER(name) \
    int name(void *card, unsigned *answer) { return ask_unsigned(card, #name, answer); }
#define NUMBER_OF_KIND(name) \
    int name(void *card, int kind, unsigned *answer) { return ask_unsigned(card, #name, answer); }
#define BIG_NUMBER(name) \
    int name(void *card, u64 *answer) { return ask_of_card(card, #name, answer); }
#define PAIR(name) \
    int name(void *card, unsigned *now, unsigned *later) { *later = 0; return ask_unsigned(card, #name, now); }

NUMBER(nvmlDeviceGetPowerUsage)
NUMBER(nvmlDeviceGetEnforcedPowerLimit)
NUMBER(nvmlDeviceGetPersistenceMode)
NUMBER(nvmlDeviceGetComputeMode)
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

int nvmlInitWithFlags(unsigned flags) { u64 none; return ask((void *)FIRST_CARD, "nvmlInit", &none); }
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlShutdown(void) { return OK; }

const char *nvmlErrorString(int error) {
    switch (error) {
        case INVALID: return "Invalid Argument";
        case NOT_SUPPORTED: return "Not Supported";
        case 4: return "Insufficient Permissions";
        case NOT_FOUND: return "Not Found";
        case 9: return "Driver Not Loaded";
        case 15: return "GPU is lost";
        case 18: return "RM has detected an NVML/RM version mismatch.";
        default: return "Unknown Error";
    }
}

int nvmlSystemGetDriverVersion(char *text, unsigned length) { snprintf(text, length, "999.1"); return OK; }
int nvmlDeviceGetCount_v2(unsigned *count) { return ask_unsigned((void *)FIRST_CARD, "nvmlDeviceGetCount", count); }

static unsigned cards(void) { return told((void *)FIRST_CARD, "nvmlDeviceGetCount"); }
static unsigned slices(void *card) { return number_of(card) == FIRST_CARD ? told(card, "mig.slices") : 0; }

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **card) {
    u64 none;
    *card = (void *)(unsigned long)(FIRST_CARD + index);
    int error = ask(*card, "nvmlDeviceGetHandleByIndex", &none);
    return error ? error : index < cards() ? OK : INVALID;
}

static void uuid_of(void *card, char *text, unsigned length) {
    unsigned long first = is_slice(card) ? FIRST_SLICE : FIRST_CARD;
    snprintf(text, length, is_slice(card) ? SLICE_UUID : CARD_UUID, (unsigned)(number_of(card) - first));
}

int nvmlDeviceGetHandleByUUID(const char *uuid, void **card) {
    char own[80];
    if (strncmp(uuid, "GPU-", 4) && strncmp(uuid, "MIG-", 4)) return INVALID;
    for (unsigned long number = FIRST_CARD; number < FIRST_SLICE + slices((void *)FIRST_CARD); number++) {
        if (number < FIRST_SLICE && number >= FIRST_CARD + cards()) continue;
        uuid_of((void *)number, own, sizeof own);
        if (!strcmp(own, uuid)) { *card = (void *)number; return OK; }
    }
    return NOT_FOUND;
}

int nvmlDeviceGetName(void *card, char *text, unsigned length) {
    snprintf(text, length, is_slice(card) ? "Stub 1000 MIG 1g.10gb" : "Stub 1000");
    return OK;
}
int nvmlDeviceGetUUID(void *card, char *text, unsigned length) { uuid_of(card, text, length); return OK; }

int nvmlDeviceGetMaxMigDeviceCount(void *card, unsigned *most) { *most = slices(card) ? 7 : 0; return OK; }
int nvmlDeviceGetMigDeviceHandleByIndex(void *card, unsigned index, void **slice) {
    *slice = (void *)(unsigned long)(FIRST_SLICE + index);
    return index < slices(card) ? OK : NOT_FOUND;
}
int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(void *slice, void **card) {
    *card = (void *)FIRST_CARD;
    return is_slice(slice) ? OK : INVALID;
}

/* "NAME 90" is the compute capability 9.0, which is also that of a card without a line. */
int nvmlDeviceGetCudaComputeCapability(void *card, int *major, int *minor) {
    u64 both;
    int error = ask(card, "nvmlDeviceGetCudaComputeCapability", &both);
    if (!both) both = 90;
    *major = (int)both / 10, *minor = (int)both % 10;
    return error;
}

struct pci { char short_bus[16]; unsigned domain, bus, device, id, subsystem; char bus_id[32]; };

int nvmlDeviceGetPciInfo_v3(void *card, struct pci *pci) {
    if (is_slice(card)) return NOT_SUPPORTED;
    memset(pci, 0, sizeof *pci);
    pci->bus = (unsigned)number_of(card);
    snprintf(pci->bus_id, sizeof pci->bus_id, "00000000:%02X:00.0", pci->bus);
    return OK;
}

int nvmlDeviceGetMemoryInfo(void *card, u64 *memory) { /* total, free, used */
    int error = ask(card, "nvmlDeviceGetMemoryInfo.total", &memory[0]);
    ask(card, "nvmlDeviceGetMemoryInfo.used", &memory[2]);
    memory[1] = memory[0] - memory[2];
    return error;
}

int nvmlDeviceGetUtilizationRates(void *card, unsigned *rates) { /* gpu, memory */
    int error = ask_unsigned(card, "nvmlDeviceGetUtilizationRates", &rates[0]);
    rates[1] = rates[0] / 2;
    return error;
}

struct process { unsigned pid; u64 memory; unsigned gpu_instance, compute_instance; };

static int parent_of(int pid) {
    char path[64], line[512], *after;
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    if (fgets(line, sizeof line, file) && (after = strrchr(line, ')'))) sscanf(after + 1, " %*c %d", &parent);
    fclose(file);
    return parent;
}

static unsigned add_workers(unsigned *pids, unsigned count) {
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; proc && count < MOST && (entry = readdir(proc));) {
        int pid = atoi(entry->d_name), parent = pid ? parent_of(pid) : 0;
        if (parent && parent != getpid() && parent_of(parent) == getpid()) pids[count++] = (unsigned)pid;
    }
    if (proc) closedir(proc);
    return count;
}

/* Answer with the processes in the driver's two calls: the first one, without room for them, asks how many there are. */
static int give(const unsigned *pids, unsigned all, u64 memory, unsigned *count, struct process *processes) {
    unsigned room = *count;
    *count = all;
    if (!all) return OK;
    if (!processes || room < all) return NO_ROOM;
    for (unsigned i = 0; i < all; i++) processes[i] = (struct process){ pids[i], memory, 0, 0 };
    return OK;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *card, unsigned *count, struct process *processes) {
    unsigned pids[2 * MOST], all = 0, own = told(card, "processes.own"), entries = told(card, "processes.entries");
    u64 memory, none;
    int error = ask(card, "nvmlDeviceGetComputeRunningProcesses", &none);
    if (error) { *count = 0; return error; }
    ask(card, "processes.memory", &memory);
    for (unsigned i = 0; own && i < (entries ? entries : 1); i++) pids[all++] = own;
    if (told(card, "processes.workers")) all = add_workers(pids, all);
    for (unsigned i = 0; i < told(card, "processes.foreign"); i++) pids[all] = 1000000 + all, all++;
    return give(pids, all, memory, count, processes);
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(void *card, unsigned *count, struct process *processes) {
    unsigned pids[MOST], all = 0;
    for (unsigned i = 0; i < told(card, "processes.graphics"); i++) pids[all++] = 2000000 + i;
    return give(pids, all, 0, count, processes);
}
