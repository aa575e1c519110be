#include "psgi_private.h"

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#include <perliol.h>
#pragma clang diagnostic pop
#include <sys/stat.h>

/* The bytes of the response being read. One thread, one response at a time: Swift has used them before it lets perl
   run again. */
typedef struct {
  char *bytes;
  size_t count, capacity;
} byte_buffer;

static byte_buffer head, body;
static cp_header *headers;
static size_t header_capacity;

enum { KEPT_CAPACITY = 1 << 20 };

static char *grow(byte_buffer *buffer, size_t count) {
  if (buffer->capacity - buffer->count < count) {
    size_t capacity = (buffer->count + count) * 2 + 4096;
    buffer->bytes = (char *)saferealloc(buffer->bytes, capacity);
    buffer->capacity = capacity;
  }
  return buffer->bytes + buffer->count;
}

static void empty(byte_buffer *buffer) {
  buffer->count = 0;
  if (buffer->capacity > KEPT_CAPACITY) {
    safefree(buffer->bytes);
    buffer->bytes = NULL;
    buffer->capacity = 0;
  }
}

typedef enum { PUT, NOT_PLAIN, WIDE } put_result;

/* Adds the string form of a value. Unguarded, values whose string form may run code are left alone: NOT_PLAIN. */
static put_result put(pTHX_ byte_buffer *buffer, SV *value, bool guarded) {
  if (!value) return PUT;
  if (guarded)
    SvGETMAGIC(value);
  else if (SvGMAGICAL(value) || SvROK(value))
    return NOT_PLAIN;
  if (!SvOK(value)) return PUT;
  STRLEN count;
  const char *bytes = SvPV_nomg_const(value, count);
  bool is_utf8 = SvUTF8(value) != 0;
  U8 *octets = is_utf8 ? bytes_from_utf8((const U8 *)bytes, &count, &is_utf8) : (U8 *)bytes;
  if (is_utf8) return WIDE;
  memcpy(grow(buffer, count), octets, count);
  buffer->count += count;
  if (octets != (const U8 *)bytes) Safefree(octets);
  return PUT;
}

/* The array behind a reference. Unguarded, NULL with *plain false says that looking may run code. */
static AV *array_behind(pTHX_ SV *value, bool guarded, bool *plain) {
  *plain = true;
  if (!value) return NULL;
  if (!guarded && (SvGMAGICAL(value) || SvAMAGIC(value))) {
    *plain = false;
    return NULL;
  }
  if (guarded) {
    SvGETMAGIC(value);
    if (SvAMAGIC(value) && SvTYPE(SvRV(value)) != SVt_PVAV) value = amagic_deref_call(value, to_av_amg);
  }
  if (!SvROK(value) || SvTYPE(SvRV(value)) != SVt_PVAV) return NULL;
  *plain = guarded || !SvRMAGICAL(SvRV(value));
  return *plain ? (AV *)SvRV(value) : NULL;
}

static SV *element(pTHX_ AV *array, SSize_t index) {
  SV **found = av_fetch(array, index, 0);
  return found ? *found : NULL;
}

typedef enum { READ, NEEDS_GUARD } read_result;

static read_result read_headers(pTHX_ cp_response *response, AV *list, bool guarded) {
  SSize_t count = av_len(list) + 1;
  if (count % 2) {
    response->kind = CP_RESPONSE_ODD_HEADERS;
    return READ;
  }
  response->header_count = (size_t)count / 2;
  if (header_capacity < response->header_count) {
    header_capacity = response->header_count + 32;
    headers = (cp_header *)saferealloc(headers, header_capacity * sizeof *headers);
  }
  for (SSize_t index = 0; index < count; index += 2) {
    cp_header *header = &headers[index / 2];
    header->name = (uint32_t)head.count;
    put_result result = put(aTHX_ &head, element(aTHX_ list, index), guarded);
    header->value = (uint32_t)head.count;
    header->name_count = header->value - header->name;
    if (result == PUT) result = put(aTHX_ &head, element(aTHX_ list, index + 1), guarded);
    header->value_count = (uint32_t)head.count - header->value;
    if (result == NOT_PLAIN) return NEEDS_GUARD;
    if (result == WIDE) {
      response->kind = CP_RESPONSE_WIDE_HEADER;
      return READ;
    }
  }
  return READ;
}

