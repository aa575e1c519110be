import ReloadModel
import Testing

@testable import Supervision

private let print_ = Fingerprint(device: 1, inode: 1, size: 1, modified: 1, changed: 1, hash: 1)

/// app.psgi:2 uses A:1 uses Deep; app.psgi:3 uses B:7, which uses Deep as well; Deep reads a file.
private let generation: Generation = {
  func load(_ file: String, _ key: String, by requester: String, _ line: UInt32) -> TraceEvent {
    .began(file: file, key: key, requester: requester, line: line, fingerprint: print_)
  }
  func end(_ file: String) -> TraceEvent { .ended(file: file, loaded: true, microseconds: 1) }
  let events: [TraceEvent] = [
    load("/app.psgi", "/app.psgi", by: "/Host.pm", 50),
    .library(file: "/usr/share/perl5/strict.pm", key: "strict.pm", microseconds: 1),
    .missing(path: "/first/A.pm"),
    load("/lib/A.pm", "A.pm", by: "/app.psgi", 2),
    load("/lib/My/Deep.pm", "My/Deep.pm", by: "/lib/A.pm", 1),
    .read(file: "/etc/deep.conf", fingerprint: print_),
    end("/lib/My/Deep.pm"), end("/lib/A.pm"),
    load("/lib/B.pm", "B.pm", by: "/app.psgi", 3),
    .used(key: "My/Deep.pm", requester: "/lib/B.pm", line: 7),
    end("/lib/B.pm"),
    .used(key: "B.pm", requester: "/app.psgi", line: 9),
    end("/app.psgi"),
  ]
  var generation = Generation(number: 1, loader: ProcessToken(number: 1), trace: LoadTrace(events))
  generation.lazily = [load("/lib/Late.pm", "Late.pm", by: "/lib/B.pm", 12)]
  return generation
}()

private func explain(_ name: String) -> LoadExplanation {
  LoadExplanation(of: name, in: generation) { $0.hasSuffix(".tt") }
}

@Suite struct Explanation {
  @Test(arguments: ["/lib/My/Deep.pm", "My::Deep", "My/Deep.pm"])
  func namesEveryChainOfUseTheOneThatLoadedItFirst(_ name: String) {
    let explanation = explain(name)
    #expect(explanation.file == "/lib/My/Deep.pm")
    #expect(explanation.role == .loaded)
    #expect(explanation.position == 4)
    #expect(
      explanation.chains == [
        [.init(file: "/app.psgi", line: 2), .init(file: "/lib/A.pm", line: 1)],
        [.init(file: "/app.psgi", line: 3), .init(file: "/lib/B.pm", line: 7)],
      ])
  }

  @Test func theApplicationIsUsedByNobody() {
    #expect(explain("/app.psgi").chains.isEmpty)
    #expect(explain("/app.psgi").position == 0)
  }

  @Test func aSecondUseInTheSameFileIsNamed() {
    #expect(explain("B").chains.map { $0.last?.line } == [3, 9])
  }

  @Test func fileThatTheLoadMetIsToldHow() {
    #expect(explain("/etc/deep.conf").role == .met("read it"))
    #expect(explain("/etc/deep.conf").position == 5)
    #expect(explain("/first/A.pm").role == .met("looked for it, and it was missing"))
  }

  @Test func checkpointStandsBeforeWhatIsLoadedOrReadNext() {
    #expect(generation.file(at: 0) == "/app.psgi")
    #expect(generation.file(at: 2) == "/lib/A.pm")
    #expect(generation.file(at: 5) == "/etc/deep.conf")
    #expect(generation.file(at: 12) == nil)
  }

  @Test func othersLeadToNewWorkersOrNothing() {
    #expect(explain("/lib/Late.pm").role == .lazily)
    #expect(explain("/views/page.tt").role == .pattern)
    #expect(explain("strict").role == .library)
    #expect(explain("strict").position == nil)
    #expect(explain("/etc/passwd").role == .unknown)
    #expect(explain("No::Such").role == .unknown)
  }
}
