#include "patch_private.h"

/* Moving the bodies of subs between heads. The head is what everybody refers to: globs, `\&f`, closures, call frames. */

/* MARK: Swapping */

/* Who refers to the head weakly refers to the head, not to the body: that list stays. */
static MAGIC *take_weak_references(pTHX_ CV *code) {
  if (!SvMAGIC(code)) return NULL;
  for (MAGIC *before = NULL, *magic = SvMAGIC(code); magic; before = magic, magic = magic->mg_moremagic) {
    if (magic->mg_type != PERL_MAGIC_backref) continue;
    if (before)
      before->mg_moremagic = magic->mg_moremagic;
    else
      SvMAGIC_set((SV *)code, magic->mg_moremagic);
    mg_magical((SV *)code);
    return magic;
  }
  return NULL;
}

static void give_weak_references(pTHX_ CV *code, MAGIC *magic) {
  if (!magic) return;
  magic->mg_moremagic = SvMAGIC(code);
  SvMAGIC_set((SV *)code, magic);
  mg_magical((SV *)code);
}

/* Swaps the bodies of two heads; no reference count of a head changes. A glob and a stash know the heads that name them
   (gv.c, cvgv_set, cvstash_set): both are told. What Data::Swap does, and op.c where a declared sub gets its body. */
static void swap_bodies(pTHX_ CV *one, CV *other) {
  GV *glob_one = CvGV(one), *glob_other = CvGV(other);
  HV *stash_one = CvSTASH(one), *stash_other = CvSTASH(other);
  SvREFCNT_inc_simple_void((SV *)glob_one);
  SvREFCNT_inc_simple_void((SV *)glob_other);
  Perl_cvgv_set(aTHX_ one, NULL);
  Perl_cvgv_set(aTHX_ other, NULL);
  Perl_cvstash_set(aTHX_ one, NULL);
  Perl_cvstash_set(aTHX_ other, NULL);
  MAGIC *weak_one = take_weak_references(aTHX_ one), *weak_other = take_weak_references(aTHX_ other);

  void *any = SvANY(one);
  U32 flags = SvFLAGS(one);
  char *string = ((SV *)one)->sv_u.svu_pv;
  SvANY(one) = SvANY(other);
  SvFLAGS(one) = SvFLAGS(other);
  ((SV *)one)->sv_u.svu_pv = ((SV *)other)->sv_u.svu_pv;
  SvANY(other) = any;
  SvFLAGS(other) = flags;
  ((SV *)other)->sv_u.svu_pv = string;

  give_weak_references(aTHX_ one, weak_one);
  give_weak_references(aTHX_ other, weak_other);
  if (glob_other) Perl_cvgv_set(aTHX_ one, glob_other);
  if (glob_one) Perl_cvgv_set(aTHX_ other, glob_one);
  Perl_cvstash_set(aTHX_ one, stash_other);
  Perl_cvstash_set(aTHX_ other, stash_one);
  SvREFCNT_dec((SV *)glob_one);
  SvREFCNT_dec((SV *)glob_other);
  if (!CvISXSUB(one) && CvPADLIST(one)) Perl_pad_fixup_inner_anons(aTHX_ CvPADLIST(one), other, one);
  if (!CvISXSUB(other) && CvPADLIST(other)) Perl_pad_fixup_inner_anons(aTHX_ CvPADLIST(other), one, other);
}

/* MARK: Lifting */

static lifted_sub *lifted(pTHX_ uint32_t number) { return &cp_patch_state(aTHX)->lifted[number]; }

static uint32_t add(pTHX_ GV *glob, CV *head, CV *spare) {
  patch_state *state = cp_patch_state(aTHX);
  if (state->lifted_count == state->lifted_capacity) {
    state->lifted_capacity = state->lifted_capacity ? state->lifted_capacity * 2 : 64;
    Renew(state->lifted, state->lifted_capacity, lifted_sub);
  }
  state->lifted[state->lifted_count] = (lifted_sub){
      (GV *)SvREFCNT_inc_NN((SV *)glob), (CV *)SvREFCNT_inc_NN((SV *)head), spare, GvFLAGS(glob), false};
  cp_undo_add(aTHX_(undo_step){UNDO_LIFTED, state->lifted_count});
  return state->lifted_count++;
}

uint32_t cp_patch_lift(cp_sv *glob_, bool stays) {
  dTHX;
  GV *glob = (GV *)SV_OF(glob_);
  CV *head = GvCV(glob), *spare = (CV *)newSV_type(SVt_PVCV);
  stays = stays && CvGV(head) == glob && !CvCONST(head);
  uint32_t number = add(aTHX_ glob, head, spare);
  swap_bodies(aTHX_ head, spare);
  if (stays)
    Perl_cvgv_set(aTHX_ head, glob);
  else
    cp_glob_put(aTHX_ glob, NULL);
  /* Else perl takes what is in the glob for an assigned sub and compiles a new one beside it (op.c, newATTRSUB_x). */
  GvASSUMECV_off(glob);
  return number;
}

uint32_t cp_patch_declare(cp_sv *glob_, cp_sv *code) {
  dTHX;
  GV *glob = (GV *)SV_OF(glob_);
  CV *head = (CV *)SV_OF(code);
  uint32_t number = add(aTHX_ glob, head, NULL);
  cp_glob_put(aTHX_ glob, head);
  Perl_cvgv_set(aTHX_ head, glob);
  GvASSUMECV_off(glob);
  return number;
}

