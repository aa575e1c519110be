#include "load_private.h"
#include "patch_private.h"

#include <pthread.h>
#include <stdatomic.h>

/* Whose interpreter it is. The hooks are the process's, and run in interpreters that nobody patches as well; what they
   need belongs to the interpreter. It hangs on a value of PL_modglobal: perl frees it with the interpreter, and tells when the
   interpreter is cloned. (MY_CXT cannot be asked whether there is one: its list has no zeros.) */

#define STATE_KEY "Nacre::Patching"

static cp_patcher_life life;

/* Grows whenever a state comes or goes: what a thread remembers holds only as long as it does not. */
static atomic_uint changes = 1;

static int state_free(pTHX_ SV *holder, MAGIC *magic);
static int state_dup(pTHX_ MAGIC *magic, CLONE_PARAMS *parameters);
static const MGVTBL state_magic = {.svt_free = state_free, .svt_dup = state_dup};

static patch_state *find_state(pTHX) {
  SV **holder = PL_modglobal ? hv_fetchs(PL_modglobal, STATE_KEY, 0) : NULL;
  const MAGIC *magic = holder && SvTYPE(*holder) >= SVt_PVMG ? mg_findext(*holder, PERL_MAGIC_ext, &state_magic) : NULL;
  return magic ? (patch_state *)(void *)magic->mg_ptr : NULL;
}

#ifdef MULTIPLICITY
patch_state *cp_patch_state(pTHX) {
  static _Thread_local const PerlInterpreter *interpreter;
  static _Thread_local patch_state *known;
  static _Thread_local unsigned known_changes;
  unsigned now = atomic_load_explicit(&changes, memory_order_acquire);
  if (known_changes == now && interpreter == aTHX) return known;
  known = find_state(aTHX);
  interpreter = aTHX;
  known_changes = now;
  return known;
}
#else
patch_state *cp_patch_state(pTHX) {
  static patch_state *known;
  static unsigned known_changes;
  unsigned now = atomic_load_explicit(&changes, memory_order_relaxed);
  if (known_changes != now) known = find_state();
  known_changes = now;
  return known;
}
#endif

static patch_state *new_state(void) {
  patch_state *state;
  Newxz(state, 1, patch_state);
  state->last_file = state->mentioning_file = -1;
  state->forks_seen = cp_fork_count();
  return state;
}

/* At the end of the interpreter, when its stashes are gone. A patch that was still open can only have been left by `exit`;
   perl frees the values in its log with all others. */
static int state_free(pTHX_ SV *holder, MAGIC *magic) {
  PERL_UNUSED_CONTEXT;
  PERL_UNUSED_ARG(holder);
  patch_state *state = (patch_state *)(void *)magic->mg_ptr;
  magic->mg_ptr = NULL;
  atomic_fetch_add(&changes, 1);
  life.ends(state->patcher);
  Safefree(state->lifted);
  Safefree(state->steps);
  Safefree(state->seen);
  cp_scans_free(state);
  cp_mentions_free(state);
  Safefree(state);
  return 0;
}

#ifdef USE_ITHREADS
/* In the parent. The clone will look at the statement that has made it until it ends (PL_curcop); a patch must not free that. */
static void keep_running_code(pTHX) {
  const CV *running = Perl_find_runcv(aTHX_ NULL);
  OP *root = running && CvEVAL(running) ? PL_eval_root : running ? CvROOT(running) : NULL;
  OP_REFCNT_LOCK;
  (void)OpREFCNT_inc(root);
  OP_REFCNT_UNLOCK;
}
#endif

/* In the clone, while the parent waits in perl_clone. */
static int state_dup(pTHX_ MAGIC *magic, CLONE_PARAMS *parameters) {
#ifdef USE_ITHREADS
  keep_running_code(parameters->proto_perl);
#endif
  PERL_UNUSED_CONTEXT;
  PERL_UNUSED_ARG(parameters);
  const patch_state *parent = (const patch_state *)(void *)magic->mg_ptr;
  patch_state *state = new_state();
  state->forks_seen = parent->forks_seen;
  state->graves = (HV *)magic->mg_obj;
  cp_mentions_copy(state, parent);
  state->patcher = life.clones(parent->patcher);
  magic->mg_ptr = (char *)(void *)state;
  atomic_fetch_add(&changes, 1);
  return 0;
}

void cp_patch_follow(void *patcher, const cp_load_observer *observer, const cp_patcher_life *told) {
  dTHX;
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static bool done;
  pthread_mutex_lock(&lock);
  if (!done) {
    life = *told;
    cp_set_observer(observer);
    cp_follow_mentions();
  }
  done = true;
  pthread_mutex_unlock(&lock);
  patch_state *state = new_state();
  state->patcher = patcher;
  state->graves = newHV();
  SV *holder = newSV_type(SVt_PVMG);
  MAGIC *magic = sv_magicext(
      holder, (SV *)state->graves, PERL_MAGIC_ext, &state_magic, (const char *)(const void *)state, 0);
  magic->mg_flags |= MGf_DUP;
  SvREFCNT_dec((SV *)state->graves);
  (void)hv_stores(PL_modglobal, STATE_KEY, holder);
  atomic_fetch_add(&changes, 1);
}

void *cp_patcher(void) {
  dTHX;
  const patch_state *state = cp_patch_state(aTHX);
  return state ? state->patcher : NULL;
}

void cp_forbid_exit(bool forbidden) {
  dTHX;
  cp_patch_state(aTHX)->forbids_exit = forbidden;
}

bool cp_was_forked(void) {
  dTHX;
  patch_state *state = cp_patch_state(aTHX);
  bool was = state->forks_seen != cp_fork_count();
  state->forks_seen = cp_fork_count();
  return was;
}

/* MARK: Graves */

void cp_grave_keep(const char *name, size_t count, cp_sv *glob, cp_sv *head) {
  dTHX;
  AV *grave = newAV();
  av_push(grave, SvREFCNT_inc_NN(SV_OF(glob)));
  av_push(grave, SvREFCNT_inc_NN(SV_OF(head)));
  if (!hv_store(cp_patch_state(aTHX)->graves, name, (I32)count, (SV *)grave, 0)) SvREFCNT_dec((SV *)grave);
}

cp_sv *cp_grave_head(const char *name, size_t count, cp_sv **glob) {
  dTHX;
  SV **grave = hv_fetch(cp_patch_state(aTHX)->graves, name, (I32)count, 0);
  if (!grave) return NULL;
  *glob = CP_OF(AvARRAY((AV *)*grave)[0]);
  return CP_OF(AvARRAY((AV *)*grave)[1]);
}

void cp_grave_forget(const char *name, size_t count) {
  dTHX;
  (void)hv_delete(cp_patch_state(aTHX)->graves, name, (I32)count, G_DISCARD);
}
