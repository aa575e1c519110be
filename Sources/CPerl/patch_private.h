/* What the files of the patch share. */
#ifndef NACRE_PATCH_PRIVATE_H
#define NACRE_PATCH_PRIVATE_H

#include "cperl_patch.h"
#include "cperl_private.h"

typedef enum {
  UNDO_CODE,    /* glob: its sub */
  UNDO_ENTRY,   /* stash, key: the entry */
  UNDO_ELEMENT, /* hash, key: the value, or none */
  UNDO_SLOTS,   /* glob: its scalar, array, hash, format */
  UNDO_SCALAR,  /* scalar: a copy */
  UNDO_ARRAY,   /* array: one with the same elements */
  UNDO_HASH,    /* hash: one with the same elements */
  UNDO_HANDLE,  /* glob: its handle */
  UNDO_LIFTED,  /* the lifted sub of this number */
} undo_kind;

/* One step to take back. Every pointer that is set has a reference of its own. */
typedef struct {
  undo_kind kind;
  uint32_t number;
  SV *target, *first, *second, *third, *fourth;
} undo_step;

/* Adds a step; takes over the references in it. */
void cp_undo_add(undo_step step);
/* Saves a value with all plain values that it leads to. Takes references of its own. */
void cp_undo_save_value(pTHX_ SV *value);
/* Puts the values of one step back. */
void cp_undo_values(pTHX_ const undo_step *step);
/* Forgets which values have been saved. */
void cp_undo_forget_values(void);
void cp_lifted_restore(pTHX_ uint32_t number);
/* Gives back the references of all lifted subs: the old bodies go. */
void cp_lifted_drop(pTHX);
/* Puts `code` (NULL: none) into the glob: takes a reference of its own, and gives that of the sub before back. */
void cp_glob_put(pTHX_ GV *glob, CV *code);

#endif
