import ReloadModel
import SourceFiles
import Testing

private func present(_ path: String, previous: Fingerprint? = nil) -> Fingerprint? {
  fingerprint(of: path, previous: previous).fingerprint
}

@Test func fingerprintHoldsStatusAndContentHash() throws {
  let directory = TemporaryDirectory()
  directory.shell("printf abc > a")
  let taken = try #require(present(directory("a")))
  #expect(taken.hash == 0x44BC_2CF5_AD77_0999)
  #expect(taken.size == 3)
  #expect(taken.inode != 0 && taken.modified > 0)
}

@Test func fingerprintOfALargeFileIsThatOfAllItsBytes() throws {
  let directory = TemporaryDirectory()
  directory.shell("head -c 200001 /dev/zero > a")
  #expect(try #require(present(directory("a"))).hash == XXH64.hash([UInt8](repeating: 0, count: 200_001)))
}

@Test func fingerprintTakenRightAfterASaveIsNotTrustedByStatus() throws {
  let directory = TemporaryDirectory()
  directory.shell("printf abc > a")
  let taken = try #require(present(directory("a")))
  #expect(taken.changed == 0)
  // The same size, inode and times: all that could be told from the status.
  directory.shell("printf xyz > b; cat b > a; touch -d @\(Double(taken.modified) / 1e9) a")
  let now = try #require(present(directory("a"), previous: taken))
  #expect(!now.sameContent(as: taken))
}

@Test func settledFileIsNotHashedAgain() throws {
  let directory = TemporaryDirectory()
  directory.shell("printf abc > a")
  guard case .success(let status) = FileStatus.status(of: directory("a")) else {
    Issue.record("no status")
    return
  }
  // A fingerprint that was taken long after the last change, with a hash that a second reading would not give.
  let previous = Fingerprint(
    device: status.device, inode: status.inode, size: status.size, modified: status.modified, changed: status.changed,
    hash: 42)
  #expect(present(directory("a"), previous: previous) == previous)
  directory.shell("touch a")
  #expect(present(directory("a"), previous: previous)?.hash == 0x44BC_2CF5_AD77_0999)
}

@Test func missingFilesAndUnreachableOnesAreTyped() {
  let directory = TemporaryDirectory()
  directory.shell("touch a; ln -s loop loop")
  #expect(fingerprint(of: directory("none")) == .missing)
  #expect(fingerprint(of: directory("a/none")) == .missing)
  guard case .unreadable = fingerprint(of: directory("loop")) else {
    Issue.record("a link to itself cannot be read")
    return
  }
}

@Test func whatIsNoFileIsNeverOpened() throws {
  let directory = TemporaryDirectory()
  directory.shell("mkfifo fifo; mkdir d")
  #expect(try #require(present(directory("fifo"))).hash == 0)
  let before = try #require(present(directory("d")))
  directory.shell("touch d/x")
  #expect(present(directory("d")) == before)
}

@Test func kindFollowsLinks() {
  let directory = TemporaryDirectory()
  directory.shell("touch f; mkdir d; mkfifo p; ln -s f lf; ln -s d ld; ln -s none broken")
  let kinds = ["f", "d", "p", "lf", "ld", "broken", "none"].map { kind(of: directory($0)) }
  #expect(kinds == [.file, .directory, .other, .file, .directory, .missing, .missing])
}

@Test func listingHashDependsOnNamesOnly() throws {
  let directory = TemporaryDirectory()
  directory.shell("mkdir one two; touch one/a one/b one/B; touch two/B two/b two/a; echo x > two/a")
  let hash = try #require(listingHash(of: directory("one")))
  #expect(listingHash(of: directory("two")) == hash)
  #expect(hash == XXH64.hash(Array("B\0a\0b\0".utf8)))
  directory.shell("touch one/.a.swp one/a~ one/4913")
  #expect(listingHash(of: directory("one")) == hash)
  directory.shell("ln -s nowhere one/.#a")
  #expect(listingHash(of: directory("one")) == hash)
  #expect(listingHash(of: directory("one"), countingLocks: true) == XXH64.hash(Array(".#a\0B\0a\0b\0".utf8)))
  directory.shell("rm one/.#a; touch one/.hidden")
  #expect(listingHash(of: directory("one")) != hash)
  #expect(listingHash(of: directory("none")) == nil)
  #expect(listingHash(of: directory("two/a")) == nil)
}

@Test func namesThatOnlySeemToBeSplitOtherwiseHashDifferently() {
  let directory = TemporaryDirectory()
  directory.shell("mkdir one two; touch one/ab one/c two/a two/bc")
  #expect(listingHash(of: directory("one")) != listingHash(of: directory("two")))
}
