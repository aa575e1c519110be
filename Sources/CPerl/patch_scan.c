#include "patch_private.h"

/* What stands in the stashes. It is kept from one scan to the next: only stashes that have changed are looked at again. */

struct scanned_stash {
  /* Of the entries and the subs; 0: to be scanned. */
  uint64_t signature;
  uint32_t seen; /* the number of the scan that met it last */
  uint32_t slot_capacity, inner_count, inner_capacity;
  inner_stash *inner; /* the packages below it */
  bool is_held;
};

struct inner_stash {
  SV *entry;
  uint32_t number;
};

static int32_t file_number(patch_state *state, const char *name, size_t count) {
  /* Neighbours come from the same file, mostly. */
  int32_t last = state->last_file;
  const cp_interned_name *names = state->files.names;
  if (last >= 0 && names[last].count == count && memEQ(names[last].bytes, name, count)) return last;
  return state->last_file = cp_intern(&state->files, name, count);
}

const char *cp_file_name(int32_t file) {
  dTHX;
  return cp_patch_state(aTHX)->files.names[file].bytes;
}

static int32_t number_of(patch_state *state, const char *name, size_t count, uint32_t *eval) {
  if (!name) return -1;
  if (count > 6 && memEQ(name, "(eval ", 6)) {
    *eval = (uint32_t)strtoul(name + 6, NULL, 10);
    return -2;
  }
  return file_number(state, name, count);
}

/* MARK: One stash */

static bool names_a_package(const HE *entry) {
  I32 count = (I32)HeKLEN(entry);
  return count > 2 && HeKEY(entry)[count - 1] == ':' && HeKEY(entry)[count - 2] == ':';
}

static void add_slot(pTHX_ patch_state *state, cp_slot *slot, uint32_t stash, HE *entry) {
  SV *value = HeVAL(entry);
  slot->entry = CP_OF(value);
  slot->name = HeKEY(entry);
  slot->name_count = (uint32_t)HeKLEN(entry);
  slot->name_hash = (uint32_t)HeHASH(entry);
  slot->stash = stash;
  slot->code_file = slot->glob_file = -1;
  CV *code = NULL;
  uint32_t eval = 0;
  if (isGV_with_GP(value)) {
    GV *glob = (GV *)value;
    slot->is_glob = true;
    HEK *file = GvFILE_HEK(glob);
    if (file) slot->glob_file = number_of(state, HEK_KEY(file), (size_t)HEK_LEN(file), &eval);
    if (!GvCVGEN(glob)) code = GvCV(glob);
    slot->is_assigned = GvASSUMECV(glob) != 0;
    slot->is_imported = GvIMPORTED_CV(glob) != 0;
    slot->is_own = code && !CvNAMED(code) && CvGV(code) == glob;
  } else if (SvROK(value)) {
    if (SvTYPE(SvRV(value)) == SVt_PVCV) {
      code = (CV *)SvRV(value);
      slot->is_own = CvNAMED(code);
    } else {
      slot->is_constant = slot->has_body = true;
      slot->value = CP_OF(SvRV(value));
    }
  }
  if (!code) return;
  slot->code = CP_OF(code);
  slot->has_body = CvROOT(code) || CvXSUB(code);
  slot->is_xsub = CvISXSUB(code);
  slot->is_constant = CvCONST(code);
  if (slot->is_constant) slot->value = CP_OF(CvXSUBANY(code).any_ptr);
  slot->is_anonymous = CvANON(code) || CvCLONED(code);
  slot->is_running = !CvISXSUB(code) && CvDEPTH(code) > 0;
  if (CvFILE(code)) slot->code_file = number_of(state, CvFILE(code), strlen(CvFILE(code)), &slot->code_eval);
}


/* Changes whenever an entry comes, goes or is replaced, and whenever perl has to look methods up again (mro_core.c,
   mro_method_changed_in; gv.h, gv_method_changed): a sub comes, goes or is replaced. */
