#include "psgi_private.h"

cp_sv *cp_new_key(const void *bytes, size_t count) {
  dTHX;
  return CP_OF(newSVpvn_share((const char *)bytes, (I32)count, 0));
}

cp_sv *cp_new_hash(size_t count) {
  dTHX;
  HV *hash = newHV();
  hv_ksplit(hash, (IV)count);
  return CP_OF(hash);
}

cp_sv *cp_copy_hash(cp_sv *hash) {
  dTHX;
  return CP_OF(newHVhv((HV *)hash));
}

void cp_hash_put(cp_sv *hash, cp_sv *key, cp_sv *value) {
  dTHX;
  /* Hash 0: hv_common takes it from the shared string. */
  if (!hv_store_ent((HV *)hash, SV_OF(key), SV_OF(value), 0)) SvREFCNT_dec(SV_OF(value));
}

cp_sv *cp_hash_get(cp_sv *hash, cp_sv *key) {
  dTHX;
  if (SvRMAGICAL(SV_OF(hash))) return NULL;
  HE *entry = hv_fetch_ent((HV *)hash, SV_OF(key), 0, 0);
  return entry ? CP_OF(HeVAL(entry)) : NULL;
}

bool cp_hash_is_true(cp_sv *hash, cp_sv *key) {
  dTHX;
  SV *value = SV_OF(cp_hash_get(hash, key));
  return value && (SvROK(value) || SvTRUE_nomg(value));
}

void cp_hash_join(cp_sv *hash, cp_sv *key, const char *separator, const void *bytes, size_t count) {
  dTHX;
  HE *entry = hv_fetch_ent((HV *)hash, SV_OF(key), 1, 0);
  if (!entry) return;
  SV *value = HeVAL(entry);
  if (SvOK(value)) {
    sv_catpv_nomg(value, separator);
    sv_catpvn_nomg(value, (const char *)bytes, count);
  } else {
    sv_setpvn(value, (const char *)bytes, count);
  }
}

cp_sv *cp_new_reference_taking(cp_sv *target) {
  dTHX;
  return CP_OF(newRV_noinc(SV_OF(target)));
}

cp_sv *cp_copy_reference(cp_sv *reference) {
  dTHX;
  return CP_OF(newRV_inc(SvRV(SV_OF(reference))));
}

cp_sv *cp_referent(cp_sv *reference) { return CP_OF(SvRV(SV_OF(reference))); }

cp_sv *cp_new_pair(int64_t first, int64_t second) {
  dTHX;
  AV *array = newAV();
  av_push(array, newSViv((IV)first));
  av_push(array, newSViv((IV)second));
  return CP_OF(array);
}

cp_sv *cp_new_array(void) {
  dTHX;
  return CP_OF(newAV());
}

static AV *plain_array(SV *value) {
  if (!value || !SvROK(value) || SvTYPE(SvRV(value)) != SVt_PVAV || SvRMAGICAL(SvRV(value))) return NULL;
  return (AV *)SvRV(value);
}

size_t cp_array_count(cp_sv *value) {
  AV *array = plain_array(SV_OF(value));
  return array ? (size_t)(AvFILLp(array) + 1) : 0;
}

cp_sv *cp_array_at(cp_sv *reference, size_t index) {
  AV *array = plain_array(SV_OF(reference));
  return array && (SSize_t)index <= AvFILLp(array) ? CP_OF(AvARRAY(array)[index]) : NULL;
}

cp_sv *cp_new_standard_error(void) {
  dTHX;
  return CP_OF(newRV_inc((SV *)gv_fetchpvs("main::STDERR", GV_ADD, SVt_PVIO)));
}

cp_sv *cp_new_room(size_t capacity, char **memory) {
  dTHX;
  SV *string = newSV(capacity + 1);
  SvPOK_on(string);
  SvCUR_set(string, 0);
  *memory = SvPVX(string);
  **memory = 0;
  return CP_OF(string);
}

void cp_set_count(cp_sv *string, size_t count) {
  SvCUR_set(SV_OF(string), count);
  *SvEND(SV_OF(string)) = 0;
}

/* An anonymous glob as `open my $handle` makes it (pp_hot.c, rv2gv). Takes over the file. */
static cp_sv *new_handle(pTHX_ PerlIO *file) {
  if (!file) return NULL;
  GV *glob = (GV *)newSV(0);
  gv_init_pvn(glob, PL_defstash, "__ANONIO__", 10, 0);
  IO *io = GvIOn(glob);
  IoIFP(io) = file;
  IoTYPE(io) = IoTYPE_RDONLY;
  return CP_OF(newRV_noinc((SV *)glob));
}

cp_sv *cp_new_string_handle(cp_sv *string) {
  dTHX;
  SV *reference = newRV_noinc(SV_OF(string));
  PerlIO *file = PerlIO_openn(aTHX_ NULL, "r", -1, 0, 0, NULL, 1, &reference);
  SvREFCNT_dec(reference);
  return new_handle(aTHX_ file);
}

cp_sv *cp_new_descriptor_handle(int fd) {
  dTHX;
  PerlIO *file = PerlIO_fdopen(fd, "r");
  if (!file) close(fd);
  return new_handle(aTHX_ file);
}

static PerlIO *file_of(SV *handle) {
  IO *io = GvIOp((GV *)SvRV(handle));
  return io ? IoIFP(io) : NULL;
}

bool cp_handle_is_open(cp_sv *handle) { return file_of(SV_OF(handle)) != NULL; }

void cp_handle_rewind(cp_sv *handle) {
  dTHX;
  PerlIO *file = file_of(SV_OF(handle));
  if (file) {
    PerlIO_rewind(file);
    PerlIO_clearerr(file);
  }
}
