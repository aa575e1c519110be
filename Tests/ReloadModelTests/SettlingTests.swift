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
