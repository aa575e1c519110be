/// What a PSGI worker needs of perl: the environment's hash, input handles, reading an application's response, and
/// the subs that a delayed response is given through.
#ifndef NACRE_CPERL_PSGI_H
#define NACRE_CPERL_PSGI_H

#include "cperl_call.h"
#include "cperl_value.h"

// MARK: The environment

/// Loads what input handles and bodies need (PerlIO::scalar, IO::File) and compiles the helpers, once per process
/// tree: a fork inherits it. Else as `cp_call`; the value, if any, is new.
cp_outcome cp_psgi_prepare(cp_sv *_Nullable *_Nonnull value, int *_Nonnull status);

/// New hash key: a string in perl's table of shared strings, with its hash at hand.
cp_sv *_Nonnull cp_new_key(const void *_Nonnull bytes, size_t count);
/// New empty hash with room for `count` keys.
cp_sv *_Nonnull cp_new_hash(size_t count);
/// New hash with copies of the elements of `hash`, a plain one.
cp_sv *_Nonnull cp_copy_hash(cp_sv *_Nonnull hash);
/// Stores `value` under `key` in a plain hash; takes over the reference to `value`.
void cp_hash_put(cp_sv *_Nonnull hash, cp_sv *_Nonnull key, cp_sv *_Nonnull value);
/// Stores bytes under `key` in a plain hash, or adds them behind `separator` to the string that is there.
void cp_hash_join(
    cp_sv *_Nonnull hash, cp_sv *_Nonnull key, const char *_Nonnull separator, const void *_Nullable bytes,
    size_t count);
/// The element of a hash: borrowed, or NULL (also if the hash has been tied since).
cp_sv *_Nullable cp_hash_get(cp_sv *_Nonnull hash, cp_sv *_Nonnull key);
/// Whether the element is true, asked without running any code: a reference is.
bool cp_hash_is_true(cp_sv *_Nonnull hash, cp_sv *_Nonnull key);
/// New reference to `target`, whose own reference it takes over.
cp_sv *_Nonnull cp_new_reference_taking(cp_sv *_Nonnull target);
/// What a reference refers to: borrowed.
cp_sv *_Nonnull cp_referent(cp_sv *_Nonnull reference);
/// New array with these two integers.
cp_sv *_Nonnull cp_new_pair(int64_t first, int64_t second);
/// New empty array.
cp_sv *_Nonnull cp_new_array(void);
/// The number of elements of an array, if `value` is a reference to a plain one; else 0.
size_t cp_array_count(cp_sv *_Nullable value);
/// The element at `index`: borrowed, or NULL.
cp_sv *_Nullable cp_array_at(cp_sv *_Nonnull reference, size_t index);
/// New reference to the glob `*main::STDERR`.
cp_sv *_Nonnull cp_new_standard_error(void);

/// New string of no bytes with room for `capacity`, to be filled in place through `*memory` and then given its
/// length with `cp_set_count`.
cp_sv *_Nonnull cp_new_room(size_t capacity, char *_Nullable *_Nonnull memory);
void cp_set_count(cp_sv *_Nonnull string, size_t count);
/// New handle (a reference to an anonymous glob) that reads `string`, whose reference it takes over; NULL if perl
/// could not open it.
cp_sv *_Nullable cp_new_string_handle(cp_sv *_Nonnull string);
/// New handle that reads the descriptor and closes it; NULL (and the descriptor is closed) if perl could not.
cp_sv *_Nullable cp_new_descriptor_handle(int fd);
/// New reference to what `reference` refers to.
cp_sv *_Nonnull cp_copy_reference(cp_sv *_Nonnull reference);
/// Whether a handle made here is still open.
bool cp_handle_is_open(cp_sv *_Nonnull handle);
/// Puts a handle made here back to its first byte.
void cp_handle_rewind(cp_sv *_Nonnull handle);

/// A value for `psgix.io`: when the application first looks at it, it becomes the socket that the hook `connection` gives for
/// this request, or stays undefined. Takes over `before`, the value for an earlier request, which it is if nobody else has that.
/// The reference is the caller's.
cp_sv *_Nonnull cp_lend_connection(cp_sv *_Nullable before, uint64_t serial);
/// New code reference, for `psgix.informational`.
cp_sv *_Nonnull cp_new_informer(void);

// MARK: Calls

/// Gives one reference back. Destructors run here, and one that calls `exit` passes no Swift frame: CP_RETURNED or
/// CP_EXITED.
cp_outcome cp_release_guarded(cp_sv *_Nullable value, int *_Nonnull status);
/// Runs the handlers of signals that came while perl was not looking. Else as `cp_call`.
cp_outcome cp_run_signals(cp_sv *_Nullable *_Nonnull value, int *_Nonnull status);

