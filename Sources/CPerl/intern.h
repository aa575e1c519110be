/* Names by number: each is kept once. */
#ifndef NACRE_INTERN_H
#define NACRE_INTERN_H

#include "cperl_private.h"

typedef struct {
  char *bytes; /* NUL-terminated */
  uint32_t count, hash;
} cp_interned_name;

/* All zero: empty. No single name is ever forgotten. */
typedef struct {
  cp_interned_name *names; /* by number */
  uint32_t count, capacity;
  int32_t *slots; /* by hash, open addressing; -1: free */
  uint32_t slot_count;
} cp_interned;

/* The number of a name, -1 if it is not known. */
int32_t cp_find_interned(const cp_interned *all, const char *bytes, size_t count);
/* The same; a name that is not known gets the next number. */
int32_t cp_intern(cp_interned *all, const char *bytes, size_t count);
/* Makes an empty one a copy, with the same numbers. */
void cp_copy_interned(cp_interned *to, const cp_interned *from);
void cp_free_interned(cp_interned *all);

#endif
