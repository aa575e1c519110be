#include "load_private.h"

#include <sys/stat.h>

/* What a load looks at and writes besides source files. */

static bool is_plain_string(SV *value) { return SvPOK(value) && !SvROK(value) && !SvGMAGICAL(value); }

typedef enum { NOT_A_FILE, READS, WRITES } file_use;

/* What an `open` mode does. "+<" leaves the content as it is: mostly it is there for a lock. */
static file_use use_of_mode(const char *mode) {
  while (isSPACE(*mode)) mode++;
  if (mode[0] == '<' || (mode[0] == '+' && mode[1] == '<')) return strchr(mode, '&') ? NOT_A_FILE : READS;
  if (mode[0] == '>' || (mode[0] == '+' && mode[1] == '>')) return strchr(mode, '&') ? NOT_A_FILE : WRITES;
  return NOT_A_FILE;
}

/* A two-argument `open`: "<path", "path", ">>path". `*text` and `*count` become those of the path. */
static file_use use_of_two_arguments(const char **text, STRLEN *count) {
  const char *start = *text, *end = start + *count;
  file_use use = READS;
  while (start < end && isSPACE(*start)) start++;
  while (end > start && isSPACE(end[-1])) end--;
  if (start < end && memchr("<>+|", *start, 4)) {
    use = use_of_mode(start);
    while (start < end && memchr("<>+", *start, 3)) start++;
    while (start < end && isSPACE(*start)) start++;
  }
  if (start == end || end[-1] == '|' || *start == '|' || (end - start == 1 && *start == '-')) return NOT_A_FILE;
  *text = start;
  *count = (STRLEN)(end - start);
  return use;
}

/* Tells that perl's op, which comes next, is going to look at this path. */
static void tell_before(SV *path) {
  int error = errno;
  cp_hooked.observer.nears(SvPVX(path), SvCUR(path));
  errno = error;
}

/* Calls perl's op and then tells what it opened. */
static OP *open_and_tell(pTHX_ OPCODE type, file_use use, SV *path) {
  if (path && use == READS) tell_before(path);
  OP *next = cp_hooked.original[type](aTHX);
  if (!path) return next;
  int error = errno;
  dSP;
  bool opened = SvTRUE(TOPs);
  if (use == READS)
    cp_hooked.observer.opens(SvPVX(path), SvCUR(path), opened ? 0 : error);
  else if (opened)
    cp_hooked.observer.writes(SvPVX(path), SvCUR(path));
  errno = error;
  return next;
}

static OP *hook_open(pTHX) {
  if (!cp_hooked.follows_opens || !cp_is_host_thread) return cp_hooked.original[OP_OPEN](aTHX);
  dSP;
  SV **first = PL_stack_base + TOPMARK + 1;
  ptrdiff_t items = SP - first + 1;
  SV *path = NULL;
  file_use use = NOT_A_FILE;
  /* An object is a path (perlio.c, PerlIO_resolve_layers); a plain reference is memory. */
  bool is_path = items >= 3 && is_plain_string(first[1]) && SvOK(first[2])
                 && (!SvROK(first[2]) || SvOBJECT(SvRV(first[2])));
  if (is_path) {
    use = use_of_mode(SvPVX(first[1]));
    if (use != NOT_A_FILE) {
      STRLEN count;
      const char *bytes = SvPV(first[2], count);
      path = newSVpvn_flags(bytes, count, SVs_TEMP | SvUTF8(first[2]));
      /* Its code has run; perl is given what it said. (The stack may have moved.) */
      if (SvROK(PL_stack_base[TOPMARK + 3])) PL_stack_base[TOPMARK + 3] = path;
    }
  } else if (items == 2 && is_plain_string(first[1])) {
    const char *bytes = SvPVX(first[1]);
    STRLEN count = SvCUR(first[1]);
    use = use_of_two_arguments(&bytes, &count);
    if (use != NOT_A_FILE) path = newSVpvn_flags(bytes, count, SVs_TEMP);
  }
  return open_and_tell(aTHX_ OP_OPEN, use, path);
}

/* sysopen FILEHANDLE, PATH, FLAGS, PERMS: the last may be missing. */
static OP *hook_sysopen(pTHX) {
  if (!cp_hooked.follows_opens || !cp_is_host_thread) return cp_hooked.original[OP_SYSOPEN](aTHX);
  dSP;
  SV *path = NULL;
  file_use use = NOT_A_FILE;
  int items = PL_op->op_private & 15;
  if (items >= 3) {
    SV *flags = items > 3 ? SP[-1] : SP[0];
    SV *name = items > 3 ? SP[-2] : SP[-1];
    if (is_plain_string(name)) {
      use = (SvIV(flags) & O_ACCMODE) == O_RDONLY ? READS : WRITES;
      if (use != NOT_A_FILE) path = newSVpvn_flags(SvPVX(name), SvCUR(name), SVs_TEMP);
    }
  }
  return open_and_tell(aTHX_ OP_SYSOPEN, use, path);
}

static void keep_path(pTHX_ AV *paths, SV *path) {
  if (is_plain_string(path)) av_push(paths, newSVpvn(SvPVX(path), SvCUR(path)));
}

/* Of several paths, those that could not be removed are still there. */
static void tell_writes(pTHX_ AV *paths, bool is_removal) {
  for (SSize_t index = 0; index <= AvFILLp(paths); index++) {
    SV *path = AvARRAY(paths)[index];
    struct stat status;
    if (is_removal && lstat(SvPVX(path), &status) == 0) continue;
    cp_hooked.observer.writes(SvPVX(path), SvCUR(path));
  }
}

