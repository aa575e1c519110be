import CLinux
import Glibc
import SourceFiles

/// Why a directory is polled.
enum PollCause: Hashable {
  /// The kernel gave no inotify descriptor (`fs.inotify.max_user_instances`).
  case noQueue
  /// No watches are left (`fs.inotify.max_user_watches`).
  case noWatches
  /// The file system sends no events for changes made elsewhere.
  case fileSystem(String)
  /// The kernel refused for another reason, such as a directory that may not be read.
  case refused(Int32)
}

/// The kernel's watches: one a real directory.
extension Watcher {
  /// Watches a real directory for at least these events, once a round.
  ///
  /// - Returns: Whether it had not been watched before: what happened in it before this call sent no event.
  @discardableResult
  func makeSure(of path: String, _ mask: UInt32) -> Bool {
    let known = directories[path, default: WatchedDirectory()]
    let wanted = known.mask | mask
    if known.round == round && known.mask == wanted && (known.watch != nil || polled[path] != nil) { return false }
    directories[path, default: WatchedDirectory()].round = round
    directories[path]!.mask = wanted
    if directories[path]!.isVacant { vacant.insert(path) }
    switch inotify.add(path, mask: wanted) {
    case .success(let watch):
      if let name = FileSystem.withoutEvents(path) {
        poll(path, because: .fileSystem(name))
      } else {
        polled[path] = nil
      }
      return adopt(watch, for: path)
    case .failure(let refusal):
      forgetWatch(of: path)
      // Gone: the directory above tells when it is there again.
      if refusal.meansGone { return false }
      poll(path, because: Self.cause(of: refusal, hasQueue: descriptor >= 0))
      return false
    }
  }

  private func adopt(_ watch: Int32, for path: String) -> Bool {
    if directories[path]!.watch == watch { return false }
    forgetWatch(of: path)
    directories[path]!.watch = watch
    owners[watch, default: []].insert(path)
    return true
  }

  /// Gives up the watch of a directory, or of what has taken its place.
  func forgetWatch(of path: String) {
    guard let watch = directories[path]?.watch else { return }
    directories[path]!.watch = nil
    owners[watch]?.remove(path)
    guard owners[watch]?.isEmpty == true else { return }
    owners[watch] = nil
    inotify.remove(watch)
  }

  /// Gives up directories in which nothing is watched any more.
  func removeVacant() {
    for path in vacant where directories[path]?.isVacant == true {
      forgetWatch(of: path)
      directories[path] = nil
      polled[path] = nil
    }
    vacant = []
  }

  private func poll(_ path: String, because cause: PollCause) {
    polled[path] = cause
  }

  private static func cause(of refusal: SystemRefusal, hasQueue: Bool) -> PollCause {
    if !hasQueue { return .noQueue }
    return refusal.number == ENOSPC ? .noWatches : .refused(refusal.number)
  }

  /// The commonest cause, as a sentence.
  static func reason(for polled: [String: PollCause]) -> String {
    var counts: [PollCause: Int] = [:]
    for cause in polled.values { counts[cause, default: 0] += 1 }
    let worst = counts.max { $0.value < $1.value }?.key
    let count = polled.count == 1 ? "1 directory is" : "\(polled.count) directories are"
    let example = polled.keys.min() ?? ""
    switch worst {
    case .noQueue?:
      return "\(count) polled (\(example)): the kernel gives no inotify queue; raise fs.inotify.max_user_instances."
    case .noWatches?:
      return "\(count) polled (\(example)): no inotify watches are left; raise fs.inotify.max_user_watches."
    case .fileSystem(let name)?:
      return "\(count) polled (\(example)): the file system there (\(name)) does not send all events."
    case .refused(let number)?:
      return "\(count) polled (\(example)): the kernel refuses to watch: \(String(cString: strerror(number)))."
    case nil: return ""
    }
  }
}

/// File systems whose content can change without an inotify event here.
enum FileSystem {
  private static let namesByType: [UInt32: String] = [
    0x6969: "NFS", 0x0102_1997: "9p", 0x6573_5546: "FUSE or virtiofs", 0x517B: "SMB", 0xFF53_4D42: "CIFS",
    0xFE53_4D42: "SMB2", 0x5346_414F: "AFS", 0x00C3_6400: "Ceph", 0x0BD0_0BD0: "Lustre", 0x786F_4256: "vboxsf",
    0x0116_1970: "GFS2", 0x7461_636F: "OCFS2", 0x7C7C_6673: "prl_fs",
  ]

  /// The name of the file system at `path`, if it is one of them.
  static func withoutEvents(_ path: String) -> String? {
    var buffer = statfs()
    guard statfs(path, &buffer) == 0 else { return nil }
    return namesByType[UInt32(truncatingIfNeeded: buffer.f_type)]
  }
}
