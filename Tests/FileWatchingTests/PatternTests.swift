import CLinux
import Glibc
import ReloadModel
import SourceFiles
import Testing

@testable import FileWatching

private func observed(_ scratch: Scratch, _ patterns: RespawnPatterns = RespawnPatterns()) -> Observed {
  scratch.directory("app/templates/mail")
  scratch.write("app/app.psgi", "sub {}")
  scratch.write("app/templates/page.tt", "one")
  return Observed([loaded(scratch("app/app.psgi"))], roots: [scratch("app")], patterns: patterns)
}

@Test func changedTemplateIsAPatternFile() {
  let scratch = Scratch()
  let observed = observed(scratch)
  scratch.write("app/templates/page.tt", "two")
  let findings = observed.watcher.drain()
  #expect(findings == Findings(patternFiles: [scratch("app/templates/page.tt")]))
  #expect(observed.watcher.changedPatternFiles(among: findings.patternFiles) == findings.patternFiles)
  #expect(observed.watcher.changedPatternFiles(among: findings.patternFiles).isEmpty)
}

@Test func touchedTemplateAndOneSavedUnchangedAreNone() {
  let scratch = Scratch()
  let observed = observed(scratch)
  scratch.shell("touch \(scratch("app/templates/page.tt"))")
  scratch.replace("app/templates/page.tt", "one")
  let findings = observed.watcher.drain()
  #expect(observed.watcher.changedPatternFiles(among: findings.patternFiles).isEmpty)
  #expect(observed.watcher.changedPatternFiles(among: nil).isEmpty)
}

@Test func newAndRemovedTemplatesArePatternFiles() {
  let scratch = Scratch()
  let observed = observed(scratch)
  scratch.directory("app/templates/new/deep")
  scratch.write("app/templates/new/deep/a.tt", "a")
  #expect(
    observed.watcher.changedPatternFiles(among: observed.watcher.drain().patternFiles)
      == [scratch("app/templates/new/deep/a.tt")])
  scratch.write("app/templates/new/deep/b.tt", "b")
  #expect(
    observed.watcher.changedPatternFiles(among: observed.watcher.drain().patternFiles)
      == [scratch("app/templates/new/deep/b.tt")])
  scratch.shell("rm -r \(scratch("app/templates/new"))")
  let gone: Set = [scratch("app/templates/new/deep/a.tt"), scratch("app/templates/new/deep/b.tt")]
  let findings = observed.watcher.drain()
  #expect(findings.patternFiles == gone)
  #expect(observed.watcher.changedPatternFiles(among: findings.patternFiles) == gone)
}

@Test func movedDirectoryBringsItsTemplates() {
  let scratch = Scratch()
  let observed = observed(scratch)
  scratch.directory("stage/x")
  scratch.write("stage/x/a.tt", "a")
  scratch.move("stage", "app/stage")
  #expect(observed.watcher.drain().patternFiles == [scratch("app/stage/x/a.tt")])
  scratch.write("app/stage/x/a.tt", "b")
  #expect(observed.watcher.drain().patternFiles == [scratch("app/stage/x/a.tt")])
}

@Test func logFilesAndUnloadedModulesAreNothing() {
  let scratch = Scratch()
  let observed = observed(scratch)
  scratch.write("app/access.log", "GET /")
  scratch.write("app/templates/Unused.pm", "1;")
  scratch.write("app/templates/.page.tt.swp", "")
  scratch.directory("app/.git/objects")
  scratch.write("app/.git/config.ini", "")
  #expect(observed.watcher.drain().isNothing)
}

@Test func openLogFileBesideTemplatesWakesNobody() {
  let scratch = Scratch()
  let observed = observed(scratch)
  scratch.write("app/templates/a.log", "")
  let log = open(scratch("app/templates/a.log"), O_WRONLY | O_APPEND | O_CLOEXEC)
  defer { close(log) }
  _ = observed.watcher.drain()
  #expect(Glibc.write(log, "GET /", 5) == 5)
  var entry = pollfd(fd: observed.watcher.descriptor, events: Int16(POLLIN), revents: 0)
  #expect(CLinux.poll(&entry, 1, 0) == 0)
}

