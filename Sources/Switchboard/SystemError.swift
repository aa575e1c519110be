import Glibc

/// A system call that failed: what was tried, and the kernel's reason.
public struct SystemError: Error, Equatable, CustomStringConvertible {
  /// The `errno` of the failed call.
  public var code: Int32
  /// What was tried, as it reads after "cannot": `accept a connection on port 5000`.
  public var attempt: String

  /// An error with this `errno`.
  public init(_ attempt: String, code: Int32) {
    self.code = code
    self.attempt = attempt
  }

  /// An error with the `errno` of the last call.
  public init(_ attempt: String) { self.init(attempt, code: errno) }

  /// One sentence: `cannot make an epoll descriptor: Too many open files`.
  public var description: String { "cannot \(attempt): \(Self.reason(code))" }

  /// The kernel's words for an `errno`.
  public static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
}
