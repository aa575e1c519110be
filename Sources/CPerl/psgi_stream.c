#include "psgi_private.h"

static cp_psgi_hooks hooks;

const cp_psgi_hooks *cp_psgi_hooks_now(void) { return &hooks; }

/* Leaves the sub as the hook said; Swift has returned, only C and perl frames are jumped over. */
void cp_follow_hook(pTHX_ cp_hook_result result) {
  if (result.kind == CP_HOOK_EXIT) my_exit((U32)result.status);
  if (result.kind == CP_HOOK_THROW) croak_sv(sv_2mortal(SV_OF(result.error)));
  if (result.kind == CP_HOOK_THROW_WITH_PLACE) croak("%" SVf, SVfARG(sv_2mortal(SV_OF(result.error))));
}

static SV *new_writer(pTHX_ uint64_t serial) {
  SV *number = newSVuv((UV)serial);
  SV *writer = sv_bless(newRV_noinc(number), gv_stashpvs("Nacre::PSGI::Writer", GV_ADD));
  SvREADONLY_on(number);
  return writer;
}

XS(psgi_respond) {
  dXSARGS;
  uint64_t serial = CvXSUBANY(cv).any_uv;
  if (items != 1) croak("Usage: $respond->([status, headers, body])");
  /* perl code that runs below may let go of what the stack holds without a count. */
  SV *response = sv_2mortal(SvREFCNT_inc_simple_NN(ST(0)));
  cp_hook_result result = hooks.respond(serial, CP_OF(response));
  cp_follow_hook(aTHX_ result);
  if (result.kind != CP_HOOK_WRITER) XSRETURN_EMPTY;
  ST(0) = sv_2mortal(new_writer(aTHX_ serial));
  XSRETURN(1);
}

static uint64_t serial_of(pTHX_ SV *writer) {
  if (!SvROK(writer) || !sv_derived_from(writer, "Nacre::PSGI::Writer")) croak("not a response writer");
  return SvUV(SvRV(writer));
}

XS(psgi_write) {
  dXSARGS;
  if (items != 2) croak("Usage: $writer->write($bytes)");
  uint64_t serial = serial_of(aTHX_ ST(0));
  SV *value = ST(1);
  STRLEN count = 0;
  const char *bytes = "";
  SvGETMAGIC(value);
  if (SvOK(value)) bytes = SvPV_nomg_const(value, count);
  if (SvOK(value) && SvUTF8(value)) {
    /* A copy: the application's own string stays as it is. */
    value = sv_2mortal(newSVpvn_utf8(bytes, count, TRUE));
    if (!sv_utf8_downgrade(value, TRUE)) croak("Wide character in write");
    bytes = SvPV_nomg_const(value, count);
  }
  cp_follow_hook(aTHX_ hooks.write(serial, bytes, count));
  XSRETURN_EMPTY;
}

XS(psgi_close) {
  dXSARGS;
  if (items != 1) croak("Usage: $writer->close");
  cp_follow_hook(aTHX_ hooks.close(serial_of(aTHX_ ST(0))));
  XSRETURN_EMPTY;
}

void cp_set_psgi_hooks(cp_psgi_hooks given) {
  dTHX;
  hooks = given;
  newXS("Nacre::PSGI::Writer::write", psgi_write, __FILE__);
  newXS("Nacre::PSGI::Writer::close", psgi_close, __FILE__);
}

cp_sv *cp_new_responder(uint64_t serial) {
  dTHX;
  CV *cv = newXS(NULL, psgi_respond, __FILE__);
  CvXSUBANY(cv).any_uv = (UV)serial;
  return CP_OF(newRV_noinc((SV *)cv));
}
