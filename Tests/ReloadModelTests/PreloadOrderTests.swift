import ReloadModel
import Testing

private let print = Fingerprint(device: 1, inode: 1, size: 1, modified: 1, changed: 1, hash: 1)
private let includes = PreloadOrder.Surroundings(includes: ["/app/lib", "/usr"])

private func entered(_ file: String, _ surroundings: PreloadOrder.Surroundings? = nil) -> TraceEvent {
  .entered(file: file, key: key(file), surroundings: surroundings, company: 0)
}
private func began(_ file: String, by requester: String = "") -> TraceEvent {
  .began(file: file, key: key(file), requester: requester, line: 1, fingerprint: print)
}
private func ended(_ file: String, _ loaded: Bool = true) -> TraceEvent {
  .ended(file: file, loaded: loaded, microseconds: 1)
}
private func library(_ file: String) -> TraceEvent { .library(file: file, key: key(file), microseconds: 1) }
private func key(_ file: String) -> String { String(file.split(separator: "/").last!) }

@Suite struct VendorFirst {
  private func keys(_ events: [TraceEvent], without unfit: Set<String> = []) -> [String] {
    PreloadOrder(vendorOf: LoadTrace(events), without: unfit).files.map(\.key)
  }

  @Test func takesWhatTheApplicationAsksForInItsOrder() {
    #expect(
      keys([
        began("/app/app.psgi"), entered("/usr/B.pm", includes), library("/usr/Inner.pm"), library("/usr/B.pm"),
        entered("/usr/A.pm"), library("/usr/A.pm"), ended("/app/app.psgi"),
      ]) == ["B.pm", "A.pm"])
  }

  @Test func leavesOutWhatDidNotLoad() {
    #expect(
      keys([entered("/usr/Dead.pm", includes), entered("/usr/A.pm"), library("/usr/A.pm")]) == ["A.pm"])
  }

  @Test func leavesOutWhatLoadsTheApplicationsFiles() {
    #expect(
      keys([
        entered("/usr/Plugins.pm", includes), entered("/app/lib/P.pm"), began("/app/lib/P.pm"), ended("/app/lib/P.pm"),
        library("/usr/Plugins.pm"), entered("/usr/A.pm"), library("/usr/A.pm"),
      ]) == ["A.pm"])
  }

  @Test func leavesOutWhatIsCompiledIntoThePackageOfWhoeverAsks() {
    #expect(
      keys([
        entered("/usr/util.pl", includes), library("/usr/util.pl"), entered("/usr/A.pm"), library("/usr/A.pm"),
      ]) == ["A.pm"])
  }

  @Test func leavesOutWhatIsFoundAmongHooks() {
    #expect(
      keys([
        entered("/usr/A.pm", includes), library("/usr/A.pm"), entered("/usr/B.pm", .init(includes: nil)),
        library("/usr/B.pm"),
      ]) == ["A.pm"])
  }

  @Test func leavesOutWhatIsLoadedTwiceAndWhatIsUnfit() {
    #expect(
      keys(
        [
          entered("/usr/A.pm", includes), library("/usr/A.pm"), entered("/usr/A.pm"), library("/usr/A.pm"),
          entered("/usr/B.pm"), library("/usr/B.pm"), entered("/usr/C.pm"), library("/usr/C.pm"),
        ], without: ["B.pm"]) == ["C.pm"])
  }

  @Test func keepsWhatEachFileFinds() {
    let other = PreloadOrder.Surroundings(includes: ["/usr"], environment: ["X": "1"])
    let order = PreloadOrder(
      vendorOf: LoadTrace([
        entered("/usr/A.pm", includes), library("/usr/A.pm"), entered("/usr/B.pm", other), library("/usr/B.pm"),
        entered("/usr/C.pm"), library("/usr/C.pm"),
      ]))
    #expect(order.files.map(\.surroundings) == [includes, other, other])
    #expect(order.files.map(\.file) == ["/usr/A.pm", "/usr/B.pm", "/usr/C.pm"])
  }
}

@Suite struct HotFilesLast {
  /// app uses One and Two, One uses Deep and CPAN's V, Two uses Deep.
  private let trace = LoadTrace([
    began("/app/app.psgi"), entered("/app/lib/One.pm", includes), began("/app/lib/One.pm", by: "/app/app.psgi"),
    entered("/app/lib/Deep.pm"), began("/app/lib/Deep.pm", by: "/app/lib/One.pm"), ended("/app/lib/Deep.pm"),
    entered("/usr/V.pm"), library("/usr/V.pm"), ended("/app/lib/One.pm"),
    entered("/app/lib/Two.pm"), began("/app/lib/Two.pm", by: "/app/app.psgi"),
    .used(key: "Deep.pm", requester: "/app/lib/Two.pm", line: 2), ended("/app/lib/Two.pm"), ended("/app/app.psgi"),
  ])

  private func keys(_ hot: Set<String>) -> [String] {
    PreloadOrder(placingLast: hot, after: PreloadOrder(vendorOf: trace), of: trace).files.map(\.key)
  }

  @Test func leavesTheFileAndItsUsersBehind() {
    #expect(keys(["/app/lib/Two.pm"]) == ["V.pm", "One.pm", "Deep.pm"])
    #expect(keys(["/app/lib/One.pm"]) == ["V.pm", "Deep.pm", "Two.pm"])
    #expect(keys(["/app/lib/Deep.pm"]) == ["V.pm"])
    #expect(keys(["/app/app.psgi"]) == ["V.pm", "One.pm", "Deep.pm", "Two.pm"])
  }

