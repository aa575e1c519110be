#define _GNU_SOURCE
#include "CLinux.h"

#include <string.h>

enum { MAXIMUM_FDS = 4 };

ssize_t cl_send_message(int socket, const void *bytes, size_t count, const int *fds, int fd_count, int flags) {
  struct iovec vector = {(void *)bytes, count};
  union {
    char bytes[CMSG_SPACE(sizeof(int) * MAXIMUM_FDS)];
    struct cmsghdr align;
  } control;
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
  if (fd_count > MAXIMUM_FDS) {
    errno = EINVAL;
    return -1;
  }
  if (fd_count > 0) {
    memset(&control, 0, sizeof control);
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)fd_count);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)fd_count);
    memcpy(CMSG_DATA(header), fds, sizeof(int) * (size_t)fd_count);
  }
  return sendmsg(socket, &message, flags | MSG_NOSIGNAL);
}

ssize_t cl_receive_message(
    int socket, void *bytes, size_t capacity, int *fds, int *fd_count, int flags, int *message_flags) {
  struct iovec vector = {bytes, capacity};
  union {
    char bytes[CMSG_SPACE(sizeof(int) * MAXIMUM_FDS)];
    struct cmsghdr align;
  } control;
  struct msghdr message = {
      .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  int room = *fd_count;
  *fd_count = 0;
  *message_flags = 0;
  ssize_t count = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
  if (count < 0) return count;
  *message_flags = message.msg_flags;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    int came = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    for (int index = 0; index < came; index++) {
      int fd;
      memcpy(&fd, CMSG_DATA(header) + sizeof(int) * (size_t)index, sizeof fd);
      if (*fd_count < room)
        fds[(*fd_count)++] = fd;
      else
        close(fd);
    }
  }
  return count;
}
