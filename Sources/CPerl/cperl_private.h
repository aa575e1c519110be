/* perl.h for the files of this target. The interpreter is looked up in each function (dTHX): the same code serves
   perls with and without threads, and any interpreter that is current. */
#ifndef NACRE_CPERL_PRIVATE_H
#define NACRE_CPERL_PRIVATE_H

#define PERL_NO_GET_CONTEXT
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#include <EXTERN.h>
#include <perl.h>
#include <XSUB.h>
#pragma clang diagnostic pop

#define SV_OF(value) ((SV *)(value))
#define CP_OF(value) ((cp_sv *)(value))

#endif
