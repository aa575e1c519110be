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

/* Written in Swift (NacreExtension): defines the subs of Nacre::Patching. */
extern void nacre_boot_patching(void);

/* What Nacre.pm calls outside of the nacre server. */
XS_EXTERNAL(boot_Nacre__Patching) {
  dVAR;
  dXSBOOTARGSAPIVERCHK;
  cp_hook_ops();
  nacre_boot_patching();
  Perl_xs_boot_epilog(aTHX_ ax);
}
