#include "patch_private.h"

/* What stands in the stashes. */

/* MARK: Names of files */

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

/* MARK: Walking */

static bool is_foreign(pTHX_ CV *code, const GV *glob) {
  if (CvNAMED(code)) return false;
  GV *named = CvGV(code);
  return named && named != glob && isGV_with_GP((SV *)named) && GvCV(named) == code;
}

bool cp_is_foreign(cp_sv *code, cp_sv *glob) {
  dTHX;
  return is_foreign(aTHX_(CV *) SV_OF(code), (GV *)SV_OF(glob));
}

/* Also gives the constants of the package its name. */
void cp_each_import(
    const char *package, void *context, void (*visit)(void *context, const char *name, size_t count)) {
  dTHX;
  HV *stash = gv_stashpv(package, 0);
  for (STRLEN bucket = 0; stash && HvARRAY(stash) && bucket <= HvMAX(stash); bucket++)
    for (HE *entry = HvARRAY(stash)[bucket]; entry; entry = HeNEXT(entry)) {
      SV *value = HeVAL(entry);
      if (!isGV_with_GP(value) || !GvCV((GV *)value) || GvCVGEN((GV *)value)) continue;
      CV *code = GvCV((GV *)value);
      /* A constant that constant.pm has made under another name. */
      if (CvCONST(code) && CvGV(code) != (GV *)value && !is_foreign(aTHX_ code, (GV *)value))
        Perl_cvgv_set(aTHX_ code, (GV *)value);
      if (is_foreign(aTHX_ code, (GV *)value)) visit(context, HeKEY(entry), (size_t)HeKLEN(entry));
    }
}

static void add_slot(pTHX_ patch_state *state, scan_memory *memory, HE *entry) {
  SV *value = HeVAL(entry);
  if (memory->slot_count == memory->slot_capacity) {
    memory->slot_capacity = memory->slot_capacity ? memory->slot_capacity * 2 : 4096;
    Renew(memory->slots, memory->slot_capacity, cp_slot);
  }
  cp_slot *slot = &memory->slots[memory->slot_count++];
  Zero(slot, 1, cp_slot);
  slot->entry = CP_OF(value);
  slot->name = HeKEY(entry);
  slot->name_count = (uint32_t)HeKLEN(entry);
  slot->name_hash = (uint32_t)HeHASH(entry);
  slot->stash = memory->stash_count - 1;
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
  if (slot->is_glob) slot->is_foreign = is_foreign(aTHX_ code, (GV *)value);
  slot->is_xsub = CvISXSUB(code);
  slot->is_constant = CvCONST(code);
  if (slot->is_constant) slot->value = CP_OF(CvXSUBANY(code).any_ptr);
  slot->is_anonymous = CvANON(code) || CvCLONED(code);
  slot->is_running = !CvISXSUB(code) && CvDEPTH(code) > 0;
  if (CvFILE(code)) slot->code_file = number_of(state, CvFILE(code), strlen(CvFILE(code)), &slot->code_eval);
}

static void walk(pTHX_ patch_state *state, scan_memory *memory, HV *stash, int depth) {
  if (memory->stash_count == memory->stash_capacity) {
    memory->stash_capacity = memory->stash_capacity ? memory->stash_capacity * 2 : 256;
    Renew(memory->stashes, memory->stash_capacity, cp_stash);
  }
  uint32_t number = memory->stash_count++;
  memory->stashes[number] =
      (cp_stash){CP_OF(stash), HvNAME_get(stash), (size_t)HvNAMELEN_get(stash), memory->slot_count, 0};
  bool has_inner = false;
  for (STRLEN bucket = 0; HvARRAY(stash) && bucket <= HvMAX(stash); bucket++) {
    for (HE *entry = HvARRAY(stash)[bucket]; entry; entry = HeNEXT(entry)) {
      I32 count = (I32)HeKLEN(entry);
      if (HeVAL(entry) == &PL_sv_placeholder || count <= 0) continue;
      if (count > 2 && HeKEY(entry)[count - 1] == ':' && HeKEY(entry)[count - 2] == ':')
        has_inner = true;
      else
        add_slot(aTHX_ state, memory, entry);
    }
  }
  memory->stashes[number].end = memory->slot_count;
  if (!has_inner || depth >= 64) return;
  for (STRLEN bucket = 0; bucket <= HvMAX(stash); bucket++) {
    for (HE *entry = HvARRAY(stash)[bucket]; entry; entry = HeNEXT(entry)) {
      I32 count = (I32)HeKLEN(entry);
      if (count < 3 || HeKEY(entry)[count - 1] != ':' || !isGV_with_GP(HeVAL(entry))) continue;
      HV *inner = GvHV((GV *)HeVAL(entry));
      if (!inner || inner == stash || inner == PL_defstash || !HvNAME_get(inner)) continue;
      walk(aTHX_ state, memory, inner, depth + 1);
    }
  }
}

