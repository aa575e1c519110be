import Glibc
import ProcessProtocol
import Testing

@testable import Supervision

/// A directory of its own, gone when the test is.
private final class Scratch {
  let path: String

  init() {
    var template = Array("/tmp/nacre-test-XXXXXX\0".utf8CString)
    path = String(cString: mkdtemp(&template))
  }

  deinit { remove(path) }

  /// Writes a file and returns its path.
  func file(_ name: String, _ content: String, mode: mode_t = 0o644) -> String {
    let file = "\(path)/\(name)"
    let descriptor = open(file, O_CREAT | O_WRONLY | O_TRUNC, mode)
    _ = content.withCString { write(descriptor, $0, strlen($0)) }
    close(descriptor)
    return file
  }

  func directory(_ name: String) -> String {
    mkdir("\(path)/\(name)", 0o755)
    return "\(path)/\(name)"
  }

  private func remove(_ path: String) {
    if let stream = opendir(path) {
      while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { remove("\(path)/\(name)") }
      }
      closedir(stream)
      rmdir(path)
    } else {
      unlink(path)
    }
  }
}

private func complaint(_ body: () throws -> Void) -> String {
  do {
    try body()
    return ""
  } catch { return "\(error)" }
}

@Suite struct ApplicationFiles {
  @Test func aDirectoryStandsForItsAppPsgi() throws {
    let scratch = Scratch()
    let file = scratch.file("app.psgi", "sub {}")
    #expect(try ApplicationFile.find(scratch.path) == file)
    #expect(try ApplicationFile.find(scratch.path + "/") == file)
    #expect(try ApplicationFile.find("\(scratch.path)/./app.psgi") == file)
    #expect(try ApplicationFile.find("\(scratch.directory("lib"))/../app.psgi") == file)
  }

  @Test func aDirectoryWithoutOneIsNamed() {
    let scratch = Scratch()
    #expect(
      complaint { _ = try ApplicationFile.find(scratch.path) }
        == "there is no app.psgi in \(scratch.path): name the application's file.")
  }

  @Test func linksAreLeftAlone() throws {
    let scratch = Scratch()
    _ = scratch.directory("one")
    _ = scratch.file("one/app.psgi", "sub {}")
    symlink("one", "\(scratch.path)/current")
    #expect(try ApplicationFile.find("\(scratch.path)/current") == "\(scratch.path)/current/app.psgi")
  }
}

@Suite(.enabled(if: getuid() == 0, "only root becomes somebody else")) struct PidFilesForAnotherUser {
  private let nobody = try! Account(user: "nobody", group: nil)

  @Test func ofARunningServerKeepTheirContentUntilTheNextOneServes() throws {
    let scratch = Scratch()
    let file = scratch.file("nacre.pid", "1\n")
    _ = try PidFile(file, isBesideAnother: true, owner: nobody)
    var status = stat()
    #expect(stat(file, &status) == 0 && status.st_size == 2 && status.st_uid == nobody?.user)
  }

  @Test func areNotMadeThroughALink() throws {
    let scratch = Scratch()
    let target = scratch.file("precious", "content")
    symlink(target, scratch.path + "/nacre.pid")
    #expect(throws: StartupError.self) { try PidFile(scratch.path + "/nacre.pid", owner: nobody) }
    var status = stat()
    #expect(stat(target, &status) == 0 && status.st_size == 7 && status.st_uid == 0)
  }
}

@Suite struct Perls {
  @Test func describeThemselves() throws {
    let perl = try PerlInstallation(asking: "perl")
    #expect(perl.program.hasPrefix("/"))
    #expect(perl.version.split(separator: ".").count == 3)
    #expect(!perl.architecture.isEmpty)
    #expect(perl.libraryDirectories.count > 1)
    #expect(perl.libraryDirectories.allSatisfy { $0.hasPrefix("/") && !$0.hasSuffix("/") })
  }

  @Test func thatAreMissingAreNamed() {
    #expect(complaint { _ = try PerlInstallation(asking: "/nowhere/perl") }.contains("/nowhere/perl"))
    #expect(complaint { _ = try PerlInstallation(asking: "no-such-perl") }.contains("--perl"))
  }

  @Test func thatAreNoPerlsAreRefused() {
    let scratch = Scratch()
    let silent = scratch.file("silent", "#!/bin/sh\nexit 0\n", mode: 0o755)
    let broken = scratch.file("broken", "#!/nowhere/interpreter\n", mode: 0o755)
    #expect(complaint { _ = try PerlInstallation(asking: silent) }.contains("is no perl"))
    #expect(complaint { _ = try PerlInstallation(asking: broken) }.contains("cannot be started"))
  }

  @Test func withoutTheirLibraryNameTheRemedy() {
    let perl = PerlInstallation(program: "/opt/perl", version: "5.99.1", architecture: "arch", libraryDirectories: [])
    let said = complaint { _ = try NacreFiles(programDirectory: "/opt/nacre/bin").extensionLibrary(for: perl) }
    #expect(said.contains("/opt/nacre/lib/nacre/5.99.1/arch/Nacre.so"))
    #expect(said.contains("make install PERL=/opt/perl"))
  }

