#include "cperl_load.h"
#include "cperl_private.h"

/* Written in Swift (NacreExtension): defines the subs. */
extern void nacre_boot(void);

/* What DynaLoader calls. The handshake refuses a library that was built for another perl, with perl's own message. */
XS_EXTERNAL(boot_Nacre) {
  dVAR;
  dXSBOOTARGSAPIVERCHK;
  cp_hook_ops();
  nacre_boot();
  Perl_xs_boot_epilog(aTHX_ ax);
}
