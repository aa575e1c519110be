import Glibc
import Testing

@testable import Supervision

/// A directory for one test.
private final class Place {
  let path: String

  init() {
    var template = Array("/tmp/nacre-control-XXXXXX".utf8CString)
    path = String(cString: mkdtemp(&template)!)
  }

  deinit {
    for name in ["a.sock", "file", "in/a.sock"] { unlink(path + "/" + name) }
    for name in ["in", "link"] {
      unlink(path + "/" + name)
      rmdir(path + "/" + name)
    }
    rmdir(path)
  }

  func complaint(_ name: String = "a.sock") -> String? {
    do {
      _ = try ControlSocket(path: path + "/" + name)
      return nil
    } catch { return error.description }
  }
}

private func mode(_ path: String) -> mode_t? {
  var status = stat()
  return lstat(path, &status) == 0 ? status.st_mode & 0o777 : nil
}

@Suite struct ControlSocketFile {
  @Test func isForItsOwnerInADirectoryThatIsMade() throws {
    let place = Place()
    let socket = try ControlSocket(path: place.path + "/in/a.sock")
    #expect(mode(place.path + "/in") == 0o700)
    #expect(mode(place.path + "/in/a.sock") == 0o600)
    socket.remove()
    #expect(mode(place.path + "/in/a.sock") == nil)
  }

  @Test func leftByADeadServerIsReplaced() throws {
    let place = Place()
    do { _ = try ControlSocket(path: place.path + "/a.sock") }
    #expect(mode(place.path + "/a.sock") == 0o600)
    #expect(place.complaint() == nil)
  }

  @Test func ofALivingServerIsNot() throws {
    let place = Place()
    let living = try ControlSocket(path: place.path + "/a.sock")
    #expect(
      place.complaint()
        == "another server is controlled at \(place.path)/a.sock: choose another path with --control.")
    guard case .success(let connection) = ControlDial.connect(living.path) else {
      Issue.record("the living socket is gone")
      return
    }
    close(connection)
  }

  @Test func thatIsAnotherServersByNowIsNotRemoved() throws {
    let place = Place()
    let old = try ControlSocket(path: place.path + "/a.sock")
    unlink(old.path)
    let new = try ControlSocket(path: place.path + "/a.sock")
    old.remove()
    #expect(mode(new.path) != nil)
  }

  @Test func needsADirectoryOfMode700() {
    let place = Place()
    chmod(place.path, 0o755)
    #expect(
      place.complaint()
        == "the control socket needs a directory that is yours alone, and \(place.path) has mode 0755: chmod 700 it, or "
        + "choose another path with --control.")
  }

  @Test func needsADirectoryThatIsNoLink() {
    let place = Place()
    symlink(place.path, place.path + "/link")
    #expect(place.complaint("link/a.sock")?.contains("is a symbolic link: name the directory itself") == true)
  }

  @Test func needsADirectory() {
    let place = Place()
    close(open(place.path + "/file", O_WRONLY | O_CREAT, 0o600))
    #expect(place.complaint("file/a.sock")?.contains("is no directory: remove it") == true)
    #expect(place.complaint("no/such/a.sock")?.contains("cannot be made: No such file or directory.") == true)
  }

  @Test(.enabled(if: getuid() == 0, "only root can give a directory away")) func needsADirectoryOfItsOwner() {
    let place = Place()
    chown(place.path, 65534, 65534)
    #expect(place.complaint()?.contains("belongs to another user (65534)") == true)
    chown(place.path, 0, 0)
  }

  @Test func doesNotReplaceAFile() {
    let place = Place()
    close(open(place.path + "/a.sock", O_WRONLY | O_CREAT, 0o600))
    #expect(
      place.complaint()
        == "\(place.path)/a.sock is there and is no socket: remove it, or choose another path with --control.")
  }

  @Test func withALongPathIsRefused() {
    let place = Place()
    #expect(
      place.complaint(String(repeating: "x", count: 100))?.contains("too long for the system (107 bytes)") == true)
  }
}

@Suite struct ControlAddress {
  @Test func isNamedByPortOrByPath() {
    #expect(ControlPlace.Address.port(5000).socketName == "5000.sock")
    let one = ControlPlace.Address.path("/run/one/app.sock").socketName
    let other = ControlPlace.Address.path("/run/other/app.sock").socketName
    #expect(one != other)
    #expect(one.hasPrefix("app-") && one.hasSuffix(".sock"))
    #expect(ControlPlace.Address.path("/" + String(repeating: "y", count: 90)).socketName.utf8.count < 60)
  }
}
