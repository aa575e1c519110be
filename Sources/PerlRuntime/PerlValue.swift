// The rooms above use perl's values as opaque pointers where a request must not pay for more.
@_exported public import CPerl

/// A value of the living interpreter. Holds one reference and gives it back at the end of its life.
public struct PerlValue: ~Copyable {
  /// perl's `SV`.
  public let pointer: OpaquePointer

  /// Takes over a reference that the caller owns ("new" in CPerl's words).
  public init(owning pointer: OpaquePointer) { self.pointer = pointer }

  /// Takes a reference of its own to a borrowed value.
  public init(sharing pointer: OpaquePointer) {
    cp_retain(pointer)
    self.pointer = pointer
  }

  deinit { cp_release(pointer) }

  /// The string form of any value; bytes that are not UTF-8 are replaced.
  public var text: String { PerlValue.text(of: pointer) }

  /// The string form of a borrowed value. An object's own code runs guarded.
  public static func text(of pointer: OpaquePointer) -> String {
    let text = PerlValue(owning: cp_new_text(pointer))
    var count = 0
    let bytes = cp_bytes(text.pointer, &count)
    return String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
  }

  /// Whether it is a reference to a sub.
  public var isCodeReference: Bool { cp_is_code_reference(pointer) }
}

/// How a call into perl came back.
public enum PerlOutcome: ~Copyable {
  /// It returned this.
  case returned(PerlValue)
  /// It died with this error.
  case died(PerlValue)
  /// It called `exit` with this status. perl's stacks are unwound: only ``Perl/leave(status:destructing:)`` may follow.
  case exited(status: Int32)
}

/// How a sub came back that was called for what it does.
public enum PerlEnd: Equatable, Sendable {
  /// It returned.
  case returned
  /// It died with an error of this text.
  case died(message: String)
  /// It called `exit` with this status. perl's stacks are unwound; other subs can be called.
  case exited(status: Int32)
}
