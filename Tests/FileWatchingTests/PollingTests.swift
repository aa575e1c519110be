import CLinux
import Glibc
import ReloadModel
import SourceFiles
import Testing

@testable import FileWatching

// A file written within the last 50 ms may be touched once more than it was (see `Snapshot.Sight`): these tests ask
// what is touched at least.

/// A watcher to which the kernel refuses every watch.
private func refused(_ number: Int32) -> Watcher {
  let watcher = Watcher()
  watcher.inotify.refusal = number
  return watcher
}

@Test func withoutWatchesDirectoriesArePolledAndItIsSaid() {
  let scratch = Scratch()
  scratch.directory("lib")
  scratch.write("lib/App.pm", "1")
  let observed = Observed([loaded(scratch("lib/App.pm"))], watcher: refused(ENOSPC))
  #expect(observed.watcher.polls)
  #expect(observed.watcher.pollCauses.keys.contains(.noWatches))
  scratch.write("lib/App.pm", "2")
  #expect(observed.watcher.drain().isNothing)
  #expect(observed.watcher.poll().touched == [scratch("lib/App.pm")])
  scratch.remove("lib/App.pm")
  #expect(observed.watcher.poll().touched == [scratch("lib/App.pm")])
  scratch.replace("lib/App.pm", "3")
  #expect(observed.watcher.poll().touched == [scratch("lib/App.pm")])
}

@Test func pollingSeesNewDirectoriesListingsAndTemplates() {
  let scratch = Scratch()
  scratch.directory("app/conf.d")
  let conf = scratch("app/conf.d")
  let observed = Observed(
    [.missing(path: scratch("app/a/b/New.pm")), .listed(directory: conf, hash: listingHash(of: conf)!)],
    roots: [scratch("app")], watcher: refused(ENOMEM))
  scratch.directory("app/a/b")
  scratch.write("app/a/b/New.pm", "1")
  #expect(observed.watcher.poll().touched == [scratch("app/a/b/New.pm")])
  scratch.write("app/conf.d/a.conf", "1")
  let findings = observed.watcher.poll()
  #expect(findings.touched.contains(conf))
  #expect(findings.patternFiles == [scratch("app/conf.d/a.conf")])
  #expect(observed.watcher.changedPatternFiles(among: [scratch("app/conf.d/a.conf")]).count == 1)
  scratch.write("app/conf.d/a.conf", "22")
  #expect(observed.watcher.poll().patternFiles == [scratch("app/conf.d/a.conf")])
  scratch.write("app/other.log", "1")
  #expect(!observed.watcher.poll().patternFiles.contains(scratch("app/other.log")))
}

@Test func pollingFollowsASwitchedLink() {
  let scratch = Scratch()
  for release in ["1", "2"] {
    scratch.directory("releases/\(release)")
    scratch.write("releases/\(release)/App.pm", release)
  }
  scratch.shell("ln -s releases/1 \(scratch("current"))")
  let observed = Observed([loaded(scratch("current/App.pm"))], watcher: refused(ENOSPC))
  scratch.shell("ln -sfn releases/2 \(scratch("current"))")
  #expect(observed.watcher.poll().touched == [scratch("current/App.pm")])
  scratch.write("releases/2/App.pm", "3")
  #expect(observed.watcher.poll().touched == [scratch("current/App.pm")])
}

@Test func watchesThatAreFreeAgainEndThePolling() {
  let scratch = Scratch()
  scratch.write("App.pm", "1")
  let observed = Observed([loaded(scratch("App.pm"))], watcher: refused(ENOSPC))
  observed.watcher.inotify.refusal = nil
  scratch.replace("App.pm", "2")
  #expect(observed.watcher.poll().touched == [scratch("App.pm")])
  #expect(!observed.watcher.polls)
  scratch.replace("App.pm", "3")
  #expect(observed.watcher.drain().touched == [scratch("App.pm")])
}

