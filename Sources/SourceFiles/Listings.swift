import CLinux
import Glibc
import ReloadModel

/// The hash of the names in a directory, sorted bytewise and joined with NUL bytes; nil when it cannot be listed.
/// `.`, `..` and what editors leave behind do not count, but locks of Emacs do if it is asked for.
public func listingHash(of directory: String, countingLocks: Bool = false) -> UInt64? {
  guard var names = rawNames(in: directory, countingLocks: countingLocks) else { return nil }
  names.sort { $0.lexicographicallyPrecedes($1) }
  var hasher = XXH64()
  for name in names {
    name.withUnsafeBytes { hasher.update($0) }  // with the NUL byte that ends it
  }
  return hasher.digest()
}

/// A name in a directory and what stands there.
public struct DirectoryEntry: Hashable, Sendable {
  /// The name.
  public var name: String
  /// What stands there itself, links not followed.
  public var kind: LinkTrail.Entry.Kind
}

/// What a directory holds, without `.`, `..` and what editors leave behind, in the kernel's order; nil when it cannot
/// be listed.
public func entries(in directory: String) -> [DirectoryEntry]? {
  var entries: [DirectoryEntry] = []
  let isListed = forEachName(in: directory) { bytes, type in
    guard !EditorLeavings.matches(bytes.dropLast()) else { return }
    let name = String(decoding: bytes.dropLast(), as: UTF8.self)
    entries.append(DirectoryEntry(name: name, kind: kind(type: type, of: name, in: directory)))
  }
  return isListed ? entries : nil
}

/// Most file systems tell the type with the name; for the others it is asked.
private func kind(type: UInt8, of name: String, in directory: String) -> LinkTrail.Entry.Kind {
  switch Int(type) {
  case Int(DT_DIR): return .directory
  case Int(DT_LNK): return .link
  case Int(DT_UNKNOWN):
    guard case .success(let status) = FileStatus.status(ofLink: join(directory, name)) else { return .missing }
    return status.isDirectory ? .directory : status.isLink ? .link : .file
  default: return .file
  }
}

/// Names as bytes, each with the NUL byte that ends it.
private func rawNames(in directory: String, countingLocks: Bool) -> [[UInt8]]? {
  var names: [[UInt8]] = []
  let isListed = forEachName(in: directory) { name, _ in
    let bytes = name.dropLast()
    if !EditorLeavings.matches(bytes) || countingLocks && EditorLeavings.isLock(bytes) { names.append(name) }
  }
  return isListed ? names : nil
}

/// Calls `body` with each name, NUL byte included, and its `d_type`; false when the directory cannot be listed.
private func forEachName(in directory: String, _ body: ([UInt8], UInt8) -> Void) -> Bool {
  let isListed: Bool? = SpareDescriptor.sparing {
    guard let stream = opendir(directory) else { return nil }
    defer { closedir(stream) }
    forEachName(in: stream, body)
    return true
  }
  return isListed ?? false
}

private func forEachName(in stream: OpaquePointer, _ body: ([UInt8], UInt8) -> Void) {
  while let entry = readdir(stream) {
    let name = bytesOfName(entry)
    guard let first = name.first, first != 0 else { continue }
    if name == [UInt8(ascii: "."), 0] || name == [UInt8(ascii: "."), UInt8(ascii: "."), 0] { continue }
    body(name, entry.pointee.d_type)
  }
}

private func bytesOfName(_ entry: UnsafeMutablePointer<dirent>) -> [UInt8] {
  // Through the entry's address: the record that the kernel gave ends with the name, not with the struct.
  let offset = MemoryLayout<dirent>.offset(of: \.d_name)!
  let start = UnsafeRawPointer(entry).advanced(by: offset)
  let count = strlen(start.assumingMemoryBound(to: CChar.self)) + 1
  return Array(UnsafeRawBufferPointer(start: start, count: count))
}
