import Foundation
import Glibc
import Testing

/// Files, directories and clocks that do what they should not, while the server is asked without a pause.
@Suite(.lane, .slow) struct FileFaultTests {
  private func serve(
    _ faults: FaultSite, _ environment: String = "production", _ change: (inout ServerOptions) -> Void = { _ in },
    wrong isExpected: @escaping (String) -> Bool = { _ in false }, _ body: (Server, Crowd) throws -> Void
  ) throws {
    var options = ServerOptions(environment: environment)
    options.arguments = ["--hold", "120"]
    change(&options)
    try faults.site.serve(options) { server in
      let crowd = Crowd(port: server.port, clients: 4)
      #expect(crowd.goesOn(), "\(server)")
      try body(server, crowd)
      let outcome = crowd.stop()
      #expect(outcome.wrong.allSatisfy(isExpected), "\(outcome)\n\(server)")
      #expect(outcome.lost.isEmpty && outcome.refused.isEmpty, "\(outcome)\n\(server)")
      #expect(outcome.overtaken == 0 && outcome.stuck == 0, "\(outcome)\n\(server)")
    }
  }

  @Test(arguments: ["production", "development"]) func overflownQueueOfEventsLosesNoSave(environment: String)
    throws
  {
    let faults = try FaultSite()
    try serve(faults, environment) { server, crowd in
      let most = Int(contents(of: "/proc/sys/fs/inotify/max_queued_events").prefix { $0.isNumber }) ?? 16_384
      server.process.send(SIGSTOP)
      #expect(eventually { ProcessEntry(pid: server.process.pid)?.state == "T" })
      // In turn, for equal events that follow each other are one.
      for number in 0...(most / 4 + 10) { try faults.site.write("lib/Noise\(number % 2).pm", "") }
      let generation = try faults.save()
      server.process.send(SIGCONT)
      #expect(eventually { crowd.newest == generation }, "\(server)")
      let next = try faults.save()
      #expect(eventually { crowd.newest == next }, "\(server)")
    }
  }

  @Test(arguments: ["production", "development"])
  func removedDirectoryThatIsMadeAgainIsWatchedAgain(environment: String) throws {
    let faults = try FaultSite()
    // In development the answer meanwhile is that the files are gone.
    let isReport = { (text: String) in environment == "development" && text.contains(" 500 ") }
    try serve(faults, environment, wrong: isReport) { server, crowd in
      for _ in 0..<3 {
        let names = try FileManager.default.contentsOfDirectory(atPath: faults.site.absolute("lib"))
        let files = names.map { ($0, faults.site.read("lib/\($0)")) }
        try faults.site.remove("lib")
        #expect(eventually { server.log.contains("rejected") }, "\(server)")
        for (name, text) in files { try faults.site.write("lib/\(name)", text) }
        #expect(crowd.goesOn(), "\(server)")
        let generation = try faults.save()
        #expect(eventually { crowd.newest == generation }, "\(server)")
      }
    }
  }

  @Test(
    .enabled(if: getuid() == 0 && Products.find("setpriv") != nil, "only root can become another user"),
    arguments: [
      "lib/Part.pm", "lib",
    ])
  func permissionsThatAreWithdrawnAndGivenBackLeaveAllAsItWas(path: String) throws {
    let faults = try FaultSite()
    let run = try Command.run(["/bin/chown", "-R", "64322", faults.site.notes])
    #expect(run.end == .code(0))
    try serve(
      faults, "production",
      {
        $0.command = [
          "/usr/bin/env", "setpriv", "--reuid=64322", "--regid=64322", "--clear-groups", Products.nacre,
        ]
        $0.variables["TMPDIR"] = faults.site.notes
      }
    ) { server, crowd in
      for round in 1...3 {
        let mode: mode_t = path == "lib" ? 0o755 : 0o644
        #expect(chmod(faults.site.absolute(path), 0) == 0)
        #expect(server.logs("rejected", moreThan: round - 1), "\(server)")
        #expect(crowd.goesOn(), "\(server)")
        #expect(chmod(faults.site.absolute(path), mode) == 0)
        #expect(server.logs("are back, and it goes on", moreThan: round - 1), "\(server)")
        #expect(crowd.goesOn(), "\(server)")
      }
      let generation = try faults.save()
      #expect(eventually { crowd.newest == generation }, "\(server)")
    }
  }

  @Test func timesOfFilesInTheFutureAndInThePastHideNoChange() throws {
    let faults = try FaultSite()
    try serve(faults) { server, crowd in
      let now = faults.site.modified("lib/Part.pm")
      let day = 86_400_000_000_000
      for shift in [day, -400 * day, 5000 * day, 0] {
        let generation = try faults.save()
        try faults.site.setModified("lib/Part.pm", now + shift)
        #expect(eventually { crowd.newest == generation }, "\(server)")
      }
    }
  }

