import Foundation
import Glibc
import Testing

/// Processes that hang without being stopped by a signal: nobody tells `nacre`, and in version 1 of the control groups not
/// even SIGKILL helps until they thaw.
@Suite(.lane, .slow) struct HangTests {
  private static let isPossible = (try? Freezer()) != nil

  /// A control group whose processes do not run.
  private final class Freezer {
    private let path: String
    private let isOld = FileManager.default.fileExists(atPath: "/sys/fs/cgroup/freezer/cgroup.procs")

    init() throws {
      path = "/sys/fs/cgroup/" + (isOld ? "freezer/" : "") + "nacre-test-\(UUID().uuidString)"
      guard mkdir(path, 0o755) == 0 else { throw Stuck("no control group can be made") }
      do { try set(frozen: false) } catch {
        rmdir(path)
        throw error
      }
    }

    deinit {
      try? set(frozen: false)
      _ = eventually(within: 10) { rmdir(path) == 0 }
    }

    func add(_ pid: pid_t) throws { try write("cgroup.procs", "\(pid)") }

    func set(frozen: Bool) throws {
      if isOld {
        try write("freezer.state", frozen ? "FROZEN" : "THAWED")
      } else {
        try write("cgroup.freeze", frozen ? "1" : "0")
      }
    }

    private func write(_ name: String, _ text: String) throws {
      let file = open("\(path)/\(name)", O_WRONLY | O_CLOEXEC)
      defer { close(file) }
      guard file >= 0, Glibc.write(file, text, text.utf8.count) == text.utf8.count else {
        throw Stuck("cannot write \(name): \(String(cString: strerror(errno)))")
      }
    }
  }

  @Test(.enabled(if: isPossible, "no process can be frozen here"))
  func checkpointAndMoldThatDoNotForkAreDoneWithoutAfterAWhile() throws {
    let faults = try FaultSite()
    let freezer = try Freezer()
    try faults.site.serve(.production) { server in
      let crowd = Crowd(port: server.port, clients: 4)
      #expect(crowd.goesOn(), "\(server)")
      // The file that was edited last has a checkpoint of its own.
      let first = try faults.save()
      #expect(eventually { crowd.newest == first }, "\(server)")
      let last = server.processes(.checkpoint).filter { contents(of: "/proc/\($0)/cmdline").contains("Part.pm") }
      #expect(!last.isEmpty, "\(server)")
      for process in last + server.processes(.mold) { try freezer.add(process) }
      try freezer.set(frozen: true)
      // A worker is wanted of the mold, and a candidate of the last checkpoint.
      kill(try #require(server.processes(.worker).first), SIGKILL)
      let generation = try faults.save()
      #expect(crowd.goesOn(), "\(server)")
      #expect(server.logs("a process did not fork in 20 s: it is ended", within: 60), "\(server)")
      #expect(eventually(within: 120) { crowd.newest == generation }, "\(server)")
      try freezer.set(frozen: false)
      #expect(server.isWhole(workers: 2), "\(server)")
      let next = try faults.save()
      #expect(eventually { crowd.newest == next }, "\(server)")
      let outcome = crowd.stop()
      #expect(outcome.wrong.isEmpty && outcome.overtaken == 0 && outcome.stuck == 0, "\(outcome)\n\(server)")
      #expect(outcome.lost.count <= 1 && outcome.refused.isEmpty, "\(outcome)\n\(server)")
    }
  }
}
