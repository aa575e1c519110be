#include "guard_private.h"
#include "load_private.h"

/* One name that a group defines or mentions. Kept as text: globs come and go (namespace::clean). */
typedef struct {
  char *package;
  char *name;
  I32 name_count; /* negative if UTF-8, as hv_fetch has it */
  uint32_t group;
  uint64_t digest;
} guarded_name;

typedef struct {
  uint64_t includes, environment;
  uint32_t first; /* its first name */
  SSize_t ends;   /* how many END blocks there were when it began, -1 if it has none */
} guarded_group;

typedef struct {
  uint64_t *slots;
  size_t capacity, count;
} number_set;

typedef struct {
  HV *stash;
  uint64_t state; /* of its name and the number of its keys */
} known_stash;

static struct {
  bool records;
  guarded_name *names;
  size_t name_count, name_capacity;
  guarded_group *groups;
  uint32_t group_count, group_capacity;
  /* Every name of every stash, and those of the present group; as digests. */
  number_set known, mentioned;
  known_stash *stashes;
  size_t stash_count, stash_capacity;
  uint64_t surroundings[CP_SURROUNDINGS];
  SSize_t ends;
} guard;

/* MARK: Sets */

static bool set_insert(number_set *set, uint64_t number) {
  if (set->count * 2 >= set->capacity) {
    number_set grown = {NULL, set->capacity ? set->capacity * 2 : 1024, 0};
    Newxz(grown.slots, grown.capacity, uint64_t);
    for (size_t index = 0; index < set->capacity; index++)
      if (set->slots[index]) set_insert(&grown, set->slots[index]);
    Safefree(set->slots);
    *set = grown;
  }
  if (number == 0) number = 1;
  size_t index = number & (set->capacity - 1);
  while (set->slots[index]) {
    if (set->slots[index] == number) return false;
    index = (index + 1) & (set->capacity - 1);
  }
  set->slots[index] = number;
  set->count++;
  return true;
}

static void set_clear(number_set *set) {
  if (set->slots) Zero(set->slots, set->capacity, uint64_t);
  set->count = 0;
}

/* MARK: Names */

static uint64_t stash_digest(pTHX_ HV *stash) {
  PERL_UNUSED_CONTEXT;
  HEK *name = HvNAME_HEK(stash);
  return name ? cp_mix((uint64_t)HEK_LEN(name), (uint64_t)HEK_HASH(name)) : 0;
}

static uint64_t name_digest(pTHX_ HV *stash, const char *name, I32 count) {
  return cp_mix(stash_digest(aTHX_ stash), cp_bytes_digest(name, (size_t)(count < 0 ? -count : count)));
}

/* Names that perl itself sets all the time, or that are looked at as surroundings. */
static bool is_of_perl(pTHX_ HV *stash, const char *name, I32 count) {
  if (count == 1 && (*name == 'a' || *name == 'b')) return true;
  if (stash != PL_defstash) return false;
  if (!isALPHA_A(*name)) return true;
  static const char *const names[] = {"ENV", "INC", "ARGV", "ARGVOUT", "SIG", "STDIN", "STDOUT", "STDERR", "DATA"};
  for (size_t index = 0; index < sizeof names / sizeof *names; index++)
    if ((size_t)count == strlen(names[index]) && memEQ(name, names[index], (size_t)count)) return true;
  return false;
}

static void add_name(pTHX_ HV *stash, const char *name, I32 count) {
  const char *package = HvNAME_get(stash);
  if (!package || is_of_perl(aTHX_ stash, name, count)) return;
  if (!set_insert(&guard.mentioned, name_digest(aTHX_ stash, name, count))) return;
  if (guard.name_count == guard.name_capacity) {
    guard.name_capacity = guard.name_capacity ? guard.name_capacity * 2 : 1024;
    Renew(guard.names, guard.name_capacity, guarded_name);
  }
  guarded_name *added = &guard.names[guard.name_count++];
  added->package = savepv(package);
  added->name = savepvn(name, count < 0 ? -count : count);
  added->name_count = count;
  added->group = guard.group_count - 1;
  added->digest = 0;
}

static SV *entry_of(pTHX_ const guarded_name *name) {
  HV *stash = gv_stashpv(name->package, 0);
  SV **entry = stash ? hv_fetch(stash, name->name, name->name_count, 0) : NULL;
  return entry ? *entry : NULL;
}

/* MARK: What is new */

static known_stash *stash_slot(known_stash *slots, size_t capacity, HV *stash) {
  size_t index = cp_mix(PTR2UV(stash), 7) & (capacity - 1);
  while (slots[index].stash && slots[index].stash != stash) index = (index + 1) & (capacity - 1);
  return &slots[index];
}