/* unlink LIST, rename FROM, TO, mkdir PATH, MODE, rmdir PATH. Only what really changed is told: `mkdir` of a directory
   that is there is a usual way of making sure of it. */
static OP *hook_change(pTHX) {
  OPCODE type = PL_op->op_type;
  if (!cp_hooked.follows_opens || !cp_is_host_thread) return cp_hooked.original[type](aTHX);
  dSP;
  AV *paths = (AV *)sv_2mortal((SV *)newAV());
  if (type == OP_UNLINK) {
    for (SV **path = PL_stack_base + TOPMARK + 1; path <= SP; path++) keep_path(aTHX_ paths, *path);
  } else if (type == OP_RENAME) {
    keep_path(aTHX_ paths, SP[-1]);
    keep_path(aTHX_ paths, SP[0]);
  } else {
    keep_path(aTHX_ paths, type == OP_MKDIR && (PL_op->op_private & 15) > 1 ? SP[-1] : SP[0]);
  }
  /* A worker tells of a rename before it, lest the file be seen before it is known who has written it. One that fails
     changes nothing, so that it was told does no harm; a load, of which everything counts, tells afterwards. */
  bool is_early = type == OP_RENAME && !cp_hooked.follows_files;
  if (is_early) tell_writes(aTHX_ paths, false);
  OP *next = cp_hooked.original[type](aTHX);
  int error = errno;
  SPAGAIN;
  if (!is_early && SvTRUE(TOPs)) tell_writes(aTHX_ paths, type == OP_UNLINK);
  errno = error;
  return next;
}

static OP *hook_opendir(pTHX) {
  if (!cp_hooked.follows_files || !cp_is_host_thread) return cp_hooked.original[OP_OPEN_DIR](aTHX);
  dSP;
  STRLEN count;
  const char *bytes = SvPV(TOPs, count);
  SV *path = newSVpvn_flags(bytes, count, SVs_TEMP);
  tell_before(path);
  OP *next = cp_hooked.original[OP_OPEN_DIR](aTHX);
  int error = errno;
  SPAGAIN;
  cp_hooked.observer.lists(SvPVX(path), SvCUR(path), SvTRUE(TOPs) ? 0 : error);
  errno = error;
  return next;
}

static OP *hook_glob(pTHX) {
  if (cp_hooked.follows_files && cp_is_host_thread && !(PL_op->op_flags & OPf_SPECIAL)) {
    dSP;
    int error = errno;
    SV *pattern = SP[-1];
    if (is_plain_string(pattern)) cp_hooked.observer.globs(SvPVX(pattern), SvCUR(pattern));
    errno = error;
  }
  return cp_hooked.original[OP_GLOB](aTHX);
}

/* Whether a file test looks again at what the last one found (`-T _`, `-f -r $x`): perl then needs PL_statname as it
   is (pp_sys.c, pp_fttext). */
static bool looks_again(pTHX_ OPCODE type) {
  if (type == OP_STAT || type == OP_LSTAT) return (PL_op->op_flags & OPf_REF) && cGVOP_gv == PL_defgv;
  if (type == OP_FTTTY) return true;
  if ((PL_op->op_flags & OPf_REF) && cGVOP_gv == PL_defgv) return true;
  return (PL_op->op_private & (OPpFT_STACKED | OPpFT_AFTER_t)) == OPpFT_STACKED;
}

/* After `-X` and `stat`, perl keeps the path that it looked at in PL_statname (doio.c, my_stat_flags). */
static OP *hook_stat(pTHX) {
  OPCODE type = PL_op->op_type;
  if (!cp_hooked.follows_files || !cp_is_host_thread || looks_again(aTHX_ type)) return cp_hooked.original[type](aTHX);
  SvPVCLEAR(PL_statname);
  OP *next = cp_hooked.original[type](aTHX);
  if (SvPOK(PL_statname) && SvCUR(PL_statname) > 0) {
    int error = errno;
    bool measures = type == OP_STAT || type == OP_LSTAT || type == OP_FTSIZE || type == OP_FTZERO
                    || type == OP_FTMTIME || type == OP_FTCTIME || type == OP_FTATIME || type == OP_FTTEXT
                    || type == OP_FTBINARY;
    cp_hooked.observer.tests(SvPVX(PL_statname), SvCUR(PL_statname), measures);
    errno = error;
  }
  return next;
}

static const char *const glob_subs[] = {
    "File::Glob::bsd_glob", "File::Glob::csh_glob", "File::Glob::bsd_csh_glob", "File::Glob::glob"};
enum { GLOB_SUBS = sizeof glob_subs / sizeof *glob_subs };
static XSUBADDR_t original_glob[GLOB_SUBS];

XS(hook_glob_sub) {
  if (cp_hooked.follows_files && cp_is_host_thread) {
    dXSARGS;
    if (items > 0 && is_plain_string(ST(0))) cp_hooked.observer.globs(SvPVX(ST(0)), SvCUR(ST(0)));
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

void cp_hook_file_ops(void) {
  cp_hook(OP_OPEN, hook_open);
  cp_hook(OP_SYSOPEN, hook_sysopen);
  cp_hook(OP_UNLINK, hook_change);
  cp_hook(OP_RENAME, hook_change);
  cp_hook(OP_MKDIR, hook_change);
  cp_hook(OP_RMDIR, hook_change);
  cp_hook(OP_OPEN_DIR, hook_opendir);
  cp_hook(OP_GLOB, hook_glob);
  cp_hook(OP_STAT, hook_stat);
  cp_hook(OP_LSTAT, hook_stat);
  for (int type = OP_FTRREAD; type <= OP_FTBINARY; type++) cp_hook((OPCODE)type, hook_stat);
}
