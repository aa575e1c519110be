import Glibc
import PerlRuntime
import ProcessProtocol
import ReloadModel
import SourceFiles

// What the load looks at besides source files.
extension LoadTracer {
  /// Files of the system are not the application's: they change with the machine, not with a deploy.
  private static let system = ["/proc", "/sys", "/dev", "/run", "/usr", "/lib", "/lib64", "/bin", "/sbin"]

  private func isOfInterest(_ path: String) -> Bool { (mode == .load || isLoadingLazily) && isOfApplication(path) }

  private func isOfApplication(_ path: String) -> Bool {
    isWatched(path) && !Self.system.contains { WatchRules.contains($0, path) }
  }

  /// A path as perl gives it. What is not UTF-8 cannot be followed: everywhere else paths are text.
  func path(_ bytes: UnsafePointer<CChar>, _ count: Int) -> String {
    let bytes = UnsafeRawBufferPointer(start: bytes, count: count)
    if let path = String(validating: bytes, as: UTF8.self) { return path }
    let shown = String(decoding: bytes, as: UTF8.self)
    let file = WorkingDirectory.absolute(shown)
    if isOfInterest(file) {
      HostProcess.current?.channel.send(
        .report(
          "the name of \(file) is not UTF-8, so nacre does not see it change: rename it, or ask for `nacre reload --cold`"
        ))
    }
    return shown
  }

  /// A checkpoint may stand before anything that the load reads or lists, not only before source files: a framework that
  /// loads for a third of a second before it lists its controllers is not loaded again for each of them.
  func nears(_ path: String) {
    guard mode == .load else { return }
    settle()
    let path = WorkingDirectory.absolute(path)
    guard isOfInterest(path), [.file, .directory].contains(SourceFiles.kind(of: path)), neared.insert(path).inserted
    else { return }
    _ = leavesCheckpoint(before: path, isSource: false)
  }

  func opens(_ path: String, error: Int32) {
    settle()
    let file = WorkingDirectory.absolute(path)
    if mode == .service, !isLoadingLazily || deeds.hasWritten(file) { return reads(whileServing: file, error: error) }
    guard isOfInterest(file) || (mode == .load && error == 0 && isSource(file)) else { return }
    if error == 0, SourceFiles.kind(of: file) == .file, let fingerprint = SourceFiles.fingerprint(of: file).fingerprint
    {
      record(.read(file: file, fingerprint: fingerprint))
    } else if error == ENOENT || error == ENOTDIR {
      record(.missing(path: file))
    } else if error != 0 {
      record(.tested(path: file, kind: SourceFiles.kind(of: file)))
    }
  }

  /// Perl source that is read and not loaded is compiled by whoever reads it (CGI::Compile): it matters like a source
  /// file, wherever it is.
  private func isSource(_ file: String) -> Bool { isWatched(file) && SourceFiles.isPerlSource(file) }

  /// What a worker reads is data, which it may read again or keep as it likes; but not so Perl source.
  private func reads(whileServing file: String, error: Int32) {
    guard error == 0, deeds.isFirstRead(file), isSource(file),
      let fingerprint = SourceFiles.fingerprint(of: file).fingerprint
    else { return }
    record(.read(file: file, fingerprint: fingerprint))
    flush()
  }

  func writes(_ path: String) {
    settle()
    let path = WorkingDirectory.absolute(path)
    deeds.note(written: path)
    switch mode {
    case .nothing: break
    case .load: if isOfApplication(path) { record(.written(path: path)) }
    case .service:
      guard isOfApplication(path) else { return }
      // Bounded: a session store has a file a visitor. What is told twice does no harm.
      if toldWrites.count > 1000 { toldWrites.removeAll() }
      if toldWrites.insert(path).inserted { HostProcess.current?.channel.send(.trace([.written(path: path)])) }
    }
  }

  func lists(_ path: String, error: Int32) {
    settle()
    record(listing: WorkingDirectory.absolute(path))
  }

  private func record(listing directory: String) {
    guard isOfInterest(directory) else { return }
    // With the locks that stand there just now: code that takes them for its files must be loaded again when they have
    // gone. Locks that come later change nothing.
    if let hash = SourceFiles.listingHash(of: directory, countingLocks: true) {
      record(.listed(directory: directory, hash: hash))
    } else {
      record(.missing(path: directory))
    }
  }

  func globs(_ pattern: String) {
    settle()
    let directories = PerlGlob.listedDirectories(pattern)
    if let first = directories.first { nears(first) }
    for directory in directories { record(listing: WorkingDirectory.absolute(directory)) }
  }

  func tests(_ path: String, measures: Bool) {
    settle()
    let path = WorkingDirectory.absolute(path)
    guard isOfInterest(path) else { return }
    let kind = SourceFiles.kind(of: path)
    if kind == .missing {
      record(.missing(path: path))
    } else if measures, kind == .file, let fingerprint = SourceFiles.fingerprint(of: path).fingerprint {
      record(.measured(path: path, fingerprint: fingerprint))
    } else {
      record(.tested(path: path, kind: kind))
    }
  }

  /// Where perl will find what it is asked for, and whether a hook in `@INC` is asked before that.
  func search(_ name: String) -> (result: RequireSearch, passesHook: Bool) {
    let (includes, directory) = (Perl.includeDirectories(), WorkingDirectory.path)
    let result = RequireSearch(of: name, in: includes, relativeTo: directory)
    guard let hook = includes.firstIndex(of: nil), !["/", "./", "../"].contains(where: name.hasPrefix) else {
      return (result, false)
    }
    let before = RequireSearch(of: name, in: Array(includes[..<hook]), relativeTo: directory)
    return (result, before.found == nil && before.unreadable == nil)
  }
}

/// What a process has done with files. Bounded: a worker may write a new file in each request.
struct FileDeeds {
  private static let most = 4096
  private var read: Set<String> = []
  private var written: Set<String> = []

  /// Whether the file is read for the first time, as far as is remembered.
  mutating func isFirstRead(_ file: String) -> Bool { read.count < Self.most && read.insert(file).inserted }

  /// Notes that a path was made, written or removed.
  mutating func note(written path: String) {
    if written.count >= Self.most { written.removeAll(keepingCapacity: true) }
    written.insert(path)
  }

  /// Whether this process, or the load that it comes from, has written the file.
  func hasWritten(_ file: String) -> Bool { written.contains(file) }
}