void cp_lifted_restore(pTHX_ uint32_t number) {
  lifted_sub *sub = lifted(aTHX_ number);
  if (sub->is_back || !isGV_with_GP((SV *)sub->glob)) return;
  sub->is_back = true;
  CvDEPTH(sub->head) = CvISXSUB(sub->head) ? CvDEPTH(sub->head) : 0;
  if (!sub->spare) {
    if (GvCV(sub->glob) == sub->head) cp_glob_put(aTHX_ sub->glob, NULL);
    cv_undef(sub->head);
  } else {
    cp_glob_put(aTHX_ sub->glob, sub->head);
    cv_undef(sub->head);
    swap_bodies(aTHX_ sub->head, sub->spare);
  }
  GvFLAGS(sub->glob) = sub->flags;
}

void cp_lifted_put_back(uint32_t number) {
  dTHX;
  cp_lifted_restore(aTHX_ number);
}

void cp_lifted_drop(pTHX) {
  patch_state *state = cp_patch_state(aTHX);
  lifted_sub *subs = state->lifted;
  uint32_t count = state->lifted_count;
  state->lifted = NULL;
  state->lifted_count = state->lifted_capacity = 0;
  for (uint32_t index = 0; index < count; index++) {
    SvREFCNT_dec((SV *)subs[index].spare);
    SvREFCNT_dec((SV *)subs[index].head);
    SvREFCNT_dec((SV *)subs[index].glob);
  }
  Safefree(subs);
}

/* MARK: After the load */

cp_lifted_state cp_lifted_state_of(uint32_t number) {
  dTHX;
  const lifted_sub *sub = lifted(aTHX_ number);
  if (!isGV_with_GP((SV *)sub->glob) || !GvCV(sub->glob)) return CP_LIFTED_REMOVED;
  if (GvCV(sub->glob) != sub->head) return CP_LIFTED_OTHER;
  return CvROOT(sub->head) || CvXSUB(sub->head) ? CP_LIFTED_REPLACED : CP_LIFTED_REMOVED;
}

cp_sv *cp_lifted_glob(uint32_t number) {
  dTHX;
  return CP_OF(lifted(aTHX_ number)->glob);
}

cp_sv *cp_lifted_head(uint32_t number) {
  dTHX;
  return CP_OF(lifted(aTHX_ number)->head);
}

cp_sv *cp_lifted_old(uint32_t number) {
  dTHX;
  const lifted_sub *sub = lifted(aTHX_ number);
  return CP_OF(sub->spare ? sub->spare : sub->head);
}

cp_sv *cp_glob_code(cp_sv *glob_) {
  GV *glob = (GV *)SV_OF(glob_);
  return isGV_with_GP((SV *)glob) && !GvCVGEN(glob) ? CP_OF(GvCV(glob)) : NULL;
}

uint32_t cp_reference_count(cp_sv *value) { return (uint32_t)SvREFCNT(SV_OF(value)); }

bool cp_is_weakly_referenced(cp_sv *value) {
  return SvTYPE(SV_OF(value)) >= SVt_PVMG && SvMAGIC(SV_OF(value)) && mg_find(SV_OF(value), PERL_MAGIC_backref);
}

void cp_lifted_compiled(pTHX) {
  const patch_state *state = cp_patch_state(aTHX);
  if (!state || state->lifted_count == 0 || !PL_eval_start) return;
  const OP *start = PL_eval_start;
  while (start && start->op_type != OP_NEXTSTATE && start->op_type != OP_DBSTATE) start = start->op_next;
  const char *file = start ? CopFILE((const COP *)start) : NULL;
  for (uint32_t number = 0; file && number < state->lifted_count; number++) {
    const lifted_sub *sub = &state->lifted[number];
    if (sub->is_back || !sub->spare || !isGV_with_GP((SV *)sub->glob) || GvCV(sub->glob) != sub->head) continue;
    if (CvROOT(sub->head) || CvXSUB(sub->head) || !CvFILE(sub->spare) || strNE(CvFILE(sub->spare), file)) continue;
    cp_glob_put(aTHX_ sub->glob, NULL);
  }
}

cp_sv *cp_lifted_remove(uint32_t number) {
  dTHX;
  lifted_sub *sub = lifted(aTHX_ number);
  if (isGV_with_GP((SV *)sub->glob) && GvCV(sub->glob) == sub->head) cp_glob_put(aTHX_ sub->glob, NULL);
  return SvREFCNT(sub->head) > 1 ? CP_OF(SvREFCNT_inc_NN((SV *)sub->head)) : NULL;
}

void cp_lifted_adopt(uint32_t number) {
  dTHX;
  lifted_sub *sub = lifted(aTHX_ number);
  CV *other = (CV *)SvREFCNT_inc_NN((SV *)GvCV(sub->glob));
  U32 flags = GvFLAGS(sub->glob);
  cp_glob_put(aTHX_ sub->glob, sub->head);
  swap_bodies(aTHX_ sub->head, other);
  /* constant.pm makes constants under another name. */
  if (CvCONST(sub->head)) Perl_cvgv_set(aTHX_ sub->head, sub->glob);
  GvFLAGS(sub->glob) = flags;
  SvREFCNT_dec((SV *)other);
}
