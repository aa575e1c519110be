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

/* What stands under the name now; NULL if nothing does. Borrowed. */
static SV *entry_of(pTHX_ const guarded_name *name) {
  guarded_package *package = &guard.packages[name->package];
  if (package->look != guard.look) {
    package->stash = gv_stashpvn(package->name, package->count, (I32)package->flags);
    package->look = guard.look;
  }
  if (!package->stash) return NULL;
  SV **entry = (SV **)hv_common_key_len(
      package->stash, name->name, name->name_count, HV_FETCH_JUST_SV, NULL, name->hash);
  return entry ? *entry : NULL;
}

/* MARK: For the groups */

size_t cp_names_count(void) { return guard.count; }

void cp_names_settle(pTHX) {
  cp_names_look();
  for (size_t index = 0; index < guard.count; index++)
    guard.names[index].digest = cp_glob_digest(aTHX_ entry_of(aTHX_ &guard.names[index]));
}

const char *cp_names_difference(pTHX_ size_t first, size_t end) {
  static char text[512];
  for (size_t index = first; index < end; index++) {
    const guarded_name *name = &guard.names[index];
    if (name->digest == cp_glob_digest(aTHX_ entry_of(aTHX_ name))) continue;
    my_snprintf(text, sizeof text, "*%.200s::%.200s", guard.packages[name->package].name, name->name);
    return text;
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
