/* What the files of the patch share. */
#ifndef NACRE_PATCH_PRIVATE_H
#define NACRE_PATCH_PRIVATE_H

#include "cperl_patch.h"
#include "cperl_private.h"
#include "intern.h"

typedef enum {
  UNDO_CODE,    /* glob: its sub */
  UNDO_ENTRY,   /* stash, key: the entry */
  UNDO_ELEMENT, /* hash, key: the value, or none */
  UNDO_SLOTS,   /* glob: its scalar, array, hash, format */
  UNDO_TIE,     /* variable: what it is tied to */
  UNDO_SCALAR,  /* scalar: a copy */
  UNDO_ARRAY,   /* array: one with the same elements */
  UNDO_HASH,    /* hash: one with the same elements */
  UNDO_END,     /* the END blocks */
  UNDO_HANDLE,  /* glob: its handle */
  UNDO_LIFTED,  /* the lifted sub of this number */
} undo_kind;

/* One step to take back. Every pointer that is set has a reference of its own. */
typedef struct {
  undo_kind kind;
  uint32_t number;
  SV *target, *first, *second, *third, *fourth;
} undo_step;

/* A sub whose body was moved away, or a declared one. */
typedef struct {
  GV *glob;
  CV *head;
  CV *spare; /* NULL for one that was only declared */
  U32 flags; /* of the glob */
  bool is_back;
} lifted_sub;

/* A list of numbers: the files that mention a sub, or the subs that a file mentions. */
typedef struct {
  int32_t *numbers;
  uint32_t count, capacity;
} number_list;

/* What a file mentions. */
typedef struct {
  int32_t file;
  number_list mentioned;
} file_mentions;

typedef struct scanned_stash scanned_stash;
typedef struct inner_stash inner_stash;

/* What patching knows of one interpreter. It belongs to that interpreter alone: whichever thread runs it uses it, so there is
   no lock. Nothing in it but the log of an open patch refers to values of perl. */
typedef struct {
  void *patcher; /* Swift's */
  HV *graves;    /* owned by the magic that owns this */
  bool forbids_exit;
  /* Whether it looks by itself, and when it has done so last. */
  bool looks_between_passes;
  uint64_t looked;
  uint32_t forks_seen;
  /* The open patch. */
  lifted_sub *lifted;
  uint32_t lifted_count, lifted_capacity;
  undo_step *steps;
  uint32_t step_count, step_capacity;
  SV **seen;
  size_t seen_capacity, seen_count;
  bool overflowed;
  /* Scans. */
  cp_stash *stashes;
  scanned_stash *scanned; /* by the same numbers */
  uint32_t stash_count, stash_capacity;
  uint32_t scan; /* the number of the last one */
  cp_interned files;
  int32_t last_file;
  /* Mentions. */
  cp_interned subs;
  number_list *mentions;  /* by the number of the sub: files */
  number_list *mentioned; /* by the number of the file: subs */
  uint32_t mention_capacity, mentioned_capacity;
  file_mentions *aside; /* what files mentioned before the patch that runs */
  uint32_t aside_count;
  int32_t mentioning_file;
} patch_state;

/* The state of the current interpreter; NULL where nobody patches. */
patch_state *cp_patch_state(pTHX);
/* How many forks this process has behind it. */
uint32_t cp_fork_count(void);

/* What the files give back, and hand to a clone. */
void cp_scans_free(patch_state *state);
/* Remembers what stands in the stashes as what was there before. */
void cp_scan_mark(pTHX);
/* Gives back what is held, and before that puts it to where it was. */
void cp_scan_let_go(pTHX_ bool puts_back);
/* Once per process. */
void cp_follow_mentions(void);
/* At the end of a patch; `restoring`: files mention what they mentioned before. */
void cp_mentions_end_patch(pTHX_ bool restoring);
void cp_mentions_free(patch_state *state);
void cp_mentions_copy(patch_state *to, const patch_state *from);

/* Adds a step; takes over the references in it. */
void cp_undo_add(pTHX_ undo_step step);
/* Saves which variables and which format a glob has, but not what is in them. */
void cp_undo_save_slots(pTHX_ GV *glob);
/* Saves a value with all plain values that it leads to. Takes references of its own. */
void cp_undo_save_value(pTHX_ SV *value);
/* Puts the values of one step back. */
void cp_undo_values(pTHX_ const undo_step *step);
/* Forgets which values have been saved. */
void cp_undo_forget_values(patch_state *state);
void cp_lifted_restore(pTHX_ uint32_t number);
/* A file of the patch is compiled and about to run: those of its subs that it does not define any more are gone. */
void cp_lifted_compiled(pTHX);
/* Gives back the references of all lifted subs: the old bodies go. */
void cp_lifted_drop(pTHX);
/* Puts `code` (NULL: none) into the glob: takes a reference of its own, and gives that of the sub before back. */
void cp_glob_put(pTHX_ GV *glob, CV *code);

#endif
