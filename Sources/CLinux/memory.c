#define _GNU_SOURCE
#include "CLinux.h"

#include <inttypes.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The number after `name` in a file of the kernel's; 0 without one. */
static unsigned long long number_in(const char *path, const char *name) {
  unsigned long long number = 0;
  char line[256];
  FILE *file = fopen(path, "re");
  if (!file) return 0;
  while (fgets(line, sizeof line, file))
    if (strncmp(line, name, strlen(name)) == 0) {
      number = strtoull(line + strlen(name), NULL, 10);
      break;
    }
  fclose(file);
  return number;
}

/* In bytes: what the machine has left, or the control group that a container is. */
static unsigned long long spare_memory(void) {
  unsigned long long spare = number_in("/proc/meminfo", "MemAvailable:") * 1024;
  unsigned long long limit = number_in("/sys/fs/cgroup/memory.max", ""); /* "max": 0 */
  unsigned long long used = number_in("/sys/fs/cgroup/memory.current", "");
  if (limit == 0) return spare;
  unsigned long long left = used < limit ? limit - used : 0;
  return left < spare ? left : spare;
}

bool cl_has_memory_to_spare(void) {
  unsigned long long size = 0, resident = 0;
  FILE *file = fopen("/proc/self/statm", "re");
  if (!file) return false;
  bool is_known = fscanf(file, "%llu %llu", &size, &resident) == 2;
  fclose(file);
  return is_known && spare_memory() / 8 >= resident * (unsigned long long)sysconf(_SC_PAGESIZE);
}

bool cl_huge_heap(uintptr_t *start, uintptr_t *end, size_t *page) {
  *start = *end = 0;
  *page = number_in("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "");
  if (*page == 0) return false;
  char line[PATH_MAX + 128];
  FILE *file = fopen("/proc/self/maps", "re");
  if (!file) return false;
  /* In pieces: what has grown after a fork is a mapping of its own. */
  uintptr_t from, to;
  while (fgets(line, sizeof line, file))
    if (strstr(line, "[heap]") && sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &from, &to) == 2) {
      if (*end == 0) *start = from;
      *end = to;
    }
  fclose(file);
  *start = (*start + *page - 1) / *page * *page;
  *end = *end / *page * *page;
  return *start < *end;
}

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

int cl_own_pages(uintptr_t at, size_t count) { return madvise((void *)at, count, MADV_POPULATE_WRITE); }

/* Mappings up to this size are small enough to be filled. */
enum { SMALL_MAPPING = 16 << 20 };

static void own_mapping(uintptr_t from, uintptr_t to, int advice, uintptr_t start, uintptr_t end, uintptr_t resident) {
  /* Mostly empty (a table of which few pages are used, the shadow memory of a sanitizer): to populate would be to fill it. */
  if (to - from > SMALL_MAPPING && resident < (to - from) / 2) return;
  /* A private mapping of a file whose end was cut off fails, and harms nobody. */
  if (from < start && start <= to) madvise((void *)from, start - from, advice);
  else if (from < start || from >= end) madvise((void *)from, to - from, advice);
  if (from < end && end < to) madvise((void *)end, to - end, advice);
}

/* One mapping of this process; counts in bytes. */
typedef struct {
  uintptr_t from, to;
  char rights[5];
  bool is_file, is_kernels;
  size_t resident, anonymous, swapped;
} mapping;

/* Reads the next mapping of /proc/self/smaps; false at the end. */
static bool next_mapping(FILE *file, mapping *next) {
  char line[PATH_MAX + 128];
  memset(next, 0, sizeof *next);
  while (fgets(line, sizeof line, file)) {
    uintptr_t from, to;
    size_t count;
    if (strncmp(line, "VmFlags:", 8) == 0) return true;
    if (sscanf(line, "Rss: %zu", &count) == 1) next->resident = count * 1024;
    else if (sscanf(line, "Anonymous: %zu", &count) == 1) next->anonymous = count * 1024;
    else if (sscanf(line, "Swap: %zu", &count) == 1) next->swapped = count * 1024;
    /* "Anon" begins like an address, and is none. */
    else if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &from, &to, next->rights) == 3) {
      next->from = from;
      next->to = to;
      next->is_file = strchr(line, '/') != NULL;
      next->is_kernels = strstr(line, "[v") != NULL;
    }
  }
  return false;
}

void cl_own_other_pages(uintptr_t start, uintptr_t end) {
  FILE *file = fopen("/proc/self/smaps", "re");
  if (!file) return;
  for (mapping each; next_mapping(file, &each);)
    if (each.rights[0] == 'r' && each.rights[3] == 'p' && !each.is_kernels)
      own_mapping(each.from, each.to, each.rights[1] == 'w' ? MADV_POPULATE_WRITE : MADV_POPULATE_READ, start, end, each.resident);
  fclose(file);
}

int cl_collapse(uintptr_t at, size_t page) {
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
  return madvise((void *)at, page, MADV_COLLAPSE);
}

void cl_give_code_back(void) {
  FILE *file = fopen("/proc/self/smaps", "re");
  if (!file) return;
  /* Pages that were changed before they were made read-only (relocations) would be lost, wherever they are now. */
  for (mapping each; next_mapping(file, &each);)
    if (each.is_file && each.rights[1] == '-' && each.rights[3] == 'p' && each.anonymous + each.swapped == 0)
      madvise((void *)each.from, each.to - each.from, MADV_DONTNEED);
  fclose(file);
}

void cl_give_memory_back(void) { malloc_trim(0); }
