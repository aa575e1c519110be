import Foundation
import Testing

/// Lets at most two tests of the suites that carry it run at once: each starts a server with processes of its own, and
/// a machine for tests often has two cores.
struct Lane: SuiteTrait, TestTrait, TestScoping {
  private static let gate = Gate(width: 2)

  var isRecursive: Bool { true }

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    await Self.gate.enter()
    do {
      try await function()
    } catch {
      await Self.gate.leave()
      throw error
    }
    await Self.gate.leave()
  }
}

extension Trait where Self == Lane {
  /// See ``Lane``.
  static var lane: Lane { Lane() }
}

extension Trait where Self == ConditionTrait {
  /// A test that takes more than a few seconds; `make test-fast` leaves it out.
  static var slow: Self {
    .disabled(if: ProcessInfo.processInfo.environment["NACRE_TESTS"] == "fast", "slow: `make test` runs it")
  }
}

/// Admits so many at a time, the rest in the order in which they came.
private actor Gate {
  private var free: Int
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(width: Int) { free = width }

  func enter() async {
    if free > 0 {
      free -= 1
    } else {
      await withCheckedContinuation { waiting.append($0) }
    }
  }

  func leave() {
    if waiting.isEmpty {
      free += 1
    } else {
      waiting.removeFirst().resume()
    }
  }
}
