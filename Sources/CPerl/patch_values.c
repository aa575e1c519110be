#include "patch_private.h"

/* Saving variables with what is in them, and putting them back. */

/* So much is saved at most: a package variable can hold a cache of any size. */
enum { MOST_VALUES = 500000, MOST_DEPTH = 500 };

bool cp_patch_overflowed(void) {
  dTHX;
  return cp_patch_state(aTHX)->overflowed;
}

void cp_undo_forget_values(patch_state *state) {
  Safefree(state->seen);
  state->seen = NULL;
  state->seen_capacity = state->seen_count = 0;
  state->overflowed = false;
}

static bool see(patch_state *state, SV *value) {
  if (state->seen_count * 2 >= state->seen_capacity) {
    SV **before = state->seen;
    size_t capacity = state->seen_capacity;
    state->seen_capacity = capacity ? capacity * 2 : 1024;
    Newxz(state->seen, state->seen_capacity, SV *);
    state->seen_count = 0;
    for (size_t index = 0; index < capacity; index++)
      if (before[index]) see(state, before[index]);
    Safefree(before);
  }
  SV **seen = state->seen;
  size_t last = state->seen_capacity - 1, index = (PTR2UV(value) >> 4) * 0x9E3779B97F4A7C15u >> 20 & last;
  for (; seen[index]; index = (index + 1) & last)
    if (seen[index] == value) return false;
  seen[index] = value;
  state->seen_count++;
  return true;
}

static AV *same_elements(pTHX_ AV *array) {
  AV *copy = newAV();
  av_extend(copy, AvFILLp(array));
  for (SSize_t index = 0; index <= AvFILLp(array); index++) {
    SV *element = AvARRAY(array)[index];
    av_push(copy, element ? SvREFCNT_inc_NN(element) : newSV(0));
  }
  return copy;
}

static HV *same_pairs(pTHX_ HV *hash) {
  HV *copy = newHV();
  if (HvUSEDKEYS(hash) > 8) hv_ksplit(copy, (IV)HvUSEDKEYS(hash));
  for (STRLEN bucket = 0; HvARRAY(hash) && bucket <= HvMAX(hash); bucket++)
    for (HE *entry = HvARRAY(hash)[bucket]; entry; entry = HeNEXT(entry)) {
      if (HeVAL(entry) == &PL_sv_placeholder) continue;
      SV *value = SvREFCNT_inc_NN(HeVAL(entry));
      if (!hv_common(copy, NULL, HeKEY(entry), (STRLEN)HeKLEN(entry), HeKFLAGS(entry) & HVhek_UTF8, HV_FETCH_ISSTORE, value, HeHASH(entry)))
        SvREFCNT_dec(value);
    }
  return copy;
}

static bool is_plain_scalar(SV *value) {
  svtype type = SvTYPE(value);
  return type <= SVt_PVMG && type != SVt_REGEXP && !isGV_with_GP(value) && !SvSMAGICAL(value) && !SvGMAGICAL(value);
}

/* How a variable of this type is tied. */
static int tie_of(SV *variable) {
  return SvTYPE(variable) == SVt_PVAV || SvTYPE(variable) == SVt_PVHV ? PERL_MAGIC_tied : PERL_MAGIC_tiedscalar;
}

/* What a variable is tied to: a reference, borrowed; NULL if it is not tied. */
static SV *tied_to(SV *variable) {
  const MAGIC *magic = SvTYPE(variable) >= SVt_PVMG && SvMAGICAL(variable) ? mg_find(variable, tie_of(variable)) : NULL;
  return magic ? magic->mg_obj : NULL;
}

