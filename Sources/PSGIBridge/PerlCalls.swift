import CPerl

/// The application called `exit`. perl has unwound all of its frames; the process can only leave.
struct Exit: Error {
  let status: Int32
}

/// What came out of a call into perl.
enum Called {
  /// A new value.
  case returned(OpaquePointer?)
  /// A new value, the error.
  case died(OpaquePointer)
}

/// Makes a ``Called`` of what a `cp_` function reported.
@inline(__always)
func called(_ outcome: cp_outcome, _ value: OpaquePointer?, _ status: Int32) throws(Exit) -> Called {
  switch outcome {
  case CP_RETURNED: return .returned(value)
  case CP_DIED: return .died(value ?? cp_new_bytes("unknown error\n", 14))
  default: throw Exit(status: status)
  }
}

/// Calls a code reference with one argument (borrowed).
@inline(__always)
func call(_ code: OpaquePointer, _ argument: OpaquePointer) throws(Exit) -> Called {
  var value: OpaquePointer?
  var status: Int32 = 0
  var argument = argument
  let outcome = cp_call(code, &argument, 1, &value, &status)
  // A child that the application has forked came back from its code: it is no worker, and must not answer as one.
  if cp_is_stray() { throw Exit(status: outcome == CP_EXITED ? status : outcome == CP_DIED ? 255 : 0) }
  return try called(outcome, value, status)
}

/// Calls a method without arguments.
func callMethod(_ name: StaticString, of invocant: OpaquePointer) throws(Exit) -> Called {
  var value: OpaquePointer?
  var status: Int32 = 0
  let spelling = UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
  return try called(cp_call_method(invocant, spelling, nil, 0, &value, &status), value, status)
}

/// Gives a reference back; destructors may run.
@inline(__always)
func release(_ value: OpaquePointer?) throws(Exit) {
  var status: Int32 = 0
  if cp_release_guarded(value, &status) == CP_EXITED { throw Exit(status: status) }
}

/// A new hash key.
func makeKey(_ name: StaticString) -> OpaquePointer { cp_new_key(name.utf8Start, name.utf8CodeUnitCount) }

/// A new byte string.
func makeString(_ text: StaticString) -> OpaquePointer { cp_new_bytes(text.utf8Start, text.utf8CodeUnitCount) }

/// A new byte string with a text's UTF-8.
func makeString(_ text: String) -> OpaquePointer {
  var text = text
  return text.withUTF8 { cp_new_bytes($0.baseAddress, $0.count) }
}

/// A new byte string.
@inline(__always)
func makeString(_ bytes: UnsafeRawBufferPointer) -> OpaquePointer { cp_new_bytes(bytes.baseAddress, bytes.count) }
