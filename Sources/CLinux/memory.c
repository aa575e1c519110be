#define _GNU_SOURCE
#include "CLinux.h"

#include <inttypes.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
  if (*end <= *start) return false;
  return spare_memory() / 8 >= *end - *start;
}

int cl_collapse(uintptr_t at, size_t page) {
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
  return madvise((void *)at, page, MADV_COLLAPSE);
}

void cl_give_memory_back(void) { malloc_trim(0); }