static uint64_t signature_of(pTHX_ HV *stash) {
  uint64_t sum = 1;
  for (STRLEN bucket = 0; HvARRAY(stash) && bucket <= HvMAX(stash); bucket++)
    for (HE *entry = HvARRAY(stash)[bucket]; entry; entry = HeNEXT(entry)) {
      uint64_t mixed = (uint64_t)PTR2UV(entry) * 0x9E3779B97F4A7C15u + (uint64_t)PTR2UV(HeVAL(entry)) * 0xC2B2AE3D27D4EB4Fu;
      /* A name that has gone may have left its place, and that of its glob, to another one. */
      mixed += HeHASH(entry);
      sum += mixed ^ mixed >> 29;
    }
  const struct mro_meta *meta = SvOOK(stash) ? HvAUX(stash)->xhv_mro_meta : NULL;
  sum = (sum ^ (meta ? meta->pkg_gen : 0)) * 0x9E3779B97F4A7C15u + PL_sub_generation;
  return sum ? sum : 1;
}

static void add_inner(struct scanned_stash *scanned, SV *entry) {
  if (scanned->inner_count == scanned->inner_capacity) {
    scanned->inner_capacity = scanned->inner_capacity ? scanned->inner_capacity * 2 : 4;
    Renew(scanned->inner, scanned->inner_capacity, inner_stash);
  }
  scanned->inner[scanned->inner_count++] = (inner_stash){entry, UINT32_MAX};
}

static void scan_stash(pTHX_ patch_state *state, uint32_t number) {
  cp_stash *shown = &state->stashes[number];
  struct scanned_stash *scanned = &state->scanned[number];
  HV *stash = (HV *)SV_OF(shown->stash);
  cp_slot *slots = (cp_slot *)(uintptr_t)shown->slots;
  uint32_t most = (uint32_t)HvTOTALKEYS(stash);
  if (!slots || shown->slots == shown->before || most > scanned->slot_capacity) {
    if (shown->slots != shown->before) Safefree(slots);
    Newx(slots, most + 1, cp_slot);
    scanned->slot_capacity = most;
  }
  shown->slots = slots;
  shown->count = scanned->inner_count = 0;
  shown->serial++;
  for (STRLEN bucket = 0; HvARRAY(stash) && bucket <= HvMAX(stash); bucket++)
    for (HE *entry = HvARRAY(stash)[bucket]; entry; entry = HeNEXT(entry)) {
      if (HeVAL(entry) == &PL_sv_placeholder || HeKLEN(entry) <= 0) continue;
      if (names_a_package(entry))
        add_inner(scanned, HeVAL(entry));
      else if (shown->count < most) {
        Zero(&slots[shown->count], 1, cp_slot);
        add_slot(aTHX_ state, &slots[shown->count++], number, entry);
      }
    }
}

/* MARK: All of them */

static uint32_t number_of_stash(pTHX_ patch_state *state, HV *stash, uint32_t guess) {
  const char *name = HvNAME_get(stash);
  const cp_stash *known = state->stashes;
  if (guess < state->stash_count && SV_OF(known[guess].stash) == (SV *)stash && known[guess].name == name) return guess;
  for (uint32_t number = 0; number < state->stash_count; number++)
    if (SV_OF(known[number].stash) == (SV *)stash && known[number].name == name) return number;
  if (state->stash_count == state->stash_capacity) {
    state->stash_capacity = state->stash_capacity ? state->stash_capacity * 2 : 256;
    Renew(state->stashes, state->stash_capacity, cp_stash);
    Renew(state->scanned, state->stash_capacity, scanned_stash);
  }
  Zero(&state->stashes[state->stash_count], 1, cp_stash);
  Zero(&state->scanned[state->stash_count], 1, scanned_stash);
  cp_stash *shown = &state->stashes[state->stash_count];
  shown->stash = CP_OF(stash);
  shown->name = name;
  shown->name_count = (size_t)HvNAMELEN_get(stash);
  shown->is_new = true;
  return state->stash_count++;
}

static void visit(pTHX_ patch_state *state, uint32_t number, int depth) {
  HV *stash = (HV *)SV_OF(state->stashes[number].stash);
  state->scanned[number].seen = state->scan;
  state->stashes[number].is_live = true;
  uint64_t signature = signature_of(aTHX_ stash);
  if (state->scanned[number].signature != signature) scan_stash(aTHX_ state, number);
  state->scanned[number].signature = signature;
  if (depth >= 64) return;
  for (uint32_t index = 0; index < state->scanned[number].inner_count; index++) {
    inner_stash *inner = &state->scanned[number].inner[index];
    HV *below = isGV_with_GP(inner->entry) ? GvHV((GV *)inner->entry) : NULL;
    if (!below || below == PL_defstash || !HvNAME_get(below)) continue;
    uint32_t found = number_of_stash(aTHX_ state, below, inner->number);
    state->scanned[number].inner[index].number = found;
    if (state->scanned[found].seen != state->scan) visit(aTHX_ state, found, depth + 1);
  }
}

