#include "guard_private.h"

/* The groups of a preload. */

typedef struct {
  uint64_t includes, environment;
  size_t first; /* its first name */
  bool has_end; /* an END block */
} guarded_group;

static struct {
  guarded_group *groups;
  uint32_t count, capacity;
  /* What any code can see: at the end of the preload, and as it was last looked at. */
  uint64_t settled[CP_SURROUNDINGS], present[CP_SURROUNDINGS];
  uint64_t includes, environment;
  /* How many END blocks there were when the present group began, and at the end of the preload. */
  SSize_t ends_before, ends;
} guard;

static SSize_t end_count(pTHX) { return PL_endav ? AvFILLp(PL_endav) + 1 : 0; }

uint64_t cp_include_digest(void) {
  dTHX;
  return cp_value_digest(aTHX_(SV *) GvAVn(PL_incgv));
}

uint64_t cp_environment_digest(void) {
  dTHX;
  return PL_envgv && GvHV(PL_envgv) ? cp_value_digest(aTHX_(SV *) GvHV(PL_envgv)) : 0;
}

void cp_each_environment(
    void *context, void (*visit)(void *context, const char *name, size_t name_count, const char *value, size_t count)) {
  dTHX;
  if (!PL_envgv || !GvHV(PL_envgv)) return;
  HV *all = GvHV(PL_envgv);
  for (STRLEN bucket = 0; HvARRAY(all) && bucket <= HvMAX(all); bucket++) {
    for (HE *entry = HvARRAY(all)[bucket]; entry; entry = HeNEXT(entry)) {
      SV *value = HeVAL(entry);
      if (value == &PL_sv_placeholder || HeKLEN(entry) < 0 || !SvOK(value)) continue;
      STRLEN count;
      const char *bytes = SvPV_nomg(value, count);
      visit(context, HeKEY(entry), (size_t)HeKLEN(entry), bytes, count);
    }
  }
}

void cp_guard_start(void) {
  dTHX;
  cp_guard_forget();
  cp_find_new(aTHX_ false);
}

void cp_guard_begin(void) {
  dTHX;
  if (guard.count == guard.capacity) {
    guard.capacity = guard.capacity ? guard.capacity * 2 : 64;
    Renew(guard.groups, guard.capacity, guarded_group);
  }
  guard.groups[guard.count++] =
      (guarded_group){cp_include_digest(), cp_environment_digest(), cp_names_count(), false};
  guard.ends_before = end_count(aTHX);
  cp_find_mentions(true);
}

const char *cp_guard_end(void) {
  dTHX;
  cp_find_new(aTHX_ true);
  cp_find_mentions(false);
  guarded_group *group = &guard.groups[guard.count - 1];
  group->has_end = guard.ends_before != end_count(aTHX);
  if (group->includes != cp_include_digest()) return "@INC";
  return group->environment == cp_environment_digest() ? NULL : "%ENV";
}

void cp_guard_settle(void) {
  dTHX;
  cp_names_settle(aTHX);
  cp_surroundings(aTHX_ guard.settled);
  guard.ends = end_count(aTHX);
}

void cp_guard_seal(void) {
  cp_guard_settle();
  /* What is only needed to find what is new. */
  cp_find_seal();
}

void cp_guard_look(void) {
  dTHX;
  cp_names_look();
  cp_surroundings(aTHX_ guard.present);
  guard.includes = cp_include_digest();
  guard.environment = cp_environment_digest();
}

const char *cp_guard_difference(uint32_t number) {
  if (number >= guard.count) return NULL;
  const guarded_group *group = &guard.groups[number];
  if (group->includes != guard.includes) return "@INC";
  if (group->environment != guard.environment) return "%ENV";
  return cp_guard_effect(number);
}

const char *cp_guard_effect(uint32_t number) {
  dTHX;
  if (number >= guard.count) return NULL;
  const guarded_group *group = &guard.groups[number];
  for (int which = 0; which < CP_SURROUNDINGS; which++)
    if (guard.present[which] != guard.settled[which]) return cp_surrounding_name(which);
  /* An END block of the application that was compiled in between would run at another moment. */
  if (group->has_end && guard.ends != end_count(aTHX)) return "the order of END blocks";
  size_t end = number + 1 < guard.count ? guard.groups[number + 1].first : cp_names_count();
  return cp_names_difference(aTHX_ group->first, end);
}

void cp_guard_forget(void) {
  cp_find_seal();
  cp_names_forget();
  Safefree(guard.groups);
  Zero(&guard, 1, __typeof__(guard));
}
