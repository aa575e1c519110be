import CLinux
import Glibc
import ReloadModel
import SourceFiles
import Testing

@testable import FileWatching

@Test func missingModuleAppearsInADirectoryThatDidNotExist() {
  let scratch = Scratch()
  let observed = Observed([.missing(path: scratch("lib/My/Optional.pm"))])
  scratch.directory("lib")
  #expect(observed.changes().isEmpty)
  scratch.directory("lib/My")
  #expect(observed.changes().isEmpty)
  scratch.write("lib/My/Optional.pm", "1")
  #expect(observed.sentences() == [scratch("lib/My/Optional.pm has appeared")])
}

@Test func missingModuleAppearsWithItsDirectoriesAtOnce() {
  let scratch = Scratch()
  let observed = Observed([.missing(path: scratch("a/b/c/Optional.pm"))])
  scratch.directory("a/b/c")
  scratch.write("a/b/c/Optional.pm", "1")
  #expect(observed.sentences() == [scratch("a/b/c/Optional.pm has appeared")])
  scratch.write("a/b/c/Optional.pm", "2")
  #expect(observed.watcher.drain().touched == [scratch("a/b/c/Optional.pm")])
}

@Test func deletedAndRecreatedDirectoryIsWatchedAgain() {
  let scratch = Scratch()
  scratch.directory("lib/My")
  scratch.write("lib/My/App.pm", "1")
  let observed = Observed([loaded(scratch("lib/My/App.pm"))])
  scratch.shell("rm -r \(scratch("lib"))")
  #expect(observed.sentences() == [scratch("lib/My/App.pm is gone")])
  scratch.directory("lib/My")
  scratch.write("lib/My/App.pm", "1")
  #expect(observed.watcher.drain().touched == [scratch("lib/My/App.pm")])
  scratch.write("lib/My/App.pm", "2")
  #expect(observed.sentences() == [scratch("lib/My/App.pm was changed")])
}

@Test func directorySwappedForAnotherIsWatchedFurther() {
  let scratch = Scratch()
  for name in ["app/lib", "next/lib"] { scratch.directory(name) }
  scratch.write("app/lib/App.pm", "1")
  scratch.write("next/lib/App.pm", "2")
  let observed = Observed([loaded(scratch("app/lib/App.pm"))])
  scratch.move("app", "old")
  scratch.move("next", "app")
  #expect(observed.sentences() == [scratch("app/lib/App.pm was changed")])
  scratch.write("old/lib/App.pm", "3")
  #expect(observed.watcher.drain().isNothing)
  scratch.write("app/lib/App.pm", "1")
  #expect(observed.watcher.drain().touched == [scratch("app/lib/App.pm")])
  #expect(observed.changes().isEmpty)
}

@Test func switchedDeployLinkLeadsToTheOtherRelease() {
  let scratch = Scratch()
  for release in ["1", "2"] {
    scratch.directory("releases/\(release)/lib/My")
    scratch.write("releases/\(release)/lib/My/App.pm", "package My::App; \(release);")
    scratch.write("releases/\(release)/lib/My/Same.pm", "the same")
    scratch.write("releases/\(release)/page.tt", "the same")
    scratch.write("releases/\(release)/list.tt", "list \(release)")
  }
  scratch.shell("ln -s releases/1 \(scratch("current"))")
  let files = ["current/lib/My/App.pm", "current/lib/My/Same.pm"].map { scratch($0) }
  let observed = Observed(files.map(loaded), roots: [scratch("current")])
  scratch.shell("ln -sfn releases/2 \(scratch("current"))")
  let findings = observed.watcher.drain()
  #expect(findings.touched == Set(files))
  #expect(findings.patternFiles == [scratch("current/page.tt"), scratch("current/list.tt")])
  #expect(observed.watcher.changedPatternFiles(among: findings.patternFiles) == [scratch("current/list.tt")])
  scratch.write("releases/1/lib/My/App.pm", "package My::App; 3;")
  scratch.write("releases/1/list.tt", "list 3")
  #expect(observed.watcher.drain().isNothing)
  scratch.write("releases/2/lib/My/App.pm", "package My::App; 4;")
  scratch.write("releases/2/list.tt", "list 4")
  #expect(
    observed.watcher.drain()
      == Findings(touched: [files[0]], patternFiles: [scratch("current/list.tt")]))
}

@Test func applicationsDirectoryItselfMayGoAndComeBack() {
  let scratch = Scratch()
  scratch.write("App.pm", "1")
  let observed = Observed([loaded(scratch("App.pm"))], roots: [scratch.path])
  scratch.shell("mv \(scratch.path) \(scratch.path).away")
  #expect(observed.sentences() == [scratch("App.pm is gone")])
  scratch.shell("mv \(scratch.path).away \(scratch.path)")
  #expect(observed.watcher.drain().touched == [scratch("App.pm")])
  scratch.write("App.pm", "2")
  #expect(observed.sentences() == [scratch("App.pm was changed")])
}

