/// Patching: what stands in the stashes, moving the bodies of subs, and an undo log for everything that a patch touches.
///
/// A patch is open between `cp_patch_begin` and `cp_patch_commit` or `cp_patch_rollback`. Whatever is lifted, taken out or
/// saved in between is put back by the rollback, the last first. Nothing here decides what is to be patched.
#ifndef NACRE_CPERL_PATCH_H
#define NACRE_CPERL_PATCH_H

#include "cperl_load.h"
#include "cperl_value.h"

// MARK: The interpreter (patch_state.c)

/// The life of what Swift keeps for an interpreter.
typedef struct {
  /// The interpreter is being cloned: what the clone is to have.
  void *_Nonnull (*_Nonnull clones)(void *_Nonnull patcher);
  /// The interpreter has ended. It can be another thread than the one that made it.
  void (*_Nonnull ends)(void *_Nonnull patcher);
} cp_patcher_life;

/// From now on what the current interpreter loads, and mentions while it compiles, is followed, in forked processes as
/// well, and its clones have patchers of their own. The observer and the life are the same for all interpreters.
void cp_patch_follow(
    void *_Nonnull patcher, const cp_load_observer *_Nonnull observer, const cp_patcher_life *_Nonnull life);
/// The patcher of the current interpreter; NULL if it has none.
void *_Nullable cp_patcher(void);

/// Keeps the head of a sub that is gone, and its glob, by the name of the sub. Takes references of its own.
void cp_grave_keep(const char *_Nonnull name, size_t count, cp_sv *_Nonnull glob, cp_sv *_Nonnull head);
/// The head and the glob that are kept for a name, borrowed; NULL if none.
cp_sv *_Nullable cp_grave_head(const char *_Nonnull name, size_t count, cp_sv *_Nullable *_Nonnull glob);
/// Gives them back.
void cp_grave_forget(const char *_Nonnull name, size_t count);

// MARK: The stashes (patch_scan.c)

/// What stands under one name in a stash. All pointers are borrowed: they hold until perl runs again.
typedef struct {
  /// The glob, or what perl keeps in the place of one (a reference to a constant's value).
  cp_sv *_Nonnull entry;
  /// The sub; NULL if there is none.
  cp_sv *_Nullable code;
  /// The value, if it is a constant.
  cp_sv *_Nullable value;
  /// The name, as perl's shared string: equal names have equal pointers.
  const char *_Nonnull name;
  uint32_t name_count, name_hash;
  /// The stash, by its place among the scan's stashes.
  uint32_t stash;
  /// The file that compiled the sub, and the one that first named the glob (`cp_file_name`); -1 without one, -2 for a
  /// string eval.
  int32_t code_file, glob_file;
  /// The number of that string eval.
  uint32_t code_eval;
  /// Whether it is a glob; whether the sub has a body, is not written in Perl, is a constant, has this glob for its name,
  /// is running; whether the glob got its sub by assignment, from another package.
  bool is_glob, has_body, is_xsub, is_constant, is_own, is_running, is_assigned, is_imported, is_anonymous;
} cp_slot;

typedef struct {
  cp_sv *_Nonnull stash;
  /// Its full name (`My::App`), borrowed.
  const char *_Nonnull name;
  size_t name_count;
  /// What stands in it now, and what did when the patch began (the same memory if it has not been scanned since).
  const cp_slot *_Nullable slots;
  const cp_slot *_Nullable before;
  uint32_t count, before_count;
  /// How often it was scanned.
  uint32_t serial;
  /// Whether it is still there; whether it was not when the patch began.
  bool is_live, is_new;
} cp_stash;

typedef struct {
  const cp_stash *_Nonnull stashes;
  uint32_t stash_count;
} cp_scan;

/// Everything that stands in the stashes, names of packages left out. A stash keeps its number. The memory is that of the
/// interpreter: it holds until the next scan. What can change without perl's knowing it (a sub's body, whether it runs) is
/// as it was when its stash was scanned.
cp_scan cp_scan_stashes(void);
/// Looks at this stash alone, which must still be there as the last scan found it.
cp_scan cp_scan_again(uint32_t stash);
/// Has the next scan look at a stash again.
void cp_scan_doubt(uint32_t stash);
/// Holds what was in a stash when the patch began, so that a rollback puts it back.
void cp_patch_hold(uint32_t stash);
/// Calls `visit` with each slot that has one of these values for its sub or for the value of its constant.
void cp_each_holder(
    cp_sv *_Nonnull const *_Nullable values, size_t count, void *_Nullable context,
    void (*_Nonnull visit)(void *_Nullable context, cp_sv *_Nonnull value, const cp_slot *_Nonnull slot));
