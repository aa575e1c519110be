import FileWatching
import ReloadModel
import Switchboard

/// Tells that files which perl runs from may have been replaced. While none is touched nothing wakes `nacre`.
///
/// It watches apart from the application's files: what happens to perl must not make requests wait, and its
/// directories (`/usr/lib`) are no business of the workers.
final class RuntimeWatch {
  /// How long after the first touch it tells: an upgrade replaces many files, one after the other.
  static let interval = 10 * Supervisor.second

  private let loop: EventLoop
  private let look: () -> Void
  private var watcher = Watcher()
  private var timer: EventLoop.Timer?

  /// Calls `look` when there may be something to see.
  init(loop: EventLoop, look: @escaping () -> Void) {
    (self.loop, self.look) = (loop, look)
    try? loop.watch(watcher.descriptor, .readable) { [unowned self] _ in
      if !watcher.drain().isNothing { schedule() }
    }
  }

  deinit {
    loop.unwatch(watcher.descriptor)
    if let timer { loop.cancel(timer) }
  }

  /// Watches these files in place of those before. Where the kernel does not tell of all of them, it is looked from
  /// time to time.
  func watch(_ runtime: RuntimeFiles) {
    watcher.watch(
      trace: LoadTrace(), lazily: runtime.marks.keys.map { .tested(path: $0, kind: .file) },
      rules: WatchRules(libraryDirectories: []), roots: [], patterns: RespawnPatterns())
    // What was replaced before this sends no event.
    if watcher.polls || !runtime.replaced().isEmpty { schedule() }
  }

  private func schedule() {
    guard timer == nil else { return }
    timer = loop.after(Self.interval) { [unowned self] in
      timer = nil
      look()
      if watcher.polls { schedule() }
    }
  }
}
