import ProcessProtocol
import ReloadModel
import Testing

@testable import Supervision

private let millisecond: UInt64 = 1_000_000
private let loader = ProcessToken(number: 9)

/// A reload that was noticed at 10 ms and over at 60 ms; its process loaded a file that loads another and a library.
private func reload() -> ReloadJournal.Reload {
  var marks = ReloadJournal.Marks(noticed: 10 * millisecond, settled: 12 * millisecond, began: 14 * millisecond)
  (marks.forked, marks.loaded) = (20 * millisecond, 40 * millisecond)
  (marks.ready, marks.ended) = (55 * millisecond, 60 * millisecond)
  var reload = ReloadJournal.Reload(
    id: 2, trigger: .save, at: 1, generation: 2, loadedAs: 2, way: .rewind, files: ["/b"], marks: marks, loader: loader)
  reload.timeline = LoadTimeline(
    pid: 70,
    spans: [
      .init(.fork, start: 14_100, duration: 2000), .init(.reopen, start: 16_100, duration: 300),
      .init(.source, file: "/c", start: 20_000, duration: 5000),
      .init(.library, file: "/usr/share/perl/Y.pm", start: 27_000, duration: 1000),
      .init(.library, file: "/usr/share/perl/X.pm", start: 26_000, duration: 4000),
      .init(.source, file: "/b", start: 18_000, duration: 20_000), .init(.load, start: 16_400, duration: 22_000),
    ])
  reload.workers = [
    .init(pid: 71, ordered: 41 * millisecond, forked: 45 * millisecond, ready: 54 * millisecond),
    .init(pid: 72, ordered: 41 * millisecond, forked: 47 * millisecond, ready: 57 * millisecond),
  ]
  return reload
}

@Suite struct Timelines {
  @Test func tellEveryStepWithItsProcess() {
    let timeline = ControlDocument.Timeline(reload(), nacre: 1)
    #expect(timeline.start == 10_000)
    #expect(
      timeline.steps.map(\.name) == ["settle", "decide", "fork", "re-open", "load", "worker", "worker", "promote"])
    #expect(timeline.steps.map(\.pid) == [1, 1, 70, 70, 70, 71, 72, 1])
    #expect(timeline.steps[0] == .init(name: "settle", pid: 1, start: 10_000, duration: 2000))
    #expect(timeline.steps[7] == .init(name: "promote", pid: 1, start: 55_000, duration: 5000))
  }

  @Test func tellFilesInTheOrderOfTheLoadAndSumLibraries() {
    let timeline = ControlDocument.Timeline(reload(), nacre: 1)
    #expect(timeline.files.map(\.name) == ["/b", "/c"])
    // What a library loads is in its own time already.
    #expect(timeline.libraries == .init(count: 2, duration: 4000))
  }

  @Test func phasesAddUpToTheWhole() throws {
    let phases = ControlDocument.Reload(reload()).phases
    let parts = [phases.settle, phases.decide, phases.fork, phases.load, phases.workers, phases.promotion]
    #expect(parts.compactMap(\.self).count == 6)
    #expect(parts.compactMap(\.self).reduce(0, +) == phases.total)
  }

  @Test func areLeftOutOfEvents() {
    #expect(ControlDocument.Reload(reload(), isShort: true).timeline == nil)
    #expect(ControlDocument.Reload(reload()).timeline != nil)
  }

  @Test func workersThatTakeThePlaceOfOthersLaterAreNoPartOfThem() {
    var followed = ReloadJournal()
    var run = MachineRun()
    let actions = run.machine.handle(.start)
    _ = followed.observe(run.machine, after: .start, actions, at: .init(clock: 5, wall: 0), noticed: nil)
    followed.note(.init(pid: 7, ordered: 6, forked: 7, ready: 8), of: 1)
    followed.note(.init(pid: 8, ordered: 6, forked: 7, ready: 8), of: 2)
    #expect(followed.reloads.last?.workers.map(\.pid) == [7])
  }

  @Test func partsOfALoadAreOneTimeline() throws {
    var followed = ReloadJournal()
    var run = MachineRun()
    let actions = run.machine.handle(.start)
    _ = followed.observe(run.machine, after: .start, actions, at: .init(clock: 5, wall: 0), noticed: nil)
    let process = try #require(run.machine.candidate?.process)
    followed.note(LoadTimeline(pid: 7, spans: [.init(.fork, start: 1, duration: 1)]), of: process)
    followed.note(LoadTimeline(pid: 7, spans: [.init(.load, start: 2, duration: 1)]), of: process)
    followed.note(LoadTimeline(pid: 8, spans: [.init(.load, start: 2, duration: 1)]), of: loader)
    #expect(followed.reloads.last?.timeline?.spans.map(\.kind) == [.fork, .load])
  }
}

/// What chrome://tracing and Perfetto ask of a file.
@Suite struct Traces {
  private let events = ControlDocument.Trace([reload()], nacre: 1).traceEvents

  @Test func haveARowForEachProcessWithAName() {
    let names = events.filter { $0.ph == "M" }
    #expect(names.allSatisfy { $0.name == "process_name" && $0.args?["name"] != nil })
    #expect(names.map(\.pid) == [1, 70, 71, 72])
    #expect(events.allSatisfy { event in event.tid == event.pid && names.contains { $0.pid == event.pid } })
  }

  @Test func holdCompleteEventsBesides() {
    let complete = events.filter { $0.ph != "M" }
    #expect(complete.allSatisfy { $0.ph == "X" && $0.dur != nil && $0.ts >= 10_000 && !$0.name.isEmpty })
    #expect(complete.filter { $0.cat == "source" }.map(\.name) == ["/b", "/c"])
    #expect(complete.filter { $0.cat == "library" }.count == 2)
  }

  @Test func areNestedInEachRow() {
    for pid: Int32 in [1, 70, 71, 72] {
      var open: [UInt64] = []
      for event in events where event.ph == "X" && event.pid == pid {
        let end = event.ts + event.dur!
        while let outer = open.last, outer <= event.ts { open.removeLast() }
        #expect(end <= open.last ?? .max, "\(event)")
        open.append(end)
      }
    }
  }

  @Test func phasesFillTheWholeReload() {
    let own = events.filter { $0.ph == "X" && $0.pid == 1 }
    #expect(own.first?.dur == 50_000)
    #expect(own.dropFirst().map(\.name) == ["settle", "decide", "fork", "load", "workers", "promote"])
    #expect(own.dropFirst().compactMap(\.dur).reduce(0, +) == own.first?.dur)
  }
}
