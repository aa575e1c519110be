import ReloadModel
import Testing

private let millisecond: UInt64 = 1_000_000

@Test func quietIsNeverReady() {
  #expect(Settling().readyAt == nil)
}

@Test func finishedSaveNeedsAShortQuietTime() {
  var settling = Settling()
  settling.note(at: 100 * millisecond, writersAtWork: false)
  #expect(settling.readyAt == 115 * millisecond)
  #expect(!settling.isReady(at: 114 * millisecond))
  #expect(settling.isReady(at: 115 * millisecond))
}

@Test func unfinishedWriterIsGivenLonger() {
  var settling = Settling()
  settling.note(at: 100 * millisecond, writersAtWork: true)
  #expect(settling.readyAt == 300 * millisecond)
  settling.note(at: 110 * millisecond, writersAtWork: false)
  #expect(settling.readyAt == 125 * millisecond)
}

@Test func burstIsOneUntilItIsQuiet() {
  var settling = Settling()
  for time in stride(from: 0, to: 500, by: 10) { settling.note(at: UInt64(time) * millisecond, writersAtWork: false) }
  #expect(settling.readyAt == 505 * millisecond)
}

@Test func endlessBurstIsExaminedAfterTwoSeconds() {
  var settling = Settling()
  for time in stride(from: 1000, to: 4000, by: 5) { settling.note(at: UInt64(time) * millisecond, writersAtWork: true) }
  #expect(settling.readyAt == 3000 * millisecond)
  settling.examined()
  #expect(settling.readyAt == nil)
  settling.note(at: 4000 * millisecond, writersAtWork: false)
  #expect(settling.readyAt == 4015 * millisecond)
}

/// Saves of one file, and what looks like one.
@Suite struct OneSave {
  private func settled(_ steps: [SaveStep], writersAtWork: Bool = false) -> UInt64? {
    var settling = Settling()
    settling.note(at: 100 * millisecond, writersAtWork: writersAtWork, steps: steps)
    return settling.readyAt.map { $0 / millisecond }
  }

  @Test func byRenameNeedsNoQuietTime() {
    #expect(settled([.init(.arrived, "/a")]) == 100)
    // In a directory that the load has listed, the temporary file is seen, too.
    #expect(
      settled([
        .init(.created, "/a.new"), .init(.written, "/a.new"), .init(.closed, "/a.new"), .init(.gone, "/a.new"),
        .init(.arrived, "/a"), .init(.written, "/a"),
      ]) == 100)
  }

  @Test func byWritingOverNeedsNoneOnceClosed() {
    #expect(settled([.init(.written, "/a")], writersAtWork: true) == 300)
    #expect(settled([.init(.written, "/a"), .init(.closed, "/a")]) == 100)
  }

  @Test func byRenamingTheOldFileAwayNeedsNoneOnceTheNewOneIsClosed() {
    #expect(settled([.init(.gone, "/a")]) == 115)
    #expect(settled([.init(.gone, "/a"), .init(.created, "/a")], writersAtWork: true) == 300)
    #expect(settled([.init(.gone, "/a"), .init(.created, "/a"), .init(.closed, "/a")]) == 100)
  }

  @Test func ofTwoFilesIsABurst() {
    #expect(settled([.init(.arrived, "/a"), .init(.arrived, "/b")]) == 115)
    #expect(settled([.init(.arrived, "/a"), .init(.gone, "/b")]) == 115)
    #expect(settled([.init(.arrived, "/a"), .init(.upheaval, "/d")]) == 115)
  }

  @Test func ofANewFileIsABurst() {
    #expect(settled([.init(.created, "/a"), .init(.closed, "/a")]) == 115)
  }

  @Test func thatOnlyTouchesIsABurst() {
    #expect(settled([.init(.written, "/a")]) == 115)
  }

  @Test func soonAfterAnotherIsABurst() {
    var settling = Settling()
    settling.note(at: 100 * millisecond, writersAtWork: false, steps: [.init(.arrived, "/a")])
    #expect(settling.isReady(at: 100 * millisecond))
    settling.examined()
    #expect(settling.isGuessUntil == 115 * millisecond)
    settling.note(at: 101 * millisecond, writersAtWork: false, steps: [.init(.arrived, "/b")])
    #expect(settling.readyAt == 116 * millisecond)
    settling.examined()
    settling.note(at: 250 * millisecond, writersAtWork: false, steps: [.init(.arrived, "/a")])
    #expect(settling.readyAt == 250 * millisecond)
  }

  @Test func thatTurnsOutToBeMoreWaits() {
    var settling = Settling()
    settling.note(at: 100 * millisecond, writersAtWork: false, steps: [.init(.arrived, "/a")])
    settling.note(at: 101 * millisecond, writersAtWork: false, steps: [.init(.arrived, "/b")])
    #expect(settling.readyAt == 116 * millisecond)
  }
}