  @Test func countsWhatALibraryLoadsToTheFileThatIsBeingLoaded() {
    let plugins = LoadTrace([
      began("/app/app.psgi"), entered("/app/lib/P.pm", includes), began("/app/lib/P.pm", by: "/usr/Loader.pm"),
      ended("/app/lib/P.pm"), ended("/app/app.psgi"),
    ])
    #expect(plugins.dependents(of: ["/app/lib/P.pm"]) == ["/app/lib/P.pm", "/app/app.psgi"])
  }
}

@Suite struct AskingForPreloadedFiles {
  private func order(_ keys: [(String, UInt32)]) -> PreloadOrder {
    PreloadOrder(
      files: keys.map { .init(key: $0.0, directory: "/usr", surroundings: includes, rank: $0.1, company: 0) })
  }

  /// The sum that a natural load has when it asks for the file after these.
  private func company(_ keys: [String]) -> UInt64 {
    var asks = PreloadAsks(PreloadOrder())
    for key in keys { asks.loads(key) }
    return asks.company
  }

  /// A preload of these files, each of which has brought in its `-inner` file.
  private func preloaded(_ keys: [String]) -> PreloadAsks {
    var order = order(keys.enumerated().map { ($0.element, UInt32($0.offset)) })
    for index in keys.indices { order.files[index].company = company(keys[..<index].flatMap { [$0, $0 + "-inner"] }) }
    var asks = PreloadAsks(order)
    while let file = asks.begin() {
      asks.loads(file.key)
      asks.loads(file.key + "-inner")
    }
    asks.seal()
    return asks
  }

  @Test func comparesEachGroupOnce() {
    var asks = preloaded(["A", "B"])
    #expect(asks.asks(for: "strict.pm") == .nothing)
    #expect(asks.asks(for: "A") == .compare([0]))
    #expect(asks.asks(for: "A") == .nothing)
    #expect(asks.asks(for: "A-inner") == .nothing)
    #expect(asks.asks(for: "B") == .compare([1]))
    #expect(asks.unasked.isEmpty)
  }

  @Test func noticesAnotherOrder() {
    var asks = preloaded(["A", "B"])
    #expect(asks.asks(for: "B") == .early(group: 1))
  }

  @Test func noticesAnInnerFileThatIsAskedForFirst() {
    var asks = preloaded(["A", "B"])
    #expect(asks.asks(for: "A-inner") == .early(group: 0))
  }

  @Test func noticesAnotherFileThatIsLoadedBefore() {
    var asks = preloaded(["A", "B"])
    asks.loads("New")
    #expect(asks.asks(for: "A") == .company(group: 0))
    #expect(asks.asks(for: "B") == .company(group: 1))
  }

  @Test func knowsWhatWasNotAskedFor() {
    var asks = preloaded(["A", "B", "C"])
    _ = asks.asks(for: "A")
    #expect(asks.unasked == ["B", "C"])
  }

  @Test func whatAPreloadedFileOfTheApplicationAsksForCountsWithIt() {
    // In natural order App comes first and asks for V; W is asked for by the application itself before that.
    var order = order([("V", 2), ("W", 0), ("App", 1)])
    order.files[2].company = company(["W"])
    var asks = PreloadAsks(order)
    for key in ["V", "W", "App"] {
      #expect(asks.begin()?.key == key)
      asks.loads(key)
      if key == "App" {
        #expect(asks.asks(for: "V") == .nothing)
        #expect(asks.asks(for: "W") == .nothing)
      }
    }
    #expect(asks.begin() == nil)
    asks.seal()
    #expect(asks.asks(for: "W") == .compare([1]))
    #expect(asks.asks(for: "App") == .compare([0, 2]))
    #expect(asks.asks(for: "V") == .nothing)
    #expect(asks.unasked.isEmpty)
  }

  @Test func whatAPreloadedFileOfTheApplicationHasDoneIsLookedAt() {
    // In natural order: First, App, which asks for One and Two, and Last.
    var order = order([("First", 0), ("One", 2), ("Two", 3), ("Last", 4), ("App", 1)])
    order.files[4].company = company(["First"])
    order.files[1].company = company(["First", "App"])
    order.files[2].company = company(["First", "App", "One"])
    var asks = PreloadAsks(order)
    for key in ["First", "One", "Two", "Last"] {
      #expect(asks.begin()?.key == key)
      #expect(asks.due() == [])
      asks.loads(key)
    }
    _ = asks.begin()
    #expect(asks.isAmongLibraries)
    asks.settle()
    #expect(!asks.isAmongLibraries)
    #expect(asks.due() == [0])
    asks.loads("App")
    let begun = asks
    #expect(asks.asks(for: "One") == .compare([1]))
    #expect(asks.asks(for: "One") == .nothing)
    #expect(asks.asks(for: "Two") == .compare([2]))
    _ = asks.begin()
    #expect(asks.due() == [3])
    #expect(asks.due() == [])
    // In another order, and after another file.
    asks = begun
    #expect(asks.asks(for: "Two") == .company(group: 2))
    #expect(asks.asks(for: "One") == .early(group: 1))
    asks = begun
    asks.loads("New")
    #expect(asks.asks(for: "One") == .company(group: 1))
  }

  @Test func whatWasLoadedAlreadyIsNotWaitedFor() {
    var asks = PreloadAsks(order([("lib.pm", 0), ("A", 1)]))
    _ = asks.begin()
    asks.skip()
    _ = asks.begin()
    asks.loads("A")
    _ = asks.begin()
    asks.seal()
    #expect(asks.asks(for: "A") == .compare([1]))
    #expect(asks.unasked.isEmpty)
  }
}