  /// A library that has programs see another wall clock: that of the machine, and the seconds that a file holds.
  private func makeShiftedClock(in directory: String) throws -> String {
    let source = """
      #define _GNU_SOURCE
      #include <fcntl.h>
      #include <stdlib.h>
      #include <sys/syscall.h>
      #include <sys/time.h>
      #include <time.h>
      #include <unistd.h>
      static long shift(void) {
        char text[32] = {0};
        int file = open(getenv("SHIFT"), O_RDONLY | O_CLOEXEC);
        if (file < 0) return 0;
        long count = read(file, text, sizeof text - 1);
        close(file);
        return count > 0 ? atol(text) : 0;
      }
      int clock_gettime(clockid_t clock, struct timespec *time) {
        long result = syscall(SYS_clock_gettime, clock, time);
        if (clock == CLOCK_REALTIME) time->tv_sec += shift();
        return (int)result;
      }
      int gettimeofday(struct timeval *restrict when, void *restrict zone) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        when->tv_sec = now.tv_sec;
        when->tv_usec = now.tv_nsec / 1000;
        return 0;
      }
      time_t time(time_t *when) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        if (when) *when = now.tv_sec;
        return now.tv_sec;
      }
      """
    let (file, library) = (directory + "/clock.c", directory + "/clock.so")
    try source.write(toFile: file, atomically: false, encoding: .utf8)
    let run = try Command.run([Self.compiler ?? "cc", "-shared", "-fPIC", "-o", library, file])
    guard run.end == .code(0) else { throw Stuck(run.errors) }
    return library
  }

  private static let compiler = ["clang", "cc"].compactMap { Products.find($0) }.first

  @Test(.enabled(if: compiler != nil, "there is no C compiler"), arguments: ["production", "development"])
  func jumpsOfTheWallClockChangeNothing(environment: String) throws {
    let faults = try FaultSite()
    let clock = faults.site.notes + "/clock"
    try faults.site.write(clock, "0")
    let variables = ["LD_PRELOAD": try makeShiftedClock(in: faults.site.notes), "SHIFT": clock]
    try serve(faults, environment, { $0.variables = variables }) { server, crowd in
      for shift in [3 * 86_400, -400 * 86_400, 4000 * 86_400, -3600, 0] {
        try faults.site.write(clock, "\(shift)")
        #expect(crowd.goesOn(), "\(server)")
        let date = try server.ask()["Date"] ?? ""
        #expect(abs(shift) < 86_400 * 366 || !date.contains(Self.thisYear), "the clock has not jumped: \(date)")
        let generation = try faults.save()
        #expect(eventually { crowd.newest == generation }, "\(shift)\n\(server)")
      }
    }
  }

  private static let thisYear = "\(Calendar(identifier: .gregorian).component(.year, from: Date())) "

  @Test(.enabled(if: FuseMount.isPossible, "FUSE cannot be mounted here"))
  func aFileSystemWithoutEventsIsPolledUnderLoad() throws {
    let mount = try FuseMount()
    let below = try Site(at: mount.below)
    func part(_ number: Int) -> String { "package Part; sub generation { \(number) } 1;" }
    try below.write("app.psgi", Site.app("Part::generation() . ' 0 0'", using: "use lib '\(mount.path)'; use Part;"))
    try below.write("Part.pm", part(0))
    let site = try Site(at: mount.path)
    try site.serve { server in
      for round in 1...10 {
        try (round % 2 == 0 ? below.write : below.replace)("Part.pm", part(round))
        #expect(try server.text() == "\(round) 0 0", "\(server)")
      }
    }
  }

  @Test(arguments: ["socket", "directory"]) func removedControlSocketIsThereAgain(what: String) throws {
    let faults = try FaultSite()
    let directory = faults.site.notes + "/control"
    let socket = directory + "/nacre.sock"
    try serve(faults, "production", { $0.arguments += ["--control", socket] }) { server, crowd in
      #expect(eventually { access(socket, F_OK) == 0 })
      for round in 1...3 {
        // The socket may be there again before its directory has gone.
        let path = what == "socket" ? socket : directory
        #expect(eventually { (try? FileManager.default.removeItem(atPath: path)) != nil }, "\(server)")
        #expect(server.logs("it is there again", moreThan: round - 1), "\(server)")
        let status = [Products.nacre, "status", "--control", socket]
        #expect(eventually { (try? Command.run(status))?.end == .code(0) }, "\(server)")
      }
      #expect(crowd.goesOn(), "\(server)")
    }
    #expect(access(socket, F_OK) != 0, "it goes with the server")
  }
}
