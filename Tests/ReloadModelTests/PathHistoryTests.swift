import ReloadModel
import Testing

private func tested(_ path: String) -> TraceEvent { .tested(path: path, kind: .file) }

private let events = [
  tested("/a"), tested("/b"), .ended(file: "/a", loaded: true, microseconds: 1), tested("/a"), tested("/c"),
  tested("/a"),
]

@Suite struct PathHistories {
  @Test func tellWhereAPathWasMet() {
    var history = PathHistory()
    history.append(events)
    #expect(history.positions(of: "/a") == [0, 3, 5])
    #expect(history.positions(of: "/a", before: 5) == [0, 3])
    #expect(history.positions(of: "/d").isEmpty)
    #expect(history.end == 6)
  }

  @Test func areAsIfTheyHadNeverHadWhatIsTakenAway() {
    var history = PathHistory()
    history.append(events)
    history.truncate(to: 3)
    #expect(history.positions(of: "/a") == [0])
    #expect(history.positions(of: "/c").isEmpty)
    history.append([tested("/c"), tested("/a")])
    #expect(history.positions(of: "/a") == [0, 4])
    #expect(history.positions(of: "/c") == [3])
  }

  @Test func goOnWhereAnotherOneEnds() {
    var (first, second) = (PathHistory(), PathHistory(from: 4))
    first.append(events[..<4])
    second.append(events[4...])
    #expect(second.positions(of: "/a") == [5])
    first.append(second)
    #expect(first.positions(of: "/a") == [0, 3, 5])
    #expect(first.end == 6)
  }
}
