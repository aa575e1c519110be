#include "cperl_load.h"
#include "cperl_private.h"

/* The ops as perl had them, by op type. */
static OP *(*original[OP_max])(pTHX);
static cp_load_observer observer;
static bool follows_loads;
static bool follows_files;
/* PL_ppaddr is shared by every thread of the process; the observer belongs to one. */
static __thread bool is_host_thread;

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
  PERL_UNUSED_CONTEXT;
  int error = errno;
  if (is_host_thread) observer.fails((uint32_t)PTR2UV(load));
  errno = error;
}

/* Runs as the file's own scope is left: at the end of its code, at a `return`, or at a `die`. */
static void body_left(pTHX_ void *load) {
  PERL_UNUSED_CONTEXT;
  int error = errno;
  if (is_host_thread) observer.ends((uint32_t)PTR2UV(load));
  errno = error;
}

/* `require VERSION` loads nothing. The test is pp_require's own (pp_ctl.c). */
static bool is_version(SV *name) { return SvVOK(name) || (SvNIOKp(name) && !SvPOKp(name)); }

static OP *hook_load(pTHX) {
  dSP;
  OPCODE type = PL_op->op_type;
  SV *name = TOPs;
  if (!follows_loads || !is_host_thread || (type == OP_REQUIRE && is_version(name))) return original[type](aTHX);
  if (SvGMAGICAL(name) || SvROK(name)) {
    /* Stringify once, here; perl would do it next. */
    STRLEN count;
    const char *bytes = SvPV(name, count);
    name = newSVpvn_flags(bytes, count, SVs_TEMP | SvUTF8(name));
    SPAGAIN;
    SETs(name);
  }
  if (!SvPOK(name) || SvCUR(name) == 0) return original[type](aTHX);
  const char *file = CopFILE(PL_curcop);
  /* `$!` after `do FILE` is perl's word, not that of our looking. */
  int error = errno;
  uint32_t load =
      observer.begins(SvPVX(name), SvCUR(name), type == OP_DOFILE, file ? file : "", (uint32_t)CopLINE(PL_curcop));
  errno = error;
  if (load == 0) return original[type](aTHX);
  SAVEDESTRUCTOR_X(asker_left, INT2PTR(void *, (UV)load));
  PERL_SI *stack = PL_curstackinfo;
  I32 depth = cxstack_ix;
  OP *next = original[type](aTHX);
  /* Compiled, and about to run: perl has pushed the file's eval context. */
  if (PL_curstackinfo == stack && cxstack_ix > depth && CxTYPE(CX_CUR()) == CXt_EVAL)
    SAVEDESTRUCTOR_X(body_left, INT2PTR(void *, (UV)load));
  else
    asker_left(aTHX_ INT2PTR(void *, (UV)load));
  return next;
}

/* MARK: Files */

/* The path of a two-argument `open`: "<path", "path"; NULL for anything that is not a plain read. */
static const char *read_path(const char *text, STRLEN *count) {
  const char *end = text + *count;
  while (text < end && isSPACE(*text)) text++;
  if (text < end && *text == '<') {
    text++;
    if (text < end && *text == '&') return NULL;
    while (text < end && isSPACE(*text)) text++;
  } else if (text < end && (*text == '>' || *text == '+' || *text == '|')) {
    return NULL;
  }
  while (end > text && isSPACE(end[-1])) end--;
  if (end == text || end[-1] == '|' || (end - text == 1 && *text == '-')) return NULL;
  *count = (STRLEN)(end - text);
  return text;
}

static bool is_plain_string(SV *value) { return SvPOK(value) && !SvROK(value) && !SvGMAGICAL(value); }

static OP *hook_open(pTHX) {
  if (!follows_files || !is_host_thread) return original[OP_OPEN](aTHX);
  dSP;
  SV **first = PL_stack_base + TOPMARK + 1;
  ptrdiff_t items = SP - first + 1;
  SV *path = NULL;
  if (items >= 3 && is_plain_string(first[1]) && !SvROK(first[2]) && SvOK(first[2])) {
    const char *mode = SvPVX(first[1]);
    while (isSPACE(*mode)) mode++;
    if (mode[0] == '<' && mode[1] != '&') {
      STRLEN count;
      const char *bytes = SvPV(first[2], count);
      path = newSVpvn_flags(bytes, count, SVs_TEMP);
    }
  } else if (items == 2 && is_plain_string(first[1])) {
    STRLEN count = SvCUR(first[1]);
    const char *bytes = read_path(SvPVX(first[1]), &count);
    if (bytes) path = newSVpvn_flags(bytes, count, SVs_TEMP);
  }
  OP *next = original[OP_OPEN](aTHX);
  if (path) {
    int error = errno;
    SPAGAIN;
    observer.opens(SvPVX(path), SvCUR(path), SvTRUE(TOPs) ? 0 : error);
    errno = error;
  }
  return next;
}

