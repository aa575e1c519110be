#include "intern.h"

static uint32_t hash_of(const char *bytes, size_t count) {
  uint32_t hash = 2166136261u;
  while (count--) hash = (hash ^ (unsigned char)*bytes++) * 16777619u;
  return hash;
}

static int32_t find(const cp_interned *all, const char *bytes, size_t count, uint32_t hash) {
  if (all->slot_count == 0) return -1;
  for (uint32_t index = hash & (all->slot_count - 1); all->slots[index] >= 0; index = (index + 1) & (all->slot_count - 1)) {
    const cp_interned_name *known = &all->names[all->slots[index]];
    if (known->hash == hash && known->count == count && memEQ(known->bytes, bytes, count)) return all->slots[index];
  }
  return -1;
}

static void place(cp_interned *all, uint32_t number) {
  uint32_t index = all->names[number].hash & (all->slot_count - 1);
  while (all->slots[index] >= 0) index = (index + 1) & (all->slot_count - 1);
  all->slots[index] = (int32_t)number;
}

int32_t cp_find_interned(const cp_interned *all, const char *bytes, size_t count) {
  return find(all, bytes, count, hash_of(bytes, count));
}

int32_t cp_intern(cp_interned *all, const char *bytes, size_t count) {
  dTHX;
  uint32_t hash = hash_of(bytes, count);
  int32_t known = find(all, bytes, count, hash);
  if (known >= 0) return known;
  if (all->count * 2 >= all->slot_count) {
    all->slot_count = all->slot_count ? all->slot_count * 2 : 512;
    Renew(all->slots, all->slot_count, int32_t);
    for (uint32_t index = 0; index < all->slot_count; index++) all->slots[index] = -1;
    for (uint32_t number = 0; number < all->count; number++) place(all, number);
  }
  if (all->count == all->capacity) {
    all->capacity = all->capacity ? all->capacity * 2 : 256;
    Renew(all->names, all->capacity, cp_interned_name);
  }
  all->names[all->count] = (cp_interned_name){savepvn(bytes, count), (uint32_t)count, hash};
  place(all, all->count);
  return (int32_t)all->count++;
}

void cp_copy_interned(cp_interned *to, const cp_interned *from) {
  dTHX;
  *to = *from;
  Newx(to->names, from->capacity, cp_interned_name);
  for (uint32_t number = 0; number < from->count; number++) {
    to->names[number] = from->names[number];
    to->names[number].bytes = savepvn(from->names[number].bytes, from->names[number].count);
  }
  Newx(to->slots, from->slot_count, int32_t);
  Copy(from->slots, to->slots, from->slot_count, int32_t);
}

void cp_free_interned(cp_interned *all) {
  for (uint32_t number = 0; number < all->count; number++) Safefree(all->names[number].bytes);
  Safefree(all->names);
  Safefree(all->slots);
  *all = (cp_interned){0};
}
