#include "cperl_private.h"
#include "cperl_value.h"

void cp_retain(cp_sv *value) { SvREFCNT_inc_simple_void_NN(SV_OF(value)); }

void cp_release(cp_sv *value) {
  dTHX;
  SvREFCNT_dec(SV_OF(value));
}

cp_sv *cp_new_bytes(const void *bytes, size_t count) {
  dTHX;
  return CP_OF(newSVpvn((const char *)bytes, count));
}

cp_sv *cp_new_integer(int64_t value) {
  dTHX;
  return CP_OF(newSViv((IV)value));
}

cp_sv *cp_new_reference(cp_sv *target) {
  dTHX;
  return CP_OF(newRV_inc(SV_OF(target)));
}

const char *cp_bytes(cp_sv *value, size_t *count) {
  dTHX;
  STRLEN length;
  const char *bytes = SvPV(SV_OF(value), length);
  *count = length;
  return bytes;
}

bool cp_is_utf8(cp_sv *value) { return SvUTF8(SV_OF(value)) != 0; }

int64_t cp_integer(cp_sv *value) {
  dTHX;
  return SvIV(SV_OF(value));
}

bool cp_is_true(cp_sv *value) {
  dTHX;
  return value && SvTRUE(SV_OF(value));
}

bool cp_is_defined(cp_sv *value) { return value && SvOK(SV_OF(value)); }

bool cp_is_code_reference(cp_sv *value) {
  return value && SvROK(SV_OF(value)) && SvTYPE(SvRV(SV_OF(value))) == SVt_PVCV;
}

cp_sv *cp_inc_entry(const char *key, size_t count) {
  dTHX;
  SV **entry = hv_fetch(GvHVn(PL_incgv), key, (I32)count, 0);
  return entry ? CP_OF(*entry) : NULL;
}
