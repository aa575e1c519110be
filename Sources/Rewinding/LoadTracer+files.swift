import Glibc
import ProcessProtocol
import ReloadModel
import SourceFiles

// What the load looks at besides source files.
extension LoadTracer {
  /// Files of the system are not the application's: they change with the machine, not with a deploy.
  private static let system = ["/proc", "/sys", "/dev", "/run", "/usr", "/lib", "/lib64", "/bin", "/sbin"]

  private func isOfInterest(_ path: String) -> Bool { mode == .load && isOfApplication(path) }

  private func isOfApplication(_ path: String) -> Bool {
    isWatched(path) && !Self.system.contains { WatchRules.contains($0, path) }
  }

  func opens(_ path: String, error: Int32) {
    settle()
    let file = WorkingDirectory.absolute(path)
    guard isOfInterest(file) else { return }
    if error == 0, SourceFiles.kind(of: file) == .file, let fingerprint = SourceFiles.fingerprint(of: file).fingerprint
    {
      record(.read(file: file, fingerprint: fingerprint))
    } else if error == ENOENT || error == ENOTDIR {
      record(.missing(path: file))
    } else if error != 0 {
      record(.tested(path: file, kind: SourceFiles.kind(of: file)))
    }
  }

  func writes(_ path: String) {
    settle()
    let path = WorkingDirectory.absolute(path)
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
    if let hash = SourceFiles.listingHash(of: directory) {
      record(.listed(directory: directory, hash: hash))
    } else {
      record(.missing(path: directory))
    }
  }

  func globs(_ pattern: String) {
    settle()
    for directory in PerlGlob.listedDirectories(pattern) { record(listing: WorkingDirectory.absolute(directory)) }
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
}
