import CLinux
import FileWatching
import Glibc
import ReloadModel
import SourceFiles
import Testing

/// A temporary directory with an application in it, removed with the value.
final class Scratch {
  /// The real path.
  let path: String

  init() {
    var template = Array("/tmp/nacre-watch-XXXXXX".utf8CString)
    path = String(cString: mkdtemp(&template)!)
  }

  deinit { shell("chmod -R u+rwx \(path); rm -rf \(path)") }

  func callAsFunction(_ name: String) -> String { path + "/" + name }

  /// Truncates and writes, as `>` does.
  func write(_ name: String, _ content: String) {
    let descriptor = open(self(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    #expect(descriptor >= 0, "\(name)")
    put(descriptor, content)
    close(descriptor)
  }

  /// Writes and leaves the file open.
  func startWriting(_ name: String, _ content: String) -> Int32 {
    let descriptor = open(self(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    put(descriptor, content)
    return descriptor
  }

  /// Writes beside the file and renames over it.
  func replace(_ name: String, _ content: String, by temporary: String = ".new") {
    write(temporary, content)
    move(temporary, name)
  }

  func move(_ from: String, _ to: String) { #expect(rename(self(from), self(to)) == 0) }
  func remove(_ name: String) { #expect(unlink(self(name)) == 0) }
  func directory(_ name: String) { shell("mkdir -p \(self(name))") }

  @discardableResult
  func shell(_ command: String) -> Int32 { system(command) }

  private func put(_ descriptor: Int32, _ content: String) {
    var content = content
    content.withUTF8 { #expect(Glibc.write(descriptor, $0.baseAddress, $0.count) == $0.count) }
  }
}

/// A watcher with the index of what it watches.
final class Observed {
  let watcher: Watcher
  private(set) var index: TraceIndex
  private(set) var trace: LoadTrace

  init(
    _ events: [TraceEvent], roots: [String] = [], patterns: RespawnPatterns = RespawnPatterns(),
    rules: WatchRules = WatchRules(libraryDirectories: []), watcher: Watcher = Watcher()
  ) {
    trace = LoadTrace(events)
    index = TraceIndex(trace)
    self.watcher = watcher
    watcher.watch(trace: trace, rules: rules, roots: roots, patterns: patterns)
    #expect(index.changes(on: LocalDisk()).isEmpty)
  }

  /// What has changed, asking only about what the events touched.
  func changes() -> Changes {
    let findings = watcher.drain()
    return index.changes(touching: findings.everything ? nil : findings.touched, on: LocalDisk())
  }

  /// The same as `path was changed`.
  func sentences() -> [String] { changes().all.map { "\($0.path) \($0.reason.sentence)" } }
}

func loaded(_ file: String) -> TraceEvent {
  .began(
    file: file, key: lastComponent(of: file), requester: "app.psgi", line: 1,
    fingerprint: fingerprint(of: file).fingerprint!)
}

/// Runs `body` as a user whom permissions bind, which the superuser is not. Only this thread is concerned.
func asOrdinaryUser<T>(_ body: () throws -> T) rethrows -> T {
  let before = setfsuid(65_534)
  defer { setfsuid(uid_t(before)) }
  return try body()
}