@Test func everythingIsPolledIfThatIsAskedFor() {
  let scratch = Scratch()
  scratch.directory("lib")
  scratch.write("lib/App.pm", "1")
  let observed = Observed([loaded(scratch("lib/App.pm"))], watcher: Watcher(polling: true))
  #expect(observed.watcher.descriptor == -1)
  #expect(Array(observed.watcher.pollCauses.keys) == [.asked])
  scratch.write("lib/App.pm", "22")
  #expect(observed.watcher.drain().isNothing)
  #expect(observed.watcher.poll().touched == [scratch("lib/App.pm")])
  // The way to the file comes and goes.
  scratch.move("lib", "away")
  #expect(observed.watcher.poll().touched == [scratch("lib/App.pm")])
  scratch.directory("lib")
  scratch.write("lib/App.pm", "333")
  #expect(observed.watcher.poll().touched == [scratch("lib/App.pm")])
  scratch.write("lib/App.pm", "4444")
  #expect(observed.watcher.poll().touched == [scratch("lib/App.pm")])
}

@Test func eachCauseIsToldOnceAndItsEndToo() {
  var news = PollNews(seconds: 1, looksBeforeRequests: true)
  var directories = PolledDirectories()
  directories.add("/srv/b")
  directories.add("/srv/a")
  let limits = ["fs.inotify.max_user_watches": 8192, "user.max_inotify_watches": 99]
  let first = news.sentences(for: [.noWatches: directories]) { limits[$0] }
  #expect(
    first == [
      "no inotify watches are left, so 2 directories (such as /srv/a) are polled every second and before each "
        + "request; raise user.max_inotify_watches (99 now)"
    ])
  directories.add("/srv/c")
  #expect(news.sentences(for: [.noWatches: directories]) { limits[$0] } == [])
  let second = news.sentences(for: [.noWatches: directories, .fileSystem("NFS"): directories]) { limits[$0] }
  #expect(second.count == 1 && second[0].hasPrefix("NFS does not tell of changes"))
  #expect(news.sentences(for: [.noWatches: directories]) == [])
  #expect(news.sentences(for: [:]).first?.contains("nothing is polled any more") == true)
  #expect(news.sentences(for: [:]) == [])
  #expect(news.sentences(for: [.noWatches: directories]) { _ in nil }.count == 1)
}

@Test(
  arguments: [
    (.asked, "as --poll asks, files are polled every 0.5 seconds"),
    (.noQueue, "the kernel gives no inotify queue, so /srv/a is polled every 0.5 seconds; raise fs.inotify."),
    (
      .noWatches,
      "no inotify watches are left, so /srv/a is polled every 0.5 seconds; raise fs.inotify.max_user_watches"
    ),
    (.fileSystem("9p"), "on a local disk nothing need be, and --poll SECONDS sets another time"),
    (.refused(EACCES), "does not let nacre watch, so /srv/a is polled every 0.5 seconds: Permission denied"),
  ] as [(PollCause, String)])
func everyCauseHasItsSentence(_ cause: PollCause, _ words: String) {
  var news = PollNews(seconds: 0.5, looksBeforeRequests: false)
  var directories = PolledDirectories()
  directories.add("/srv/a")
  let told = news.sentences(for: [cause: directories]) { _ in nil }
  #expect(told.count == 1 && told[0].contains(words), "\(told)")
}

@Test func limitsAreReadFromTheKernel() {
  #expect((PollNews.limit("fs.inotify.max_user_watches") ?? 0) > 0)
  #expect(PollNews.limit("fs.no.such.limit") == nil)
}

@Test(
  arguments: [
    (0x6969, "NFS"), (0x0102_1997, "9p"), (0x6573_5546, "FUSE or virtiofs"), (0xFF53_4D42, "CIFS"), (0xEF53, nil),
    (0x0102_1994, nil), (0x794C_7630, nil),
  ] as [(UInt32, String?)])
func fileSystemsAreKnownByTheirType(type: UInt32, name: String?) {
  #expect(FileSystem.name(ofType: type) == name)
}
