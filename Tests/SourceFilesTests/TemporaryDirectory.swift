import Glibc
import Testing

/// A directory that is removed with the value.
final class TemporaryDirectory {
  let path: String

  init() {
    var template = Array("/tmp/nacre-files-XXXXXX".utf8CString)
    path = String(cString: mkdtemp(&template)!)
  }

  deinit { shell("rm -rf \(path)") }

  func callAsFunction(_ name: String) -> String { path + "/" + name }

  @discardableResult
  func shell(_ command: String) -> Int32 { system("cd \(path) && \(command)") }
}