/* Whether the stash may have names that were not seen: a new number of them, or a new stash. */
static bool has_changed(pTHX_ HV *stash) {
  if (guard.stash_count * 2 >= guard.stash_capacity) {
    size_t capacity = guard.stash_capacity ? guard.stash_capacity * 2 : 1024;
    known_stash *slots;
    Newxz(slots, capacity, known_stash);
    for (size_t index = 0; index < guard.stash_capacity; index++)
      if (guard.stashes[index].stash) *stash_slot(slots, capacity, guard.stashes[index].stash) = guard.stashes[index];
    Safefree(guard.stashes);
    guard.stashes = slots;
    guard.stash_capacity = capacity;
  }
  known_stash *slot = stash_slot(guard.stashes, guard.stash_capacity, stash);
  uint64_t state = cp_mix(stash_digest(aTHX_ stash), HvUSEDKEYS(stash));
  if (slot->stash && slot->state == state) return false;
  if (!slot->stash) guard.stash_count++;
  *slot = (known_stash){stash, state};
  return true;
}

static void scan(pTHX_ HV *stash, bool adds) {
  for (STRLEN bucket = 0; HvARRAY(stash) && bucket <= HvMAX(stash); bucket++) {
    for (HE *entry = HvARRAY(stash)[bucket]; entry; entry = HeNEXT(entry)) {
      I32 count = (I32)HeKLEN(entry);
      if (HeVAL(entry) == &PL_sv_placeholder || count <= 0) continue;
      const char *name = HeKEY(entry);
      if (count > 2 && name[count - 1] == ':' && name[count - 2] == ':') continue;
      if (set_insert(&guard.known, name_digest(aTHX_ stash, name, count)) && adds)
        add_name(aTHX_ stash, name, HeUTF8(entry) ? -count : count);
    }
  }
}

/* Walks all stashes; looks at the names of those that have changed. */
static void walk(pTHX_ HV *stash, bool adds, int depth) {
  if (has_changed(aTHX_ stash)) scan(aTHX_ stash, adds);
  for (STRLEN bucket = 0; HvARRAY(stash) && bucket <= HvMAX(stash); bucket++) {
    for (HE *entry = HvARRAY(stash)[bucket]; entry; entry = HeNEXT(entry)) {
      I32 count = (I32)HeKLEN(entry);
      if (count < 3 || HeKEY(entry)[count - 1] != ':' || !isGV_with_GP(HeVAL(entry))) continue;
      HV *inner = GvHV((GV *)HeVAL(entry));
      if (!inner || inner == stash || inner == PL_defstash || !HvNAME_get(inner) || depth >= 32) continue;
      walk(aTHX_ inner, adds, depth + 1);
    }
  }
}

/* MARK: What is mentioned */

static Perl_check_t original_check[OP_max];

/* Runs as perl compiles a mention of a variable or a sub by name. */
static OP *check_mention(pTHX_ OP *op) {
  OP *checked = original_check[op->op_type](aTHX_ op);
  if (!guard.records || !cp_is_host_thread || !checked || !(checked->op_flags & OPf_KIDS)) return checked;
  OP *kid = cUNOPx(checked)->op_first;
  if (!kid || kid->op_type != OP_GV) return checked;
  SV *glob = (SV *)cGVOPx_gv(kid);
  if (!glob) return checked;
  if (isGV_with_GP(glob)) {
    if (GvSTASH((GV *)glob))
      add_name(
          aTHX_ GvSTASH((GV *)glob), GvNAME((GV *)glob),
          GvNAMEUTF8((GV *)glob) ? -(I32)GvNAMELEN((GV *)glob) : (I32)GvNAMELEN((GV *)glob));
  } else if (SvROK(glob) && SvTYPE(SvRV(glob)) == SVt_PVCV) {
    CV *code = (CV *)SvRV(glob);
    if (CvNAMED(code) && CvSTASH(code) && CvNAME_HEK(code))
      add_name(aTHX_ CvSTASH(code), HEK_KEY(CvNAME_HEK(code)), (I32)HEK_LEN(CvNAME_HEK(code)));
  }
  return checked;
}

void cp_hook_mentions(void) {
  static const OPCODE types[] = {OP_RV2SV, OP_RV2AV, OP_RV2HV, OP_RV2CV, OP_RV2GV};
  for (size_t index = 0; index < sizeof types / sizeof *types; index++) {
    original_check[types[index]] = PL_check[types[index]];
    PL_check[types[index]] = check_mention;
  }
}

/* MARK: The preload */

static SSize_t end_count(pTHX) { return PL_endav ? AvFILLp(PL_endav) + 1 : 0; }
static uint64_t include_digest(pTHX) { return cp_value_digest(aTHX_(SV *) GvAVn(PL_incgv)); }
static uint64_t environment_digest(pTHX) {
  return PL_envgv && GvHV(PL_envgv) ? cp_value_digest(aTHX_(SV *) GvHV(PL_envgv)) : 0;
}