/// The name of a file in a scan, as perl has it (`lib/My.pm`). Borrowed, for good.
const char *_Nonnull cp_file_name(int32_t file);
/// The number of string evals so far.
uint32_t cp_eval_count(void);
/// The name of the package in which the statement that runs now was compiled. Borrowed.
const char *_Nonnull cp_current_package(void);
/// The keys of `%INC`.
size_t cp_inc_count(void);
/// `$^T`.
int64_t cp_start_time(void);
/// perl's own library directories, ended by NULL.
const char *_Nullable const *_Nonnull cp_library_directories(void);
/// Makes the entry of a sub that has no glob yet into one. Borrowed; the scan's `entry` is not valid afterwards.
cp_sv *_Nonnull cp_make_glob(cp_sv *_Nonnull code);
/// Whether two subs are constants of equal value (`one` and `other` are subs or references to a value).
bool cp_same_constant(cp_sv *_Nonnull one, cp_sv *_Nonnull other);
/// The value of a constant (a sub, or a reference to the value); NULL for anything else. Borrowed.
cp_sv *_Nullable cp_constant_value(cp_sv *_Nonnull constant);
/// Whether a sub is a constant; whether it has a body.
bool cp_is_constant(cp_sv *_Nonnull code);
bool cp_has_body(cp_sv *_Nonnull code);
/// The prototype of a sub; NULL if it has none. Borrowed.
const char *_Nullable cp_prototype(cp_sv *_Nonnull code);

/// Calls `visit` with the name of each sub that the package has from another one, at the end of its file's load. The
/// constants of the package get its name, so that who imports them is known to have them from there.
void cp_each_import(
    const char *_Nonnull package, void *_Nullable context,
    void (*_Nonnull visit)(void *_Nullable context, const char *_Nonnull name, size_t count));
/// Whether another glob than this one names the sub, and holds it: it was imported from there.
bool cp_is_foreign(cp_sv *_Nonnull code, cp_sv *_Nonnull glob);

// MARK: Who mentions what (patch_mentions.c)

/// Has the subs that were compiled before the hooks go through them as well.
void cp_hook_compiled(void);
/// Calls `Nacre::_pass` between passes of the outermost loop, in loops that are compiled from now on.
void cp_patch_look_between_passes(void);
/// The file whose load runs now; -1 outside of any.
void cp_set_mentioning_file(int32_t file);
/// Forgets what a file mentions: it is about to be compiled again.
void cp_forget_mentions(int32_t file);
/// The same until the patch that runs is kept: if it is taken back, the file mentions what it mentioned.
void cp_set_aside_mentions(int32_t file);
/// Calls `visit` with each name of a glob in a package (`My::App::f` for `*My::App::f`) that the file has named outside
/// of its subs.
void cp_each_named_glob(
    int32_t file, void *_Nullable context,
    void (*_Nonnull visit)(void *_Nullable context, const char *_Nonnull name, size_t count));
/// Calls `visit` with each file that mentions the sub `name` (`My::App::f`), -1 for code outside of any load.
void cp_each_mention(
    const char *_Nonnull name, size_t count, void *_Nullable context,
    void (*_Nonnull visit)(void *_Nullable context, int32_t file));

// MARK: The transaction (patch_scan.c, patch_undo.c, patch_body.c, patch_values.c)

/// Begins a patch of what the last scan has found.
void cp_patch_begin(void);
/// Drops what was saved; the new state stays.
void cp_patch_commit(void);
/// Puts everything back.
void cp_patch_rollback(void);

/// Moves the body of the sub in a glob to a spare head. If it `stays`, the head stays in the glob, declared without a
/// body, for perl to compile into; that takes a sub that has the glob for its name. Else it is taken out. Gives its number
/// among the lifted.
uint32_t cp_patch_lift(cp_sv *_Nonnull glob, bool stays);
/// Puts a sub without a body into an empty glob, for perl to compile into: one that was removed before and that somebody
/// still refers to. Gives its number among the lifted.
uint32_t cp_patch_declare(cp_sv *_Nonnull glob, cp_sv *_Nonnull code);

