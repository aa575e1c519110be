#include "patch_private.h"

/* Which file mentions which sub by name: it holds the sub's prototype, or its value if the sub is a constant. */

static Perl_check_t original_check, original_glob_check;

static number_list *list_of(number_list **lists, uint32_t *capacity, uint32_t number) {
  if (number >= *capacity) {
    uint32_t before = *capacity;
    *capacity = number < 256 ? 512 : number * 2;
    Renew(*lists, *capacity, number_list);
    Zero(*lists + before, *capacity - before, number_list);
  }
  return &(*lists)[number];
}

static void append(number_list *list, int32_t number) {
  if (list->count == list->capacity) {
    list->capacity = list->capacity ? list->capacity * 2 : 2;
    Renew(list->numbers, list->capacity, int32_t);
  }
  list->numbers[list->count++] = number;
}

static void note(patch_state *state, const char *name, size_t count) {
  uint32_t number = (uint32_t)cp_intern(&state->subs, name, count);
  number_list *found = list_of(&state->mentions, &state->mention_capacity, number);
  for (uint32_t index = found->count; index-- > 0;)
    if (found->numbers[index] == state->mentioning_file) return;
  append(found, state->mentioning_file);
  if (state->mentioning_file >= 0)
    append(list_of(&state->mentioned, &state->mentioned_capacity, (uint32_t)state->mentioning_file), (int32_t)number);
}

/* Runs as perl compiles a name that may be that of a sub. The name is looked at before perl's own check replaces it. */
static OP *check_sub_name(pTHX_ OP *op) {
  patch_state *state = cp_patch_state(aTHX);
  if (!state) return original_check(aTHX_ op);
  char text[512];
  size_t count = 0;
  OP *kid = op->op_flags & OPf_KIDS ? cUNOPx(op)->op_first : NULL;
  if (kid && kid->op_type == OP_CONST && SvPOK(cSVOPx_sv(kid))) {
    const char *name = SvPVX(cSVOPx_sv(kid));
    size_t length = SvCUR(cSVOPx_sv(kid));
    const char *package = memchr(name, ':', length) || !PL_curstash ? NULL : HvNAME_get(PL_curstash);
    size_t package_count = package ? strlen(package) + 2 : 0;
    if (package_count + length < sizeof text) {
      if (package) my_snprintf(text, sizeof text, "%s::", package);
      Copy(name, text + package_count, length, char);
      count = package_count + length;
    }
  } else if (kid && kid->op_type == OP_GV && isGV_with_GP((SV *)cGVOPx_gv(kid)) && GvSTASH(cGVOPx_gv(kid))) {
    GV *glob = cGVOPx_gv(kid);
    const char *package = HvNAME_get(GvSTASH(glob));
    if (package && strlen(package) + 2 + (size_t)GvNAMELEN(glob) < sizeof text)
      count = (size_t)my_snprintf(text, sizeof text, "%s::%s", package, GvNAME(glob));
  }
  if (count) note(state, text, count);
  return original_check(aTHX_ op);
}

/* Runs as perl compiles `*name`. One of another package that the file names outside of its subs (BEGIN blocks are none) is
   what its load assigns to; it is noted with the asterisk. What stands there is held while a patch is open. */
static OP *check_glob_name(pTHX_ OP *op) {
  patch_state *state = cp_patch_state(aTHX);
  OP *kid = op->op_flags & OPf_KIDS ? cUNOPx(op)->op_first : NULL;
  if (state && state->mentioning_file >= 0 && kid && kid->op_type == OP_CONST && SvPOK(cSVOPx_sv(kid))) {
    SV *name = cSVOPx_sv(kid);
    size_t count = SvCUR(name);
    char text[512] = "*";
    if (memchr(SvPVX(name), ':', count) && count + 1 < sizeof text) {
      if (PL_compcv && CvUNIQUE(PL_compcv)) {
        Copy(SvPVX(name), text + 1, count, char);
        note(state, text, count + 1);
      }
      GV *glob = state->step_count ? gv_fetchsv(name, 0, SVt_PV) : NULL;
      if (glob && isGV_with_GP((SV *)glob)) cp_undo_save_slots(aTHX_ glob);
    }
  }
  return original_glob_check(aTHX_ op);
}

void cp_follow_mentions(void) {
  dTHX;
  wrap_op_checker(OP_RV2CV, check_sub_name, &original_check);
  wrap_op_checker(OP_RV2GV, check_glob_name, &original_glob_check);
}

