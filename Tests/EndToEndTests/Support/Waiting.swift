import Foundation
import Glibc
import Testing

/// A test that cannot go on, with the reason.
struct Stuck: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) { self.description = description }
}

/// Looks every few milliseconds until the condition holds or so many seconds have passed; whether it held.
///
/// The bound is generous: it decides when a broken server fails the test, never how fast a good one must be.
func eventually(within seconds: Double = 30, _ condition: () throws -> Bool) rethrows -> Bool {
  let end = ContinuousClock.now + .seconds(seconds)
  while true {
    if try condition() { return true }
    if ContinuousClock.now > end { return false }
    usleep(5_000)
  }
}

/// The first value that is not nil, looked for as in ``eventually(within:_:)``.
func firstValue<Value>(within seconds: Double = 30, _ look: () throws -> Value?) throws -> Value {
  var found: Value?
  guard
    try eventually(
      within: seconds,
      {
        found = try look()
        return found != nil
      }), let found
  else { throw Stuck("nothing came within \(seconds) seconds") }
  return found
}
