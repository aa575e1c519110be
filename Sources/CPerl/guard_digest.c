#include "guard_private.h"

/* Digests of perl values: equal values have equal digests, whatever perl has cached in them. References count as what
   they point to and where that is: the processes that compare are forks of one another. */

static uint64_t digest_value(pTHX_ SV *value, int depth, int *budget);

static uint64_t digest_array(pTHX_ AV *array, int depth, int *budget) {
  uint64_t digest = 11;
  for (SSize_t index = 0; index <= AvFILLp(array); index++)
    digest = cp_mix(digest, digest_value(aTHX_ AvARRAY(array)[index], depth - 1, budget));
  return digest;
}

static uint64_t digest_hash(pTHX_ HV *hash, int depth, int *budget) {
  uint64_t digest = 0;
  if (!HvARRAY(hash)) return 12;
  for (STRLEN bucket = 0; bucket <= HvMAX(hash); bucket++) {
    for (HE *entry = HvARRAY(hash)[bucket]; entry; entry = HeNEXT(entry)) {
      if (HeVAL(entry) == &PL_sv_placeholder || HeKLEN(entry) == HEf_SVKEY) continue;
      /* The order of the entries says nothing. */
      digest += cp_mix(
          cp_bytes_digest(HeKEY(entry), (size_t)HeKLEN(entry)), digest_value(aTHX_ HeVAL(entry), depth - 1, budget));
    }
  }
  return cp_mix(12, digest);
}

static uint64_t digest_number(pTHX_ SV *value) {
  char text[64];
  int count;
  if (SvIOKp(value))
    count = SvIsUV(value) ? my_snprintf(text, sizeof text, "%" UVuf, SvUVX(value))
                          : my_snprintf(text, sizeof text, "%" IVdf, SvIVX(value));
  else
    count = my_snprintf(text, sizeof text, "%.15" NVgf, SvNVX(value));
  return cp_bytes_digest(text, (size_t)count);
}

static uint64_t digest_value(pTHX_ SV *value, int depth, int *budget) {
  if (!value) return 0;
  if (--*budget < 0 || depth < 0) return 1;
  switch (SvTYPE(value)) {
    case SVt_PVAV: return digest_array(aTHX_ (AV *)value, depth, budget);
    case SVt_PVHV:
      /* A stash is looked at name by name. */
      if (HvNAME_get((HV *)value)) return PTR2UV(value);
      return digest_hash(aTHX_ (HV *)value, depth, budget);
    case SVt_PVCV:
      /* A sub that is defined again may keep its head. */
      return cp_mix(PTR2UV(value), CvISXSUB((CV *)value) ? PTR2UV(CvXSUB((CV *)value)) : PTR2UV(CvROOT((CV *)value)));
    case SVt_PVGV: case SVt_PVIO: case SVt_PVFM: case SVt_REGEXP: return PTR2UV(value);
    default: break;
  }
  if (SvROK(value)) return cp_mix(PTR2UV(SvRV(value)), digest_value(aTHX_ SvRV(value), depth - 1, budget));
  if (SvPOK(value)) return cp_bytes_digest(SvPVX_const(value), SvCUR(value));
  if (SvIOKp(value) || SvNOKp(value)) return digest_number(aTHX_ value);
  if (SvPOKp(value)) return cp_bytes_digest(SvPVX_const(value), SvCUR(value));
  return 0;
}

uint64_t cp_value_digest(pTHX_ SV *value) {
  int budget = 5000;
  return digest_value(aTHX_ value, 6, &budget);
}

/* A name that was only mentioned may get an empty array or hash: as good as none. */
uint64_t cp_glob_digest(pTHX_ SV *entry) {
  if (!entry) return 0;
  if (!isGV_with_GP(entry)) {
    /* A sub or a constant for which perl has not made a glob yet, or a mere prototype. */
    if (SvROK(entry)) return cp_mix(PTR2UV(SvRV(entry)), cp_value_digest(aTHX_ SvRV(entry)));
    return SvOK(entry) ? cp_mix(2, cp_value_digest(aTHX_ entry)) : 0;
  }
  GV *glob = (GV *)entry;
  uint64_t digest = 0;
  if (GvSV(glob)) digest = cp_mix(digest, cp_value_digest(aTHX_ GvSV(glob)));
  else digest = cp_mix(digest, 0);
  digest = cp_mix(digest, GvAV(glob) && AvFILLp(GvAV(glob)) >= 0 ? cp_value_digest(aTHX_(SV *) GvAV(glob)) : 0);
  digest = cp_mix(digest, GvHV(glob) && HvUSEDKEYS(GvHV(glob)) > 0 ? cp_value_digest(aTHX_(SV *) GvHV(glob)) : 0);
  /* A method that was found elsewhere is only remembered here. */
  CV *code = GvCVGEN(glob) ? NULL : GvCV(glob);
  if (code && (CvROOT(code) || CvISXSUB(code))) digest = cp_mix(digest, digest_value(aTHX_(SV *) code, 1, &(int){10}));
  /* How calls are compiled. A sub that is only mentioned has none. */
  return cp_mix(digest, code && SvPOK(code) ? cp_bytes_digest(CvPROTO(code), CvPROTOLEN(code)) : 0);
}