/* sysopen FILEHANDLE, PATH, FLAGS: the second-last or third-last argument, after the handle. */
static OP *hook_sysopen(pTHX) {
  if (!follows_files || !is_host_thread) return original[OP_SYSOPEN](aTHX);
  dSP;
  SV *path = NULL;
  int items = PL_op->op_private & 15;
  if (items >= 3) {
    SV *flags = items > 3 ? SP[-1] : SP[0];
    SV *name = items > 3 ? SP[-2] : SP[-1];
    if (is_plain_string(name) && (SvIV(flags) & O_ACCMODE) == O_RDONLY)
      path = newSVpvn_flags(SvPVX(name), SvCUR(name), SVs_TEMP);
  }
  OP *next = original[OP_SYSOPEN](aTHX);
  if (path) {
    int error = errno;
    SPAGAIN;
    observer.opens(SvPVX(path), SvCUR(path), SvTRUE(TOPs) ? 0 : error);
    errno = error;
  }
  return next;
}

static OP *hook_opendir(pTHX) {
  if (!follows_files || !is_host_thread) return original[OP_OPEN_DIR](aTHX);
  dSP;
  STRLEN count;
  const char *bytes = SvPV(TOPs, count);
  SV *path = newSVpvn_flags(bytes, count, SVs_TEMP);
  OP *next = original[OP_OPEN_DIR](aTHX);
  int error = errno;
  SPAGAIN;
  observer.lists(SvPVX(path), SvCUR(path), SvTRUE(TOPs) ? 0 : error);
  errno = error;
  return next;
}

static OP *hook_glob(pTHX) {
  if (follows_files && is_host_thread && !(PL_op->op_flags & OPf_SPECIAL)) {
    dSP;
    SV *pattern = SP[-1];
    if (is_plain_string(pattern)) observer.globs(SvPVX(pattern), SvCUR(pattern));
  }
  return original[OP_GLOB](aTHX);
}

/* After `-X` and `stat`, perl keeps the path that it looked at in PL_statname (doio.c, my_stat_flags). */
static OP *hook_stat(pTHX) {
  OPCODE type = PL_op->op_type;
  if (!follows_files || !is_host_thread) return original[type](aTHX);
  SvPVCLEAR(PL_statname);
  OP *next = original[type](aTHX);
  if (SvPOK(PL_statname) && SvCUR(PL_statname) > 0) {
    int error = errno;
    bool measures = type == OP_STAT || type == OP_LSTAT || type == OP_FTSIZE || type == OP_FTZERO
                    || type == OP_FTMTIME || type == OP_FTCTIME || type == OP_FTATIME;
    observer.tests(SvPVX(PL_statname), SvCUR(PL_statname), measures);
    errno = error;
  }
  return next;
}

static const char *const glob_subs[] = {
    "File::Glob::bsd_glob", "File::Glob::csh_glob", "File::Glob::bsd_csh_glob", "File::Glob::glob"};
enum { GLOB_SUBS = sizeof glob_subs / sizeof *glob_subs };
static XSUBADDR_t original_glob[GLOB_SUBS];

XS(hook_glob_sub) {
  if (follows_files && is_host_thread) {
    dXSARGS;
    if (items > 0 && is_plain_string(ST(0))) observer.globs(SvPVX(ST(0)), SvCUR(ST(0)));
    PUSHMARK(MARK);
  }
  original_glob[CvXSUBANY(cv).any_i32](aTHX_ cv);
}

void cp_hook_file_glob(void) {
  dTHX;
  for (int index = 0; index < GLOB_SUBS; index++) {
    CV *cv = get_cv(glob_subs[index], 0);
    if (!cv || !CvISXSUB(cv) || CvXSUB(cv) == hook_glob_sub || CvXSUBANY(cv).any_i32 != 0) continue;
    original_glob[index] = CvXSUB(cv);
    CvXSUBANY(cv).any_i32 = index;
    CvXSUB(cv) = hook_glob_sub;
  }
}

/* MARK: exit and threads */

static OP *hook_exit(pTHX) {
  if (follows_loads && is_host_thread) note_place(aTHX_ &exit_place);
  return original[OP_EXIT](aTHX);
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

static void hook(OPCODE type, OP *(*function)(pTHX)) {
  original[type] = PL_ppaddr[type];
  PL_ppaddr[type] = function;
}

void cp_hook_ops(const cp_load_observer *told) {
  dTHX;
  static bool done;
  if (done) return;
  done = true;
  observer = *told;
  hook(OP_REQUIRE, hook_load);
  hook(OP_DOFILE, hook_load);
  hook(OP_OPEN, hook_open);
  hook(OP_SYSOPEN, hook_sysopen);
  hook(OP_OPEN_DIR, hook_opendir);
  hook(OP_GLOB, hook_glob);
  hook(OP_EXIT, hook_exit);
  hook(OP_STAT, hook_stat);
  hook(OP_LSTAT, hook_stat);
  for (int type = OP_FTRREAD; type <= OP_FTBINARY; type++) hook((OPCODE)type, hook_stat);
  newXS("Nacre::Host::CLONE", note_thread, __FILE__);
}

void cp_observe(bool loads, bool files) {
  is_host_thread = true;
  follows_loads = loads;
  follows_files = files;
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
