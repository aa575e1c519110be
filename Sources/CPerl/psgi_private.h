/* What the files of the PSGI part share. */
#ifndef NACRE_PSGI_PRIVATE_H
#define NACRE_PSGI_PRIVATE_H

#include "cperl_private.h"
#include "cperl_psgi.h"

/* Runs a C function that may die or exit: as `cp_call`, but there is no value; after CP_DIED `*error` is new. */
cp_outcome cp_guard(pTHX_ void (*function)(pTHX_ void *), void *data, cp_sv **error, int *status);

/* What Swift has set with `cp_set_psgi_hooks`. */
const cp_psgi_hooks *cp_psgi_hooks_now(void);
/* Leaves the XSUB as the hook said. */
void cp_follow_hook(pTHX_ cp_hook_result result);
/* New IO::Socket of this class that reads and writes the descriptor and closes it; NULL (and it is closed) if perl could not. */
SV *cp_new_socket(pTHX_ int fd, const char *class);

#endif
