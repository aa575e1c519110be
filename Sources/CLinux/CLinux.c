#define _GNU_SOURCE
#include "CLinux.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

pid_t cl_fork(void) { return fork(); }

/* vfork suspends this process and lends its memory to the middle one, so its page tables are copied once, by fork,
   and not twice. The middle one may do nothing that is not undone when it has left: fork's own handlers
   (pthread_atfork) lock and unlock in the same memory. No signal handler may run in it. */
__attribute__((noinline)) int cl_fork_orphan(pid_t *middle) {
  sigset_t all, present;
  volatile int error = 0, killer = 0;
  volatile bool is_new = false;
  sigfillset(&all);
  if (sigprocmask(SIG_SETMASK, &all, &present) < 0) return -1;
  pid_t origin = getpid();
  pid_t between = vfork();
  if (between == 0) {
    /* An origin that is given up takes along a middle process that hangs. */
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    *middle = getpid();
    if (getppid() != origin) _exit(0);
    pid_t child = fork();
    if (child != 0) {
      if (child < 0) error = errno;
      _exit(child < 0 ? error & 0xFF : 0);
    }
    is_new = true;
  } else if (between < 0) {
    error = errno;
  } else {
    int status = 0;
    pid_t reaped;
    while ((reaped = waitpid(between, &status, 0)) < 0 && errno == EINTR) {}
    /* Without a status (SIGCHLD is ignored) the shared memory tells; where vfork is fork (valgrind), the status. */
    if (reaped == between && WIFSIGNALED(status)) killer = WTERMSIG(status);
    if (reaped == between && WIFEXITED(status) && error == 0) error = WEXITSTATUS(status);
  }
  sigprocmask(SIG_SETMASK, &present, NULL);
  if (is_new) return 0;
  if (error == 0 && killer == 0) return 1;
  *middle = killer;
  errno = error ? error : EINTR;
  return -1;
}

int cl_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

int cl_set_parent_death_signal(int signal) { return prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0); }

bool cl_has_ended(pid_t process) {
  int fd = (int)syscall(SYS_pidfd_open, process, 0);
  /* ENOSYS: Linux before 5.3, and some sandboxes. */
  if (fd < 0) return errno == ESRCH || (kill(process, 0) < 0 && errno == ESRCH);
  struct pollfd entry = {fd, POLLIN, 0};
  bool has_ended = poll(&entry, 1, 0) > 0;
  close(fd);
  return has_ended;
}

void cl_close_except(int kept) {
  /* `close_range` is younger than some kernels. */
  if (kept > 0 && close_range(0, (unsigned)kept - 1, 0) == 0 && close_range((unsigned)kept + 1, ~0u, 0) == 0) return;
  long limit = sysconf(_SC_OPEN_MAX);
  for (int fd = 0; fd < limit && fd < 1 << 20; fd++)
    if (fd != kept) close(fd);
}

/* The loader keeps no pointer to where the arguments begin; the kernel tells. */
void cl_name_process(const char *name) {
  prctl(PR_SET_NAME, name, 0, 0, 0);
  FILE *file = fopen("/proc/self/stat", "re");
  if (!file) return;
  char line[2048];
  size_t count = fread(line, 1, sizeof line - 1, file);
  fclose(file);
  line[count] = 0;
  /* The fields after the program's name, which may hold anything: 3 and on. */
  char *field = strrchr(line, ')');
  for (int number = 2; field && number < 48; number++) field = strchr(field + 1, ' ');
  if (!field) return;
  unsigned long start = 0, end = 0;
  if (sscanf(field, "%lu %lu", &start, &end) != 2 || end <= start) return;
  memset((void *)start, 0, end - start);
  strncpy((char *)start, name, end - start - 1);
}

int cl_unblock_all_signals(void) {
  sigset_t none;
  sigemptyset(&none);
  return sigprocmask(SIG_SETMASK, &none, NULL);
}

static volatile sig_atomic_t stop_requested;
static int stopped_queue = -1, ended_socket = -1;

/* Looking at a flag before a blocking receive would leave a gap in which the signal is lost. */
static void request_stop(int signal) {
  (void)signal;
  int saved = errno;
  stop_requested = 1;
  dup3(ended_socket, stopped_queue, O_CLOEXEC);
  errno = saved;
}

/* A process that the application forks is to end at SIGTERM as it would anywhere else. */
static void forget_stop(void) {
  struct sigaction present;
  if (sigaction(SIGTERM, NULL, &present) == 0 && present.sa_handler == request_stop) signal(SIGTERM, SIG_DFL);
}

