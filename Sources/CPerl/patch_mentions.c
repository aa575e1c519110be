#include "patch_private.h"

/* Which file mentions which sub by name: it holds the sub's prototype, or its value if the sub is a constant. */

static Perl_check_t original_check;

static void note(patch_state *state, const char *name, size_t count) {
  uint32_t number = (uint32_t)cp_intern(&state->subs, name, count);
  if (number >= state->mention_capacity) {
    uint32_t capacity = state->mention_capacity ? state->mention_capacity * 2 : 512;
    Renew(state->mentions, capacity, mentioning_files);
    Zero(state->mentions + state->mention_capacity, capacity - state->mention_capacity, mentioning_files);
    state->mention_capacity = capacity;
  }
  mentioning_files *found = &state->mentions[number];
  for (uint32_t index = found->count; index-- > 0;)
    if (found->files[index] == state->mentioning_file) return;
  if (found->count == found->capacity) {
    found->capacity = found->capacity ? found->capacity * 2 : 2;
    Renew(found->files, found->capacity, int32_t);
  }
  found->files[found->count++] = state->mentioning_file;
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

void cp_follow_mentions(void) {
  dTHX;
  wrap_op_checker(OP_RV2CV, check_sub_name, &original_check);
}

void cp_set_mentioning_file(int32_t file) {
  dTHX;
  cp_patch_state(aTHX)->mentioning_file = file;
}

void cp_forget_mentions(int32_t file) {
  dTHX;
  patch_state *state = cp_patch_state(aTHX);
  for (uint32_t number = 0; number < state->subs.count; number++) {
    mentioning_files *found = &state->mentions[number];
    for (uint32_t index = 0; index < found->count; index++)
      if (found->files[index] == file) found->files[index--] = found->files[--found->count];
  }
}

void cp_each_mention(
    const char *name, size_t count, void *context, void (*visit)(void *context, int32_t file)) {
  dTHX;
  patch_state *state = cp_patch_state(aTHX);
  int32_t number = cp_find_interned(&state->subs, name, count);
  for (uint32_t index = 0; number >= 0 && index < state->mentions[number].count; index++)
    visit(context, state->mentions[number].files[index]);
}

void cp_mentions_free(patch_state *state) {
  for (uint32_t number = 0; number < state->mention_capacity; number++) Safefree(state->mentions[number].files);
  Safefree(state->mentions);
  cp_free_interned(&state->subs);
}

void cp_mentions_copy(patch_state *to, const patch_state *from) {
  cp_copy_interned(&to->subs, &from->subs);
  to->mention_capacity = from->mention_capacity;
  Newxz(to->mentions, to->mention_capacity, mentioning_files);
  for (uint32_t number = 0; number < from->subs.count; number++) {
    const mentioning_files *found = &from->mentions[number];
    mentioning_files *copy = &to->mentions[number];
    *copy = (mentioning_files){NULL, found->count, found->count};
    if (found->count == 0) continue;
    Newx(copy->files, found->count, int32_t);
    Copy(found->files, copy->files, found->count, int32_t);
  }
}