cp_scan cp_scan_stashes(void) {
  dTHX;
  patch_state *state = cp_patch_state(aTHX);
  state->scan = !state->scan;
  scan_memory *memory = &state->scans[state->scan];
  memory->slot_count = memory->stash_count = 0;
  walk(aTHX_ state, memory, PL_defstash, 0);
  return (cp_scan){memory->slots, memory->stashes, memory->slot_count, memory->stash_count};
}

void cp_scans_free(patch_state *state) {
  for (int scan = 0; scan < 2; scan++) {
    Safefree(state->scans[scan].slots);
    Safefree(state->scans[scan].stashes);
  }
  cp_free_interned(&state->files);
}

/* MARK: Small questions */

uint32_t cp_eval_count(void) {
  dTHX;
  return (uint32_t)PL_evalseq;
}

const char *cp_current_package(void) {
  dTHX;
  const char *name = PL_curcop ? CopSTASHPV(PL_curcop) : NULL;
  return name ? name : "main";
}

size_t cp_inc_count(void) {
  dTHX;
  return (size_t)HvUSEDKEYS(GvHVn(PL_incgv));
}

int64_t cp_start_time(void) {
  dTHX;
  return (int64_t)PL_basetime;
}

const char *const *cp_library_directories(void) {
  static const char *const directories[] = {
      PRIVLIB_EXP, ARCHLIB_EXP, SITELIB_EXP, SITEARCH_EXP,
#ifdef PERL_VENDORLIB_EXP
      PERL_VENDORLIB_EXP,
#endif
#ifdef PERL_VENDORARCH_EXP
      PERL_VENDORARCH_EXP,
#endif
      NULL};
  return directories;
}

cp_sv *cp_make_glob(cp_sv *code) {
  dTHX;
  return CP_OF(CvGV((CV *)SV_OF(code)));
}

static SV *constant_value(pTHX_ SV *of) {
  if (SvTYPE(of) == SVt_PVCV) {
    CV *code = (CV *)of;
    return CvCONST(code) ? (SV *)CvXSUBANY(code).any_ptr : NULL;
  }
  return SvROK(of) ? SvRV(of) : NULL;
}

cp_sv *cp_constant_value(cp_sv *constant) {
  dTHX;
  return CP_OF(constant_value(aTHX_ SV_OF(constant)));
}

static bool same_value(pTHX_ SV *one, SV *other) {
  if (one == other) return true;
  if (!one || !other) return false;
  if (SvTYPE(one) == SVt_PVAV || SvTYPE(other) == SVt_PVAV) {
    if (SvTYPE(one) != SvTYPE(other) || AvFILLp((AV *)one) != AvFILLp((AV *)other)) return false;
    for (SSize_t index = 0; index <= AvFILLp((AV *)one); index++)
      if (!same_value(aTHX_ AvARRAY((AV *)one)[index], AvARRAY((AV *)other)[index])) return false;
    return true;
  }
  if (SvROK(one) || SvROK(other)) return SvROK(one) && SvROK(other) && SvRV(one) == SvRV(other);
  if (!SvOK(one) || !SvOK(other)) return !SvOK(one) && !SvOK(other);
  if ((SvPOK(one) || SvNOK(one) || SvIOK(one)) && (SvPOK(other) || SvNOK(other) || SvIOK(other)))
    return !SvPOK(one) == !SvPOK(other) && sv_eq_flags(one, other, 0);
  return false;
}

bool cp_same_constant(cp_sv *one, cp_sv *other) {
  dTHX;
  SV *first = constant_value(aTHX_ SV_OF(one)), *second = constant_value(aTHX_ SV_OF(other));
  return first && second && same_value(aTHX_ first, second);
}

bool cp_is_constant(cp_sv *code) { return SvTYPE(SV_OF(code)) == SVt_PVCV && CvCONST((CV *)SV_OF(code)); }
bool cp_has_body(cp_sv *code) { return CvROOT((CV *)SV_OF(code)) || CvXSUB((CV *)SV_OF(code)); }

const char *cp_prototype(cp_sv *code) {
  if (SvTYPE(SV_OF(code)) != SVt_PVCV) return "";
  return SvPOK(SV_OF(code)) ? CvPROTO((CV *)SV_OF(code)) : NULL;
}
