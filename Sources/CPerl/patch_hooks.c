#include "load_private.h"
#include "patch_private.h"

/* Subs that were compiled before the hooks were set: their ops for loading have perl's own function still. */

static void hook_ops(pTHX_ OP *op) {
  for (; op; op = OpSIBLING(op)) {
    if ((op->op_type == OP_REQUIRE || op->op_type == OP_DOFILE) && op->op_ppaddr == cp_hooked.original[op->op_type])
      op->op_ppaddr = PL_ppaddr[op->op_type];
    if (op->op_flags & OPf_KIDS) hook_ops(aTHX_ cUNOPx(op)->op_first);
  }
}

static void hook_sub(pTHX_ CV *code, int depth) {
  if (CvISXSUB(code) || !CvROOT(code) || depth > 20) return;
  hook_ops(aTHX_ CvROOT(code));
  if (!CvPADLIST(code)) return;
  /* The anonymous subs in it lie in its pad. */
  PADNAMELIST *names = PadlistNAMES(CvPADLIST(code));
  PAD *pad = PadlistARRAY(CvPADLIST(code))[1];
  if (!pad) return;
  for (SSize_t index = PadnamelistMAX(names); index > 0; index--) {
    const PADNAME *name = PadnamelistARRAY(names)[index];
    if (!name || !PadnamePV(name) || *PadnamePV(name) != '&' || index > AvFILLp(pad)) continue;
    SV *inner = AvARRAY(pad)[index];
    if (inner && SvTYPE(inner) == SVt_PVCV && (CV *)inner != code) hook_sub(aTHX_(CV *) inner, depth + 1);
  }
}

void cp_hook_compiled(void) {
  dTHX;
  cp_scan scan = cp_scan_stashes();
  for (const cp_stash *stash = scan.stashes; stash < scan.stashes + scan.stash_count; stash++)
    for (uint32_t index = 0; index < stash->count; index++)
      if (stash->slots[index].code) hook_sub(aTHX_(CV *) SV_OF(stash->slots[index].code), 0);
}
