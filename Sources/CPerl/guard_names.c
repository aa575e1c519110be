#include "guard_private.h"

/* The names that groups define or mention. */

/* A package, as text, and its stash as it was found by the present look. */
typedef struct {
  const char *name;
  U32 count, flags; /* SVf_UTF8 */
  uint64_t digest;
  HV *stash;
  uint64_t look;
} guarded_package;

/* One name that a group defines or mentions. Kept as text: globs come and go (namespace::clean). */
typedef struct {
  const char *name;
  I32 name_count; /* negative if UTF-8, as hv_fetch has it */
  U32 hash;       /* perl's; 0 if it is to be computed */
  uint32_t package;
  uint64_t digest;
} guarded_name;

/* Texts are never given back one by one: the processes that are done with them share them with their checkpoints, and
   to free a text is to copy its page. */
typedef struct text_block text_block;
struct text_block {
  text_block *next;
  size_t used, capacity;
  char bytes[];
};

static struct {
  guarded_name *names;
  size_t count, capacity;
  guarded_package *packages;
  size_t package_count, package_capacity;
  /* The packages by their digests: 1 + index, open addressing. */
  uint32_t *package_slots;
  size_t package_slot_count;
  text_block *texts;
  uint64_t look;
} guard;

/* MARK: Texts and packages */

static const char *keep_text(const char *bytes, size_t count) {
  text_block *block = guard.texts;
  if (!block || block->used + count + 1 > block->capacity) {
    size_t capacity = count < 256 * 1024 ? 256 * 1024 : count + 1;
    block = safemalloc(sizeof *block + capacity);
    *block = (text_block){guard.texts, 0, capacity};
    guard.texts = block;
  }
  char *text = block->bytes + block->used;
  memcpy(text, bytes, count);
  text[count] = 0;
  block->used += count + 1;
  return text;
}

static uint32_t *package_slot(uint32_t *slots, size_t capacity, uint64_t digest) {
  size_t index = digest & (capacity - 1);
  while (slots[index] && guard.packages[slots[index] - 1].digest != digest) index = (index + 1) & (capacity - 1);
  return &slots[index];
}

static uint32_t package_of(pTHX_ HV *stash) {
  PERL_UNUSED_CONTEXT;
  const char *name = HvNAME_get(stash);
  U32 count = (U32)HvNAMELEN_get(stash), flags = HvNAMEUTF8(stash) ? SVf_UTF8 : 0;
  uint64_t digest = cp_mix(cp_bytes_digest(name, count), flags);
  if (guard.package_count * 2 >= guard.package_slot_count) {
    size_t capacity = guard.package_slot_count ? guard.package_slot_count * 2 : 256;
    uint32_t *slots;
    Newxz(slots, capacity, uint32_t);
    for (size_t index = 0; index < guard.package_count; index++)
      *package_slot(slots, capacity, guard.packages[index].digest) = (uint32_t)index + 1;
    Safefree(guard.package_slots);
    guard.package_slots = slots;
    guard.package_slot_count = capacity;
  }
  uint32_t *slot = package_slot(guard.package_slots, guard.package_slot_count, digest);
  if (*slot) return *slot - 1;
  if (guard.package_count == guard.package_capacity) {
    guard.package_capacity = guard.package_capacity ? guard.package_capacity * 2 : 64;
    Renew(guard.packages, guard.package_capacity, guarded_package);
  }
  guard.packages[guard.package_count++] = (guarded_package){keep_text(name, count), count, flags, digest, NULL, 0};
  *slot = (uint32_t)guard.package_count;
  return *slot - 1;
}

/* MARK: Names */

void cp_names_add(pTHX_ HV *stash, const char *name, I32 count) {
  if (guard.count == guard.capacity) {
    guard.capacity = guard.capacity ? guard.capacity * 2 : 1024;
    Renew(guard.names, guard.capacity, guarded_name);
  }
  U32 hash = 0;
  if (count > 0) PERL_HASH(hash, name, count);
  guard.names[guard.count++] = (guarded_name){
      keep_text(name, (size_t)(count < 0 ? -count : count)), count, hash, package_of(aTHX_ stash), 0};
}

void cp_names_look(void) { guard.look++; }

static HV *stash_of(pTHX_ const guarded_name *name) {
  guarded_package *package = &guard.packages[name->package];
  if (package->look != guard.look) {
    package->stash = gv_stashpvn(package->name, package->count, (I32)package->flags);
    package->look = guard.look;
  }
  return package->stash;
}

