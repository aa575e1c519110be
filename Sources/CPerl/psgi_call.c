#include "psgi_private.h"

/* IO::File is what perl itself loads when a method is called on a handle; PerlIO::scalar is what opening a string
   needs. Loading both ahead keeps them out of the first request. */
static const char prepare_source[] =
    "require IO::File; require PerlIO::scalar;"
    "[ sub { local $/ = ref $/ ? $/ : \\65536; my $piece = $_[0]->getline; defined $piece ? \"$piece\" : undef },"
    "  sub { my $text = \"$_[1]\"; $text .= \"\\n\" if substr($text, -1) ne \"\\n\"; $_[0]->print($text) },"
    "  sub { my ($fd, $class) = @_; local ($@, $!, $_, $SIG{__DIE__}); require IO::Socket; require IO::Socket::IP if $class eq 'IO::Socket::IP';"
    "    my $socket = eval { $class->new_from_fd($fd, '+<') }; $socket->autoflush(1) if $socket; $socket },"
    "  sub { local ($@, $!, $_, $SIG{__DIE__}); my $path = eval { $_[0]->can('path') && $_[0]->path }; defined $path ? \"$path\" : '' } ]";

/* The nacre server has one interpreter. */
static SV *next_piece, *print_error, *make_socket, *find_path;

typedef struct {
  void (*function)(pTHX_ void *);
  void *data;
} guarded_job;

/* Runs a C function under G_EVAL: outside an eval, `die` would end the process. */
XS(run_job) {
  dXSARGS;
  PERL_UNUSED_VAR(items);
  const guarded_job *job = (const guarded_job *)CvXSUBANY(cv).any_ptr;
  job->function(aTHX_ job->data);
  XSRETURN_EMPTY;
}

cp_outcome cp_guard(pTHX_ void (*function)(pTHX_ void *), void *data, cp_sv **error, int *status) {
  guarded_job job = {function, data};
  /* A new one each time: the process may have several interpreters. */
  CV *runner = newXS(NULL, run_job, __FILE__);
  CvXSUBANY(runner).any_ptr = &job;
  SV *value = NULL;
  cp_outcome outcome = cp_call(CP_OF(runner), NULL, 0, (cp_sv **)&value, status);
  SvREFCNT_dec((SV *)runner);
  *error = NULL;
  if (outcome == CP_DIED)
    *error = CP_OF(value);
  else
    SvREFCNT_dec(value);
  return outcome;
}

typedef struct {
  SV *value, *text;
} texting;

static void make_text(pTHX_ void *data) {
  texting *job = (texting *)data;
  STRLEN count;
  const char *bytes = SvPV(job->value, count);
  job->text = newSVpvn_flags(bytes, count, SvUTF8(job->value));
}

cp_sv *cp_new_text(cp_sv *value) {
  dTHX;
  texting job = {SV_OF(value), NULL};
  SV *error = NULL;
  int status;
  if (!SvOK(job.value) && !SvGMAGICAL(job.value)) return CP_OF(newSVpvs(""));
  if (!SvROK(job.value) && !SvGMAGICAL(job.value)) {
    make_text(aTHX_ &job);
    return CP_OF(job.text);
  }
  (void)cp_guard(aTHX_ make_text, &job, (cp_sv **)&error, &status);
  SvREFCNT_dec(error);
  if (job.text) return CP_OF(job.text);
  return CP_OF(newSVpvf("an object of class %s", SvROK(job.value) ? sv_reftype(SvRV(job.value), TRUE) : "unknown"));
}

static void prepare(pTHX_ void *data) {
  PERL_UNUSED_ARG(data);
  AV *helpers = (AV *)SvRV(eval_pv(prepare_source, TRUE));
  next_piece = newSVsv(AvARRAY(helpers)[0]);
  print_error = newSVsv(AvARRAY(helpers)[1]);
  make_socket = newSVsv(AvARRAY(helpers)[2]);
  find_path = newSVsv(AvARRAY(helpers)[3]);
}

cp_outcome cp_psgi_prepare(cp_sv **value, int *status) {
  dTHX;
  *value = NULL;
  return next_piece ? CP_RETURNED : cp_guard(aTHX_ prepare, NULL, value, status);
}

cp_outcome cp_body_next(cp_sv *handle, cp_sv **value, int *status) {
  return cp_call(CP_OF(next_piece), &handle, 1, value, status);
}

cp_outcome cp_body_path(cp_sv *handle, cp_sv **value, int *status) {
  return cp_call(CP_OF(find_path), &handle, 1, value, status);
}

cp_outcome cp_print_error(cp_sv *errors, cp_sv *error, cp_sv **value, int *status) {
  cp_sv *arguments[] = {errors, error};
  return cp_call(CP_OF(print_error), arguments, 2, value, status);
}

SV *cp_new_socket(pTHX_ int fd, const char *class) {
  cp_sv *arguments[] = {CP_OF(newSViv(fd)), CP_OF(newSVpv(class, 0))};
  SV *socket = NULL;
  int status;
  /* On a stack of its own: the op that looks at the value has pointers into the current one, which may move. */
  dSP;
  PUSHSTACKi(PERLSI_MAGIC);
  cp_outcome outcome = cp_call(CP_OF(make_socket), arguments, 2, (cp_sv **)&socket, &status);
  SvREFCNT_dec_NN(SV_OF(arguments[0]));
  SvREFCNT_dec_NN(SV_OF(arguments[1]));
  if (outcome == CP_EXITED) {
    /* All contexts and stacks are unwound already. */
    close(fd);
    my_exit((U32)status);
  }
  POPSTACK;
  if (outcome == CP_RETURNED && SvROK(socket)) return socket;
  SvREFCNT_dec(socket);
  close(fd);
  return NULL;
}

static void run_signals(pTHX_ void *data) {
  PERL_UNUSED_ARG(data);
  PERL_ASYNC_CHECK();
}

cp_outcome cp_run_signals(cp_sv **value, int *status) {
  dTHX;
  *value = NULL;
  return PL_sig_pending ? cp_guard(aTHX_ run_signals, NULL, value, status) : CP_RETURNED;
}

void cp_warn(cp_sv *error) {
  dTHX;
  PerlIO *out = PerlIO_stderr();
  STRLEN count;
  const char *bytes = SvROK(SV_OF(error)) ? NULL : SvPV_nomg_const(SV_OF(error), count);
  if (bytes)
    PerlIO_write(out, bytes, count);
  else
    PerlIO_printf(out, "an object of class %s was thrown\n", sv_reftype(SvRV(SV_OF(error)), TRUE));
  PerlIO_flush(out);
}

cp_outcome cp_release_guarded(cp_sv *value, int *status) {
  dTHX;
  SV *sv = SV_OF(value);
  if (!sv) return CP_RETURNED;
  if (SvREFCNT(sv) > 1) {
    SvREFCNT_dec_NN(sv);
    return CP_RETURNED;
  }
  /* perl catches a destructor's `die` itself; only `exit` needs the JMPENV. */
  cp_outcome outcome = CP_RETURNED;
  int jump;
  I32 scope = PL_scopestack_ix;
  dJMPENV;
  JMPENV_PUSH(jump);
  if (jump == 0) {
    ENTER;
    SAVETMPS;
    SvREFCNT_dec_NN(sv);
    FREETMPS;
    LEAVE;
  } else {
    while (PL_scopestack_ix > scope) LEAVE;
    FREETMPS;
    *status = STATUS_EXIT;
    outcome = CP_EXITED;
  }
  JMPENV_POP;
  return outcome;
}
