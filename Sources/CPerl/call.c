#include "cperl_call.h"
#include "cperl_private.h"

/* perl's own call_list and perl_destruct stand as the model: after my_exit_jump (JMPENV value 2) the stacks are
   unwound and only the scopes are left to close. */
static cp_outcome guarded(pTHX_ SV *callee, I32 flags, SV *const *arguments, int count, SV **value, int *status) {
  cp_outcome outcome = CP_RETURNED;
  int jump;
  I32 scope = PL_scopestack_ix;
  dJMPENV;
  *value = NULL;
  JMPENV_PUSH(jump);
  if (jump == 0) {
    dSP;
    ENTER;
    SAVETMPS;
    PUSHMARK(SP);
    EXTEND(SP, count);
    for (int index = 0; index < count; index++) PUSHs(arguments[index]);
    PUTBACK;
    (void)call_sv(callee, flags | G_SCALAR | G_EVAL);
    SPAGAIN;
    SV *returned = POPs;
    PUTBACK;
    /* perl empties $@ when the call returns. An object is an error whatever its overloaded truth says, and asking it
       would run its code outside of the eval. */
    if (SvROK(ERRSV) || SvTRUE_nomg(ERRSV)) {
      outcome = CP_DIED;
      *value = newSVsv(ERRSV);
      CLEAR_ERRSV();
    } else {
      *value = newSVsv(returned);
    }
    FREETMPS;
    LEAVE;
  } else {
    while (PL_scopestack_ix > scope) LEAVE;
    FREETMPS;
    *status = STATUS_EXIT;
    outcome = CP_EXITED;
  }
  JMPENV_POP;
  return outcome;
}

cp_outcome cp_call(cp_sv *code, cp_sv *const *arguments, int count, cp_sv **value, int *status) {
  dTHX;
  return guarded(aTHX_ SV_OF(code), 0, (SV *const *)arguments, count, (SV **)value, status);
}

cp_outcome cp_call_method(
    cp_sv *invocant, const char *name, cp_sv *const *arguments, int count, cp_sv **value, int *status) {
  dTHX;
  SV *all[8];
  if (count > 7) count = 7;
  all[0] = SV_OF(invocant);
  for (int index = 0; index < count; index++) all[index + 1] = SV_OF(arguments[index]);
  SV *method = newSVpv(name, 0);
  cp_outcome outcome = guarded(aTHX_ method, G_METHOD, all, count + 1, (SV **)value, status);
  SvREFCNT_dec(method);
  return outcome;
}

const char *cp_code_location(cp_sv *code, uint32_t *line) {
  CV *cv = (CV *)SvRV(SV_OF(code));
  *line = 0;
  if (CvISXSUB(cv)) return NULL;
  /* The code of a sub begins with the state op of its first statement; an empty one has none. */
  for (const OP *op = CvSTART(cv); op; op = op->op_next) {
    if (op->op_type != OP_NEXTSTATE && op->op_type != OP_DBSTATE) continue;
    *line = (uint32_t)CopLINE((const COP *)op);
    return CopFILE((const COP *)op);
  }
  return NULL;
}

XS(cp_trampoline) {
  dXSARGS;
  cp_function function = (cp_function)CvXSUBANY(cv).any_ptr;
  SV *error = NULL;
  SV *value = SV_OF(function((cp_sv *const *)&ST(0), (int)items, (cp_sv **)&error));
  if (error) croak_sv(sv_2mortal(error));
  if (!value) XSRETURN_EMPTY;
  SPAGAIN;
  ST(0) = sv_2mortal(value);
  XSRETURN(1);
}

void cp_define(const char *name, cp_function function) {
  dTHX;
  CV *cv = newXS(name, cp_trampoline, __FILE__);
  CvXSUBANY(cv).any_ptr = (void *)function;
}
