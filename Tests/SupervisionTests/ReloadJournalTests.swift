import ProcessProtocol
import ReloadModel
import Testing

@testable import Supervision

/// A machine and the journal that follows it, at a clock that tests set.
private struct Followed {
  var run = MachineRun()
  var journal = ReloadJournal()
  var now: UInt64 = 0
  var noticed: UInt64?
  var happenings: [ReloadJournal.Happening] = []

  /// As ``MachineRun/send(_:)``, one millisecond later for every event.
  mutating func send(_ event: GenerationMachine.Event) {
    var events = [event]
    while !events.isEmpty {
      let event = events.removeFirst()
      let actions = run.machine.handle(event)
      now += 1_000_000
      happenings += journal.observe(
        run.machine, after: event, actions, at: .init(clock: now, wall: Double(now) / 1e9), noticed: noticed)
      for action in actions {
        run.log.append(action)
        switch action {
        case .look(.candidate): events.append(.looked(.candidate(run.candidate.popLast() ?? .none)))
        case .look(.pin): events.append(.looked(.pin(run.pinned, former: run.former)))
        case .look: events.append(.looked(.running(run.running, rejected: run.rejected, base: .none)))
        case .promote: run.running = .none
        default: break
        }
      }
    }
  }

  mutating func load(_ files: [String], failing: LoadFailure? = nil) {
    let process = run.lastCandidate
    send(.forked(process))
    for file in files {
      let position = run.machine.candidate!.generation.trace.events.count
      send(.checkpointLeft(Checkpoint(position: position, process: run.machine.makeToken()), by: process))
      send(.traced(process, [began(file)]))
    }
    send(failing.map { .failed(process, $0) } ?? .loaded(process))
  }

  mutating func readyWorkers() {
    for worker in (run.machine.candidate?.generation.workers ?? [:]).keys { send(.workerReady(worker)) }
  }

  static func serving() -> Followed {
    var followed = Followed()
    followed.send(.start)
    followed.send(.baseReady(followed.run.base_, loaded: []))
    followed.load(["/a", "/b", "/c"])
    followed.readyWorkers()
    followed.happenings = []
    return followed
  }

  mutating func save(_ files: [String], at position: Int?) {
    run.running = Difference(files: files, position: position)
    send(.touched(respawning: []))
  }
}

@Suite struct Journal {
  @Test func firstStartIsAReloadToo() throws {
    let reload = try #require(Followed.serving().journal.reloads.first)
    #expect(reload.id == 1)
    #expect(reload.trigger == .start)
    #expect(reload.way == .coldStart)
    #expect(reload.verdict == .promoted)
    #expect(reload.loaded == ["/a", "/b", "/c"])
    #expect(reload.checkpoint == nil)
  }

  @Test func saveIsToldWithItsCheckpointAndWhatWasLoadedAgain() throws {
    var followed = Followed.serving()
    followed.save(["/b"], at: 1)
    followed.load(["/b", "/c"])
    followed.readyWorkers()
    let reload = try #require(followed.journal.reloads.last)
    #expect(reload.trigger == .save)
    #expect(reload.files == ["/b"])
    #expect(reload.way == .rewind)
    #expect(reload.checkpoint?.position == 1)
    #expect(reload.checkpoint?.file == "/b")
    #expect(reload.loaded == ["/b", "/c"])
    #expect(reload.generation == 2)
    #expect(followed.happenings.count == 2)
    #expect(followed.happenings.last == .promoted(reload))
  }

  @Test func phasesFollowEachOtherFromTheFirstTouch() throws {
    var followed = Followed.serving()
    followed.noticed = followed.now
    followed.save(["/b"], at: 1)
    followed.load(["/b", "/c"])
    followed.readyWorkers()
    let marks = try #require(followed.journal.reloads.last?.marks)
    let times = [marks.noticed, marks.began, marks.forked, marks.loaded, marks.ready, marks.ended].compactMap(\.self)
    #expect(times.count == 6)
    #expect(times == times.sorted())
    let phases = ControlDocument.Reload(followed.journal.reloads.last!).phases
    #expect(phases.total == Double((times[5] - times[0]) / 1_000_000))
    let sum = [phases.settle, phases.fork, phases.load, phases.workers, phases.promotion].compactMap(\.self).reduce(
      0, +)
    #expect(sum == phases.total)
  }

