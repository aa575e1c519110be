import ReloadModel
import Testing

/// The list in which a load trace keeps its events.
@Suite struct EventListTests {
  private func events(_ numbers: Range<Int>) -> [TraceEvent] { numbers.map { .missing(path: "/\($0)") } }

  @Test(arguments: [0, 1, 255, 256, 257, 512, 1000]) func holdsWhatWasAdded(_ count: Int) {
    var list = EventList()
    for event in events(0..<count) { list.append(contentsOf: [event]) }
    #expect(Array(list) == events(0..<count))
    #expect(list.count == count)
    #expect(list == EventList(events(0..<count)))
  }

  @Test(arguments: [0, 1, 255, 256, 257, 511, 512, 700]) func goesOnFromWhereItWasCut(_ count: Int) {
    let whole = EventList(events(0..<700))
    var cut = whole.first(count)
    #expect(Array(cut) == events(0..<count))
    cut.append(contentsOf: events(1000..<1300))
    #expect(Array(cut) == events(0..<count) + events(1000..<1300))
    #expect(cut == EventList(events(0..<count) + events(1000..<1300)))
    #expect(Array(whole) == events(0..<700))
  }

  @Test func moreThanThereIsIsAll() {
    #expect(EventList(events(0..<3)).first(10) == EventList(events(0..<3)))
  }
}
