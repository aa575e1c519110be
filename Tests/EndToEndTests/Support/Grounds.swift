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

/// A file system of one megabyte, mounted for a test.
final class SmallDisk {
  private let scratch: Scratch
  let path: String

  init() throws {
    scratch = try Scratch()
    path = scratch.path + "/disk"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    let run = try Command.run(["/bin/mount", "-t", "tmpfs", "-o", "size=1m", "none", path])
    guard run.end == .code(0) else { throw Stuck("no small file system: \(run.errors)") }
  }

  deinit { umount2(path, Int32(MNT_DETACH)) }

  /// Leaves no byte.
  func fill() throws {
    let file = open(path + "/filler", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw Stuck("cannot fill \(path)") }
    defer { close(file) }
    let bytes = [UInt8](repeating: 0, count: 4096)
    while write(file, bytes, bytes.count) > 0 {}
    while write(file, bytes, 1) > 0 {}
  }

  func free() throws { unlink(path + "/filler") }

  /// Whether this user may mount one.
  static let isPossible = (try? SmallDisk()) != nil
}

/// A control group, whose limits hold for a server alone.
final class ControlGroup {
  /// Whether the machine has version 1, where each controller has a tree of its own.
  static let isOld = FileManager.default.fileExists(atPath: "/sys/fs/cgroup/memory/cgroup.procs")
  private let path: String

  /// Makes one for a controller: `pids`, `memory`.
  init(_ controller: String) throws {
    path = "/sys/fs/cgroup/" + (Self.isOld ? controller + "/" : "") + "nacre-test-\(UUID().uuidString)"
    guard mkdir(path, 0o755) == 0 else { throw Stuck("no control group: \(String(cString: strerror(errno)))") }
  }

  /// Has a server, and what it forks from now on, live in it.
  func add(_ server: Server) throws {
    for process in server.process.session() { try write("cgroup.procs", "\(process.pid)") }
  }

  func limit(_ name: String, _ number: Int) throws { try write(name, "\(number)") }

  private func write(_ name: String, _ text: String) throws {
    let file = open("\(path)/\(name)", O_WRONLY | O_CLOEXEC)
    defer { close(file) }
    guard file >= 0, Glibc.write(file, text, text.utf8.count) == text.utf8.count else {
      throw Stuck("cannot write \(name): \(String(cString: strerror(errno)))")
    }
  }

  deinit { _ = eventually(within: 10) { rmdir(path) == 0 } }

  /// Whether this user may make one, and the controller is there.
  static func isPossible(_ controller: String) -> Bool {
    guard let group = try? ControlGroup(controller) else { return false }
    let name = controller == "pids" ? "pids.max" : isOld ? "memory.limit_in_bytes" : "memory.max"
    return (try? group.limit(name, controller == "pids" ? 1000 : 1 << 30)) != nil
  }
}
