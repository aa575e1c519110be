import CLinux
import Glibc
import ReloadModel

/// Who patches, and how that went last: an entry for each interpreter of this process and of those that are forked from it, in
/// memory that all of them share. Whoever finds no place is not on it.
final class SharedRoll: @unchecked Sendable {
  private static let places = 512
  /// Of an entry: the process (0: the place is free), its generation, when it has patched last, and how that went.
  private static let words = 4
  private let memory: UnsafeMutableRawPointer

  /// How a patch went.
  enum Outcome: UInt64 { case none, loaded, failed, refused, waiting }

  init?() {
    guard let memory = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0),
      memory != MAP_FAILED
    else { return nil }
    self.memory = memory
  }

  deinit { munmap(memory, Self.size) }

  /// A place for an interpreter of this process; nil if there is none left. Those of dead processes are given to others.
  func take(generation: Int) -> Int? {
    for place in 0..<Self.places {
      let holder = cl_load64(word(place, 0))
      guard holder == 0 || isGone(holder), cl_swap64(word(place, 0), holder, UInt64(getpid())) else { continue }
      note(.none, generation: generation, at: 0, place)
      return place
    }
    return nil
  }

  /// Notes how a patch went; `time` in seconds since the epoch.
  func note(_ outcome: Outcome, generation: Int, at time: Int64, _ place: Int) {
    cl_store64(word(place, 1), UInt64(generation))
    cl_store64(word(place, 2), UInt64(time))
    cl_store64(word(place, 3), outcome.rawValue)
  }

  /// The interpreter ends. A process that was forked from its own does not give its place away.
  func leave(_ place: Int) { _ = cl_swap64(word(place, 0), UInt64(getpid()), 0) }

  /// Every interpreter that is there: process, generation, when it has patched last (seconds since the epoch; 0: never), how that went.
  var entries: [(process: Int32, generation: Int, time: Int64, outcome: Outcome)] {
    (0..<Self.places).compactMap { place in
      let holder = cl_load64(word(place, 0))
      guard holder != 0, !isGone(holder) else { return nil }
      return (
        Int32(holder), Int(cl_load64(word(place, 1))), Int64(cl_load64(word(place, 2))),
        Outcome(rawValue: cl_load64(word(place, 3))) ?? .none
      )
    }
  }

  private static let size = places * words * 8

  private func isGone(_ process: UInt64) -> Bool { kill(pid_t(process), 0) != 0 && errno == ESRCH }

  private func word(_ place: Int, _ number: Int) -> UnsafeMutablePointer<UInt64> {
    (memory + (place * Self.words + number) * 8).assumingMemoryBound(to: UInt64.self)
  }
}

/// The place of an interpreter on the roll.
enum RollPlace {
  /// Nobody has looked for one in this process.
  case unknown
  /// There was none left.
  case missing
  case taken(Int)
}

extension SharedRoll.Outcome {
  init(_ report: PatchReport) {
    if report.isDone {
      self = .loaded
    } else if report.failure != nil {
      self = .failed
    } else {
      self = report.refusals.isEmpty ? .waiting : .refused
    }
  }
}
