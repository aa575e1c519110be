/// The life of a Perl process: before and after a fork, signals, the end.
#ifndef NACRE_CPERL_PROCESS_H
#define NACRE_CPERL_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Flushes perl's and stdio's output, so that nothing buffered is written by both sides of a fork.
void cp_flush(void);
/// Empties perl's cache of the packages that class names stand for. perl empties it whenever a handle is made, and what was
/// put into it before a fork would then be copied, page by page, by every process that makes one.
void cp_forget_packages(void);
/// In a forked process: the next `rand` draws a new seed.
void cp_forget_seed(void);
/// From now on the order of a hash's keys depends on nothing but the keys, the order in which they came and perl's seed
/// (drawn once for all processes of a base): two loads of one base can be compared, whatever else each has loaded.
void cp_hold_hash_order(void);
/// The order of new hashes is as random as the user's perl has it.
void cp_release_hash_order(void);
/// Makes `$^T` the present time.
void cp_reset_start_time(void);
/// Sets `$0`.
void cp_set_program_name(const char *_Nonnull name);
/// Shows the process under this title (`ps`); `$0` stays what it is.
void cp_show_as(const char *_Nonnull title);

/// Tells the signal handlers where to write the place in the Perl code: line, count of path bytes, path (`capacity`
/// bytes).
void cp_set_location_memory(
    uint64_t *_Nonnull line, uint64_t *_Nonnull count, void *_Nonnull path, size_t capacity);
/// Tells the handler of `SIGUSR2` when the request in hand began, and which request is condemned, by when it began:
/// that one does not go on after the signal, but waits to be killed.
void cp_set_request_memory(const uint64_t *_Nonnull since, const uint64_t *_Nonnull condemned);
/// Installs handlers that write the place: for `SIGUSR2` (and goes on), and for the signals of a crash (which then
/// take their default action). They run on a stack of their own and only store.
void cp_catch_location_signals(void);

/// Runs the `END` blocks, flushes and leaves with this status. `destruct` also destroys the interpreter. `idly`: once
/// everything is said and every descriptor closed, the memory is given back in time that nobody else wants.
_Noreturn void cp_leave(int status, bool destruct, bool idly);

#endif