@Test func namedAndIgnoredPatternsAreHonoured() {
  let scratch = Scratch()
  let patterns = RespawnPatterns(watch: ["*.sql", "app/texts"], ignore: ["cache"], relativeTo: scratch.path)
  let observed = observed(scratch, patterns)
  for name in ["app/texts/deep", "app/cache"] { scratch.directory(name) }
  for name in ["app/q.sql", "app/texts/deep/a.unknown", "app/cache/a.tt", "app/b.unknown"] { scratch.write(name, "1") }
  #expect(
    observed.watcher.drain().patternFiles == [scratch("app/q.sql"), scratch("app/texts/deep/a.unknown")])
}

@Test func fileThatTheLoadReadIsTouchedAndNoPatternFile() {
  let scratch = Scratch()
  scratch.directory("app")
  scratch.write("app/app.yml", "1")
  let observed = Observed(
    [.read(file: scratch("app/app.yml"), fingerprint: fingerprint(of: scratch("app/app.yml")).fingerprint!)],
    roots: [scratch("app")])
  scratch.write("app/app.yml", "2")
  #expect(observed.watcher.drain() == Findings(touched: [scratch("app/app.yml")]))
}

@Test func templateWhosePathTheLoadTestedIsAPatternFile() {
  let scratch = Scratch()
  scratch.directory("app")
  scratch.write("app/page.tt", "1")
  let observed = Observed([.tested(path: scratch("app/page.tt"), kind: .file)], roots: [scratch("app")])
  scratch.write("app/page.tt", "2")
  let findings = observed.watcher.drain()
  #expect(findings.patternFiles == [scratch("app/page.tt")])
  #expect(observed.watcher.changedPatternFiles(among: findings.patternFiles) == findings.patternFiles)
}

@Test func linkedTemplatesAreFollowed() {
  let scratch = Scratch()
  scratch.directory("app")
  scratch.directory("shared/pages")
  scratch.write("shared/pages/a.tt", "1")
  scratch.write("shared/b.tt", "1")
  scratch.shell("ln -s ../shared/pages \(scratch("app/pages")); ln -s ../shared/b.tt \(scratch("app/b.tt"))")
  scratch.shell("ln -s .. \(scratch("app/circle"))")
  let observed = Observed([], roots: [scratch("app")])
  scratch.write("shared/pages/a.tt", "2")
  #expect(observed.watcher.drain().patternFiles == [scratch("app/pages/a.tt")])
  scratch.write("shared/b.tt", "2")
  #expect(observed.watcher.drain().patternFiles == [scratch("app/b.tt")])
}

@Test func rootThatAppearsLaterIsRead() {
  let scratch = Scratch()
  let observed = Observed([], roots: [scratch("texts")])
  scratch.directory("texts/a")
  scratch.write("texts/a/a.tt", "1")
  #expect(observed.watcher.drain().patternFiles == [scratch("texts/a/a.tt")])
}

@Test func aTreeWithTooManyDirectoriesIsSaidToBeIncomplete() {
  let scratch = Scratch()
  for number in 1...30 { scratch.directory("app/\(number)") }
  scratch.write("app/app.psgi", "sub {}")
  let watcher = Watcher()
  watcher.mostTreeDirectories = 20
  let observed = Observed([loaded(scratch("app/app.psgi"))], roots: [scratch("app")], watcher: watcher)
  #expect(observed.watcher.incompleteReason?.contains("those in \(scratch("app")) are not watched") == true)
}

@Test func aTemplateWhoseNameIsNotUTF8IsNamed() {
  let scratch = Scratch()
  scratch.directory("app")
  scratch.write("app/app.psgi", "sub {}")
  scratch.shell("printf x > \(scratch("app"))/$(printf 'caf\\351').tt")
  let observed = Observed([loaded(scratch("app/app.psgi"))], roots: [scratch("app")])
  #expect(observed.watcher.incompleteReason?.contains("is not UTF-8") == true)
}
