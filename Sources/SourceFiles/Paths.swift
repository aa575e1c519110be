import CLinux
import Glibc

/// The absolute form of `path`, tidied up without resolving symbolic links: empty components and `.` go, and `name/..`
/// goes unless `name` is a symbolic link (there `..` leads elsewhere than the text suggests).
///
/// - Parameters:
///   - path: A path, absolute or relative.
///   - directory: The absolute directory that a relative path starts at.
public func absolute(_ path: String, relativeTo directory: String) -> String {
  let full = path.utf8.first == UInt8(ascii: "/") ? path : directory + "/" + path
  if isTidy(full) { return full }
  var kept: [Substring] = []
  for component in full.split(separator: "/", omittingEmptySubsequences: true) where component != "." {
    if component == "..", kept.isEmpty { continue }  // the parent of / is /
    if component == "..", let last = kept.last, last != "..", !isLink("/" + kept.joined(separator: "/")) {
      kept.removeLast()
    } else {
      kept.append(component)
    }
  }
  return "/" + kept.joined(separator: "/")
}

/// Whether no component is empty or begins with a dot: most paths are so, and every load asks for thousands.
private func isTidy(_ path: String) -> Bool {
  var afterSlash = false
  for byte in path.utf8 {
    if afterSlash, byte == UInt8(ascii: "/") || byte == UInt8(ascii: ".") { return false }
    afterSlash = byte == UInt8(ascii: "/")
  }
  return !afterSlash
}

/// The path without any symbolic link, as the kernel would resolve it; nil when nothing is there.
public func realPath(of path: String) -> String? {
  guard let resolved = realpath(path, nil) else { return nil }
  defer { free(resolved) }
  return String(cString: resolved)
}

/// The directory part of an absolute path: `/srv` for `/srv/app`, `/` for `/srv` and for `/`.
public func directory(of path: String) -> String {
  guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash > path.utf8.startIndex else { return "/" }
  return String(path[..<slash])
}

/// The last component of a path.
public func lastComponent(of path: String) -> String {
  guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
  return String(path[path.utf8.index(after: slash)...])
}

/// `name` inside `directory`.
public func join(_ directory: String, _ name: some StringProtocol) -> String {
  directory == "/" ? "/" + name : directory + "/" + name
}

private func isLink(_ path: String) -> Bool {
  if case .success(let status) = FileStatus.status(ofLink: path) { status.isLink } else { false }
}