static void save(pTHX_ patch_state *state, SV *value, int depth) {
  if (!value || SvIMMORTAL(value) || depth > MOST_DEPTH || state->overflowed) return;
  if (state->seen_count > MOST_VALUES) {
    state->overflowed = true;
    return;
  }
  if (tied_to(value)) {
    /* What it is tied to is an object, and has what it holds to itself. */
    if (see(state, value))
      cp_undo_add(aTHX_(undo_step){UNDO_TIE, 0, SvREFCNT_inc_NN(value), SvREFCNT_inc_NN(tied_to(value))});
    return;
  }
  switch (SvTYPE(value)) {
  case SVt_PVAV:
    /* Tied to itself. */
    if (SvRMAGICAL(value) && mg_find(value, PERL_MAGIC_tied)) return;
    if (!see(state, value)) return;
    cp_undo_add(aTHX_(undo_step){UNDO_ARRAY, 0, SvREFCNT_inc_NN(value), (SV *)same_elements(aTHX_(AV *) value)});
    for (SSize_t index = 0; index <= AvFILLp((AV *)value); index++) save(aTHX_ state, AvARRAY((AV *)value)[index], depth + 1);
    return;
  case SVt_PVHV:
    /* The iterator, and with it the order, stays as it is: buckets are walked. */
    if (SvRMAGICAL(value) || SvREADONLY(value) || HvNAME_get((HV *)value)) return;
    if (!see(state, value)) return;
    cp_undo_add(aTHX_(undo_step){UNDO_HASH, 0, SvREFCNT_inc_NN(value), (SV *)same_pairs(aTHX_(HV *) value)});
    for (STRLEN bucket = 0; HvARRAY((HV *)value) && bucket <= HvMAX((HV *)value); bucket++)
      for (HE *entry = HvARRAY((HV *)value)[bucket]; entry; entry = HeNEXT(entry)) save(aTHX_ state, HeVAL(entry), depth + 1);
    return;
  default:
    if (!is_plain_scalar(value) || SvWEAKREF(value) || !see(state, value)) return;
    SV *copy = newSV(0);
    sv_setsv_flags(copy, value, SV_NOSTEAL | SV_DO_COW_SVSETSV);
    cp_undo_add(aTHX_(undo_step){UNDO_SCALAR, 0, SvREFCNT_inc_NN(value), copy});
    /* An object can lead anywhere; what it holds is its own. */
    if (SvROK(value) && !SvOBJECT(SvRV(value))) save(aTHX_ state, SvRV(value), depth + 1);
  }
}

void cp_undo_save_value(pTHX_ SV *value) { save(aTHX_ cp_patch_state(aTHX), value, 0); }

void cp_patch_save_process(void) {
  dTHX;
  HV *loaded = GvHVn(PL_incgv);
  cp_undo_add(aTHX_(undo_step){UNDO_HASH, 0, SvREFCNT_inc_NN((SV *)loaded), (SV *)same_pairs(aTHX_ loaded)});
  cp_undo_save_value(aTHX_(SV *) GvAVn(PL_incgv));
  cp_undo_add(aTHX_(undo_step){UNDO_END, !PL_endav, NULL, (SV *)(PL_endav ? same_elements(aTHX_ PL_endav) : newAV())});
}

/* MARK: Putting back */

static bool is_same_scalar(pTHX_ SV *now, SV *before) {
  if (SvROK(now) || SvROK(before)) return SvROK(now) && SvROK(before) && SvRV(now) == SvRV(before);
  if (!SvOK(now) || !SvOK(before)) return !SvOK(now) && !SvOK(before);
  U32 kinds = SVf_POK | SVf_IOK | SVf_NOK | SVf_UTF8;
  if ((SvFLAGS(now) & kinds) != (SvFLAGS(before) & kinds)) return false;
  if (SvPOK(now) && (SvCUR(now) != SvCUR(before) || memNE(SvPVX(now), SvPVX(before), SvCUR(now)))) return false;
  if (SvIOK(now) && SvIVX(now) != SvIVX(before)) return false;
  return !SvNOK(now) || SvNVX(now) == SvNVX(before);
}

static void put_scalar(pTHX_ SV *now, SV *before) {
  if (!is_plain_scalar(now) || is_same_scalar(aTHX_ now, before)) return;
  U32 locked = SvFLAGS(now) & (SVf_READONLY | SVf_PROTECT);
  SvFLAGS(now) &= ~locked;
  sv_setsv_flags(now, before, SV_NOSTEAL | SV_DO_COW_SVSETSV);
  SvFLAGS(now) |= locked;
}

