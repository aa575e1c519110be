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
  #expect(observed.watcher.pollReason?.contains("fs.inotify.max_user_watches") == true)
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
