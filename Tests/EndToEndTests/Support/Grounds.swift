import Foundation
import Glibc

/// A FUSE file system that shows another directory, mounted for a test. What is changed in that directory sends no
/// event to those who watch the mount.
final class FuseMount {
  private let scratch: Scratch
  /// The directory that is shown; changes are made here.
  let below: String
  /// The mount; the application is served from here.
  let path: String

  /// Mounts with bindfs (Debian's package), as root.
  init() throws {
    scratch = try Scratch()
    below = scratch.path + "/below"
    path = scratch.path + "/mount"
    for directory in [below, path] {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    }
    let run = try Command.run([
      Products.find("bindfs") ?? "/bindfs", "-o", "attr_timeout=0,entry_timeout=0", below, path,
    ])
    guard run.end == .code(0) else { throw Stuck("bindfs cannot mount: \(run.errors)") }
  }

  deinit { umount2(path, Int32(MNT_DETACH)) }

  /// Whether this machine and this user can mount one.
  static let isPossible = (try? FuseMount()) != nil
}

/// User namespaces with fewer inotify watches or queues than the system gives: nobody else is disturbed.
enum InotifyLimit {
  /// What stands before a command that is to run under limits: `["max_inotify_watches": 2]`.
  static func command(_ limits: [String: Int]) -> [String] {
    let settings = limits.map { "echo \($1) > /proc/sys/user/\($0)" }.joined(separator: " && ")
    return [
      Products.find("unshare") ?? "/unshare", "--user", "--map-root-user", "sh", "-c", settings + #" && exec "$@""#,
      "sh",
    ]
  }

  /// Sets a limit anew for a process that was started so.
  static func set(_ limit: String, to number: Int, of process: pid_t) throws {
    let run = try Command.run([
      Products.find("nsenter") ?? "/nsenter", "--user", "--preserve-credentials", "-t", "\(process)", "sh", "-c",
      "echo \(number) > /proc/sys/user/\(limit)",
    ])
    guard run.end == .code(0) else { throw Stuck("the limit cannot be set: \(run.errors)") }
  }

  /// Whether this user may make such namespaces here.
  static let isPossible =
    (try? Command.run(command(["max_inotify_watches": 2, "max_inotify_instances": 0]) + ["true"]))?.end == .code(0)
}
