#include "guard_private.h"

#include <locale.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the load of any file may look at. */

static uint64_t digest_handlers(pTHX) {
  uint64_t digest = 0;
  if (PL_psig_ptr) {
    for (int number = 1; number < SIG_SIZE; number++) digest = cp_mix(digest, cp_value_digest(aTHX_ PL_psig_ptr[number]));
  }
  digest = cp_mix(digest, cp_value_digest(aTHX_ PL_diehook));
  return cp_mix(digest, cp_value_digest(aTHX_ PL_warnhook));
}

static uint64_t digest_specials(pTHX) {
  /* `$/`, `$\`, `$,`, `$;`, `$"`, `$0`: those that a program may set for all code. `$^W` is no variable of its own. */
  static const char *const names[] = {"/", ",", ";", "\"", "0"};
  uint64_t digest = PL_dowarn;
  for (size_t index = 0; index < sizeof names / sizeof *names; index++) {
    SV **entry = hv_fetch(PL_defstash, names[index], 1, 0);
    if (entry && isGV_with_GP(*entry)) digest = cp_mix(digest, cp_value_digest(aTHX_ GvSV((GV *)*entry)));
  }
  return cp_mix(digest, cp_value_digest(aTHX_ PL_ors_sv));
}

/* The subs of a package, by name and identity, and what it inherits. */
static uint64_t digest_subs(pTHX_ const char *package) {
  HV *stash = gv_stashpv(package, 0);
  uint64_t digest = 0;
  if (!stash || !HvARRAY(stash)) return 0;
  for (STRLEN bucket = 0; bucket <= HvMAX(stash); bucket++) {
    for (HE *entry = HvARRAY(stash)[bucket]; entry; entry = HeNEXT(entry)) {
      SV *value = HeVAL(entry);
      if (value == &PL_sv_placeholder || HeKLEN(entry) < 0) continue;
      if (HeKLEN(entry) > 1 && HeKEY(entry)[HeKLEN(entry) - 1] == ':') continue;
      uint64_t found = 0;
      if (!isGV_with_GP(value)) found = cp_glob_digest(aTHX_ value);
      else if (GvCV((GV *)value) && !GvCVGEN((GV *)value)) found = cp_value_digest(aTHX_(SV *) GvCV((GV *)value));
      if (isGV_with_GP(value) && strEQ(HeKEY(entry), "ISA") && GvAV((GV *)value) && AvFILLp(GvAV((GV *)value)) >= 0)
        found = cp_mix(found, cp_value_digest(aTHX_(SV *) GvAV((GV *)value)));
      if (found) digest += cp_mix(cp_bytes_digest(HeKEY(entry), (size_t)HeKLEN(entry)), found);
    }
  }
  return digest;
}

static uint64_t digest_directory(void) {
  char path[4096];
  return getcwd(path, sizeof path) ? cp_bytes_digest(path, strlen(path)) : 0;
}

static uint64_t digest_process(void) {
  mode_t mask = umask(0);
  umask(mask);
#if PERL_VERSION >= 28
  /* A perl with threads sets its own by uselocale, of which setlocale knows nothing. */
  const char *locale = Perl_setlocale(LC_ALL, NULL);
#else
  const char *locale = setlocale(LC_ALL, NULL);
#endif
  return cp_mix(mask, locale ? cp_bytes_digest(locale, strlen(locale)) : 0);
}

/* The handle that is selected, and its `$|`. */
static uint64_t digest_output(pTHX) {
  IO *io = PL_defoutgv && isGV_with_GP(PL_defoutgv) ? GvIO(PL_defoutgv) : NULL;
  return cp_mix(PTR2UV(PL_defoutgv), io ? IoFLAGS(io) & IOf_FLUSH : 0);
}

void cp_surroundings(pTHX_ uint64_t digests[CP_SURROUNDINGS]) {
  digests[CP_SIG] = digest_handlers(aTHX);
  digests[CP_ARGV] = PL_argvgv && GvAV(PL_argvgv) ? cp_value_digest(aTHX_(SV *) GvAV(PL_argvgv)) : 0;
  digests[CP_SPECIALS] = digest_specials(aTHX);
  digests[CP_OVERRIDES] = digest_subs(aTHX_ "CORE::GLOBAL");
  digests[CP_UNIVERSAL] = digest_subs(aTHX_ "UNIVERSAL");
  digests[CP_DIRECTORY] = digest_directory();
  digests[CP_PROCESS] = digest_process();
  digests[CP_OUTPUT] = digest_output(aTHX);
}

const char *cp_surrounding_name(int which) {
  static const char *const names[] = {
      "%SIG", "@ARGV", "$^W or another of perl's special variables", "CORE::GLOBAL", "UNIVERSAL",
      "the working directory", "umask or the locale", "$| or the selected handle"};
  return names[which];
}
