/// Values: making, reading, counting references.
#ifndef NACRE_CPERL_VALUE_H
#define NACRE_CPERL_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cp_sv cp_sv;

/// Takes one more reference.
void cp_retain(cp_sv *_Nonnull value);
/// Gives one reference back.
void cp_release(cp_sv *_Nullable value);

/// New byte string.
cp_sv *_Nonnull cp_new_bytes(const void *_Nullable bytes, size_t count);
/// New integer.
cp_sv *_Nonnull cp_new_integer(int64_t value);
/// New reference to `target`; takes a reference of its own to it.
cp_sv *_Nonnull cp_new_reference(cp_sv *_Nonnull target);

/// The bytes of the value's string form (perl's internal bytes: UTF-8 if `cp_is_utf8`), valid until the value
/// changes. May run code of the value's class (overloading): call it only where a `die` is caught by perl, or on
/// values known to be plain. Borrowed.
const char *_Nonnull cp_bytes(cp_sv *_Nonnull value, size_t *_Nonnull count);
/// Whether the string is flagged as characters rather than bytes.
bool cp_is_utf8(cp_sv *_Nonnull value);
/// The integer value of a plain value.
int64_t cp_integer(cp_sv *_Nonnull value);
/// perl's truth of a plain value.
bool cp_is_true(cp_sv *_Nullable value);
bool cp_is_defined(cp_sv *_Nullable value);
/// Whether it is a reference to a sub.
bool cp_is_code_reference(cp_sv *_Nullable value);

/// The element of `%INC` for this key: borrowed, or NULL.
cp_sv *_Nullable cp_inc_entry(const char *_Nonnull key, size_t count);

#endif
