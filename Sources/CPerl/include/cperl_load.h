/// Following a load: perl's ops for loading and looking at files report what they do.
///
/// The hooks replace entries of `PL_ppaddr`, so they are in every op that is compiled after `cp_hook_ops`. Every
/// observer function returns before perl's own op runs (or is called after it has returned), so no Swift frame lies
/// below anything that can `die`.
#ifndef NACRE_CPERL_LOAD_H
#define NACRE_CPERL_LOAD_H

#include "cperl_value.h"

/// What the observers are told. All strings are borrowed for the time of the call; paths are as Perl gave them.
typedef struct {
  /// A `require` or `do FILE` is about to run. Returns a number above 0 that names this load, or 0 if it is not to be
  /// followed (already loaded, say). `file` and `line` are where it was asked for.
  uint32_t (*_Nonnull begins)(
      const char *_Nonnull name, size_t count, bool is_do, const char *_Nonnull file, uint32_t line);
  /// The load that `begins` named has left its scope: its code has run, or it died in it.
  void (*_Nonnull ends)(uint32_t load);
  /// The load that `begins` named could not be compiled or found (also called, without effect, when a load that has
  /// ended leaves the scope that asked for it).
  void (*_Nonnull fails)(uint32_t load);
  /// A path is about to be opened for reading, or a directory to be listed: the last moment that knows nothing of it.
  void (*_Nonnull nears)(const char *_Nonnull path, size_t count);
  /// `open` for reading. `error` is 0 or the errno with which it failed.
  void (*_Nonnull opens)(const char *_Nonnull path, size_t count, int error);
  /// A path was opened for writing, made, renamed or removed.
  void (*_Nonnull writes)(const char *_Nonnull path, size_t count);
  /// `opendir`; as `opens`.
  void (*_Nonnull lists)(const char *_Nonnull path, size_t count, int error);
  /// `glob` in any of its forms.
  void (*_Nonnull globs)(const char *_Nonnull pattern, size_t count);
  /// `-X`, `stat`, `lstat` of a path; `measures` says whether sizes or times were asked for.
  void (*_Nonnull tests)(const char *_Nonnull path, size_t count, bool measures);
} cp_load_observer;

/// Puts the hooks into perl's op table. Once per process; the table is shared by all interpreters. To be called before
/// anything else that loads Perl files: an op that is compiled earlier is never followed, and `IO::File` has the `open`
/// by which half of CPAN reads its files.
void cp_hook_ops(void);
/// Who is told. Nothing is observed before `cp_observe`.
void cp_set_observer(const cp_load_observer *_Nonnull observer);
/// Wraps the subs of File::Glob, which need no op; call it after each load of `File/Glob.pm`.
void cp_hook_file_glob(void);
/// What is told of files beside loads: nothing, what is opened and written, or everything that is looked at as well.
typedef enum { CP_NO_FILES, CP_OPENED_FILES, CP_ALL_FILES } cp_attention;
/// Whether loads are followed, and what else. Nothing at first. Other threads than the one that calls this are never
/// followed.
void cp_observe(bool loads, cp_attention files);

/// Whether this process was forked by the application, not by Nacre: it has the descriptors and the memory of a process
/// that `nacre` knows, and must not speak in its name.
bool cp_is_stray(void);
/// In a process that Nacre has forked: it is no stray.
void cp_adopt_process(void);

/// The number of entries in `@INC`.
int cp_include_count(void);
/// The bytes of an entry of `@INC`; NULL if it is a reference. Borrowed.
const char *_Nullable cp_include_directory(int index, size_t *_Nonnull count);
/// The value of `%INC` for a key: 1 and its bytes (borrowed) for a path, 2 for a reference, 3 if it is there and
/// undefined, 0 if it is missing.
int cp_inc_value(
    const char *_Nonnull key, size_t key_count, const char *_Nullable *_Nonnull bytes, size_t *_Nonnull count);
/// Calls `visit` with each key and path of `%INC` (references and undefined values left out).
void cp_each_inc(
    void *_Nullable context,
    void (*_Nonnull visit)(
        void *_Nullable context, const char *_Nonnull key, size_t key_count, const char *_Nonnull path, size_t count));

/// Where `exit` was called last, or NULL. Borrowed until the next `exit`.
const char *_Nullable cp_exit_location(uint32_t *_Nonnull line);
/// Where a perl thread was started, or NULL.
const char *_Nullable cp_thread_location(uint32_t *_Nonnull line);

#endif
