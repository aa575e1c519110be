#include "patch_private.h"

/* The undo log. */

void cp_undo_add(pTHX_ undo_step step) {
  patch_state *state = cp_patch_state(aTHX);
  if (state->step_count == state->step_capacity) {
    state->step_capacity = state->step_capacity ? state->step_capacity * 2 : 256;
    Renew(state->steps, state->step_capacity, undo_step);
  }
  state->steps[state->step_count++] = step;
}

static void release(pTHX_ undo_step *step) {
  SvREFCNT_dec(step->first);
  SvREFCNT_dec(step->second);
  SvREFCNT_dec(step->third);
  SvREFCNT_dec(step->fourth);
  SvREFCNT_dec(step->target);
}

/* Others may keep the list itself (mod_perl). One that was not there before goes again: perl looks at more than it in the
   end of a thread (perl.c, call_list). */
static void set_end_blocks(pTHX_ AV *blocks, bool had_none) {
  if (!PL_endav) return;
  av_clear(PL_endav);
  for (SSize_t index = 0; index <= AvFILLp(blocks); index++) av_push(PL_endav, SvREFCNT_inc(AvARRAY(blocks)[index]));
  if (!had_none || AvFILLp(blocks) >= 0) return;
  SvREFCNT_dec((SV *)PL_endav);
  PL_endav = NULL;
}

static void take_back(pTHX_ undo_step *step) {
  GV *glob = (GV *)step->target;
  switch (step->kind) {
  case UNDO_CODE:
    if (!isGV_with_GP(glob)) break;
    cp_glob_put(aTHX_ glob, (CV *)step->first);
    GvFLAGS(glob) = step->number;
    break;
  case UNDO_ENTRY:
    if (!hv_store_ent((HV *)step->target, step->first, SvREFCNT_inc_NN(step->second), 0)) SvREFCNT_dec(step->second);
    break;
  case UNDO_ELEMENT:
    if (!step->second)
      (void)hv_delete_ent((HV *)step->target, step->first, G_DISCARD, 0);
    else if (!hv_store_ent((HV *)step->target, step->first, SvREFCNT_inc_NN(step->second), 0))
      SvREFCNT_dec(step->second);
    break;
  case UNDO_HANDLE:
    if (!isGV_with_GP(glob)) break;
    SvREFCNT_dec((SV *)GvIOp(glob));
    GvIOp(glob) = (IO *)SvREFCNT_inc(step->first);
    break;
  case UNDO_END: set_end_blocks(aTHX_(AV *) step->first, step->number); break;
  case UNDO_LIFTED: cp_lifted_restore(aTHX_ step->number); break;
  default: cp_undo_values(aTHX_ step);
  }
}

void cp_patch_begin(void) {
  dTHX;
  cp_scan_mark(aTHX);
}

void cp_patch_commit(void) {
  dTHX;
  cp_scan_let_go(aTHX_ false);
  patch_state *state = cp_patch_state(aTHX);
  cp_undo_forget_values(state);
  cp_mentions_end_patch(aTHX_ false);
  /* What is freed may run code, which must not find a half-empty log. */
  undo_step *kept = state->steps;
  uint32_t count = state->step_count;
  state->steps = NULL;
  state->step_count = state->step_capacity = 0;
  cp_lifted_drop(aTHX);
  for (uint32_t index = 0; index < count; index++) release(aTHX_ &kept[index]);
  Safefree(kept);
}

void cp_patch_rollback(void) {
  dTHX;
  const patch_state *state = cp_patch_state(aTHX);
  for (uint32_t index = state->step_count; index-- > 0;) take_back(aTHX_ &state->steps[index]);
  cp_scan_let_go(aTHX_ true);
  cp_mentions_end_patch(aTHX_ true);
  cp_patch_commit();
}

/* MARK: What is saved */

void cp_glob_put(pTHX_ GV *glob, CV *code) {
  CV *before = GvCV(glob);
  if (before == code) return;
  SvREFCNT_inc_simple_void(code);
  GvCV_set(glob, code);
  GvCVGEN(glob) = 0;
  SvREFCNT_dec(before);
  if (GvSTASH(glob) && HvENAME_get(GvSTASH(glob))) mro_method_changed_in(GvSTASH(glob));
}

void cp_patch_set_code(cp_sv *glob_, cp_sv *code) {
  dTHX;
  GV *glob = (GV *)SV_OF(glob_);
  cp_undo_add(aTHX_(undo_step){
      UNDO_CODE, GvFLAGS(glob), SvREFCNT_inc_NN((SV *)glob), GvCVGEN(glob) ? NULL : SvREFCNT_inc((SV *)GvCV(glob))});
  cp_glob_put(aTHX_ glob, (CV *)SV_OF(code));
}

void cp_put_code(cp_sv *glob, cp_sv *code) {
  dTHX;
  cp_glob_put(aTHX_(GV *) SV_OF(glob), (CV *)SV_OF(code));
}

void cp_methods_changed(cp_sv *stash) {
  dTHX;
  if (HvENAME_get((HV *)SV_OF(stash))) mro_method_changed_in((HV *)SV_OF(stash));
}

void cp_undo_save_slots(pTHX_ GV *glob) {
  cp_undo_add(aTHX_(undo_step){
      UNDO_SLOTS, 0, SvREFCNT_inc_NN((SV *)glob), SvREFCNT_inc(GvSV(glob)), SvREFCNT_inc((SV *)GvAV(glob)),
      SvREFCNT_inc((SV *)GvHV(glob)), SvREFCNT_inc((SV *)GvFORM(glob))});
}

