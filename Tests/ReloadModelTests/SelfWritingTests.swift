import ReloadModel
import Testing

private let second: UInt64 = 1_000_000_000

/// Plays reloads: a save or a write at a time, and the reload 50 ms after it.
private struct Play {
  var rule = SelfWriting()
  var now: UInt64 = 1000 * second
  var verdicts: [SelfWriting.Verdict] = []

  /// The file changes, `after` so long since the last reload.
  mutating func change(
    _ file: String, byWorker: Bool = false, isReadAtLoad: Bool = false, after pause: UInt64 = 20_000_000
  ) {
    now += pause
    let touchedAt = now
    if byWorker { rule.wrote(file, isReadAtLoad: isReadAtLoad, at: now) }
    if rule.stopped.contains(file) { return }
    now += 50_000_000
    verdicts += rule.reloaded(by: [file], readAtLoad: isReadAtLoad ? [file] : [], touchedAt: touchedAt, at: now)
  }
}

@Test func aFileThatWorkersWriteAgainAndAgainIsStopped() {
  var play = Play()
  for _ in 0..<10 { play.change("/srv/cache.yml", byWorker: true, after: 60 * second) }
  #expect(play.verdicts == [.init(file: "/srv/cache.yml", rounds: 3, directory: "/srv")])
  #expect(play.rule.stopped == ["/srv/cache.yml"])
}

@Test func aPersonMaySaveTenTimesInAMinute() {
  var play = Play()
  for _ in 0..<10 { play.change("/srv/templates/page.tt", after: 6 * second) }
  for _ in 0..<10 { play.change("/srv/templates/page.tt", after: second) }
  #expect(play.verdicts.isEmpty)
}

@Test func aPersonsSaveBeginsTheCountAnew() {
  var play = Play()
  for _ in 0..<5 {
    for _ in 0..<2 { play.change("/srv/site.yml", byWorker: true) }
    // Later than the reach of a worker's word.
    play.now += 5 * second
    _ = play.rule.reloaded(by: [], readAtLoad: [], touchedAt: play.now, at: play.now)
    play.now += 2 * second
    play.change("/srv/site.yml", after: 6 * second)
  }
  #expect(play.verdicts.isEmpty)
}

@Test func anUnseenWriterIsKnownByItsHaste() {
  var play = Play()
  for _ in 0..<10 { play.change("/srv/state.json", after: 100_000_000) }
  #expect(play.verdicts == [.init(file: "/srv/state.json", rounds: 5, directory: nil)])
}

@Test func aStoreOfAlwaysNewFilesIsStoppedAsADirectory() {
  var play = Play()
  for number in 0..<10 { play.change("/srv/templates/session-\(number).html", byWorker: true, after: 9 * second) }
  #expect(play.verdicts == [.init(file: "/srv/templates/session-2.html", rounds: 3, directory: "/srv/templates")])
  // What a person edits there still counts.
  play.change("/srv/templates/page.html", after: 9 * second)
  #expect(!play.rule.stopped.contains("/srv/templates/page.html"))
  #expect(play.rule.stopped.contains("/srv/templates/session-9.html"))
}

@Test func aSettingsPageMayWriteWhatTheLoadReads() {
  var play = Play()
  for _ in 0..<10 { play.change("/srv/settings.yml", byWorker: true, isReadAtLoad: true, after: 20 * second) }
  #expect(play.verdicts.isEmpty)
  for _ in 0..<10 { play.change("/srv/settings.yml", byWorker: true, isReadAtLoad: true, after: second) }
  #expect(play.verdicts == [.init(file: "/srv/settings.yml", rounds: 5, directory: nil)])
}
