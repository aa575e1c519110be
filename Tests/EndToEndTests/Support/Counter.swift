import Synchronization

/// A number that several threads count up.
final class Counter: Sendable {
  private let value: Mutex<Int>

  init(_ start: Int = 0) { value = Mutex(start) }

  /// Counts one up; what it was before.
  @discardableResult
  func increment() -> Int {
    value.withLock { value in
      defer { value += 1 }
      return value
    }
  }

  /// Counts more up; what it is then.
  func add(_ more: Int) -> Int {
    value.withLock { value in
      value += more
      return value
    }
  }

  /// What it is now.
  var current: Int { value.withLock { $0 } }
}
