import CLinux
import FileWatching
import Glibc
import ReloadModel
import SourceFiles
import Testing

// Every way of saving a file that has been loaded. No test waits: the kernel has queued the event when the call that
// caused it returns, and that is the promise that is tested.

private func observed(_ scratch: Scratch) -> Observed {
  scratch.directory("lib/My")
  scratch.write("lib/My/App.pm", "package My::App; 1;")
  return Observed([loaded(scratch("lib/My/App.pm"))])
}

@Test func nothingHappenedIsNothing() {
  let scratch = Scratch()
  let observed = observed(scratch)
  #expect(observed.watcher.drain().isNothing)
  #expect(!observed.watcher.polls)
}

@Test func renameOverIsSeen() {
  let scratch = Scratch()
  let observed = observed(scratch)
  scratch.replace("lib/My/App.pm", "package My::App; 2;")
  let findings = observed.watcher.drain()
  #expect(findings.touched == [scratch("lib/My/App.pm")])
  #expect(!findings.writersAtWork)
  scratch.replace("lib/My/App.pm", "package My::App; 3;", by: "lib/My/new")
  #expect(observed.sentences() == [scratch("lib/My/App.pm was changed")])
}

@Test func truncateAndWriteIsSeen() {
  let scratch = Scratch()
  let observed = observed(scratch)
  scratch.write("lib/My/App.pm", "package My::App; 2;")
  #expect(observed.sentences() == [scratch("lib/My/App.pm was changed")])
}

@Test func writerIsAtWorkUntilItCloses() {
  let scratch = Scratch()
  let observed = observed(scratch)
  let descriptor = scratch.startWriting("lib/My/App.pm", "package")
  #expect(observed.watcher.drain() == Findings(touched: [scratch("lib/My/App.pm")], writersAtWork: true))
  #expect(observed.watcher.drain().writersAtWork)
  close(descriptor)
  // A process that another test is just starting has a copy until it runs its program.
  var (closed, looks) = (observed.watcher.drain(), 1)
  while closed.writersAtWork, looks < 10_000 {
    usleep(1000)
    (closed, looks) = (observed.watcher.drain(), looks + 1)
  }
  #expect(closed == Findings(touched: [scratch("lib/My/App.pm")], writersAtWork: false))
}

@Test func vimsWayOfSavingIsOneChangedFile() {
  let scratch = Scratch()
  let observed = observed(scratch)
  scratch.write("lib/My/.App.pm.swp", "swap")
  scratch.write("lib/My/4913", "")
  scratch.remove("lib/My/4913")
  #expect(observed.watcher.drain().isNothing)
  scratch.move("lib/My/App.pm", "lib/My/App.pm~")
  scratch.write("lib/My/App.pm", "package My::App; 2;")
  scratch.remove("lib/My/App.pm~")
  scratch.remove("lib/My/.App.pm.swp")
  let findings = observed.watcher.drain()
  #expect(findings == Findings(touched: [scratch("lib/My/App.pm")]))
  scratch.write("lib/My/App.pm", "package My::App; 3;")
  #expect(observed.sentences() == [scratch("lib/My/App.pm was changed")])
}

@Test func touchAloneIsNoChange() {
  let scratch = Scratch()
  let observed = observed(scratch)
  scratch.shell("touch \(scratch("lib/My/App.pm"))")
  let findings = observed.watcher.drain()
  #expect(findings.touched == [scratch("lib/My/App.pm")])
  #expect(observed.changes().isEmpty)
}

@Test func puttingTheOldContentBackIsNoChange() {
  let scratch = Scratch()
  let observed = observed(scratch)
  scratch.write("lib/My/App.pm", "package My::App; broken")
  #expect(!observed.changes().isEmpty)
  scratch.write("lib/My/App.pm", "package My::App; 1;")
  #expect(observed.watcher.drain().touched == [scratch("lib/My/App.pm")])
  #expect(observed.changes().isEmpty)
}

@Test func savesOfEqualSizeAtOnceAreSeen() {
  let scratch = Scratch()
  let observed = observed(scratch)
  for number in 2...9 {
    scratch.write("lib/My/App.pm", "package My::App; \(number);")
    #expect(observed.sentences() == [scratch("lib/My/App.pm was changed")])
  }
}

@Test func saveWithAnOlderTimeIsSeen() {
  let scratch = Scratch()
  let observed = observed(scratch)
  scratch.write("new", "package My::App; 2;")
  scratch.shell("touch -d '2001-01-01' \(scratch("new")) && mv \(scratch("new")) \(scratch("lib/My/App.pm"))")
  #expect(observed.sentences() == [scratch("lib/My/App.pm was changed")])
}

@Test func deletedFileIsGone() {
  let scratch = Scratch()
  let observed = observed(scratch)
  scratch.remove("lib/My/App.pm")
  #expect(observed.sentences() == [scratch("lib/My/App.pm is gone")])
  scratch.write("lib/My/App.pm", "package My::App; 2;")
  #expect(observed.sentences() == [scratch("lib/My/App.pm was changed")])
}

@Test func fileThatMayNotBeReadAnyMoreIsUnreadable() {
  let scratch = Scratch()
  let observed = observed(scratch)
  #expect(chmod(scratch("lib/My/App.pm"), 0) == 0)
  let sentences = asOrdinaryUser { observed.sentences() }
  #expect(sentences == [scratch("lib/My/App.pm cannot be read")])
  #expect(chmod(scratch("lib/My/App.pm"), 0o644) == 0)
  #expect(observed.watcher.drain().touched == [scratch("lib/My/App.pm")])
}

@Test func otherFilesInTheSameDirectoryAreNothing() {
  let scratch = Scratch()
  let observed = observed(scratch)
  scratch.write("lib/My/access.log", "GET /")
  scratch.remove("lib/My/access.log")
  scratch.directory("lib/My/new/one")
  #expect(observed.watcher.drain().isNothing)
}

@Test func pathsThatAreNotNeededAnyMoreAreForgotten() {
  let scratch = Scratch()
  let observed = observed(scratch)
  scratch.write("lib/Other.pm", "1")
  #expect(observed.watcher.drain().isNothing)
  observed.watcher.watch(
    trace: LoadTrace([loaded(scratch("lib/Other.pm"))]), rules: WatchRules(libraryDirectories: []), roots: [],
    patterns: RespawnPatterns())
  scratch.write("lib/My/App.pm", "package My::App; 2;")
  #expect(observed.watcher.drain().isNothing)
  scratch.write("lib/Other.pm", "2")
  #expect(observed.watcher.drain().touched == [scratch("lib/Other.pm")])
}

@Test func librariesAndIgnoredFilesAreNotWatched() {
  let scratch = Scratch()
  for name in ["perl5/Moo.pm", "lib/App.pm", "lib/Gen.pm"] {
    scratch.directory(directory(of: name))
    scratch.write(name, "1")
  }
  let observed = Observed(
    [loaded(scratch("perl5/Moo.pm")), loaded(scratch("lib/App.pm")), loaded(scratch("lib/Gen.pm"))],
    patterns: RespawnPatterns(ignore: ["Gen.pm"]),
    rules: WatchRules(libraryDirectories: [scratch("perl5")]))
  for name in ["perl5/Moo.pm", "lib/App.pm", "lib/Gen.pm"] { scratch.write(name, "2") }
  #expect(observed.watcher.drain().touched == [scratch("lib/App.pm")])
}