cp_scan cp_scan_stashes(void) {
  dTHX;
  patch_state *state = cp_patch_state(aTHX);
  state->scan++;
  visit(aTHX_ state, number_of_stash(aTHX_ state, PL_defstash, 0), 0);
  for (uint32_t number = 0; number < state->stash_count; number++) {
    if (state->scanned[number].seen == state->scan) continue;
    state->stashes[number].is_live = false;
    state->stashes[number].count = state->scanned[number].inner_count = 0;
    state->scanned[number].signature = 0;
  }
  return (cp_scan){state->stashes, state->stash_count};
}

cp_scan cp_scan_again(uint32_t number) {
  dTHX;
  patch_state *state = cp_patch_state(aTHX);
  if (state->stashes[number].is_live) {
    scan_stash(aTHX_ state, number);
    state->scanned[number].signature = signature_of(aTHX_(HV *) SV_OF(state->stashes[number].stash));
  }
  return (cp_scan){state->stashes, state->stash_count};
}

void cp_scan_doubt(uint32_t stash) {
  dTHX;
  cp_patch_state(aTHX)->scanned[stash].signature = 0;
}

void cp_scans_free(patch_state *state) {
  for (uint32_t number = 0; number < state->stash_count; number++) {
    if (state->stashes[number].before != state->stashes[number].slots) Safefree(state->stashes[number].before);
    Safefree(state->stashes[number].slots);
    Safefree(state->scanned[number].inner);
  }
  Safefree(state->stashes);
  Safefree(state->scanned);
  cp_free_interned(&state->files);
}

/* MARK: What was there before */

void cp_scan_mark(pTHX) {
  patch_state *state = cp_patch_state(aTHX);
  for (uint32_t number = 0; number < state->stash_count; number++) {
    cp_stash *stash = &state->stashes[number];
    if (stash->before != stash->slots) Safefree(stash->before);
    stash->before = stash->slots;
    stash->before_count = stash->count;
    stash->is_new = false;
  }
}

void cp_patch_hold(uint32_t number) {
  dTHX;
  patch_state *state = cp_patch_state(aTHX);
  cp_stash *stash = &state->stashes[number];
  if (state->scanned[number].is_held) return;
  state->scanned[number].is_held = true;
  for (uint32_t index = 0; index < stash->before_count; index++) {
    if (!stash->before[index].is_glob) continue;
    SvREFCNT_inc_simple_void_NN(SV_OF(stash->before[index].entry));
    SvREFCNT_inc_simple_void(SV_OF(stash->before[index].code));
  }
}

static void put_back(pTHX_ const cp_slot *slot) {
  GV *glob = (GV *)SV_OF(slot->entry);
  if (!isGV_with_GP((SV *)glob)) return;
  if ((GvCVGEN(glob) ? NULL : GvCV(glob)) == (CV *)SV_OF(slot->code)) return;
  cp_glob_put(aTHX_ glob, (CV *)SV_OF(slot->code));
  slot->is_assigned ? GvASSUMECV_on(glob) : GvASSUMECV_off(glob);
  slot->is_imported ? GvIMPORTED_CV_on(glob) : GvIMPORTED_CV_off(glob);
}

void cp_scan_let_go(pTHX_ bool puts_back) {
  patch_state *state = cp_patch_state(aTHX);
  for (uint32_t number = 0; number < state->stash_count; number++) {
    cp_stash *stash = &state->stashes[number];
    if (!state->scanned[number].is_held) continue;
    for (uint32_t index = 0; puts_back && index < stash->before_count; index++)
      if (stash->before[index].is_glob) put_back(aTHX_ &stash->before[index]);
    state->scanned[number].is_held = false;
    for (uint32_t index = 0; index < stash->before_count; index++) {
      if (!stash->before[index].is_glob) continue;
      SvREFCNT_dec(SV_OF(stash->before[index].code));
      SvREFCNT_dec(SV_OF(stash->before[index].entry));
    }
  }
}
