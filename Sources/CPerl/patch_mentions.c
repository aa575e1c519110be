#include "patch_private.h"

/* Which file mentions which sub by name: it holds the sub's prototype, or its value if the sub is a constant. */

typedef struct {
  char *name;
  uint32_t count, hash;
  int32_t *files;
  uint32_t file_count, file_capacity;
} mentioned_sub;

static mentioned_sub *subs;
static uint32_t sub_count, sub_capacity, slot_count;
static int32_t *slots;
static int32_t mentioning_file = -1;
static Perl_check_t original_check;

static uint32_t hash_of(const char *bytes, size_t count) {
  uint32_t hash = 2166136261u;
  while (count--) hash = (hash ^ (unsigned char)*bytes++) * 16777619u;
  return hash;
}

static void place(int32_t number) {
  uint32_t index = subs[number].hash & (slot_count - 1);
  while (slots[index] >= 0) index = (index + 1) & (slot_count - 1);
  slots[index] = number;
}

static mentioned_sub *find(const char *name, size_t count, bool adds) {
  dTHX;
  uint32_t hash = hash_of(name, count);
  if (slot_count)
    for (uint32_t index = hash & (slot_count - 1); slots[index] >= 0; index = (index + 1) & (slot_count - 1)) {
      mentioned_sub *known = &subs[slots[index]];
      if (known->hash == hash && known->count == count && memEQ(known->name, name, count)) return known;
    }
  if (!adds) return NULL;
  if (sub_count * 2 >= slot_count) {
    slot_count = slot_count ? slot_count * 2 : 1024;
    Renew(slots, slot_count, int32_t);
    for (uint32_t index = 0; index < slot_count; index++) slots[index] = -1;
    for (uint32_t number = 0; number < sub_count; number++) place((int32_t)number);
  }
  if (sub_count == sub_capacity) {
    sub_capacity = sub_capacity ? sub_capacity * 2 : 512;
    Renew(subs, sub_capacity, mentioned_sub);
  }
  subs[sub_count] = (mentioned_sub){savepvn(name, count), (uint32_t)count, hash, NULL, 0, 0};
  place((int32_t)sub_count);
  return &subs[sub_count++];
}

static void note(const char *name, size_t count) {
  mentioned_sub *sub = find(name, count, true);
  for (uint32_t index = sub->file_count; index-- > 0;)
    if (sub->files[index] == mentioning_file) return;
  if (sub->file_count == sub->file_capacity) {
    sub->file_capacity = sub->file_capacity ? sub->file_capacity * 2 : 2;
    Renew(sub->files, sub->file_capacity, int32_t);
  }
  sub->files[sub->file_count++] = mentioning_file;
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
  for (uint32_t number = 0; number < sub_count; number++) {
    mentioned_sub *sub = &subs[number];
    for (uint32_t index = 0; index < sub->file_count; index++)
      if (sub->files[index] == file) sub->files[index--] = sub->files[--sub->file_count];
  }
}

void cp_each_mention(
    const char *name, size_t count, void *context, void (*visit)(void *context, int32_t file)) {
  const mentioned_sub *sub = find(name, count, false);
  for (uint32_t index = 0; sub && index < sub->file_count; index++) visit(context, sub->files[index]);
}