@Test func linkThatIsReplacedByRenameIsSeen() {
  let scratch = Scratch()
  for release in ["1", "2"] {
    scratch.directory("releases/\(release)")
    scratch.write("releases/\(release)/App.pm", release)
  }
  scratch.shell("ln -s releases/1 \(scratch("current")); ln -s releases/2 \(scratch("next"))")
  let observed = Observed([loaded(scratch("current/App.pm"))])
  scratch.move("next", "current")
  #expect(observed.sentences() == [scratch("current/App.pm was changed")])
}

@Test func targetOfALinkToAFileIsWatched() {
  let scratch = Scratch()
  for name in ["lib", "shared/a", "shared/b"] { scratch.directory(name) }
  scratch.write("shared/b/App.pm", "1")
  scratch.shell("ln -s ../b/App.pm \(scratch("shared/a/App.pm")); ln -s ../shared/a/App.pm \(scratch("lib/App.pm"))")
  let observed = Observed([loaded(scratch("lib/App.pm"))])
  scratch.write("shared/b/App.pm", "2")
  #expect(observed.sentences() == [scratch("lib/App.pm was changed")])
  scratch.write("shared/b/Other.pm", "1")
  scratch.shell("ln -sf ../b/Other.pm \(scratch("shared/a/App.pm"))")
  #expect(observed.watcher.drain().touched == [scratch("lib/App.pm")])
  #expect(observed.changes().isEmpty)
  scratch.write("shared/b/Other.pm", "3")
  #expect(observed.sentences() == [scratch("lib/App.pm was changed")])
}

@Test func linksInACircleAreAMissingFile() {
  let scratch = Scratch()
  scratch.shell("ln -s b \(scratch("a")); ln -s a \(scratch("b"))")
  let observed = Observed([.missing(path: scratch("a/App.pm"))])
  scratch.shell("rm \(scratch("a")); mkdir \(scratch("a"))")
  scratch.write("a/App.pm", "1")
  #expect(observed.sentences() == [scratch("a/App.pm has appeared")])
}

@Test func newNameInAListedDirectoryIsSeenAndAnEditorsLeavingIsNot() {
  let scratch = Scratch()
  scratch.directory("conf.d")
  scratch.write("conf.d/a.conf", "1")
  let observed = Observed([
    .listed(directory: scratch("conf.d"), hash: listingHash(of: scratch("conf.d"))!)
  ])
  scratch.write("conf.d/.b.conf.swp", "")
  scratch.write("conf.d/a.conf", "2")
  #expect(observed.watcher.drain().isNothing)
  scratch.shell("ln -s nowhere \(scratch("conf.d/.#a.conf"))")
  #expect(observed.watcher.drain() == Findings(touched: [scratch("conf.d")]))
  #expect(observed.watcher.takeSteps().isEmpty)
  #expect(observed.sentences().isEmpty)
  scratch.write("conf.d/b.conf", "1")
  let findings = observed.watcher.drain()
  #expect(findings == Findings(touched: [scratch("conf.d")]))
  scratch.write("conf.d/c.conf", "1")
  #expect(observed.sentences() == [scratch("conf.d holds other files")])
  scratch.remove("conf.d/b.conf")
  scratch.remove("conf.d/c.conf")
  #expect(observed.watcher.drain().touched == [scratch("conf.d")])
  #expect(observed.changes().isEmpty)
}

@Test func overflowMeansLookAtEverything() {
  let scratch = Scratch()
  scratch.directory("lib")
  scratch.write("lib/App.pm", "1")
  let observed = Observed([loaded(scratch("lib/App.pm"))], roots: [scratch.path])
  scratch.shell("mv \(scratch("lib")) \(scratch("old"))")
  _ = observed.watcher.inotify.read()  // lost
  scratch.directory("lib")
  scratch.write("lib/App.pm", "2")
  _ = observed.watcher.inotify.read()  // lost
  observed.watcher.handle(InotifyEvent(watch: -1, mask: UInt32(IN_Q_OVERFLOW), name: ""))
  observed.watcher.settle()
  #expect(observed.watcher.drain().everything)
  scratch.write("lib/App.pm", "3")
  #expect(observed.watcher.drain().touched == [scratch("lib/App.pm")])
}

@Test func readableDescriptorAnnouncesEvents() {
  let scratch = Scratch()
  scratch.write("App.pm", "1")
  let observed = Observed([loaded(scratch("App.pm"))])
  func isReadable() -> Bool {
    var entry = pollfd(fd: observed.watcher.descriptor, events: Int16(POLLIN), revents: 0)
    return CLinux.poll(&entry, 1, 0) == 1
  }
  #expect(!isReadable())
  scratch.write("App.pm", "2")
  #expect(isReadable())
  _ = observed.watcher.drain()
  #expect(!isReadable())
}