typedef enum {
  /// perl compiled into the old head.
  CP_LIFTED_REPLACED,
  /// The new source does not define it.
  CP_LIFTED_REMOVED,
  /// Another sub is in the glob now.
  CP_LIFTED_OTHER,
} cp_lifted_state;
cp_lifted_state cp_lifted_state_of(uint32_t number);
/// The glob, the head, and the spare head with the old body (the head itself for a declared one). Borrowed.
cp_sv *_Nonnull cp_lifted_glob(uint32_t number);
cp_sv *_Nonnull cp_lifted_head(uint32_t number);
cp_sv *_Nonnull cp_lifted_old(uint32_t number);
/// The sub that is in a glob; NULL if none. Borrowed.
cp_sv *_Nullable cp_glob_code(cp_sv *_Nonnull glob);
/// How many references to a value there are.
uint32_t cp_reference_count(cp_sv *_Nonnull value);
/// Whether anybody refers weakly to a value.
bool cp_is_weakly_referenced(cp_sv *_Nonnull value);
/// Takes the head out of its glob. A new reference to the head, if anybody else still refers to it; else NULL.
cp_sv *_Nullable cp_lifted_remove(uint32_t number);
/// Gives the head its old body and its place back.
void cp_lifted_put_back(uint32_t number);
/// Moves the body of the sub that is in the glob now into the old head and puts that into the glob.
void cp_lifted_adopt(uint32_t number);
/// Puts a sub (NULL: none) into a glob; undone by a rollback.
void cp_patch_set_code(cp_sv *_Nonnull glob, cp_sv *_Nullable code);
/// Puts a sub into a glob whose sub has been saved.
void cp_put_code(cp_sv *_Nonnull glob, cp_sv *_Nullable code);
/// Perl's method caches for a package are not valid any more.
void cp_methods_changed(cp_sv *_Nonnull stash);

/// Saves the variables of a glob and what is in them, and its format.
void cp_patch_save_variables(cp_sv *_Nonnull glob);
/// Empties the array and the hash of a glob (`@ISA`, `%FIELDS`); their variables must have been saved.
void cp_patch_clear_lists(cp_sv *_Nonnull glob);
/// Takes the format out of a glob, saved.
void cp_patch_lift_format(cp_sv *_Nonnull glob);
/// Takes the handle out of a glob, saved: perl opens `DATA` by overwriting what is in the handle that is there.
void cp_patch_lift_handle(cp_sv *_Nonnull glob);
/// Takes an entry that is no glob out of its stash, saved.
void cp_patch_lift_entry(cp_sv *_Nonnull stash, const char *_Nonnull name, uint32_t count);
/// Saves the element of a hash of this name (`Exporter::Cache`) and deletes it.
void cp_patch_lift_element(const char *_Nonnull hash, const char *_Nonnull key, size_t count);
/// Saves all of `%INC`, `@INC` and the `END` blocks.
void cp_patch_save_process(void);
/// Deletes a key of `%INC`.
void cp_inc_delete(const char *_Nonnull key, size_t count);
/// Sets a key of `%INC`.
void cp_inc_set(const char *_Nonnull key, size_t count, const char *_Nonnull path, size_t path_count);
/// Drops the saved `END` blocks that this file compiled, if they are still in line: the file has new ones. `all`: drops those
/// as well.
void cp_patch_drop_end_blocks(const char *_Nonnull file, bool all);
/// Puts what was taken out of a stash back under its name, in the place of what has come since.
void cp_put_entry(cp_sv *_Nonnull stash, const char *_Nonnull name, uint32_t count, cp_sv *_Nonnull entry);
/// Deletes an entry of a stash that a failed load has made.
void cp_delete_entry(cp_sv *_Nonnull stash, const char *_Nonnull name, uint32_t count);
/// Whether what was saved was more than the log takes (a huge cache in a package variable).
bool cp_patch_overflowed(void);

/// While it is set, `exit` in code that is loaded dies instead.
void cp_forbid_exit(bool forbidden);
/// Whether this process was forked since the last call.
bool cp_was_forked(void);
#endif