  @Test func areOfNoUseWithoutNacresOwnFiles() {
    let said = complaint { _ = try NacreFiles(programDirectory: "/nowhere/bin").perlLibrary() }
    #expect(said.hasPrefix("Nacre's Perl files are not in /nowhere/lib/nacre/perl") && said.contains("make install"))
  }

  @Test func findTheInstalledFiles() throws {
    let scratch = Scratch()
    for directory in [
      "bin", "lib", "lib/nacre", "lib/nacre/perl", "lib/nacre/perl/Nacre", "lib/nacre/5.1.2", "lib/nacre/5.1.2/arch",
    ] {
      _ = scratch.directory(directory)
    }
    _ = scratch.file("lib/nacre/perl/Nacre/Host.pm", "1;")
    let library = scratch.file("lib/nacre/5.1.2/arch/Nacre.so", "")
    let files = NacreFiles(programDirectory: "\(scratch.path)/bin")
    let perl = PerlInstallation(program: "/p", version: "5.1.2", architecture: "arch", libraryDirectories: [])
    #expect(try files.perlLibrary() == "\(scratch.path)/lib/nacre/perl")
    #expect(try files.extensionLibrary(for: perl) == library)
  }
}

@Suite struct ListeningSockets {
  private func listen(_ host: String, _ port: UInt16 = 0) throws -> ListeningSocket {
    try ListeningSocket.listen(on: [.tcp(host: host, port: port)], .init())[0]
  }

  @Test func tellThePortThatTheKernelChose() throws {
    let socket = try listen("127.0.0.1")
    defer { socket.end() }
    #expect(socket.port > 0)
    #expect("\(socket.address)" == "http://127.0.0.1:\(socket.port)/")
  }

  @Test func ofIPv6AreWrittenInBrackets() throws {
    guard let socket = try? listen("::1") else { return }
    defer { socket.end() }
    #expect("\(socket.address)" == "http://[::1]:\(socket.port)/")
  }

  @Test func onABusyPortNameIt() throws {
    let socket = try listen("127.0.0.1")
    defer { socket.end() }
    #expect(
      complaint { _ = try listen("127.0.0.1", socket.port) }
        .contains("port \(socket.port) on 127.0.0.1 is in use"))
  }

  /// As root or in a container every port may be free, so the kernel's answers are given here.
  @Test(arguments: [
    (EACCES, "port 80 on 127.0.0.1 needs privileges: choose one above 1023 with -p or -l."),
    (EADDRINUSE, "port 80 on 127.0.0.1 is in use by another program: stop that, or choose another with -p or -l."),
    (EADDRNOTAVAIL, "127.0.0.1 is no address of this machine: choose one with -o or -l."),
    (ENOBUFS, "nacre cannot listen on 127.0.0.1 port 80: No buffer space available."),
  ]) func thatTheKernelRefusesTellTheRemedy(_ code: Int32, _ sentence: String) {
    #expect("\(ListeningSocket.error(host: "127.0.0.1", port: 80, code: code))" == sentence)
  }

  @Test func onAnotherMachinesAddressAreRefused() {
    #expect(complaint { _ = try listen("192.0.2.1") }.contains("no address of this machine"))
  }
}

@Test(arguments: [
  ("/srv/shop/app.psgi", "/srv/shop"), ("/srv/shop/bin/app.psgi", "/srv/shop"),
  ("/srv/shop/script/my_app", "/srv/shop"),
  ("/usr/local/bin/app.psgi", "/usr/local/bin"), ("/usr/bin/app.psgi", "/usr/bin"), ("/bin/app.psgi", "/bin"),
  ("/home/ann/bin/app.psgi", "/home/ann/bin"), ("/home/ann/shop/bin/app.psgi", "/home/ann/shop"),
])
func applicationInBinBelongsToTheDirectoryAbove(file: String, directory: String) {
  #expect(ApplicationFile.directory(of: file, person: "/home/ann") == directory)
}

@Suite struct DebuggerSessions {
  @Test(arguments: [
    ("", "CreateTTY=0 inhibit_exit=0"),
    ("RemotePort=localhost:4444", "RemotePort=localhost:4444 CreateTTY=0 inhibit_exit=0"),
    ("CreateTTY=3", "CreateTTY=3 inhibit_exit=0"), ("inhibit_exit=1 CreateTTY=1", "inhibit_exit=1 CreateTTY=1"),
  ]) func keepWhatAPersonSays(given: String, expected: String) {
    #expect(DebuggerSession.options(given) == expected)
  }

  @Test func leaveTimeAndTakeOneWorker() {
    var settings = ServerSettings(
      perl: PerlInstallation(program: "/perl", version: "5.36.0", architecture: "x", libraryDirectories: []),
      extensionLibrary: "", perlLibrary: "", application: .file("/app.psgi"), applicationName: "app.psgi")
    settings.workers = 9
    settings.debug()
    #expect(settings.debugs)
    #expect(settings.workers == 1)
    #expect(min(settings.hold, settings.loadTimeout, settings.life.drain) == 86400)
  }
}