/* What stands under the name now; NULL if nothing does. Borrowed. */
static SV *entry_of(pTHX_ const guarded_name *name) {
  HV *stash = stash_of(aTHX_ name);
  if (!stash) return NULL;
  SV **entry =
      (SV **)hv_common_key_len(stash, name->name, name->name_count, HV_FETCH_JUST_SV, NULL, name->hash);
  return entry ? *entry : NULL;
}

/* MARK: Names that are looked at together

   A look at a name is a walk over some ten places all over the memory, each found in the one before. For some names
   side by side, step by step, the memory is read while the others are asked for. */

enum { SIDE_BY_SIDE = 32 };

static void prefetch_code(const CV *code) {
  __builtin_prefetch(SvANY(code));
  /* The root of the sub lies in the second line. */
  __builtin_prefetch((const char *)SvANY(code) + 64);
}

static void prefetch_contents(const GP *contents) {
  if (contents->gp_sv) __builtin_prefetch(contents->gp_sv);
  if (contents->gp_av) __builtin_prefetch(contents->gp_av);
  if (contents->gp_hv) __builtin_prefetch(contents->gp_hv);
  if (contents->gp_cv) __builtin_prefetch(contents->gp_cv);
}

/* The entries of `count` names from `first` on, at most SIDE_BY_SIDE; borrowed. */
static void entries_of(pTHX_ size_t first, size_t count, SV *entries[SIDE_BY_SIDE]) {
  const guarded_name *names = &guard.names[first];
  HE **buckets[SIDE_BY_SIDE];
  for (size_t index = 0; index < count; index++) {
    HV *stash = stash_of(aTHX_ &names[index]);
    buckets[index] = stash && HvARRAY(stash) ? &HvARRAY(stash)[names[index].hash & HvMAX(stash)] : NULL;
    if (buckets[index]) __builtin_prefetch(buckets[index]);
  }
  for (size_t index = 0; index < count; index++)
    if (buckets[index] && *buckets[index]) __builtin_prefetch(*buckets[index]);
  for (size_t index = 0; index < count; index++) {
    if (!buckets[index] || !*buckets[index]) continue;
    __builtin_prefetch(HeKEY_hek(*buckets[index]));
    __builtin_prefetch(HeVAL(*buckets[index]));
  }
  for (size_t index = 0; index < count; index++) entries[index] = entry_of(aTHX_ &names[index]);
  for (size_t index = 0; index < count; index++) {
    if (!entries[index]) continue;
    if (isGV_with_GP(entries[index])) __builtin_prefetch(GvGP((GV *)entries[index]));
    else if (SvROK(entries[index])) __builtin_prefetch(SvRV(entries[index]));
  }
  for (size_t index = 0; index < count; index++)
    if (entries[index] && isGV_with_GP(entries[index])) prefetch_contents(GvGP((GV *)entries[index]));
  for (size_t index = 0; index < count; index++) {
    if (!entries[index] || !isGV_with_GP(entries[index])) continue;
    const GP *contents = GvGP((GV *)entries[index]);
    if (contents->gp_cv) prefetch_code(contents->gp_cv);
    if (contents->gp_sv) __builtin_prefetch(SvANY(contents->gp_sv));
  }
}

/* MARK: For the groups */

size_t cp_names_count(void) { return guard.count; }

void cp_names_settle(pTHX) {
  cp_names_look();
  SV *entries[SIDE_BY_SIDE];
  for (size_t first = 0; first < guard.count; first += SIDE_BY_SIDE) {
    size_t count = guard.count - first < SIDE_BY_SIDE ? guard.count - first : SIDE_BY_SIDE;
    entries_of(aTHX_ first, count, entries);
    for (size_t index = 0; index < count; index++)
      guard.names[first + index].digest = cp_glob_digest(aTHX_ entries[index]);
  }
}

const char *cp_names_difference(pTHX_ size_t first, size_t end) {
  static char text[512];
  SV *entries[SIDE_BY_SIDE];
  for (; first < end; first += SIDE_BY_SIDE) {
    size_t count = end - first < SIDE_BY_SIDE ? end - first : SIDE_BY_SIDE;
    entries_of(aTHX_ first, count, entries);
    for (size_t index = 0; index < count; index++) {
      const guarded_name *name = &guard.names[first + index];
      if (name->digest == cp_glob_digest(aTHX_ entries[index])) continue;
      my_snprintf(text, sizeof text, "*%.200s::%.200s", guard.packages[name->package].name, name->name);
      return text;
    }
  }
  return NULL;
}

void cp_names_forget(void) {
  while (guard.texts) {
    text_block *next = guard.texts->next;
    Safefree(guard.texts);
    guard.texts = next;
  }
  Safefree(guard.names);
  Safefree(guard.packages);
  Safefree(guard.package_slots);
  Zero(&guard, 1, __typeof__(guard));
}