static read_result read_array_body(pTHX_ cp_response *response, AV *list, bool guarded) {
  SSize_t count = av_len(list) + 1;
  response->kind = CP_RESPONSE_ARRAY;
  if (count == 1 && !guarded && !SvRMAGICAL(list)) {
    /* The usual body: one plain string, lent as it is. */
    SV *only = element(aTHX_ list, 0);
    if (only && SvPOK(only) && !SvUTF8(only) && !SvGMAGICAL(only) && !SvROK(only)) {
      response->body = SvPVX_const(only);
      response->body_count = SvCUR(only);
      return READ;
    }
  }
  for (SSize_t index = 0; index < count; index++) {
    switch (put(aTHX_ &body, element(aTHX_ list, index), guarded)) {
      case PUT: break;
      case NOT_PLAIN: return NEEDS_GUARD;
      case WIDE: response->kind = CP_RESPONSE_WIDE_BODY; return READ;
    }
  }
  response->body = body.bytes;
  response->body_count = body.count;
  return READ;
}

/* The IO of a glob, of a reference to one or of a reference to an IO; NULL if there is none or it is tied. */
static IO *plain_io(SV *value) {
  SV *target = SvROK(value) ? SvRV(value) : value;
  IO *io = NULL;
  if (isGV_with_GP(target))
    io = GvIOp((GV *)target);
  else if (SvTYPE(target) == SVt_PVIO)
    io = (IO *)target;
  return io && !SvRMAGICAL((SV *)io) ? io : NULL;
}

/* Whether an object reads its handle as IO::Handle does, so that the descriptor tells the same. */
static bool reads_plainly(pTHX_ SV *value) {
  if (!SvROK(value) || !SvOBJECT(SvRV(value)) || SvTYPE(SvRV(value)) == SVt_PVIO) return true;
  GV *own = gv_fetchmeth_pvn(SvSTASH(SvRV(value)), "getline", 7, 0, 0);
  HV *standard = gv_stashpvs("IO::Handle", 0);
  GV *theirs = standard ? gv_fetchmeth_pvn(standard, "getline", 7, 0, 0) : NULL;
  return own && theirs && GvCV(own) == GvCV(theirs);
}

/* Whether the bytes that perl would read are those of the file: no layer but the two that every file has. */
static bool has_plain_layers(PerlIO *file) {
  for (PerlIOl *layer = *file; layer; layer = layer->next) {
    if (layer->flags & PERLIO_F_UTF8) return false;
    if (!layer->tab || (strNE(layer->tab->name, "unix") && strNE(layer->tab->name, "perlio"))) return false;
  }
  return true;
}

/* The handle of a response that came out of temporaries: kept until the next response. */
static SV *kept_handle;

static void read_handle_body(pTHX_ cp_response *response, SV *value, bool guarded) {
  if (guarded) {
    SvREFCNT_dec(kept_handle);
    kept_handle = value = newSVsv(value);
  }
  response->handle = CP_OF(value);
  IO *io = plain_io(value);
  if (!io) {
    bool is_object = SvROK(value) && (SvOBJECT(SvRV(value)) || isGV_with_GP(SvRV(value)));
    response->kind = is_object || isGV_with_GP(value) ? CP_RESPONSE_OBJECT : CP_RESPONSE_BAD_BODY;
    return;
  }
  response->kind = CP_RESPONSE_OBJECT;
  PerlIO *file = IoIFP(io);
  struct stat about;
  if (!file || !PerlIOValid(file) || !has_plain_layers(file) || !reads_plainly(aTHX_ value)) return;
  response->fd = PerlIO_fileno(file);
  response->offset = PerlIO_tell(file);
  /* A size of 0 is what the files under /proc have, too: those are read. */
  if (response->fd < 0 || response->offset < 0 || fstat(response->fd, &about) != 0) return;
  if (!S_ISREG(about.st_mode) || about.st_size == 0) return;
  response->size = about.st_size;
  response->kind = CP_RESPONSE_FILE;
}

