#include "patch_private.h"

/* Small questions about subs, packages and the interpreter. */

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

/* MARK: Holders */

static size_t place_of(SV *const *values, size_t last, const SV *value) {
  size_t index = (PTR2UV(value) >> 4) * 0x9E3779B97F4A7C15u >> 20 & last;
  while (values[index] && values[index] != value) index = (index + 1) & last;
  return index;
}

void cp_each_holder(
    cp_sv *const *values, size_t count, void *context,
    void (*visit)(void *context, cp_sv *value, const cp_slot *slot)) {
  dTHX;
  const patch_state *state = cp_patch_state(aTHX);
  size_t size = 16;
  while (size < count * 4) size *= 2;
  SV **wanted;
  Newxz(wanted, size, SV *);
  for (size_t index = 0; index < count; index++)
    wanted[place_of(wanted, size - 1, SV_OF(values[index]))] = SV_OF(values[index]);
  for (uint32_t stash = 0; count && stash < state->stash_count; stash++) {
    const cp_slot *end = state->stashes[stash].slots + state->stashes[stash].count;
    for (const cp_slot *slot = state->stashes[stash].slots; slot < end; slot++) {
      if (slot->is_glob && slot->code && wanted[place_of(wanted, size - 1, SV_OF(slot->code))])
        visit(context, slot->code, slot);
      /* Importing a constant leaves a reference to its value (pp_hot.c, pp_sassign). */
      if (slot->value && wanted[place_of(wanted, size - 1, SV_OF(slot->value))]) visit(context, slot->value, slot);
    }
  }
  Safefree(wanted);
}
