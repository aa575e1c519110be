#ifndef NACRE_GUARD_PRIVATE_H
#define NACRE_GUARD_PRIVATE_H

#include "cperl_guard.h"
#include "cperl_private.h"

static inline uint64_t cp_mix(uint64_t one, uint64_t other) {
  uint64_t value = (one ^ (other + 0x9E3779B97F4A7C15u + (one << 6) + (one >> 2))) * 0xFF51AFD7ED558CCDu;
  return value ^ (value >> 32);
}

static inline uint64_t cp_bytes_digest(const char *bytes, size_t count) {
  uint64_t digest = 0xCBF29CE484222325u ^ count;
  while (count >= 8) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    digest = cp_mix(digest, word);
    bytes += 8;
    count -= 8;
  }
  for (; count; count--) digest = (digest ^ (unsigned char)*bytes++) * 0x100000001B3u;
  return cp_mix(digest, 5);
}

/* The value of any kind of SV; of what stands under a name in a stash. */
uint64_t cp_value_digest(pTHX_ SV *value);
uint64_t cp_glob_digest(pTHX_ SV *entry);

/* The state of the interpreter that any code can see; one digest each. */
enum { CP_SIG, CP_ARGV, CP_SPECIALS, CP_OVERRIDES, CP_UNIVERSAL, CP_DIRECTORY, CP_PROCESS, CP_OUTPUT, CP_SURROUNDINGS };
void cp_surroundings(pTHX_ uint64_t digests[CP_SURROUNDINGS]);
const char *cp_surrounding_name(int which);

/* Names that groups define or mention, numbered in the order in which they were met (guard_names.c). */

void cp_names_add(pTHX_ HV *stash, const char *name, I32 count);
size_t cp_names_count(void);
/* Takes the present state as that which later ones are compared with. */
void cp_names_settle(pTHX);
/* Code has run since: stashes are looked for anew. */
void cp_names_look(void);
/* The first of these names that is not what it was: `*My::Module::debug`, borrowed until the next call; or NULL. */
const char *cp_names_difference(pTHX_ size_t first, size_t end);
void cp_names_forget(void);

/* What adds them (guard_find.c). */

/* Finds what is new in all stashes since the last time, and adds it to the names if asked to. */
void cp_find_new(pTHX_ bool adds);
/* Whether the names in what perl compiles from here on are one group's. */
void cp_find_mentions(bool records);
/* No more names are to be found. */
void cp_find_seal(void);

#endif