static void put_array(pTHX_ AV *now, AV *before) {
  bool same = AvFILLp(now) == AvFILLp(before);
  for (SSize_t index = 0; same && index <= AvFILLp(now); index++) same = AvARRAY(now)[index] == AvARRAY(before)[index];
  if (same || SvREADONLY((SV *)now)) return;
  av_clear(now);
  for (SSize_t index = 0; index <= AvFILLp(before); index++)
    if (!av_store(now, index, SvREFCNT_inc_NN(AvARRAY(before)[index]))) SvREFCNT_dec(AvARRAY(before)[index]);
  if (SvSMAGICAL((SV *)now)) mg_set((SV *)now);
}

static void put_hash(pTHX_ HV *now, HV *before) {
  if (SvREADONLY((SV *)now)) return;
  AV *added = newAV();
  for (STRLEN bucket = 0; HvARRAY(now) && bucket <= HvMAX(now); bucket++)
    for (HE *entry = HvARRAY(now)[bucket]; entry; entry = HeNEXT(entry))
      if (!hv_common(before, NULL, HeKEY(entry), (STRLEN)HeKLEN(entry), HeKFLAGS(entry) & HVhek_UTF8, HV_FETCH_ISEXISTS, NULL, HeHASH(entry)))
        av_push(added, newSVhek(HeKEY_hek(entry)));
  for (SSize_t index = 0; index <= AvFILLp(added); index++) (void)hv_delete_ent(now, AvARRAY(added)[index], G_DISCARD, 0);
  SvREFCNT_dec((SV *)added);
  for (STRLEN bucket = 0; HvARRAY(before) && bucket <= HvMAX(before); bucket++)
    for (HE *entry = HvARRAY(before)[bucket]; entry; entry = HeNEXT(entry)) {
      SV *key = sv_2mortal(newSVhek(HeKEY_hek(entry)));
      HE *there = hv_fetch_ent(now, key, 0, 0);
      if (there && HeVAL(there) == HeVAL(entry)) continue;
      if (!hv_store_ent(now, key, SvREFCNT_inc_NN(HeVAL(entry)), 0)) SvREFCNT_dec(HeVAL(entry));
    }
}

/* Ties a variable to what it was tied to, or to nothing. */
static void put_tie(pTHX_ SV *now, SV *before) {
  if (tied_to(now) == before) return;
  if (tied_to(now)) sv_unmagic(now, tie_of(now));
  if (before) sv_magic(now, before, tie_of(now), NULL, 0);
}

static void put_slot(pTHX_ SV **slot, SV *before) {
  SV *now = *slot;
  if (now == before) return;
  *slot = SvREFCNT_inc(before);
  SvREFCNT_dec(now);
}

void cp_undo_values(pTHX_ const undo_step *step) {
  switch (step->kind) {
  case UNDO_TIE: put_tie(aTHX_ step->target, step->first); break;
  case UNDO_SCALAR:
    put_tie(aTHX_ step->target, NULL);
    put_scalar(aTHX_ step->target, step->first);
    break;
  case UNDO_ARRAY:
    put_tie(aTHX_ step->target, NULL);
    put_array(aTHX_(AV *) step->target, (AV *)step->first);
    break;
  case UNDO_HASH:
    put_tie(aTHX_ step->target, NULL);
    put_hash(aTHX_(HV *) step->target, (HV *)step->first);
    break;
  case UNDO_SLOTS:
    if (!isGV_with_GP(step->target) || !GvGP((GV *)step->target)) break;
    GP *parts = GvGP((GV *)step->target);
    put_slot(aTHX_ & parts->gp_sv, step->first);
    put_slot(aTHX_(SV **) & parts->gp_av, step->second);
    put_slot(aTHX_(SV **) & parts->gp_hv, step->third);
    put_slot(aTHX_(SV **) & parts->gp_form, step->fourth);
    break;
  default: break;
  }
}
