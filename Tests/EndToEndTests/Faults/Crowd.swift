import CLinux
import Foundation
import Glibc
import Synchronization

/// Clients that ask without a pause while something goes wrong, and check every answer: two of each kind, each in a
/// thread of its own. They ask an application that answers as ``FaultSite`` does.
final class Crowd: Sendable {
  enum Kind: CaseIterable { case keptGet, keptPost, closedGet, closedPost }

  /// One answer: when its request was begun to be sent, when its head had come, and whose it was.
  private struct Answer {
    var sent: UInt64
    var received: UInt64
    var generation: Int
  }

  private struct State {
    var isStopped = false
    var running = 0
    var answers: [Answer] = []
    /// Answers that nobody may get.
    var wrong: [String] = []
    /// 502, or a connection that was closed without an answer: what the end of a worker costs.
    var lost: [String] = []
    /// Refusals with a reason: 503, 504, 507.
    var refused: [String] = []
    var newest = 0
  }

  private let state = Mutex(State())
  private let port: UInt16

  init(port: UInt16, clients: Int = 8) {
    self.port = port
    for number in 0..<clients {
      state.withLock { $0.running += 1 }
      Thread { [self] in
        run(Kind.allCases[number % 4], size: 100 + number * 9_000)
        state.withLock { $0.running -= 1 }
      }.start()
    }
  }

  /// The newest generation that has answered.
  var newest: Int { state.withLock { $0.newest } }
  /// How many answers there were.
  var count: Int { state.withLock { $0.answers.count } }

  /// Waits until each client has been answered since now.
  func goesOn(within seconds: Double = 30) -> Bool {
    let before = count
    return eventually(within: seconds) { count > before + 16 }
  }

  /// What came of it all.
  struct Outcome: CustomStringConvertible {
    var answers: Int
    var wrong: [String]
    var lost: [String]
    var refused: [String]
    /// Answers of older generations to requests that were sent after a newer one had answered.
    var overtaken: Int
    /// Clients that have not come to an end.
    var stuck: Int

    var description: String {
      "\(answers) answers, \(overtaken) overtaken, \(stuck) stuck; wrong: \(wrong.prefix(5)); lost: \(lost.count) "
        + "\(lost.prefix(5)); refused: \(refused.count) \(refused.prefix(5))"
    }
  }

  /// Ends the clients after their requests in hand, and tells what they got.
  func stop(within seconds: Double = 90) -> Outcome {
    state.withLock { $0.isStopped = true }
    _ = eventually(within: seconds) { state.withLock { $0.running == 0 } }
    return state.withLock {
      Outcome(
        answers: $0.answers.count, wrong: $0.wrong, lost: $0.lost, refused: $0.refused,
        overtaken: Self.overtaken($0.answers), stuck: $0.running)
    }
  }

  private static func overtaken(_ answers: [Answer]) -> Int {
    let most = answers.map(\.generation).max() ?? 0
    var first = [UInt64](repeating: .max, count: most + 2)
    for answer in answers { first[answer.generation] = min(first[answer.generation], answer.received) }
    for generation in (0...most).reversed() { first[generation] = min(first[generation], first[generation + 1]) }
    return answers.count { $0.sent > first[$0.generation + 1] }
  }

  private func run(_ kind: Kind, size: Int) {
    let body = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
    var connection: Connection?
    while !state.withLock({ $0.isStopped }) {
      do {
        let current = try connection ?? Connection(port: port)
        let isGood = try ask(current, kind, body)
        connection = isGood && (kind == .keptGet || kind == .keptPost) ? current : nil
      } catch {
        connection = nil
        state.withLock { $0.lost.append("\(kind): \(error)") }
        // One that is refused would be lost a thousand times a second.
        usleep(10_000)
      }
    }
  }

  /// Asks once; false if the connection is not to be used again.
  private func ask(_ connection: Connection, _ kind: Kind, _ body: [UInt8]) throws -> Bool {
    let posts = kind == .keptPost || kind == .closedPost
    let sent = monotonic()
    try connection.request(
      posts ? "POST" : "GET", "/", headers: kind == .closedGet || kind == .closedPost ? ["Connection: close"] : [],
      body: posts ? body : nil)
    let response = try connection.response()
    let received = monotonic()
    if response.status == 502 { throw Stuck("502 \(response.text)") }
    if [503, 504, 507].contains(response.status) {
      state.withLock { $0.refused.append("\(response.status) \(response.text.prefix(80))") }
      return false
    }
    let words = response.text.split(separator: " ").compactMap { Int($0) }
    let expected = posts ? [body.count, body.reduce(0) { $0 + Int($1) } % 65_536] : [0, 0]
    guard response.status == 200, words.count == 3, Array(words.dropFirst()) == expected else {
      state.withLock { $0.wrong.append("\(kind): \(response.status) \(response.text.prefix(300))") }
      return false
    }
    state.withLock {
      $0.answers.append(Answer(sent: sent, received: received, generation: words[0]))
      $0.newest = max($0.newest, words[0])
    }
    return response["Connection"]?.lowercased() != "close"
  }
}

/// Nanoseconds of the clock that only goes forward.
func monotonic() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
