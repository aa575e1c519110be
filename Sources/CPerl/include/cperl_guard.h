/// Guards of a preload: what a file that was loaded before the application could see, and whether it is still the same
/// when the application asks for the file.
///
/// The preload loads groups of files (a file with all that it loads). Whatever variable or sub the code of a group
/// defines or names belongs to the group. Nothing here calls magic, runs code or can `die`.
#ifndef NACRE_CPERL_GUARD_H
#define NACRE_CPERL_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The preload begins: what is defined from here on is new.
void cp_guard_start(void);
/// The next group (0, 1, 2 ...) is about to be loaded, with the present `@INC` and `%ENV`.
void cp_guard_begin(void);
/// The group is loaded. Which of `@INC` and `%ENV` its load has changed; NULL if none.
const char *_Nullable cp_guard_end(void);
/// All libraries are loaded, and files of the application come next: this is the state that later ones are compared with
/// until the preload is over.
void cp_guard_settle(void);
/// The preload is over: this is the state that later ones are compared with.
void cp_guard_seal(void);
/// Takes in what any code can see now, for the next questions. To be called again once code of the application has run.
void cp_guard_look(void);
/// What differs for a group from that state: `%ENV`, `$My::Module::debug`; NULL if nothing does. Borrowed until the next
/// call.
const char *_Nullable cp_guard_difference(uint32_t group);
/// The same, `%ENV` and `@INC` left out.
const char *_Nullable cp_guard_effect(uint32_t group);
/// Gives the memory back: every group has been asked for.
void cp_guard_forget(void);

/// A digest of what `@INC` holds.
uint64_t cp_include_digest(void);
/// A digest of all that `%ENV` holds.
uint64_t cp_environment_digest(void);
/// Calls `visit` with each name and value of `%ENV`, in no particular order.
void cp_each_environment(
    void *_Nullable context,
    void (*_Nonnull visit)(
        void *_Nullable context, const char *_Nonnull name, size_t name_count, const char *_Nonnull value, size_t count));

#endif
