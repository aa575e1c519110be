/// The Linux calls that Swift cannot make by itself (`fork`, variadic calls, ancillary data) and atomics on shared
/// memory. Thin: no function here decides anything. Unless said otherwise a function returns what the system call
/// returned: -1 with `errno` set on failure.
#ifndef NACRE_CLINUX_H
#define NACRE_CLINUX_H

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fsuid.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

// MARK: Atomics on shared memory (sequentially consistent)

static inline uint64_t cl_load64(const uint64_t *_Nonnull at) { return __atomic_load_n(at, __ATOMIC_SEQ_CST); }
static inline void cl_store64(uint64_t *_Nonnull at, uint64_t value) { __atomic_store_n(at, value, __ATOMIC_SEQ_CST); }
/// Stores `desired` if the word still is `expected`; true when it did.
static inline bool cl_swap64(uint64_t *_Nonnull at, uint64_t expected, uint64_t desired) {
  return __atomic_compare_exchange_n(at, &expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}
/// Adds and returns the new value; `delta` may be negative (two's complement).
static inline uint64_t cl_add64(uint64_t *_Nonnull at, int64_t delta) {
  return __atomic_add_fetch(at, (uint64_t)delta, __ATOMIC_SEQ_CST);
}
static inline uint32_t cl_load32(const uint32_t *_Nonnull at) { return __atomic_load_n(at, __ATOMIC_SEQ_CST); }
static inline void cl_store32(uint32_t *_Nonnull at, uint32_t value) { __atomic_store_n(at, value, __ATOMIC_SEQ_CST); }

// MARK: Processes

/// `fork(2)`.
pid_t cl_fork(void);
/// Forks a process whose parent, a middle process, leaves at once: it is given to the next subreaper above. 0 in the new
/// process, 1 in this one once the middle process is reaped, -1 with `errno`. `middle` gets the middle one's id in the
/// new process, and after a failure the signal that has killed it, or 0. For processes with one thread. Costs one copy
/// of the page tables, where two forks cost two.
int cl_fork_orphan(pid_t *_Nonnull middle);
/// Makes this process the one that its descendants' orphans are given to.
int cl_become_subreaper(void);
/// The signal this process gets when the thread that made it ends; 0 for none.
int cl_set_parent_death_signal(int signal);
/// Whether there is no such process, or only its exit status is left.
bool cl_has_ended(pid_t process);
/// Closes every descriptor but `kept`.
void cl_close_except(int kept);
/// What process lists show this process as, as far as its arguments have room for it.
void cl_name_process(const char *_Nonnull name);
/// Removes every blocked signal of this thread.
int cl_unblock_all_signals(void);

/// From now on SIGTERM asks this process to stop: it sets a flag and puts an ended socket in the place of `queue`, so
/// that a receive from it ends whether it had begun or not. 0, or -1 with `errno`.
int cl_catch_stop(int queue);
/// Whether that signal came.
bool cl_stop_requested(void);

/// This process gives way to others: for good (`nice`, which an ordinary user cannot take back), or until
/// `cl_give_way_no_more`, as a process that works without pause.
void cl_give_way(bool always);
void cl_give_way_no_more(void);
/// The process gives way to all others, for good. For its end: to give back the memory of a large process takes
/// milliseconds.
void cl_put_behind(pid_t process);

// MARK: Memory

/// The addresses between which `malloc` has most of this process's memory, as far as they are whole huge pages of
/// `*page` bytes. False where there is no such memory, and where the kernel knows no huge pages.
bool cl_huge_heap(uintptr_t *_Nonnull start, uintptr_t *_Nonnull end, size_t *_Nonnull page);
/// Has the kernel copy `page` bytes from `at` on into one huge page (`MADV_COLLAPSE`, Linux 6.1): 0, or -1 with `errno`.
int cl_collapse(uintptr_t at, size_t page);
/// Whether the machine, and the control group that a container is, have eight times as much memory to spare as this
/// process takes.
bool cl_has_memory_to_spare(void);
/// Has the kernel give this process pages of its own where it shares them since a fork, as writing to each would
/// (`MADV_POPULATE_WRITE`, Linux 5.14): 0, or -1 with `errno`.
int cl_own_pages(uintptr_t at, size_t count);
/// The same for all private memory but that between two addresses, and large mappings that are mostly empty; what only is
/// read is mapped.
void cl_own_other_pages(uintptr_t start, uintptr_t end);

/// Gives back to the kernel what `malloc` has and nobody uses.
void cl_give_memory_back(void);
/// Unmaps the pages of code: what runs on comes back from the page cache at its first use, and what was for the beginning only
/// does not. Takes a millisecond.
void cl_give_code_back(void);

// MARK: Descriptors

/// `fcntl(F_DUPFD_CLOEXEC)`: a copy of `fd` that is at least `lowest` and is closed on exec.
int cl_dup_above(int fd, int lowest);
int cl_get_status_flags(int fd);
int cl_set_nonblocking(int fd, bool on);
int cl_get_descriptor_flags(int fd);
int cl_set_close_on_exec(int fd, bool on);
/// Writes without waiting: -1 with `EAGAIN` where a plain write would have to wait for a reader.
ssize_t cl_write_at_once(int fd, const void *_Nonnull bytes, size_t count);
int cl_memfd(const char *_Nonnull name);
/// An unnamed file for reading and writing in `directory`, closed on exec.
int cl_unnamed_file(const char *_Nonnull directory);
/// Whether the file behind `fd` can be read and not written through it.
bool cl_is_only_for_reading(int fd);
/// Opens the file behind `fd` again, or the one that is at `path` now, for reading, and puts it in the place of `fd` at
/// `offset` (left at the start if negative), with the same flags: from then on the offset is shared with no other process.
int cl_reopen(int fd, const char *_Nullable path, off_t offset);
/// Accepts a connection, non-blocking and closed on exec; `address` gets the peer's.
int cl_accept(int listener, struct sockaddr_storage *_Nonnull address);
/// `sendfile` without its signal: a peer that is gone is an error (EPIPE) and no SIGPIPE, whatever this process makes of that.
ssize_t cl_sendfile(int socket, int file, off_t *_Nonnull offset, size_t count);
/// The bytes that can be read at once from a socket or an inotify queue (`FIONREAD`).
int cl_readable_bytes(int fd);

// MARK: Messages with descriptors

/// Sends one message with up to 4 descriptors. `flags` as for `sendmsg`; `MSG_NOSIGNAL` is always added.
ssize_t cl_send_message(
    int socket, const void *_Nonnull bytes, size_t count, const int *_Nullable fds, int fd_count, int flags);
/// Receives one message. `fd_count` says on entry how many descriptors `fds` holds (at most 4), on return how many
/// came; they are closed on exec. `message_flags` gets what the kernel says (`MSG_TRUNC`, `MSG_CTRUNC`).
ssize_t cl_receive_message(
    int socket, void *_Nonnull bytes, size_t capacity, int *_Nonnull fds, int *_Nonnull fd_count, int flags,
    int *_Nonnull message_flags);

#endif
