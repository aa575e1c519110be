#include "psgi_private.h"

#include <sys/socket.h>

/* `psgix.io` and `psgix.informational`. Hardly any request looks at its connection, so the handle is made for those that do:
   until then there is a value with magic, which goes with the first look. */

static int look(pTHX_ SV *value, MAGIC *magic);
static int forget(pTHX_ SV *value, MAGIC *magic);
static const MGVTBL connection_magic = {.svt_get = look, .svt_set = forget};

static const char *class_for(int fd) {
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  if (getsockname(fd, (struct sockaddr *)&address, &size) != 0) return "IO::Socket";
  switch (address.ss_family) {
  case AF_INET: return "IO::Socket::INET";
  case AF_INET6: return "IO::Socket::IP";
  default: return "IO::Socket::UNIX";
  }
}

static int look(pTHX_ SV *value, MAGIC *magic) {
  uint64_t serial = PTR2UV(magic->mg_ptr);
  forget(aTHX_ value, magic);
  int fd = cp_psgi_hooks_now()->connection(serial);
  if (fd < 0) return 0;
  SV *handle = cp_new_socket(aTHX_ fd, class_for(fd));
  if (!handle) return 0;
  sv_setsv_nomg(value, handle);
  SvREFCNT_dec_NN(handle);
  return 0;
}

/* The application has put something else there. */
static int forget(pTHX_ SV *value, MAGIC *magic) {
  PERL_UNUSED_ARG(magic);
  return sv_unmagicext(value, PERL_MAGIC_ext, &connection_magic);
}

cp_sv *cp_lend_connection(cp_sv *before, uint64_t serial) {
  dTHX;
  SV *value = SV_OF(before);
  MAGIC *magic = NULL;
  if (value && SvREFCNT(value) == 1 && SvTYPE(value) >= SVt_PVMG) magic = mg_findext(value, PERL_MAGIC_ext, &connection_magic);
  if (!magic) {
    SvREFCNT_dec(value);
    value = newSV(0);
    magic = sv_magicext(value, NULL, PERL_MAGIC_ext, &connection_magic, NULL, 0);
  }
  magic->mg_ptr = INT2PTR(char *, serial);
  return CP_OF(value);
}

XS(psgi_inform) {
  dXSARGS;
  if (items != 2 || !SvROK(ST(1))) croak("Usage: $env->{'psgix.informational'}->(status, [headers])");
  AV *response = newAV();
  SV *reference = sv_2mortal(newRV_noinc((SV *)response));
  av_push(response, newSVsv(ST(0)));
  av_push(response, newSVsv(ST(1)));
  cp_follow_hook(aTHX_ cp_psgi_hooks_now()->inform(CP_OF(reference)));
  XSRETURN_EMPTY;
}

cp_sv *cp_new_informer(void) {
  dTHX;
  return CP_OF(newRV_noinc((SV *)newXS(NULL, psgi_inform, __FILE__)));
}