uint64_t cp_environment_digest(void) {
  dTHX;
  return environment_digest(aTHX);
}

void cp_each_environment(
    void *context, void (*visit)(void *context, const char *name, size_t name_count, const char *value, size_t count)) {
  dTHX;
  if (!PL_envgv || !GvHV(PL_envgv)) return;
  HV *all = GvHV(PL_envgv);
  for (STRLEN bucket = 0; HvARRAY(all) && bucket <= HvMAX(all); bucket++) {
    for (HE *entry = HvARRAY(all)[bucket]; entry; entry = HeNEXT(entry)) {
      SV *value = HeVAL(entry);
      if (value == &PL_sv_placeholder || HeKLEN(entry) < 0 || !SvOK(value)) continue;
      STRLEN count;
      const char *bytes = SvPV_nomg(value, count);
      visit(context, HeKEY(entry), (size_t)HeKLEN(entry), bytes, count);
    }
  }
}

void cp_guard_start(void) {
  dTHX;
  cp_guard_forget();
  walk(aTHX_ PL_defstash, false, 0);
}

void cp_guard_begin(void) {
  dTHX;
  if (guard.group_count == guard.group_capacity) {
    guard.group_capacity = guard.group_capacity ? guard.group_capacity * 2 : 64;
    Renew(guard.groups, guard.group_capacity, guarded_group);
  }
  guard.groups[guard.group_count++] =
      (guarded_group){include_digest(aTHX), environment_digest(aTHX), (uint32_t)guard.name_count, end_count(aTHX)};
  set_clear(&guard.mentioned);
  guard.records = true;
}

const char *cp_guard_end(void) {
  dTHX;
  walk(aTHX_ PL_defstash, true, 0);
  guard.records = false;
  guarded_group *group = &guard.groups[guard.group_count - 1];
  if (group->ends == end_count(aTHX)) group->ends = -1;
  if (group->includes != include_digest(aTHX)) return "@INC";
  return group->environment == environment_digest(aTHX) ? NULL : "%ENV";
}

void cp_guard_settle(void) {
  dTHX;
  for (size_t index = 0; index < guard.name_count; index++)
    guard.names[index].digest = cp_glob_digest(aTHX_ entry_of(aTHX_ &guard.names[index]));
  cp_surroundings(aTHX_ guard.surroundings);
  guard.ends = end_count(aTHX);
}

void cp_guard_seal(void) {
  cp_guard_settle();
  /* What is only needed to find what is new. */
  Safefree(guard.known.slots);
  Safefree(guard.mentioned.slots);
  Safefree(guard.stashes);
  guard.known = guard.mentioned = (number_set){NULL, 0, 0};
  guard.stashes = NULL;
  guard.stash_count = guard.stash_capacity = 0;
}

const char *cp_guard_difference(uint32_t number) {
  dTHX;
  if (number >= guard.group_count) return NULL;
  const guarded_group *group = &guard.groups[number];
  if (group->includes != include_digest(aTHX)) return "@INC";
  if (group->environment != environment_digest(aTHX)) return "%ENV";
  return cp_guard_effect(number);
}

const char *cp_guard_effect(uint32_t number) {
  dTHX;
  static char text[512];
  if (number >= guard.group_count) return NULL;
  const guarded_group *group = &guard.groups[number];
  uint64_t now[CP_SURROUNDINGS];
  cp_surroundings(aTHX_ now);
  for (int which = 0; which < CP_SURROUNDINGS; which++)
    if (now[which] != guard.surroundings[which]) return cp_surrounding_name(which);
  /* An END block of the application that was compiled in between would run at another moment. */
  if (group->ends >= 0 && guard.ends != end_count(aTHX)) return "the order of END blocks";
  size_t end = number + 1 < guard.group_count ? guard.groups[number + 1].first : guard.name_count;
  for (size_t index = group->first; index < end; index++) {
    const guarded_name *name = &guard.names[index];
    if (name->digest == cp_glob_digest(aTHX_ entry_of(aTHX_ name))) continue;
    my_snprintf(text, sizeof text, "*%s::%s", name->package, name->name);
    return text;
  }
  return NULL;
}

void cp_guard_forget(void) {
  for (size_t index = 0; index < guard.name_count; index++) {
    Safefree(guard.names[index].package);
    Safefree(guard.names[index].name);
  }
  Safefree(guard.names);
  Safefree(guard.groups);
  Safefree(guard.known.slots);
  Safefree(guard.mentioned.slots);
  Safefree(guard.stashes);
  Zero(&guard, 1, __typeof__(guard));
}