/// Prints an error, with a line end, to a stream that has `print` (both borrowed): as `cp_call`.
cp_outcome cp_print_error(
    cp_sv *_Nonnull errors, cp_sv *_Nonnull error, cp_sv *_Nullable *_Nonnull value, int *_Nonnull status);
/// Prints an error (borrowed) to STDERR, whatever it is made of.
void cp_warn(cp_sv *_Nonnull error);

// MARK: Responses

typedef enum {
  /// Three elements, the body an array: its bytes are joined.
  CP_RESPONSE_ARRAY,
  /// Three elements, the body a plain handle of a regular file.
  CP_RESPONSE_FILE,
  /// Three elements, the body anything else that may have `getline`.
  CP_RESPONSE_OBJECT,
  /// Two elements: the body is to be written.
  CP_RESPONSE_OPEN,
  /// A sub: the response is delayed.
  CP_RESPONSE_DELAYED,
  // What follows is no response.
  CP_RESPONSE_NONE,
  CP_RESPONSE_BAD_HEADERS,
  CP_RESPONSE_ODD_HEADERS,
  CP_RESPONSE_WIDE_HEADER,
  CP_RESPONSE_WIDE_BODY,
  CP_RESPONSE_BAD_BODY,
} cp_response_kind;

/// One header: offsets into `cp_response.bytes`.
typedef struct {
  uint32_t name, name_count, value, value_count;
} cp_header;

/// A response as plain bytes. Everything is borrowed, from buffers that the next `cp_read_response` uses again and
/// from the response itself.
typedef struct {
  cp_response_kind kind;
  const char *_Nullable bytes;
  const cp_header *_Nullable headers;
  size_t header_count;
  /// The status, as a string.
  uint32_t status, status_count;
  /// CP_RESPONSE_ARRAY: the whole body.
  const char *_Nullable body;
  size_t body_count;
  /// CP_RESPONSE_FILE and CP_RESPONSE_OBJECT: the body.
  cp_sv *_Nullable handle;
  /// CP_RESPONSE_FILE: its descriptor (perl's), where the handle stands in it, and the file's size.
  int fd;
  int64_t offset, size;
} cp_response;

/// Reads what an application returned or gave its responder. Magical and overloaded values are asked for their
/// strings, hence the outcome; after CP_DIED `*error` is new.
cp_outcome cp_read_response(
    cp_sv *_Nullable value, cp_response *_Nonnull response, cp_sv *_Nullable *_Nonnull error, int *_Nonnull status);

/// The next piece of a body: as `cp_call`; an undefined value is the end.
cp_outcome cp_body_next(cp_sv *_Nonnull handle, cp_sv *_Nullable *_Nonnull value, int *_Nonnull status);
/// The file that a body says it is (its method `path`): as `cp_call`; an empty string if it says nothing.
cp_outcome cp_body_path(cp_sv *_Nonnull handle, cp_sv *_Nullable *_Nonnull value, int *_Nonnull status);
/// The bytes of a plain string that this process owns; NULL if it holds wide characters. Borrowed.
const char *_Nullable cp_octets(cp_sv *_Nonnull value, size_t *_Nonnull count);

// MARK: Delayed responses

/// What a hook tells the sub that called it.
typedef enum {
  CP_HOOK_DONE = 0,
  /// The responder gives the application a writer.
  CP_HOOK_WRITER,
  /// Throw `error`, as it is or (a sentence without an end) with the place of the call.
  CP_HOOK_THROW,
  CP_HOOK_THROW_WITH_PLACE,
  /// The application called `exit` below the hook: go on leaving.
  CP_HOOK_EXIT,
} cp_hook_kind;

typedef struct {
  cp_hook_kind kind;
  /// New, or NULL.
  cp_sv *_Nullable error;
  int status;
} cp_hook_result;

typedef struct {
  /// The application calls the responder of request `serial` with this response (borrowed).
  cp_hook_result (*_Nonnull respond)(uint64_t serial, cp_sv *_Nonnull response);
  cp_hook_result (*_Nonnull write)(uint64_t serial, const char *_Nonnull bytes, size_t count);
  cp_hook_result (*_Nonnull close)(uint64_t serial);
  /// The application looks at the connection of request `serial`: a new descriptor of it, or -1.
  int (*_Nonnull connection)(uint64_t serial);
  /// The application sends an informational response, of two elements (borrowed).
  cp_hook_result (*_Nonnull inform)(cp_sv *_Nonnull response);
} cp_psgi_hooks;

void cp_set_psgi_hooks(cp_psgi_hooks hooks);
/// New code reference: the responder of request `serial`.
cp_sv *_Nonnull cp_new_responder(uint64_t serial);

#endif