int cl_catch_stop(int queue) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) return -1;
  close(pair[1]);
  /* Out of the way of the application's own. */
  int aside = fcntl(pair[0], F_DUPFD_CLOEXEC, 400);
  ended_socket = aside < 0 ? pair[0] : aside;
  if (aside >= 0) close(pair[0]);
  stopped_queue = queue;
  struct sigaction action = {.sa_handler = request_stop};
  sigemptyset(&action.sa_mask);
  pthread_atfork(NULL, NULL, forget_stop);
  return sigaction(SIGTERM, &action, NULL);
}

bool cl_stop_requested(void) { return stop_requested != 0; }

int cl_dup_above(int fd, int lowest) { return fcntl(fd, F_DUPFD_CLOEXEC, lowest); }

int cl_get_status_flags(int fd) { return fcntl(fd, F_GETFL); }

int cl_set_nonblocking(int fd, bool on) {
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return -1;
  return fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

int cl_get_descriptor_flags(int fd) { return fcntl(fd, F_GETFD); }

int cl_set_close_on_exec(int fd, bool on) { return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0); }

ssize_t cl_write_at_once(int fd, const void *bytes, size_t count) {
  struct stat status;
  if (fstat(fd, &status) < 0) return -1;
  if (S_ISSOCK(status.st_mode)) return send(fd, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (!S_ISFIFO(status.st_mode) && !S_ISCHR(status.st_mode)) return write(fd, bytes, count);
  /* The flags of the open file are shared with other programs, so that it stays blocking. What a pipe says to have room
     for is PIPE_BUF bytes at least. */
  struct pollfd room = {.fd = fd, .events = POLLOUT};
  if (poll(&room, 1, 0) <= 0 || !(room.revents & POLLOUT)) {
    errno = EAGAIN;
    return -1;
  }
  return write(fd, bytes, count > PIPE_BUF ? PIPE_BUF : count);
}

void cl_give_way(bool always) {
  struct sched_param parameters = {0};
  if (always) {
    setpriority(PRIO_PROCESS, 0, 19);
  } else {
    sched_setscheduler(0, SCHED_BATCH, &parameters);
  }
}

void cl_give_way_no_more(void) {
  struct sched_param parameters = {0};
  sched_setscheduler(0, SCHED_OTHER, &parameters);
}

void cl_put_behind(pid_t process) { setpriority(PRIO_PROCESS, (id_t)process, 19); }

int cl_memfd(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int cl_unnamed_file(const char *directory) {
  int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return fd;
  /* The file system (overlayfs before Linux 6.1, NFS) or the kernel knows no unnamed files. */
  char path[PATH_MAX];
  int length = snprintf(path, sizeof path, "%s/nacre.XXXXXX", directory);
  if (length < 0 || (size_t)length >= sizeof path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  fd = mkostemp(path, O_CLOEXEC);
  if (fd >= 0) unlink(path);
  return fd;
}

bool cl_is_only_for_reading(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & O_ACCMODE) == O_RDONLY && !(flags & O_PATH);
}

int cl_reopen(int fd, const char *path, off_t offset) {
  char same[32];
  int flags = fcntl(fd, F_GETFL), on_exec = fcntl(fd, F_GETFD);
  if (flags < 0 || on_exec < 0) return -1;
  snprintf(same, sizeof same, "/proc/self/fd/%d", fd);
  int fresh = open(path ? path : same, O_RDONLY | O_CLOEXEC | (flags & (O_NONBLOCK | O_DIRECTORY | O_NOATIME | O_DIRECT)));
  if (fresh < 0) return -1;
  if (offset >= 0) lseek(fresh, offset, SEEK_SET);
  int result = dup3(fresh, fd, (on_exec & FD_CLOEXEC) ? O_CLOEXEC : 0);
  close(fresh);
  return result < 0 ? -1 : 0;
}

int cl_accept(int listener, struct sockaddr_storage *address) {
  socklen_t size = sizeof *address;
  return accept4(listener, (struct sockaddr *)address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

ssize_t cl_sendfile(int socket, int file, off_t *offset, size_t count) {
  sigset_t pipe, before, pending;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  sigpending(&pending);
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  ssize_t sent = sendfile(socket, file, offset, count);
  int error = errno;
  if (sent < 0 && error == EPIPE && !sigismember(&pending, SIGPIPE)) {
    /* It is pending for this thread by now. */
    struct timespec none = {0, 0};
    while (sigtimedwait(&pipe, NULL, &none) < 0 && errno == EINTR) {}
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  errno = error;
  return sent;
}

int cl_readable_bytes(int fd) {
  int count = 0;
  return ioctl(fd, FIONREAD, &count) < 0 ? -1 : count;
}
