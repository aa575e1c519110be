/* What the hooks share. */
#ifndef NACRE_LOAD_PRIVATE_H
#define NACRE_LOAD_PRIVATE_H

#include "cperl_load.h"
#include "cperl_private.h"

typedef struct {
  /* The ops as perl had them, by op type. */
  OP *(*original[OP_max])(pTHX);
  cp_load_observer observer;
  /* Whether reads and writes are told, and whether everything that is looked at is. */
  bool follows_opens, follows_files;
} cp_hooks;

extern cp_hooks cp_hooked;
/* PL_ppaddr is shared by every thread of the process; the observer belongs to one. */
extern __thread bool cp_is_host_thread;

extern bool cp_is_stray_process;

/* Follows what code that is being compiled mentions (guard.c). */
void cp_hook_mentions(void);

/* Puts a function in the place of perl's for this op type. */
void cp_hook(OPCODE type, OP *(*function)(pTHX));
void cp_hook_file_ops(void);

#endif
