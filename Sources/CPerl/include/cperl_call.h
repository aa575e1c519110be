/// Calls into perl, each with a JMPENV of its own, so that neither `die` nor `exit` ever passes a Swift frame.
#ifndef NACRE_CPERL_CALL_H
#define NACRE_CPERL_CALL_H

#include "cperl_value.h"

/// How a call into perl came back.
typedef enum {
  /// It returned a value.
  CP_RETURNED = 0,
  /// It died; the value is the error.
  CP_DIED = 1,
  /// It called `exit`. perl has unwound every context, those below the caller included: the process can only run
  /// its `END` blocks and leave (`cp_leave`).
  CP_EXITED = 2,
} cp_outcome;

/// Calls `code` in scalar context with `count` arguments (borrowed). `*value` gets a new value: what it returned, or
/// the error; NULL after CP_EXITED. `*status` gets the exit status after CP_EXITED.
cp_outcome cp_call(
    cp_sv *_Nonnull code, cp_sv *_Nonnull const *_Nullable arguments, int count,
    cp_sv *_Nullable *_Nonnull value, int *_Nonnull status);

/// Calls method `name` of `invocant` (borrowed); else as `cp_call`.
cp_outcome cp_call_method(
    cp_sv *_Nonnull invocant, const char *_Nonnull name, cp_sv *_Nonnull const *_Nullable arguments, int count,
    cp_sv *_Nullable *_Nonnull value, int *_Nonnull status);

/// Where the first statement of a sub is (`code` is a code reference, borrowed): the file as perl names it, borrowed for
/// as long as the sub lives, and the line; NULL for a sub that is empty or not written in Perl.
const char *_Nullable cp_code_location(cp_sv *_Nonnull code, uint32_t *_Nonnull line);

/// New plain string: the string form of any value, objects included. If an object's own code fails in it, the string
/// says what class it is of. Takes nothing, and throws nothing.
cp_sv *_Nonnull cp_new_text(cp_sv *_Nonnull value);

/// A sub written in Swift. The arguments are borrowed. It returns a new value or NULL (the empty list). To die it
/// stores a new value in `*error`; perl throws it after Swift has returned.
typedef cp_sv *_Nullable (*cp_function)(
    cp_sv *_Nonnull const *_Nonnull arguments, int count, cp_sv *_Nullable *_Nonnull error);

/// Defines the sub `name` (`Nacre::Host::run`).
void cp_define(const char *_Nonnull name, cp_function _Nonnull function);

#endif