void cp_set_mentioning_file(int32_t file) {
  dTHX;
  cp_patch_state(aTHX)->mentioning_file = file;
}

void cp_forget_mentions(int32_t file) {
  dTHX;
  patch_state *state = cp_patch_state(aTHX);
  if ((uint32_t)file >= state->mentioned_capacity) return;
  number_list *mentioned = &state->mentioned[file];
  for (uint32_t sub = 0; sub < mentioned->count; sub++) {
    number_list *found = &state->mentions[mentioned->numbers[sub]];
    for (uint32_t index = 0; index < found->count; index++)
      if (found->numbers[index] == file) found->numbers[index--] = found->numbers[--found->count];
  }
  mentioned->count = 0;
}

void cp_set_aside_mentions(int32_t file) {
  dTHX;
  patch_state *state = cp_patch_state(aTHX);
  if ((uint32_t)file >= state->mentioned_capacity) return;
  for (uint32_t index = 0; index < state->aside_count; index++)
    if (state->aside[index].file == file) {
      cp_forget_mentions(file);
      return;
    }
  Renew(state->aside, state->aside_count + 1, file_mentions);
  number_list *kept = &state->aside[state->aside_count++].mentioned;
  *kept = (number_list){0};
  state->aside[state->aside_count - 1].file = file;
  for (uint32_t sub = 0; sub < state->mentioned[file].count; sub++) append(kept, state->mentioned[file].numbers[sub]);
  cp_forget_mentions(file);
}

void cp_mentions_end_patch(pTHX_ bool restoring) {
  patch_state *state = cp_patch_state(aTHX);
  for (uint32_t index = 0; index < state->aside_count; index++) {
    file_mentions *aside = &state->aside[index];
    if (restoring) cp_forget_mentions(aside->file);
    for (uint32_t sub = 0; restoring && sub < aside->mentioned.count; sub++) {
      append(&state->mentions[aside->mentioned.numbers[sub]], aside->file);
      append(&state->mentioned[aside->file], aside->mentioned.numbers[sub]);
    }
    Safefree(aside->mentioned.numbers);
  }
  Safefree(state->aside);
  state->aside = NULL;
  state->aside_count = 0;
}

void cp_each_named_glob(
    int32_t file, void *context, void (*visit)(void *context, const char *name, size_t count)) {
  dTHX;
  const patch_state *state = cp_patch_state(aTHX);
  if ((uint32_t)file >= state->mentioned_capacity) return;
  const number_list *mentioned = &state->mentioned[file];
  for (uint32_t index = 0; index < mentioned->count; index++) {
    const cp_interned_name *name = &state->subs.names[mentioned->numbers[index]];
    if (*name->bytes == '*') visit(context, name->bytes + 1, name->count - 1);
  }
}

void cp_each_mention(
    const char *name, size_t count, void *context, void (*visit)(void *context, int32_t file)) {
  dTHX;
  patch_state *state = cp_patch_state(aTHX);
  int32_t number = cp_find_interned(&state->subs, name, count);
  for (uint32_t index = 0; number >= 0 && index < state->mentions[number].count; index++)
    visit(context, state->mentions[number].numbers[index]);
}

static void free_lists(number_list *lists, uint32_t capacity) {
  for (uint32_t number = 0; number < capacity; number++) Safefree(lists[number].numbers);
  Safefree(lists);
}

static number_list *copy_lists(const number_list *from, uint32_t capacity) {
  number_list *to;
  Newxz(to, capacity, number_list);
  for (uint32_t number = 0; number < capacity; number++) {
    if (from[number].count == 0) continue;
    to[number] = (number_list){NULL, from[number].count, from[number].count};
    Newx(to[number].numbers, from[number].count, int32_t);
    Copy(from[number].numbers, to[number].numbers, from[number].count, int32_t);
  }
  return to;
}

void cp_mentions_free(patch_state *state) {
  free_lists(state->mentions, state->mention_capacity);
  free_lists(state->mentioned, state->mentioned_capacity);
  Safefree(state->aside);
  cp_free_interned(&state->subs);
}

void cp_mentions_copy(patch_state *to, const patch_state *from) {
  cp_copy_interned(&to->subs, &from->subs);
  to->mention_capacity = from->mention_capacity;
  to->mentioned_capacity = from->mentioned_capacity;
  to->mentions = copy_lists(from->mentions, from->mention_capacity);
  to->mentioned = copy_lists(from->mentioned, from->mentioned_capacity);
}
