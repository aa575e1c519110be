#include "guard_private.h"
#include "load_private.h"

/* Finds the names that a group defines (what is new in the stashes) or mentions (what perl compiles). */

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
  /* Every name of every stash, and those of the present group; as digests. */
  number_set known, mentioned;
  known_stash *stashes;
  size_t stash_count, stash_capacity;
} finder;

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

static uint64_t name_digest(uint64_t package, const char *name, I32 count) {
  return cp_mix(package, cp_bytes_digest(name, (size_t)(count < 0 ? -count : count)));
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

static void add_if_new(pTHX_ HV *stash, const char *name, I32 count) {
  if (!HvNAME_get(stash) || is_of_perl(aTHX_ stash, name, count)) return;
  if (set_insert(&finder.mentioned, name_digest(stash_digest(aTHX_ stash), name, count)))
    cp_names_add(aTHX_ stash, name, count);
}

/* MARK: What is new */

static known_stash *stash_slot(known_stash *slots, size_t capacity, HV *stash) {
  size_t index = cp_mix(PTR2UV(stash), 7) & (capacity - 1);
  while (slots[index].stash && slots[index].stash != stash) index = (index + 1) & (capacity - 1);
  return &slots[index];
}

/* Whether the stash may have names that were not seen: a new number of them, or a new stash. */
static bool has_changed(pTHX_ HV *stash) {
  if (finder.stash_count * 2 >= finder.stash_capacity) {
    size_t capacity = finder.stash_capacity ? finder.stash_capacity * 2 : 1024;
    known_stash *slots;
    Newxz(slots, capacity, known_stash);
    for (size_t index = 0; index < finder.stash_capacity; index++)
      if (finder.stashes[index].stash) *stash_slot(slots, capacity, finder.stashes[index].stash) = finder.stashes[index];
    Safefree(finder.stashes);
    finder.stashes = slots;
    finder.stash_capacity = capacity;
  }
  known_stash *slot = stash_slot(finder.stashes, finder.stash_capacity, stash);
  uint64_t state = cp_mix(stash_digest(aTHX_ stash), HvUSEDKEYS(stash));
  if (slot->stash && slot->state == state) return false;
  if (!slot->stash) finder.stash_count++;
  *slot = (known_stash){stash, state};
  return true;
}

static void scan(pTHX_ HV *stash, bool adds) {
  uint64_t package = stash_digest(aTHX_ stash);
  for (STRLEN bucket = 0; HvARRAY(stash) && bucket <= HvMAX(stash); bucket++) {
    for (HE *entry = HvARRAY(stash)[bucket]; entry; entry = HeNEXT(entry)) {
      I32 count = (I32)HeKLEN(entry);
      if (HeVAL(entry) == &PL_sv_placeholder || count <= 0) continue;
      const char *name = HeKEY(entry);
      if (count > 2 && name[count - 1] == ':' && name[count - 2] == ':') continue;
      if (set_insert(&finder.known, name_digest(package, name, count)) && adds)
        add_if_new(aTHX_ stash, name, HeUTF8(entry) ? -count : count);
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
  if (!finder.records || !cp_is_host_thread || !checked || !(checked->op_flags & OPf_KIDS)) return checked;
  OP *kid = cUNOPx(checked)->op_first;
  if (!kid || kid->op_type != OP_GV) return checked;
  SV *glob = (SV *)cGVOPx_gv(kid);
  if (!glob) return checked;
  if (isGV_with_GP(glob)) {
    if (GvSTASH((GV *)glob))
      add_if_new(
          aTHX_ GvSTASH((GV *)glob), GvNAME((GV *)glob),
          GvNAMEUTF8((GV *)glob) ? -(I32)GvNAMELEN((GV *)glob) : (I32)GvNAMELEN((GV *)glob));
  } else if (SvROK(glob) && SvTYPE(SvRV(glob)) == SVt_PVCV) {
    CV *code = (CV *)SvRV(glob);
    if (CvNAMED(code) && CvSTASH(code) && CvNAME_HEK(code))
      add_if_new(
          aTHX_ CvSTASH(code), HEK_KEY(CvNAME_HEK(code)),
          HEK_UTF8(CvNAME_HEK(code)) ? -(I32)HEK_LEN(CvNAME_HEK(code)) : (I32)HEK_LEN(CvNAME_HEK(code)));
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

/* MARK: For the groups */

void cp_find_new(pTHX_ bool adds) { walk(aTHX_ PL_defstash, adds, 0); }

void cp_find_mentions(bool records) {
  if (records) set_clear(&finder.mentioned);
  finder.records = records;
}

void cp_find_seal(void) {
  Safefree(finder.known.slots);
  Safefree(finder.mentioned.slots);
  Safefree(finder.stashes);
  Zero(&finder, 1, __typeof__(finder));
}
