#include "cperl_private.h"
#include "cperl_process.h"

#include <sys/resource.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

void cp_flush(void) {
  dTHX;
  PerlIO_flush(NULL);
  fflush(NULL);
}

void cp_forget_packages(void) {
  dTHX;
  if (PL_stashcache) hv_clear(PL_stashcache);
}

void cp_forget_seed(void) {
  dTHX;
  PL_srand_called = FALSE;
}

#ifdef USE_PERL_PERTURB_KEYS
static U8 perturbs_keys;
#endif

void cp_hold_hash_order(void) {
#ifdef USE_PERL_PERTURB_KEYS
  dTHX;
  perturbs_keys = PL_hash_rand_bits_enabled;
  PL_hash_rand_bits_enabled = 0;
#endif
}

void cp_release_hash_order(void) {
#ifdef USE_PERL_PERTURB_KEYS
  dTHX;
  PL_hash_rand_bits_enabled = perturbs_keys;
  if (perturbs_keys == 1) PL_hash_rand_bits ^= (UV)getpid() * (UV)0x9E3779B97F4A7C15u ^ (UV)time(NULL);
#endif
}

void cp_reset_start_time(void) {
  dTHX;
  PL_basetime = time(NULL);
}

void cp_set_program_name(const char *name) {
  dTHX;
  SV *program = get_sv("0", GV_ADD);
  sv_setpv_mg(program, name);
}

void cp_show_as(const char *title) {
  dTHX;
  SV *program = get_sv("0", GV_ADD);
  SV *kept = newSVsv(program);
  sv_setpv_mg(program, title);
  /* Without magic: the process table keeps the title. */
  sv_setsv(program, kept);
  SvREFCNT_dec(kept);
}

static struct {
  uint64_t *line;
  uint64_t *count;
  char *path;
  size_t capacity;
  const uint64_t *since;
  const uint64_t *condemned;
} location;

void cp_set_location_memory(uint64_t *line, uint64_t *count, void *path, size_t capacity) {
  location.line = line;
  location.count = count;
  location.path = path;
  location.capacity = capacity;
}

void cp_set_request_memory(const uint64_t *since, const uint64_t *condemned) {
  location.since = since;
  location.condemned = condemned;
}

/* Reads where perl is. PL_curcop is always a valid COP (PL_compiling while a file is parsed). */
static void store_location(void) {
  dTHX;
#ifdef MULTIPLICITY
  /* A thread that perl does not know has no interpreter. */
  if (!aTHX) return;
#endif
  if (!location.path || !PL_curcop) return;
  const char *file = CopFILE(PL_curcop);
  if (!file) return;
  size_t count = 0;
  while (file[count] && count < location.capacity) {
    location.path[count] = file[count];
    count++;
  }
  *location.line = CopLINE(PL_curcop);
  __atomic_store_n(location.count, count, __ATOMIC_SEQ_CST);
}

static void on_question(int signal) {
  PERL_UNUSED_ARG(signal);
  int error = errno;
  store_location();
  /* A request that took too long does not go on: the signal has ended its sleep or its read before the time. */
  uint64_t condemned = location.condemned ? __atomic_load_n(location.condemned, __ATOMIC_SEQ_CST) : 0;
  if (condemned && condemned == __atomic_load_n(location.since, __ATOMIC_SEQ_CST))
    for (;;) pause();
  errno = error;
}

static void on_crash(int signal) {
  store_location();
  /* SA_RESETHAND has put the default action back: it is taken when this handler returns. */
  raise(signal);
}

void cp_catch_location_signals(void) {
  static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};
  static char stack[16384];
  stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&alternative, NULL);
  struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK | SA_RESETHAND};
  sigemptyset(&action.sa_mask);
  for (size_t index = 0; index < sizeof crashes / sizeof *crashes; index++) {
    struct sigaction present;
    if (sigaction(crashes[index], NULL, &present) == 0 && present.sa_handler == SIG_DFL)
      sigaction(crashes[index], &action, NULL);
  }
  action.sa_handler = on_question;
  action.sa_flags = SA_ONSTACK | SA_RESTART;
  sigaction(SIGUSR2, &action, NULL);
}

void cp_leave(int status, bool destruct, bool idly) {
  dTHX;
  int jump = 0;
  {
    dJMPENV;
    STATUS_EXIT_SET(status);
    PL_exit_flags |= PERL_EXIT_EXPECTED;
    /* As in perl_destruct: call_list removes each block before it runs it, so after a die the rest goes on here. */
    JMPENV_PUSH(jump);
    PERL_UNUSED_VAR(jump);
    if (PL_endav && !PL_minus_c) {
      PL_phase = PERL_PHASE_END;
      call_list(PL_scopestack_ix, PL_endav);
    }
    JMPENV_POP;
  }
  status = STATUS_EXIT;
  if (destruct) {
    /* The END blocks have run. */
    PL_exit_flags &= ~(U8)PERL_EXIT_DESTRUCT_END;
    perl_destruct(PERL_GET_INTERP);
  } else {
    PerlIO_flush(NULL);
  }
  fflush(NULL);
  if (idly) {
    close_range(0, ~0u, 0);
    setpriority(PRIO_PROCESS, 0, 19);
  }
  _exit(status);
}
