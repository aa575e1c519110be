import CLinux
import Foundation
import Glibc
import Synchronization
import Testing

/// Many reloads while clients ask without a pause.
@Suite(.lane) struct LoadTests {
  private static let reloads = 100

  private func part(_ generation: Int) -> String { "package Part; sub generation { \(generation) } 1;" }

  private func site() throws -> Site {
    try Site([
      "app.psgi": """
      use strict; use warnings; use Part;
      sub {
        my $env = shift;
        my ($body, $sum) = ('', 0);
        if (my $length = $env->{CONTENT_LENGTH}) { $env->{'psgi.input'}->read($body, $length) }
        $sum = unpack '%32C*', $body;
        [200, ['Content-Type' => 'text/plain'], [join ' ', Part::generation(), length $body, $sum]];
      };
      """,
      "lib/Part.pm": part(0),
    ])
  }

  @Test(.slow, arguments: [ServerOptions.development, .production])
  func aHundredReloadsUnderLoadLoseNoRequestAndNeverGoBack(_ options: ServerOptions) throws {
    let site = try site()
    try site.serve(options) { server in
      #expect(try server.text() == "0 0 0")
      let clients = Clients(port: server.port)
      var saved: [UInt64] = [0]
      for generation in 1...Self.reloads {
        let save = generation % 2 == 0 ? site.write : site.replace
        try save("lib/Part.pm", part(generation))
        saved.append(now())
        guard eventually(within: 60, { clients.newest >= generation || clients.failed }) else {
          throw Stuck("generation \(generation) answered nobody")
        }
      }
      let answers = clients.stop()
      #expect(clients.failures.isEmpty, "\(clients.failures.prefix(5))\n\(server)")
      for kind in Clients.Kind.allCases {
        #expect(answers.contains { $0.kind == kind }, "no answer to \(kind)")
      }
      #expect(
        overtaken(answers).isEmpty, "an older generation answered after a newer one: \(overtaken(answers).prefix(5))")
      if options.environment == "development" {
        let stale = answers.filter { $0.generation < Self.reloads && $0.sent > saved[$0.generation + 1] }
        #expect(stale.isEmpty, "requests sent after a save got the code before it: \(stale.prefix(5))")
      }
    }
  }

  @Test(.slow) func fiftyReloadsUnder256ConnectionsFailNoRequest() throws {
    let site = try site()
    try site.serve(.production) { server in
      #expect(try server.text() == "0 0 0")
      var generation = 0
      while generation < 50 {
        try server.whileAsked(20_480, .tcp, ["-c", "256"]) {
          generation += 1
          try site.replace("lib/Part.pm", part(generation))
          #expect(server.logs("generation \(generation + 1) by", within: 120), "\(server)")
        }
      }
      #expect(try server.text() == "\(generation) 0 0", "\(server)")
    }
  }

  /// The answers to requests that were sent after the first answer of a newer generation had come.
  private func overtaken(_ answers: [Clients.Answer]) -> [Clients.Answer] {
    var first = [UInt64](repeating: .max, count: Self.reloads + 2)
    for answer in answers { first[answer.generation] = min(first[answer.generation], answer.received) }
    // From here on: when this generation or a newer one had first answered.
    for generation in (0...Self.reloads).reversed() {
      first[generation] = min(first[generation], first[generation + 1])
    }
    return answers.filter { $0.sent > first[$0.generation + 1] }
  }
}

/// Nanoseconds of the clock that only goes forward.
private func now() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Eight clients, two of each kind, each in a thread of its own.
private final class Clients: Sendable {
  enum Kind: CaseIterable { case keptGet, keptPost, closedGet, closedPost }

  /// One answer: when its request was begun to be sent, when its head had come, and whose it was.
  struct Answer: Sendable {
    var kind: Kind
    var sent: UInt64
    var received: UInt64
    var generation: Int
  }

  private struct State {
    var stopped = false
    var running = 0
    var answers: [Answer] = []
    var failures: [String] = []
    var newest = 0
  }
  private let state = Mutex(State())
  private let port: UInt16

  init(port: UInt16) {
    self.port = port
    for number in 0..<8 {
      state.withLock { $0.running += 1 }
      Thread { [self] in
        run(Kind.allCases[number % 4], size: 100 + number * 700)
        state.withLock { $0.running -= 1 }
      }.start()
    }
  }

  /// The newest generation that has answered.
  var newest: Int { state.withLock { $0.newest } }
  var failed: Bool { state.withLock { !$0.failures.isEmpty } }
  var failures: [String] { state.withLock { $0.failures } }

  /// Ends the clients after their requests in hand, and tells what they got.
  func stop() -> [Answer] {
    state.withLock { $0.stopped = true }
    _ = eventually(within: 90) { state.withLock { $0.running == 0 } }
    return state.withLock { $0.answers }
  }

  private func run(_ kind: Kind, size: Int) {
    let body = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
    do {
      var connection: Connection?
      while !state.withLock({ $0.stopped }) {
        let current = try connection ?? Connection(port: port)
        try ask(current, kind, body)
        connection = kind == .keptGet || kind == .keptPost ? current : nil
      }
    } catch {
      state.withLock { $0.failures.append("\(kind): \(error)") }
    }
  }

  private func ask(_ connection: Connection, _ kind: Kind, _ body: [UInt8]) throws {
    let posts = kind == .keptPost || kind == .closedPost
    let sent = now()
    try connection.request(
      posts ? "POST" : "GET", "/", headers: kind == .closedGet || kind == .closedPost ? ["Connection: close"] : [],
      body: posts ? body : nil)
    let response = try connection.response()
    let received = now()
    let words = response.text.split(separator: " ").compactMap { Int($0) }
    let expected = posts ? [body.count, body.reduce(0) { $0 + Int($1) }] : [0, 0]
    guard response.status == 200, words.count == 3, Array(words.dropFirst()) == expected else {
      throw Stuck("\(response.status) \(response.text)")
    }
    state.withLock {
      $0.answers.append(Answer(kind: kind, sent: sent, received: received, generation: words[0]))
      $0.newest = max($0.newest, words[0])
    }
  }
}
