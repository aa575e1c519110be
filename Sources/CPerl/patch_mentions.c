#include "intern.h"
#include "patch_private.h"

/* Which file mentions which sub by name: it holds the sub's prototype, or its value if the sub is a constant. */

/* The files that mention a sub. */
typedef struct {
  int32_t *files;
  uint32_t count, capacity;
} mentioning_files;

static cp_interned subs;
static mentioning_files *mentions; /* by the number of the sub */
static uint32_t mention_capacity;
static int32_t mentioning_file = -1;
static Perl_check_t original_check;

static void note(const char *name, size_t count) {
  uint32_t number = (uint32_t)cp_intern(&subs, name, count);
  if (number >= mention_capacity) {
    uint32_t capacity = mention_capacity ? mention_capacity * 2 : 512;
    Renew(mentions, capacity, mentioning_files);
    Zero(mentions + mention_capacity, capacity - mention_capacity, mentioning_files);
    mention_capacity = capacity;
  }
  mentioning_files *found = &mentions[number];
  for (uint32_t index = found->count; index-- > 0;)
    if (found->files[index] == mentioning_file) return;
  if (found->count == found->capacity) {
    found->capacity = found->capacity ? found->capacity * 2 : 2;
    Renew(found->files, found->capacity, int32_t);
  }
  found->files[found->count++] = mentioning_file;
}

/* Runs as perl compiles a name that may be that of a sub. The name is looked at before perl's own check replaces it. */
static OP *check_sub_name(pTHX_ OP *op) {
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
  if (count) note(text, count);
  return original_check(aTHX_ op);
}

void cp_follow_mentions(void) {
  dTHX;
  wrap_op_checker(OP_RV2CV, check_sub_name, &original_check);
}

void cp_set_mentioning_file(int32_t file) { mentioning_file = file; }

void cp_forget_mentions(int32_t file) {
  for (uint32_t number = 0; number < subs.count; number++) {
    mentioning_files *found = &mentions[number];
    for (uint32_t index = 0; index < found->count; index++)
      if (found->files[index] == file) found->files[index--] = found->files[--found->count];
  }
}

void cp_each_mention(
    const char *name, size_t count, void *context, void (*visit)(void *context, int32_t file)) {
  int32_t number = cp_find_interned(&subs, name, count);
  for (uint32_t index = 0; number >= 0 && index < mentions[number].count; index++)
    visit(context, mentions[number].files[index]);
}
