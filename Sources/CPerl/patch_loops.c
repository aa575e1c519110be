#include "load_private.h"
#include "patch_private.h"

#include <time.h>

/* A look between two passes of the program's outermost loop. */

/* Below the tick of the coarse clock on most kernels (4 ms): a pass that had to wait for anything looks. */
enum { PAUSE_NANOSECONDS = 1000000 };

/* Whether the innermost loop with a context is the one of this op. `... while ...` has no context. */
static bool is_own_context(pTHX_ const OP *unstack) {
  const PERL_CONTEXT *cx = CX_CUR();
  if (!CxTYPE_is_LOOP(cx)) return false;
  const OP *next = cx->blk_loop.my_op->op_nextop;
  return next == unstack || next->op_type != OP_UNSTACK; /* a `continue` block comes before it */
}

/* A bare block is a loop to perl that runs once. */
static bool is_loop(const PERL_CONTEXT *cx) {
  return CxTYPE_is_LOOP(cx) && cx->blk_loop.my_op->op_nextop != cx->blk_loop.my_op->op_lastop;
}

/* The loop that has just made a pass is the outermost one, nothing is being loaded, and perl is in no sort, tie, destructor or
   overloaded operator: these have stacks of their own. */
static bool is_outermost(pTHX_ const OP *unstack) {
  if (PL_curstackinfo->si_type != PERLSI_MAIN || PL_phase != PERL_PHASE_RUN || PL_sortcop) return false;
  int loops = 0, allowed = is_own_context(aTHX_ unstack);
  for (I32 index = cxstack_ix; index >= 0; index--) {
    const PERL_CONTEXT *cx = &cxstack[index];
    if (is_loop(cx) && ++loops > allowed) return false;
    if (CxTYPE(cx) == CXt_EVAL && CxOLD_OP_TYPE(cx) == OP_REQUIRE) return false;
  }
  return true;
}

static void look(pTHX) {
  dSP;
  dSAVE_ERRNO;
  ENTER;
  SAVETMPS;
  PUSHMARK(SP);
  call_pv("Nacre::_pass", G_VOID | G_DISCARD | G_NOARGS | G_EVAL | G_KEEPERR);
  FREETMPS;
  LEAVE;
  RESTORE_ERRNO;
}

static OP *hook_unstack(pTHX) {
  const OP *unstack = PL_op;
  OP *next = cp_hooked.original[OP_UNSTACK](aTHX);
  patch_state *state = cp_patch_state(aTHX);
  if (!state || !state->looks_between_passes) return next;
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  uint64_t now = (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
  if (now - state->looked < PAUSE_NANOSECONDS) return next;
  state->looked = now;
  if (is_outermost(aTHX_ unstack)) look(aTHX);
  return next;
}

void cp_patch_look_between_passes(void) {
  dTHX;
  cp_hook(OP_UNSTACK, hook_unstack);
  cp_patch_state(aTHX)->looks_between_passes = true;
}
