/* What the files of the PSGI part share. */
#ifndef NACRE_PSGI_PRIVATE_H
#define NACRE_PSGI_PRIVATE_H

#include "cperl_private.h"
#include "cperl_psgi.h"

/* Runs a C function that may die or exit: as `cp_call`, but there is no value; after CP_DIED `*error` is new. */
cp_outcome cp_guard(pTHX_ void (*function)(pTHX_ void *), void *data, cp_sv **error, int *status);

#endif