void cp_patch_save_variables(cp_sv *glob_) {
  dTHX;
  GV *glob = (GV *)SV_OF(glob_);
  cp_undo_save_slots(aTHX_ glob);
  cp_undo_save_value(aTHX_ GvSV(glob));
  cp_undo_save_value(aTHX_(SV *) GvAV(glob));
  cp_undo_save_value(aTHX_(SV *) GvHV(glob));
}

void cp_patch_clear_lists(cp_sv *glob_) {
  dTHX;
  GV *glob = (GV *)SV_OF(glob_);
  if (GvAV(glob)) av_clear(GvAV(glob));
  if (GvHV(glob)) hv_clear(GvHV(glob));
}

void cp_patch_lift_format(cp_sv *glob_) {
  dTHX;
  GV *glob = (GV *)SV_OF(glob_);
  CV *format = GvFORM(glob);
  if (!format) return;
  cp_undo_add(aTHX_(undo_step){UNDO_SLOTS, 0, SvREFCNT_inc_NN((SV *)glob), SvREFCNT_inc(GvSV(glob)),
                          SvREFCNT_inc((SV *)GvAV(glob)), SvREFCNT_inc((SV *)GvHV(glob)), SvREFCNT_inc((SV *)format)});
  GvGP(glob)->gp_form = NULL;
  SvREFCNT_dec(format);
}

void cp_patch_lift_handle(cp_sv *glob_) {
  dTHX;
  GV *glob = (GV *)SV_OF(glob_);
  SV *handle = (SV *)GvIOp(glob);
  if (!handle) return;
  cp_undo_add(aTHX_(undo_step){UNDO_HANDLE, 0, SvREFCNT_inc_NN((SV *)glob), handle});
  GvIOp(glob) = NULL;
}

void cp_patch_lift_entry(cp_sv *stash_, const char *name, uint32_t count) {
  dTHX;
  HV *stash = (HV *)SV_OF(stash_);
  /* Shared: the name keeps its address, by which scans are compared. */
  SV *key = newSVpvn_share(name, (I32)count, 0);
  HE *entry = hv_fetch_ent(stash, key, 0, 0);
  if (!entry) {
    SvREFCNT_dec(key);
    return;
  }
  cp_undo_add(aTHX_(undo_step){UNDO_ENTRY, 0, SvREFCNT_inc_NN((SV *)stash), key, SvREFCNT_inc_NN(HeVAL(entry))});
  (void)hv_delete_ent(stash, key, G_DISCARD, 0);
}

void cp_patch_lift_element(const char *hash_name, const char *key_bytes, size_t count) {
  dTHX;
  HV *hash = get_hv(hash_name, 0);
  if (!hash) return;
  SV *key = newSVpvn(key_bytes, count);
  HE *entry = hv_fetch_ent(hash, key, 0, 0);
  cp_undo_add(aTHX_(undo_step){
      UNDO_ELEMENT, 0, SvREFCNT_inc_NN((SV *)hash), key, entry ? SvREFCNT_inc(HeVAL(entry)) : NULL});
  if (entry) (void)hv_delete_ent(hash, key, G_DISCARD, 0);
}

void cp_put_entry(cp_sv *stash_, const char *name, uint32_t count, cp_sv *entry) {
  dTHX;
  HV *stash = (HV *)SV_OF(stash_);
  if (!hv_store(stash, name, (I32)count, SvREFCNT_inc_NN(SV_OF(entry)), 0)) SvREFCNT_dec(SV_OF(entry));
  cp_methods_changed(stash_);
}

void cp_delete_entry(cp_sv *stash, const char *name, uint32_t count) {
  dTHX;
  (void)hv_delete((HV *)SV_OF(stash), name, (I32)count, G_DISCARD);
}

void cp_inc_delete(const char *key, size_t count) {
  dTHX;
  (void)hv_delete(GvHVn(PL_incgv), key, (I32)count, G_DISCARD);
}

void cp_inc_set(const char *key, size_t count, const char *path, size_t path_count) {
  dTHX;
  SV *value = newSVpvn(path, path_count);
  if (!hv_store(GvHVn(PL_incgv), key, (I32)count, value, 0)) SvREFCNT_dec(value);
}

static bool holds(const AV *array, const SV *value) {
  for (SSize_t index = 0; array && index <= AvFILLp(array); index++)
    if (AvARRAY(array)[index] == value) return true;
  return false;
}

void cp_patch_drop_end_blocks(const char *file, bool all) {
  dTHX;
  const patch_state *state = cp_patch_state(aTHX);
  const AV *saved = NULL;
  bool had_none = false;
  for (uint32_t index = 0; index < state->step_count; index++)
    if (state->steps[index].kind == UNDO_END) {
      saved = (const AV *)state->steps[index].first;
      had_none = state->steps[index].number;
    }
  if (!PL_endav) return;
  AV *kept = newAV();
  for (SSize_t index = 0; index <= AvFILLp(PL_endav); index++) {
    SV *block = AvARRAY(PL_endav)[index];
    bool is_of_file = block && SvTYPE(block) == SVt_PVCV && CvFILE((CV *)block) && strEQ(CvFILE((CV *)block), file);
    if (!is_of_file || !(all || holds(saved, block))) av_push(kept, SvREFCNT_inc(block));
  }
  set_end_blocks(aTHX_ kept, had_none);
  SvREFCNT_dec((SV *)kept);
}
