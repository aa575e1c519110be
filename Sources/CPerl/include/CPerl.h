/// perl's API for Swift. The umbrella: values and calls in cperl_value.h and cperl_call.h, the op hooks and the life
/// of a process in cperl_load.h, what a PSGI worker needs in cperl_psgi.h. No header here includes perl.h.
///
/// `cp_sv` is perl's `SV` (or `AV`, `HV`, `CV`) and is always an opaque pointer for Swift. Comments say "borrowed"
/// where no reference count changes and "new" where the caller gets a count of its own to give back with
/// `cp_release`.
#ifndef NACRE_CPERL_H
#define NACRE_CPERL_H

#include "cperl_call.h"
#include "cperl_guard.h"
#include "cperl_load.h"
#include "cperl_patch.h"
#include "cperl_process.h"
#include "cperl_psgi.h"
#include "cperl_value.h"

#endif
