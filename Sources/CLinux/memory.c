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

void cl_own_other_pages(uintptr_t start, uintptr_t end) {
  char line[PATH_MAX + 128], rights[5] = "";
  uintptr_t from = 0, to = 0, resident;
  FILE *file = fopen("/proc/self/smaps", "re");
  if (!file) return;
  while (fgets(line, sizeof line, file)) {
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &from, &to, rights) == 3) {
      if (strstr(line, "[v")) rights[0] = '-';
    } else if (sscanf(line, "Rss: %" SCNuPTR, &resident) == 1 && rights[0] == 'r' && rights[3] == 'p') {
      own_mapping(from, to, rights[1] == 'w' ? MADV_POPULATE_WRITE : MADV_POPULATE_READ, start, end, resident * 1024);
    }
  }
  fclose(file);
}

int cl_collapse(uintptr_t at, size_t page) {
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
  return madvise((void *)at, page, MADV_COLLAPSE);
}

void cl_give_code_back(void) {
  char line[PATH_MAX + 128], rights[5] = "";
  /* "Anon" begins like an address, and is none. */
  uintptr_t from = 0, to = 0, first, last, count;
  bool is_clean = false;
  FILE *file = fopen("/proc/self/smaps", "re");
  if (!file) return;
  while (fgets(line, sizeof line, file)) {
    /* Pages that were changed before they were made read-only (relocations) would be lost, wherever they are now. */
    if (sscanf(line, "Anonymous: %" SCNuPTR, &count) == 1 || sscanf(line, "Swap: %" SCNuPTR, &count) == 1) {
      is_clean = is_clean && count == 0;
    } else if (strncmp(line, "VmFlags:", 8) == 0) {
      if (is_clean) madvise((void *)from, to - from, MADV_DONTNEED);
    } else if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &first, &last, rights) == 3) {
      from = first;
      to = last;
      is_clean = strchr(line, '/') && rights[1] == '-' && rights[3] == 'p';
    }
  }
  fclose(file);
}

void cl_give_memory_back(void) { malloc_trim(0); }