  @Test func rejectionIsToldWithItsFailure() {
    var followed = Followed.serving()
    followed.save(["/b"], at: 1)
    followed.load(["/b"], failing: syntaxError)
    guard case .rejected(let failure)? = followed.journal.reloads.last?.verdict else {
      Issue.record("\(String(describing: followed.journal.reloads.last))")
      return
    }
    #expect(failure.file == "/b")
    #expect(failure.line == 3)
    #expect(followed.happenings.contains { if case .rejected = $0 { true } else { false } })
  }

  @Test func voidCandidateIsAReloadOfItsOwnAndItsSuccessorHasTheSameReason() {
    var followed = Followed.serving()
    followed.journal.demandedBy = .control
    followed.send(.demanded)
    followed.run.candidate = []
    followed.readyWorkers()
    #expect(followed.journal.reloads.last?.trigger == .control)
    followed.save(["/b"], at: 1)
    followed.run.candidate = [Difference(files: ["/b"], position: 1)]
    followed.load(["/b", "/c"])
    #expect(followed.journal.reloads.suffix(2).map(\.verdict) == [.void, .underWay])
    #expect(followed.journal.reloads.suffix(2).map(\.trigger) == [.save, .save])
  }

  @Test func demandsAreOfWhoDemands() {
    var followed = Followed.serving()
    followed.send(.demanded)
    followed.readyWorkers()
    #expect(followed.journal.reloads.last?.trigger == .hangUp)
    followed.journal.demandedBy = .touchFile
    followed.send(.demanded)
    followed.readyWorkers()
    #expect(followed.journal.reloads.last?.trigger == .touchFile)
    #expect(followed.journal.reloads.last?.way == .respawn)
    #expect(followed.journal.reloads.last?.loadedAs == 1)
    followed.send(.demanded)
    #expect(followed.journal.current?.trigger == .hangUp)
  }

  @Test func rollBackIsAReloadByControl() {
    var followed = Followed.serving()
    followed.save(["/b"], at: 1)
    followed.load(["/b", "/c"])
    followed.readyWorkers()
    followed.send(.rollBackDemanded)
    followed.readyWorkers()
    #expect(followed.journal.reloads.last?.way == .rollBack)
    #expect(followed.journal.reloads.last?.trigger == .control)
    #expect(followed.journal.reloads.last?.loadedAs == 1)
    #expect(followed.journal.lastPromotion?.generation == 3)
  }

  @Test func forgettingARejectionIsTold() {
    var followed = Followed.serving()
    followed.save(["/b"], at: 1)
    followed.load(["/b"], failing: syntaxError)
    followed.run.running = .none
    followed.run.rejected = Difference(files: ["/b"], position: 1)
    followed.send(.touched(respawning: []))
    #expect(followed.happenings.last == .forgiven(generation: 1))
  }

  @Test func refusalIsTold() {
    var followed = Followed.serving()
    followed.send(.rollBackDemanded)
    #expect(followed.happenings.count == 1)
    #expect(followed.happenings.contains { if case .refused = $0 { true } else { false } })
  }

  @Test func socketsBelongToTheCurrentLoad() {
    var followed = Followed.serving()
    let socket = LoadSummary.SharedSocket(file: "/db", description: "127.0.0.1:5432")
    followed.journal.note([socket])
    #expect(followed.journal.reloads.last?.sockets == [])
    followed.save(["/b"], at: 1)
    followed.journal.note([socket])
    #expect(followed.journal.reloads.last?.sockets == [socket])
  }

  @Test func remembersTheLastHundred() {
    var followed = Followed.serving()
    for _ in 0..<120 {
      followed.send(.demanded)
      followed.readyWorkers()
    }
    #expect(followed.journal.reloads.count == ReloadJournal.capacity)
    #expect(followed.journal.reloads.last?.id == 121)
  }
}
