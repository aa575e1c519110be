#include "cperl_patch.h"
#include "load_private.h"
#include "patch_private.h"

#include <pthread.h>

cp_hooks cp_hooked;
__thread bool cp_is_host_thread;

bool cp_is_stray_process;

static bool follows_loads;

/* Whether somebody wants to know what the current interpreter loads: the host of a nacre server (whatever interpreter its
   thread runs), or the one who patches this interpreter (whatever thread runs it). */
static bool is_followed(pTHX) { return (follows_loads && cp_is_host_thread) || cp_patch_state(aTHX); }

typedef struct {
  char file[1024];
  U32 line;
} place;
static place exit_place, thread_place;

static void note_place(pTHX_ place *at) {
  const char *file = CopFILE(PL_curcop);
  my_strlcpy(at->file, file ? file : "", sizeof at->file);
  at->line = (U32)CopLINE(PL_curcop);
}

/* MARK: require and do FILE */

/* Runs as the scope that asked for the load is left. Only a load that never got as far as its own scope is still open
   then: one that could not be found or compiled. */
static void asker_left(pTHX_ void *load) {
  int error = errno;
  if (is_followed(aTHX)) cp_hooked.observer.fails((uint32_t)PTR2UV(load));
  errno = error;
}

/* Runs as the file's own scope is left: at the end of its code, at a `return`, or at a `die`. */
static void body_left(pTHX_ void *load) {
  int error = errno;
  if (is_followed(aTHX)) cp_hooked.observer.ends((uint32_t)PTR2UV(load));
  errno = error;
}

/* `require VERSION` loads nothing. The test is pp_require's own (pp_ctl.c). */
static bool is_version(SV *name) { return SvVOK(name) || (SvNIOKp(name) && !SvPOKp(name)); }

static OP *hook_load(pTHX) {
  dSP;
  OPCODE type = PL_op->op_type;
  SV *name = TOPs;
  if (!is_followed(aTHX) || (type == OP_REQUIRE && is_version(name))) return cp_hooked.original[type](aTHX);
  if (SvGMAGICAL(name) || SvROK(name)) {
    /* Stringify once, here; perl would do it next. */
    STRLEN count;
    const char *bytes = SvPV(name, count);
    name = newSVpvn_flags(bytes, count, SVs_TEMP | SvUTF8(name));
    SPAGAIN;
    SETs(name);
  }
  if (!SvPOK(name) || SvCUR(name) == 0) return cp_hooked.original[type](aTHX);
  const char *file = CopFILE(PL_curcop);
  /* `$!` after `do FILE` is perl's word, not that of our looking. */
  int error = errno;
  uint32_t load =
      cp_hooked.observer.begins(SvPVX(name), SvCUR(name), type == OP_DOFILE, file ? file : "", (uint32_t)CopLINE(PL_curcop));
  errno = error;
  if (load == 0) return cp_hooked.original[type](aTHX);
  SAVEDESTRUCTOR_X(asker_left, INT2PTR(void *, (UV)load));
  PERL_SI *stack = PL_curstackinfo;
  I32 depth = cxstack_ix;
  OP *next = cp_hooked.original[type](aTHX);
  /* Compiled, and about to run: perl has pushed the file's eval context. */
  if (PL_curstackinfo == stack && cxstack_ix > depth && CxTYPE(CX_CUR()) == CXt_EVAL) {
    SAVEDESTRUCTOR_X(body_left, INT2PTR(void *, (UV)load));
    cp_lifted_compiled(aTHX);
  } else
    asker_left(aTHX_ INT2PTR(void *, (UV)load));
  return next;
}

/* MARK: exit and threads */

static OP *hook_exit(pTHX) {
  const patch_state *state = cp_patch_state(aTHX);
  if (state && state->forbids_exit) Perl_croak(aTHX_ "exit was called while the file was being loaded again");
  if (follows_loads && cp_is_host_thread) note_place(aTHX_ &exit_place);
  return cp_hooked.original[OP_EXIT](aTHX);
}