static read_result read_body(pTHX_ cp_response *response, SV *value, bool guarded) {
  bool plain;
  if (!value) {
    response->kind = CP_RESPONSE_BAD_BODY;
    return READ;
  }
  if (!guarded && SvGMAGICAL(value)) return NEEDS_GUARD;
  if (guarded) SvGETMAGIC(value);
  /* An object is asked for its lines even if it is made of an array. */
  if (SvROK(value) && !SvOBJECT(SvRV(value)) && SvTYPE(SvRV(value)) == SVt_PVAV) {
    AV *list = array_behind(aTHX_ value, guarded, &plain);
    return plain ? read_array_body(aTHX_ response, list, guarded) : NEEDS_GUARD;
  }
  read_handle_body(aTHX_ response, value, guarded);
  return READ;
}

static read_result read_response(pTHX_ SV *value, cp_response *response, bool guarded) {
  bool plain;
  empty(&head);
  empty(&body);
  Zero(response, 1, cp_response);
  response->kind = CP_RESPONSE_NONE;
  response->fd = -1;
  if (value && SvROK(value) && SvTYPE(SvRV(value)) == SVt_PVCV) {
    response->kind = CP_RESPONSE_DELAYED;
    return READ;
  }
  AV *parts = array_behind(aTHX_ value, guarded, &plain);
  if (!plain) return NEEDS_GUARD;
  SSize_t count = parts ? av_len(parts) + 1 : 0;
  if (count != 2 && count != 3) return READ;

  put_result result = put(aTHX_ &head, element(aTHX_ parts, 0), guarded);
  if (result == NOT_PLAIN) return NEEDS_GUARD;
  if (result == WIDE) return READ;
  response->status_count = (uint32_t)head.count;
  AV *list = array_behind(aTHX_ element(aTHX_ parts, 1), guarded, &plain);
  if (!plain) return NEEDS_GUARD;
  if (!list) {
    response->kind = CP_RESPONSE_BAD_HEADERS;
    return READ;
  }
  response->kind = CP_RESPONSE_OPEN;
  if (read_headers(aTHX_ response, list, guarded) == NEEDS_GUARD) return NEEDS_GUARD;
  if (response->kind == CP_RESPONSE_OPEN && count == 3)
    return read_body(aTHX_ response, element(aTHX_ parts, 2), guarded);
  return READ;
}

typedef struct {
  SV *value;
  cp_response *response;
} reading;

static void read_guarded(pTHX_ void *data) {
  reading *job = (reading *)data;
  (void)read_response(aTHX_ job->value, job->response, true);
}

cp_outcome cp_read_response(cp_sv *value, cp_response *response, cp_sv **error, int *status) {
  dTHX;
  cp_outcome outcome = CP_RETURNED;
  *error = NULL;
  if (read_response(aTHX_ SV_OF(value), response, false) == NEEDS_GUARD) {
    reading job = {SV_OF(value), response};
    outcome = cp_guard(aTHX_ read_guarded, &job, error, status);
  }
  response->bytes = head.bytes;
  response->headers = headers;
  return outcome;
}

const char *cp_octets(cp_sv *value, size_t *count) {
  dTHX;
  STRLEN length;
  if (SvUTF8(SV_OF(value)) && !sv_utf8_downgrade(SV_OF(value), TRUE)) return NULL;
  const char *bytes = SvPV_nomg_const(SV_OF(value), length);
  *count = length;
  return bytes;
}
