import ProcessProtocol
import ReloadModel
import Switchboard

/// A perl that is replaced under the running processes.
extension Supervisor {
  private static let mostUpgrades = 50

  /// Notes what a new base runs from.
  func noteRuntime(of pid: Int32, _ loaded: [TraceEvent]) {
    let modules = loaded.compactMap { event -> String? in
      if case .library(let file, _, _) = event { file } else { nil }
    }
    let runtime = RuntimeFiles(of: pid, and: [perl.program, extensionLibrary] + modules)
    freshness.runtime = runtime
    guard freshness.isAutomatic else { return }
    let watch = runtimeWatch ?? RuntimeWatch(loop: loop) { [unowned self] in if !isHandling { _ = noticeUpgrade() } }
    runtimeWatch = watch
    watch.watch(runtime)
  }

  /// Whether perl was replaced; then the machine has been told, and everything begins anew.
  func noticeUpgrade() -> Bool {
    guard stopping == .no, let replaced = freshness.runtime?.replaced(), !replaced.isEmpty else { return false }
    freshness.runtime = nil
    // A file system on which files are never what they were must not keep the server busy for ever.
    upgrades += 1
    guard upgrades <= Self.mostUpgrades else {
      report("perl's files change again and again (\(replaced[0])): they are no longer looked at")
      return false
    }
    handle(.upgraded(replaced))
    return true
  }

  /// Asks perl anew what it is, if it may be another one.
  func renewPerl() throws(StartupError) {
    guard machine.isUpgrading else { return }
    perl = try PerlInstallation(asking: settings.perl.program)
    extensionLibrary = try NacreFiles().extensionLibrary(for: perl)
    freshness.follow(perl, nacres: settings.perlLibrary)
  }
}
