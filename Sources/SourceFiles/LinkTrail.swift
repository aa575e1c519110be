import CLinux
import Glibc

/// What stands behind a path: every directory entry on the way whose change would alter what the path means, symbolic
/// links of links included, and where the way ends.
///
/// With `/srv/app/current -> releases/5`, the trail of `/srv/app/current/App.pm` holds the entries `srv` in `/`, `app`
/// in `/srv`, `current` and `releases` in `/srv/app`, `5` in `/srv/app/releases` and `App.pm` in
/// `/srv/app/releases/5`.
public struct LinkTrail: Equatable, Sendable {
  /// A name in a real directory (one whose path contains no symbolic link).
  public struct Entry: Hashable, Sendable {
    /// What was found at an entry.
    public enum Kind: UInt8, Sendable {
      case directory, link, file, missing
    }
    /// The real directory.
    public var directory: String
    /// The name in it.
    public var name: String
    /// What was found there.
    public var kind: Kind

    /// Makes an entry.
    public init(directory: String, name: String, kind: Kind) {
      self.directory = directory
      self.name = name
      self.kind = kind
    }
  }

  /// Where a way ends; all paths are real.
  public enum End: Hashable, Sendable {
    /// At a directory.
    case directory(String)
    /// At anything else that exists.
    case file(String)
    /// At nothing: the last of the entries is missing, leads in a circle or lies in something that is no directory.
    case missing
  }

  /// The entries on the way, in order.
  public var entries: [Entry]
  /// Where the way ends.
  public var end: End

  /// As many links as the kernel follows before it calls it a circle.
  private static let mostLinks = 40

  /// Follows an absolute path.
  public init(of path: String) {
    self.init(following: path.split(separator: "/").map(String.init), from: "/")
  }

  /// Follows one name from a real directory.
  public init(of name: String, in directory: String) {
    self.init(following: [name], from: directory)
  }

  /// The entry at which something would have to appear, if nothing stands at the path.
  public var missing: Entry? { end == .missing ? entries.last : nil }

  private init(following components: [String], from start: String) {
    entries = []
    end = .missing
    var current = start
    var links = 0
    var rest = Array(components.reversed())
    while let name = rest.popLast() {
      if name == "." { continue }
      if name == ".." {
        current = SourceFiles.directory(of: current)
        continue
      }
      let path = join(current, name)
      guard case .success(let status) = FileStatus.status(ofLink: path) else {
        entries.append(Entry(directory: current, name: name, kind: .missing))
        return
      }
      if status.isLink {
        entries.append(Entry(directory: current, name: name, kind: .link))
        links += 1
        guard links <= Self.mostLinks, let target = Self.target(of: path) else { return }
        if target.hasPrefix("/") { current = "/" }
        rest += target.split(separator: "/").reversed().map(String.init)
      } else if status.isDirectory {
        entries.append(Entry(directory: current, name: name, kind: .directory))
        current = path
      } else {
        entries.append(Entry(directory: current, name: name, kind: .file))
        if rest.isEmpty { end = .file(path) }
        return
      }
    }
    end = .directory(current)
  }

  private static func target(of link: String) -> String? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
      let count = readlink(link, buffer.baseAddress!, buffer.count)
      return count < 0 ? nil : String(decoding: UnsafeRawBufferPointer(buffer).prefix(count), as: UTF8.self)
    }
  }
}