/* perl_clone calls CLONE of every package in the new interpreter, with PL_curcop at the statement that made it. */
XS(note_thread) {
  dXSARGS;
  PERL_UNUSED_VAR(items);
  note_place(aTHX_ &thread_place);
  XSRETURN_EMPTY;
}

const char *cp_exit_location(uint32_t *line) {
  *line = exit_place.line;
  return exit_place.file[0] ? exit_place.file : NULL;
}

const char *cp_thread_location(uint32_t *line) {
  *line = thread_place.line;
  return thread_place.file[0] ? thread_place.file : NULL;
}

/* MARK: Switching on */

void cp_hook(OPCODE type, OP *(*function)(pTHX)) {
  if (PL_ppaddr[type] == function) return;
  cp_hooked.original[type] = PL_ppaddr[type];
  PL_ppaddr[type] = function;
}

static uint32_t fork_count;

/* Runs in every forked child, that of `system` and of a fork in the application as well. */
static void forked(void) {
  fork_count++;
  cp_is_host_thread = false;
  cp_is_stray_process = true;
}

uint32_t cp_fork_count(void) { return fork_count; }

bool cp_is_stray(void) { return cp_is_stray_process; }

void cp_adopt_process(void) {
  cp_is_host_thread = true;
  cp_is_stray_process = false;
}

void cp_hook_ops(void) {
  dTHX;
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static bool done;
  pthread_mutex_lock(&lock);
  if (!done) {
    pthread_atfork(NULL, NULL, forked);
    cp_hook_mentions();
  }
  done = true;
  /* Each time: mod_perl, which has a hook of its own, puts perl's function back when it begins anew. */
  cp_hook(OP_REQUIRE, hook_load);
  cp_hook(OP_DOFILE, hook_load);
  cp_hook(OP_EXIT, hook_exit);
  cp_hook_file_ops();
  pthread_mutex_unlock(&lock);
  newXS("Nacre::Host::CLONE", note_thread, __FILE__);
}

void cp_set_observer(const cp_load_observer *told) { cp_hooked.observer = *told; }

void cp_observe(bool loads, cp_attention files) {
  cp_is_host_thread = true;
  follows_loads = loads;
  cp_hooked.follows_opens = files != CP_NO_FILES;
  cp_hooked.follows_files = files == CP_ALL_FILES;
}

/* MARK: @INC and %INC */

int cp_include_count(void) {
  dTHX;
  return (int)av_count(GvAVn(PL_incgv));
}

const char *cp_include_directory(int index, size_t *count) {
  dTHX;
  SV **entry = av_fetch(GvAVn(PL_incgv), index, 0);
  *count = 0;
  if (!entry || SvROK(*entry)) return NULL;
  STRLEN length;
  const char *bytes = SvPV_nomg(*entry, length);
  *count = length;
  return bytes;
}

int cp_inc_value(const char *key, size_t key_count, const char **bytes, size_t *count) {
  dTHX;
  SV **entry = hv_fetch(GvHVn(PL_incgv), key, (I32)key_count, 0);
  *bytes = NULL;
  *count = 0;
  if (!entry) return 0;
  if (!SvOK(*entry)) return 3;
  if (SvROK(*entry)) return 2;
  STRLEN length;
  *bytes = SvPV_nomg(*entry, length);
  *count = length;
  return 1;
}

void cp_each_inc(
    void *context, void (*visit)(void *context, const char *key, size_t key_count, const char *path, size_t count)) {
  dTHX;
  HV *loaded = GvHVn(PL_incgv);
  HE *entry;
  hv_iterinit(loaded);
  while ((entry = hv_iternext(loaded))) {
    SV *value = HeVAL(entry);
    if (!SvOK(value) || SvROK(value)) continue;
    STRLEN key_count, count;
    const char *key = HePV(entry, key_count);
    const char *path = SvPV_nomg(value, count);
    visit(context, key, key_count, path, count);
  }
}
